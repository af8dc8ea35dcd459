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

// spread visits the rows of the columns: of input channel c the place i of the first input
// that n positions from at on meet, every stride; positions before and after meet zeros.
func (s *conv2DStage[T]) spread(visit func(row, y, low, high, i int)) {
	w, row := s.op.Window, 0
	for c := range s.from[0] {
		for p := range w.Kernel[0] {
			for q := range w.Kernel[1] {
				low, high := w.Inside(1, q, s.from[2], s.to[2])
				for y := range s.to[1] {
					line := y*w.Stride[0] - w.Padding[0] + p
					if line < 0 || line >= s.from[1] || low >= high {
						visit(row, y, 0, 0, 0)
					} else {
						visit(row, y, low, high, (c*s.from[1]+line)*s.from[2]+low*w.Stride[1]-w.Padding[1]+q)
					}
				}
				row++
			}
		}
	}
}

// columnsOf writes the columns of a sample, a row a product and a column a position.
func (s *conv2DStage[T]) columnsOf(x, columns []T) []T {
	if s.direct {
		return x
	}
	positions, width, stride := s.positions(), s.to[2], s.op.Stride[1]
	s.spread(func(row, y, low, high, i int) {
		to := columns[row*positions+y*width:][:width]
		clear(to[:low])
		clear(to[high:])
		if stride == 1 {
			copy(to[low:high], x[i:])
			return
		}
		for k := low; k < high; k++ {
			to[k] = x[i]
			i += stride
		}
	})
	return columns
}

// addBack is the transpose of columnsOf: it adds to dx what the columns are derivatives of.
func (s *conv2DStage[T]) addBack(dx, columns []T) {
	positions, width, stride := s.positions(), s.to[2], s.op.Stride[1]
	s.spread(func(row, y, low, high, i int) {
		from := columns[row*positions+y*width:][:width]
		if stride == 1 {
			s.engine.vectors.add(dx[i:][:high-low], from[low:high])
			return
		}
		for k := low; k < high; k++ {
			dx[i] += from[k]
			i += stride
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
	perGroup, chunks := s.to[0]/s.groups, 0
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
		chunks = (rows + imagesPerChunk(rows) - 1) / imagesPerChunk(rows)
		total := s.group.gradient[:s.group.trained]
		clear(total)
		for chunk := range chunks {
			e.vectors.add(total, e.images.partial.row(chunk)[:len(total)])
		}
	}
}
