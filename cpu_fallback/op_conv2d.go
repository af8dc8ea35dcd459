package cpufallback

import (
	"runtime"

	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/network"
)

// images is the memory that convolutions share: they compute one after the other.
type images[T real] struct {
	columns  int // numbers of the columns of the largest convolution, for one sample
	gradient int // numbers of the parameters of the largest

	// free holds, for each worker, columns of inputs and of their derivatives.
	free    chan [2][]T
	partial matrix[T] // gradients over chunks of samples
}

// mostImageChunks bounds how many sums over chunks of samples are kept. It is part of the
// arithmetic.
const mostImageChunks = 8

// imagesPerChunk returns how many samples a sum over a chunk has.
func imagesPerChunk(rows int) int {
	return max(rowsPerChunk, (rows+mostImageChunks-1)/mostImageChunks)
}

// lay takes the memory for all convolutions that were made.
func (m *images[T]) lay(take taker[T]) {
	workers := min(runtime.GOMAXPROCS(0), mostImageChunks)
	m.free = make(chan [2][]T, workers)
	for range workers {
		m.free <- [2][]T{take(m.columns), take(m.columns)}
	}
	m.partial = take.matrix(mostImageChunks, m.gradient)
}

// conv2DStage is a convolution: a product of the filters with the columns of each sample,
// which are the inputs that each position of the kernel meets.
type conv2DStage[T real] struct {
	engine  *engine[T]
	in, out *tensor[T]
	group   *group[T]
	op      *network.Conv2D
	from    network.Shape
	to      network.Shape
	groups  int
	terms   int  // products that an output is the sum of
	direct  bool // the columns are the input itself
}

func newConv2D[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	s := &conv2DStage[T]{
		engine: e, in: at.in[0], out: at.out, group: e.groupOf(at.Node), op: at.op.(*network.Conv2D), from: at.from[0], to: at.to,
	}
	s.terms = network.Shape(s.group.params[0].Shape[1:]).Size()
	s.groups = max(1, s.op.Groups)
	if s.op.Depthwise {
		s.groups = max(1, s.from[0])
	}
	s.direct = s.op.Window == network.Square(1, 1, 0)
	if !s.direct {
		e.images.columns = max(e.images.columns, s.terms*s.groups*s.positions())
	}
	e.images.gradient = max(e.images.gradient, s.group.trained)
	return s
}

func (s *conv2DStage[T]) output() *tensor[T] { return s.out }

// positions returns how many positions the kernel has.
func (s *conv2DStage[T]) positions() int { return s.to[1:].Size() }

// empty reports whether there is nothing to multiply.
func (s *conv2DStage[T]) empty() bool { return s.to[0] == 0 || s.terms == 0 || s.from[0] == 0 }

// stripe is a row of the columns: what one place of the kernel meets of one input channel.
type stripe struct {
	rows, columns [2]int // positions, from one up to another, that meet inputs and no zeros
	input         int    // what the first of them meets
}

// stripes calls visit for each row of the columns.
func (s *conv2DStage[T]) stripes(visit func(row int, at stripe)) {
	w, row := s.op.Window, 0
	for c := range s.from[0] {
		for p := range w.Kernel[0] {
			for q := range w.Kernel[1] {
				var at stripe
				at.rows[0], at.rows[1] = w.Inside(0, p, s.from[1], s.to[1])
				at.columns[0], at.columns[1] = w.Inside(1, q, s.from[2], s.to[2])
				line, column := at.rows[0]*w.Stride[0]-w.Padding[0]+p, at.columns[0]*w.Stride[1]-w.Padding[1]+q
				at.input = (c*s.from[1]+line)*s.from[2] + column
				if at.columns[0] == at.columns[1] {
					at.rows[1] = at.rows[0]
				}
				visit(row, at)
				row++
			}
		}
	}
}

// clearEdges sets the positions of a row of the columns to zero that meet none of the inputs.
func (s *conv2DStage[T]) clearEdges(v []T, at stripe) {
	width, low, high := s.to[2], at.columns[0], at.columns[1]
	clear(v[:at.rows[0]*width])
	clear(v[at.rows[1]*width:])
	if low == 0 && high == width {
		return
	}
	for y := at.rows[0]; y < at.rows[1]; y++ {
		clear(v[y*width:][:low])
		clear(v[y*width+high : (y+1)*width])
	}
}

// isShift reports whether a row of the columns is the channel itself, moved by some numbers,
// but for its edges.
func (s *conv2DStage[T]) isShift() bool {
	return s.op.Stride == [2]int{1, 1} && s.to[2] == s.from[2]
}

// columnsOf writes the columns of a sample, a row a product and a column a position.
func (s *conv2DStage[T]) columnsOf(x, columns []T) []T {
	if s.direct {
		return x
	}
	positions, width, shift := s.positions(), s.to[2], s.isShift()
	down, across := s.op.Stride[0]*s.from[2], s.op.Stride[1]
	s.stripes(func(row int, at stripe) {
		v, low, n := columns[row*positions:][:positions], at.columns[0], at.columns[1]-at.columns[0]
		if rows := at.rows[1] - at.rows[0]; shift && rows > 0 {
			copy(v[at.rows[0]*width+low:][:(rows-1)*width+n], x[at.input:])
			s.clearEdges(v, at)
			return
		}
		s.clearEdges(v, at)
		for y, i := at.rows[0], at.input; y < at.rows[1]; y, i = y+1, i+down {
			to := v[y*width+low:][:n]
			if across == 1 {
				copy(to, x[i:])
				continue
			}
			for k := range to {
				to[k] = x[i+k*across]
			}
		}
	})
	return columns
}

