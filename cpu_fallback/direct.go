package cpufallback

import "nashprune/trainer/network"

// kernels are the loops of direct convolutions. Distances and offsets are in numbers.
type kernels[T real] interface {
	// lanes is how many samples are computed at once, one in each lane of a vector.
	lanes() int
	// places is how many positions, or weights of a filter, are computed at once, for
	// filtersPerTile filters.
	places() int
	// toLanes writes lines of samples, which lie stride apart, into lanes. It may write zeros
	// to seven vectors beyond a line.
	toLanes(to, from []T, samples, stride, lines, width, toLine, fromLine int)
	// fromLanes writes so many numbers of samples, which lie stride apart, or adds them.
	fromLanes(to, from []T, samples, stride, width int, add bool)
	// convolve writes what filters give at some places, first those of the first tile: start
	// and then the products of weights with what lies terms from a place. It reads at places
	// from, and writes at places to of channels of so many numbers.
	convolve(out, x []T, from, to, terms []int, start, weights []T, tiles, channel int)
	// correlate adds to the gradient of a tile the products, over a grid, of d in channels of
	// so many numbers with what lies terms from its place in x.
	correlate(gradient, d, x []T, terms []int, channel, dRow int, over grid)
}

const filtersPerTile = 4

// kernelsOf returns the fastest kernels in T on this processor, nil where there are none.
func kernelsOf[T real]() kernels[T] {
	if all := allKernels[T](); len(all) > 0 {
		return all[0]
	}
	return nil
}

// tilesOf returns how many tiles some filters take.
func tilesOf(filters int) int { return (filters + filtersPerTile - 1) / filtersPerTile }

// up returns n rounded up to a multiple.
func up(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }

// frame is images in lanes, with margins of zeros.
type frame struct {
	shape          network.Shape
	top, left      int // margins
	lines, columns int // with margins
	lanes          int
}

func newFrame(shape network.Shape, before, after [2]int, lanes int) frame {
	return frame{shape, before[0], before[1], before[0] + shape[1] + after[0], before[1] + shape[2] + after[1], lanes}
}

func (f frame) line() int    { return f.columns * f.lanes }
func (f frame) channel() int { return f.lines * f.line() }

// at returns where a position is, from the first of the margins on.
func (f frame) at(c, y, x int) int { return c*f.channel() + (f.top+y)*f.line() + (f.left+x)*f.lanes }

// size is the numbers of a frame and of what kernels touch beyond it: the missing filters of
// a tile, and seven vectors.
func (f frame) size() int { return (f.shape[0]+filtersPerTile-1)*f.channel() + 7*f.lanes }

// load fills a frame with rows of m from low to high.
func load[T real](k kernels[T], f frame, to []T, m matrix[T], low, high int) {
	channels, height, width := f.shape[0], f.shape[1], f.shape[2]
	from := m.part(low, high, 0, m.columns)
	if high-low < f.lanes {
		clear(to[:channels*f.channel()])
	}
	if f.lines == height && f.columns == width {
		k.toLanes(to, from, high-low, m.columns, 1, m.columns, 0, 0)
		return
	}
	for c := range channels {
		image := to[c*f.channel():][:f.channel()]
		// A margin at the right and that at the left of the next line are one.
		clear(image[:f.at(0, 0, 0)])
		for y := range height - 1 {
			clear(image[f.at(0, y, width):f.at(0, y+1, 0)])
		}
		clear(image[f.at(0, height-1, width):])
		k.toLanes(to[f.at(c, 0, 0):], from[c*height*width:], high-low, m.columns, height, width, f.line(), width)
	}
}

// grid is the positions that a convolution computes.
type grid struct {
	rows, columns   int
	row, column     int // how far apart they are where it reads
	to              int // the first of them where it writes
	toRow, toColumn int
}

// plan is a convolution of a frame: an output is the sum of a product for each term.
type plan struct {
	grid
	terms   []int // where the terms are from a position on; the last again up to whole places
	weights []int // which weights of the first output the terms meet
	step    int   // from its weights to those of the next output
	group   int   // and to those of the next group
	outputs int   // of a group
}

// tile is the numbers of the weights of a tile.
func (p *plan) tile() int { return filtersPerTile * len(p.weights) }

// pack writes the weights in the order in which kernels read them: for each tile, for each
// term, those of its filters, with zeros where there are no more. It returns what is left.
func pack[T real](p *plan, to, weight []T, groups int) []T {
	for g := range groups {
		for first := 0; first < p.outputs; first += filtersPerTile {
			for _, w := range p.weights {
				for f := range filtersPerTile {
					to[f] = 0
					if first+f < p.outputs {
						to[f] = weight[g*p.group+(first+f)*p.step+w]
					}
				}
				to = to[filtersPerTile:]
			}
		}
	}
	return to
}

// direct is a convolution without columns. Forward it is a convolution of the inputs.
// Backward it is one of the derivatives for each place of the stride: inputs as many apart
// as the stride is meet the same weights.
type direct[T real] struct {
	kernels kernels[T]
	in, out frame
	forward plan
	back    []plan
	groups  int
}

