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
	terms   []int // where the terms are from a position on; forward the last again, up to whole places
	weights []int // which weights of the first output the terms meet
	step    int   // from its weights to those of the next output
	group   int   // and to those of the next group
	outputs int   // of a group
}

// tile is the numbers of the packed weights of a tile, size those of all groups.
func (p *plan) tile() int           { return filtersPerTile * len(p.weights) }
func (p *plan) size(groups int) int { return groups * tilesOf(p.outputs) * p.tile() }

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
	d := &direct[T]{kernels: k, in: newFrame(from, w.Padding, w.Padding, k.lanes()), groups: groups}
	// The derivatives that the first and the last input meet lie in these margins.
	var before, after [2]int
	for i, kernel := range w.Kernel {
		before[i] = (kernel - 1 - w.Padding[i]) / w.Stride[i]
		after[i] = max(0, (from[i+1]-1+w.Padding[i])/w.Stride[i]-(to[i+1]-1))
	}
	d.out = newFrame(to, before, after, k.lanes())
	d.planForward(w)
	for y := range min(w.Stride[0], from[1]) {
		for x := range min(w.Stride[1], from[2]) {
			d.planBack(w, y, x)
		}
	}
	return d
}

func (d *direct[T]) planForward(w network.Window) {
	lanes, channels, filters, area := d.in.lanes, d.in.shape[0]/d.groups, d.out.shape[0]/d.groups, w.Kernel[0]*w.Kernel[1]
	p := plan{
		grid: grid{
			rows: d.out.shape[1], columns: d.out.shape[2], row: w.Stride[0] * d.in.line(), column: w.Stride[1] * lanes,
			toRow: d.out.shape[2] * lanes, toColumn: lanes,
		},
		step: channels * area, group: filters * channels * area, outputs: filters,
	}
	for c := range channels {
		for y := range w.Kernel[0] {
			for x := range w.Kernel[1] {
				p.add(d.in.at(c, y, x)-d.in.at(0, 0, 0), (c*w.Kernel[0]+y)*w.Kernel[1]+x)
			}
		}
	}
	for len(p.terms)%d.kernels.places() > 0 {
		p.terms = append(p.terms, p.terms[len(p.terms)-1])
	}
	d.forward = p
}

// planBack plans the derivatives of the inputs from line y and column x on, as far apart as
// the stride is.
func (d *direct[T]) planBack(w network.Window, y, x int) {
	lanes, channels, filters, area := d.in.lanes, d.in.shape[0]/d.groups, d.out.shape[0]/d.groups, w.Kernel[0]*w.Kernel[1]
	height, width := d.in.shape[1], d.in.shape[2]
	p := plan{
		grid: grid{
			rows: (height-y-1)/w.Stride[0] + 1, columns: (width-x-1)/w.Stride[1] + 1, row: d.out.line(), column: lanes,
			to: (y*width + x) * lanes, toRow: w.Stride[0] * width * lanes, toColumn: w.Stride[1] * lanes,
		},
		step: area, group: filters * channels * area, outputs: channels,
	}
	y, x = y+w.Padding[0], x+w.Padding[1]
	for f := range filters {
		for i := y % w.Stride[0]; i < w.Kernel[0]; i += w.Stride[0] {
			for j := x % w.Stride[1]; j < w.Kernel[1]; j += w.Stride[1] {
				p.add(d.out.at(f, (y-i)/w.Stride[0], (x-j)/w.Stride[1]), (f*channels*w.Kernel[0]+i)*w.Kernel[1]+j)
			}
		}
	}
	d.back = append(d.back, p)
}

func (p *plan) add(term, weight int) {
	p.terms, p.weights = append(p.terms, term), append(p.weights, weight)
}

// starts returns how many numbers the outputs of all groups start from, at most.
func (d *direct[T]) starts() int {
	most := d.groups * tilesOf(d.forward.outputs)
	for i := range d.back {
		most = max(most, d.groups*tilesOf(d.back[i].outputs))
	}
	return filtersPerTile * most
}

// packed returns how many numbers those and the packed weights take.
func (d *direct[T]) packed() int {
	back := 0
	for i := range d.back {
		back += d.back[i].size(d.groups)
	}
	return d.starts() + max(d.forward.size(d.groups), back)
}

// gradient returns how many numbers the gradient of the filters takes in tiles.
func (d *direct[T]) gradient() int {
	return d.groups * tilesOf(d.forward.outputs) * filtersPerTile * len(d.forward.terms)
}

// unpack writes gradients in tiles in the order of the weights.
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
				position := min(i+k, p.rows*p.columns-1)
				y, x := position/p.columns, position%p.columns
				at[k], at[places+k] = y*p.row+x*p.column, p.to+y*p.toRow+x*p.toColumn
			}
			d.kernels.convolve(out, x, at[:places], at[places:], p.terms[:len(p.weights)], start, weights, tiles, channel)
		}
		start, weights = start[tiles*filtersPerTile:], weights[tiles*p.tile():]
	}
	return weights
}

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
	start, weights := e.images.packed[:d.starts()], e.images.packed[d.starts():]
	clear(start)
	if s.op.Bias {
		perGroup := d.forward.outputs
		for f, bias := range s.group.bias(s.group.parameters) {
			start[f/perGroup*up(perGroup, filtersPerTile)+f%perGroup] = bias
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
	start, weights := e.images.packed[:d.starts()], e.images.packed[d.starts():]
	if inputs {
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