// addBack is the transpose of columnsOf: it adds to dx what the columns are derivatives of.
// It leaves zeros in the columns where there were none of the inputs.
func (s *conv2DStage[T]) addBack(dx, columns []T) {
	positions, width, shift := s.positions(), s.to[2], s.isShift()
	down, across := s.op.Stride[0]*s.from[2], s.op.Stride[1]
	s.stripes(func(row int, at stripe) {
		v, low, n := columns[row*positions:][:positions], at.columns[0], at.columns[1]-at.columns[0]
		if rows := at.rows[1] - at.rows[0]; shift && rows > 0 {
			s.clearEdges(v, at)
			length := (rows-1)*width + n
			s.engine.vectors.add(dx[at.input:][:length], v[at.rows[0]*width+low:][:length])
			return
		}
		for y, i := at.rows[0], at.input; y < at.rows[1]; y, i = y+1, i+down {
			from := v[y*width+low:][:n]
			if across == 1 {
				s.engine.vectors.add(dx[i:][:n], from)
				continue
			}
			for k, d := range from {
				dx[i+k*across] += d
			}
		}
	})
}

func (s *conv2DStage[T]) forward(rows int) {
	e, weight, positions := s.engine, s.group.of(s.group.parameters, 0), s.positions()
	perGroup := s.to[0] / s.groups
	inChunks(rows, imagesPerChunk(rows), func(_, low, high int) {
		memory := <-e.images.free
		defer func() { e.images.free <- memory }()
		for b := low; b < high; b++ {
			u := s.out.values.row(b)
			var beta T
			if s.op.Bias {
				beta = 1
				for f, bias := range s.group.bias(s.group.parameters) {
					for i := range u[f*positions:][:positions] {
						u[f*positions+i] = bias
					}
				}
			}
			if s.empty() {
				if beta == 0 {
					clear(u)
				}
				continue
			}
			columns := s.columnsOf(s.in.values.row(b), memory[0])
			for g := range s.groups {
				e.products.gemm(blas.NoTrans, blas.NoTrans, perGroup, positions, s.terms, weight[g*perGroup*s.terms:], s.terms,
					columns[g*s.terms*positions:], positions, beta, u[g*perGroup*positions:], positions)
			}
		}
	})
}

// backward computes the gradients of filters and biases, by chunks of samples, and the
// derivative of the inputs.
func (s *conv2DStage[T]) backward(rows int, ask ask) {
	e, weight, positions := s.engine, s.group.of(s.group.parameters, 0), s.positions()
	inputs, added := s.in.derivative.rows > 0, s.in.written
	s.in.written = true
	if !inputs && !ask.weights {
		return
	}
	perGroup := s.to[0] / s.groups
	inChunks(rows, imagesPerChunk(rows), func(chunk, low, high int) {
		memory := <-e.images.free
		defer func() { e.images.free <- memory }()
		var gradient []T
		if ask.weights {
			gradient = e.images.partial.row(chunk)[:s.group.trained]
			clear(gradient)
		}
		for b := low; b < high; b++ {
			d := s.out.derivative.row(b)
			if ask.weights && s.op.Bias {
				for f := range s.group.bias(gradient) {
					var sum T
					for _, d := range d[f*positions:][:positions] {
						sum += d
					}
					s.group.bias(gradient)[f] += sum
				}
			}
			if ask.weights && !s.empty() {
				columns := s.columnsOf(s.in.values.row(b), memory[0])
				for g := range s.groups {
					e.products.gemm(blas.NoTrans, blas.Trans, perGroup, s.terms, positions, d[g*perGroup*positions:], positions,
						columns[g*s.terms*positions:], positions, 1, gradient[g*perGroup*s.terms:], s.terms)
				}
			}
			if !inputs {
				continue
			}
			dx := s.in.derivative.row(b)
			if !added && (!s.direct || s.empty()) {
				clear(dx)
			}
			if s.empty() {
				continue
			}
			into, beta := memory[1], T(0)
			if s.direct {
				into = dx
				if added {
					beta = 1
				}
			}
			for g := range s.groups {
				e.products.gemm(blas.Trans, blas.NoTrans, s.terms, positions, perGroup, weight[g*perGroup*s.terms:], s.terms,
					d[g*perGroup*positions:], positions, beta, into[g*s.terms*positions:], positions)
			}
			if !s.direct {
				s.addBack(dx, into)
			}
		}
	})
	if ask.weights {
		chunks := (rows + imagesPerChunk(rows) - 1) / imagesPerChunk(rows)
		total := s.group.gradient[:s.group.trained]
		clear(total)
		for chunk := range chunks {
			e.vectors.add(total, e.images.partial.row(chunk)[:len(total)])
		}
	}
}