func newDirect[T real](k kernels[T], w network.Window, from, to network.Shape, groups int) *direct[T] {
	d := &direct[T]{kernels: k, groups: groups}
	channels, filters, area, lanes := from[0]/groups, to[0]/groups, w.Kernel[0]*w.Kernel[1], k.lanes()
	d.in = newFrame(from, w.Padding, w.Padding, lanes)
	// The derivatives that the first and the last input meet lie in these margins.
	var before, after [2]int
	for i, kernel := range w.Kernel {
		before[i] = (kernel - 1 - w.Padding[i]) / w.Stride[i]
		after[i] = max(0, (from[i+1]-1+w.Padding[i])/w.Stride[i]-(to[i+1]-1))
	}
	d.out = newFrame(to, before, after, lanes)

	d.forward = plan{
		grid: grid{
			rows: to[1], columns: to[2], row: w.Stride[0] * d.in.line(), column: w.Stride[1] * lanes,
			toRow: to[2] * lanes, toColumn: lanes,
		},
		step: channels * area, group: filters * channels * area, outputs: filters,
	}
	for c := range channels {
		for p := range w.Kernel[0] {
			for q := range w.Kernel[1] {
				d.forward.add(d.in.at(c, p, q)-d.in.at(0, 0, 0), (c*w.Kernel[0]+p)*w.Kernel[1]+q)
			}
		}
	}
	d.forward.fill(k.places())
	for y := range min(w.Stride[0], from[1]) {
		for x := range min(w.Stride[1], from[2]) {
			back := plan{
				grid: grid{
					rows: (from[1]-y-1)/w.Stride[0] + 1, columns: (from[2]-x-1)/w.Stride[1] + 1, row: d.out.line(), column: lanes,
					to: (y*from[2] + x) * lanes, toRow: w.Stride[0] * from[2] * lanes, toColumn: w.Stride[1] * lanes,
				},
				step: area, group: filters * channels * area, outputs: channels,
			}
			for f := range filters {
				for p := (y + w.Padding[0]) % w.Stride[0]; p < w.Kernel[0]; p += w.Stride[0] {
					for q := (x + w.Padding[1]) % w.Stride[1]; q < w.Kernel[1]; q += w.Stride[1] {
						line, column := (y+w.Padding[0]-p)/w.Stride[0], (x+w.Padding[1]-q)/w.Stride[1]
						back.add(d.out.at(f, line, column), (f*channels*w.Kernel[0]+p)*w.Kernel[1]+q)
					}
				}
			}
			d.back = append(d.back, back)
		}
	}
	return d
}

func (p *plan) add(term, weight int) {
	p.terms, p.weights = append(p.terms, term), append(p.weights, weight)
}

// fill makes the number of terms a multiple.
func (p *plan) fill(multiple int) {
	for len(p.terms)%multiple > 0 {
		p.terms = append(p.terms, p.terms[len(p.terms)-1])
	}
}

// packed returns how many numbers the packed weights take, with what outputs start from.
func (d *direct[T]) packed() int {
	forward := d.groups * tilesOf(d.forward.outputs)
	size, back := forward*(filtersPerTile+d.forward.tile()), 0
	for i := range d.back {
		tiles := d.groups * tilesOf(d.back[i].outputs)
		back = max(back, tiles*filtersPerTile) + tiles*d.back[i].tile()
	}
	return max(size, back)
}

// gradient returns how many numbers the gradient of the filters takes in tiles.
func (d *direct[T]) gradient() int {
	return d.groups * tilesOf(d.forward.outputs) * filtersPerTile * len(d.forward.terms)
}

// unpack adds up gradients in tiles and writes them in the order of the weights.
func (d *direct[T]) unpack(to, tiles []T) {
	p := &d.forward
	for g := range d.groups {
		for first := 0; first < p.outputs; first += filtersPerTile {
			for t, w := range p.weights {
				for f := range min(filtersPerTile, p.outputs-first) {
					to[g*p.group+(first+f)*p.step+w] = tiles[t*filtersPerTile+f]
				}
			}
			tiles = tiles[filtersPerTile*len(p.terms):]
		}
	}
}

// convolve runs a plan over a frame and writes channels of so many numbers. It returns the
// packed weights of the next plan.
func (d *direct[T]) convolve(p *plan, out []T, channel int, x []T, from frame, start, weights []T) []T {
	places, tiles := d.kernels.places(), tilesOf(p.outputs)
	at := make([]int, 2*places)
	for g := range d.groups {
		x, out := x[g*from.shape[0]/d.groups*from.channel():], out[g*p.outputs*channel:]
		for i := 0; i < p.rows*p.columns; i += places {
			// Beyond the last position it is computed again.
			for k := range places {
				y, x := p.position(min(i+k, p.rows*p.columns-1))
				at[k], at[places+k] = y*p.row+x*p.column, p.to+y*p.toRow+x*p.toColumn
			}
			d.kernels.convolve(out, x, at[:places], at[places:], p.terms[:len(p.weights)], start, weights, tiles, channel)
		}
		start, weights = start[tiles*filtersPerTile:], weights[tiles*p.tile():]
	}
	return weights
}

func (p *plan) position(i int) (y, x int) { return i / p.columns, i % p.columns }

// correlate adds to gradients in tiles what samples in lanes give.
func (d *direct[T]) correlate(gradient, derivatives, x []T) {
	p, places, channel := &d.forward, d.kernels.places(), d.out.channel()
	for g := range d.groups {
		x := x[g*d.in.shape[0]/d.groups*d.in.channel():]
		for first := 0; first < p.outputs; first += filtersPerTile {
			derivatives := derivatives[d.out.at(g*p.outputs+first, 0, 0):]
			for i := 0; i < len(p.terms); i += places {
				d.kernels.correlate(gradient, derivatives, x, p.terms[i:][:places], channel, d.out.line(), p.grid)
				gradient = gradient[places*filtersPerTile:]
			}
		}
	}
}

// forwardDirect computes the outputs.
func (s *conv2DStage[T]) forwardDirect(rows int) {
	e, d := s.engine, s.direct
	start := e.images.packed[:d.groups*tilesOf(d.forward.outputs)*filtersPerTile]
	weights := e.images.packed[len(start):]
	clear(start)
	if s.op.Bias {
		for f, bias := range s.group.bias(s.group.parameters) {
			start[f/d.forward.outputs*(len(start)/d.groups)+f%d.forward.outputs] = bias
		}
	}
	pack(&d.forward, weights, s.group.of(s.group.parameters, 0), d.groups)
	s.inLanes(rows, func(_, low, high int, memory [2][]T) {
		load(d.kernels, d.in, memory[0], s.in.values, low, high)
		d.convolve(&d.forward, memory[1], s.positions()*d.in.lanes, memory[0], d.in, start, weights)
		m := s.out.values
		d.kernels.fromLanes(m.part(low, high, 0, m.columns), memory[1], high-low, m.columns, m.columns, false)
	})
}

// inLanes calls work for as many samples as there are lanes, with the memory of two frames.
func (s *conv2DStage[T]) inLanes(rows int, work func(chunk, low, high int, memory [2][]T)) {
	lanes := s.direct.in.lanes
	inChunks(rows, imagesPerChunk(rows), func(chunk, low, high int) {
		memory := <-s.engine.images.free
		for ; low < high; low += lanes {
			work(chunk, low, min(low+lanes, high), memory)
		}
		s.engine.images.free <- memory
	})
}

// backwardDirect leaves sums over chunks of samples of the gradients, in tiles and then of
// biases, and the derivatives of the inputs.
func (s *conv2DStage[T]) backwardDirect(rows int, ask ask, inputs, add bool) {
	e, d := s.engine, s.direct
	start, weights := e.images.packed, e.images.packed
	if inputs {
		tiles := 0
		for i := range d.back {
			tiles = max(tiles, d.groups*tilesOf(d.back[i].outputs))
		}
		start, weights = start[:tiles*filtersPerTile], weights[tiles*filtersPerTile:]
		clear(start)
		rest := weights
		for i := range d.back {
			rest = pack(&d.back[i], rest, s.group.of(s.group.parameters, 0), d.groups)
		}
	}
	size := d.gradient() + s.to[0]
	if ask.weights {
		for chunk := range chunksOfImages(rows) {
			clear(e.images.partial.row(chunk)[:size])
		}
	}
	s.inLanes(rows, func(chunk, low, high int, memory [2][]T) {
		load(d.kernels, d.out, memory[1], s.out.derivative, low, high)
		if ask.weights {
			load(d.kernels, d.in, memory[0], s.in.values, low, high)
			d.correlate(e.images.partial.row(chunk), memory[1], memory[0])
			if s.op.Bias {
				biases := e.images.partial.row(chunk)[d.gradient():]
				for b := low; b < high; b++ {
					s.sumPositions(biases, s.out.derivative.row(b))
				}
			}
		}
		if inputs {
			rest, m := weights, s.in.derivative
			for i := range d.back {
				rest = d.convolve(&d.back[i], memory[0], s.from[1:].Size()*d.in.lanes, memory[1], d.out, start, rest)
			}
			d.kernels.fromLanes(m.part(low, high, 0, m.columns), memory[0], high-low, m.columns, m.columns, add)
		}
	})
	if !ask.weights {
		return
	}
	total := e.images.partial.row(0)[:size]
	for chunk := 1; chunk < chunksOfImages(rows); chunk++ {
		e.vectors.add(total, e.images.partial.row(chunk)[:size])
	}
	d.unpack(s.group.of(s.group.gradient, 0), total)
	if s.op.Bias {
		copy(s.group.bias(s.group.gradient), total[d.gradient():])
	}
}
