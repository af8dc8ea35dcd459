package cpufallback

import (
	"runtime"
	"unsafe"

	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/network"
)

// images is the memory that convolutions share: they compute one after the other.
type images[T real] struct {
	inputs, outputs int // numbers of the largest columns or frames, which a worker has of each
	gradient        int // numbers of the parameters of the largest
	weights         int // numbers of the largest packed weights

	// free holds, for each worker, columns of inputs and of their derivatives, or frames of
	// inputs and of outputs.
	free    chan [2][]T
	partial matrix[T] // gradients over chunks of samples
	packed  []T
}

// onLine returns n numbers from the beginning of a line of the cache on, since vectors that
// lie across two lines are read twice.
func (take taker[T]) onLine(n int) []T {
	const line = 64
	size := int(unsafe.Sizeof(*new(T)))
	v := take(n + line/size)
	if v == nil {
		return nil
	}
	beyond := int(uintptr(unsafe.Pointer(&v[0])) % line)
	return v[(line-beyond)%line/size:][:n:n]
}

// mostImageChunks bounds how many sums over chunks of samples are kept. It is part of the
// arithmetic.
const mostImageChunks = 8

// imagesPerChunk returns how many samples a sum over a chunk has.
func imagesPerChunk(rows int) int {
	return up(max(1, (rows+mostImageChunks-1)/mostImageChunks), rowsPerChunk)
}

// chunksOfImages returns how many chunks there are.
func chunksOfImages(rows int) int { return (rows + imagesPerChunk(rows) - 1) / imagesPerChunk(rows) }

// lay takes the memory for all convolutions that were made.
func (m *images[T]) lay(take, learning taker[T]) {
	workers := min(runtime.GOMAXPROCS(0), mostImageChunks)
	m.free = make(chan [2][]T, workers)
	for range workers {
		m.free <- [2][]T{take.onLine(m.inputs), take.onLine(m.outputs)}
	}
	m.partial = learning.matrix(mostImageChunks, m.gradient)
	m.packed = take(m.weights)
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
	terms   int        // products that an output is the sum of
	itself  bool       // the columns are the input itself
	direct  *direct[T] // or nil
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
	s.itself = s.op.Window == network.Square(1, 1, 0)
	m := &e.images
	if !s.itself {
		columns := s.terms * s.groups * s.positions()
		m.inputs, m.outputs = max(m.inputs, columns), max(m.outputs, columns)
	}
	m.gradient = max(m.gradient, s.group.trained)
	if e.kernels != nil && !s.empty() {
		d := newDirect(e.kernels, s.op.Window, s.from, s.to, s.groups)
		s.direct = d
		m.inputs, m.outputs = max(m.inputs, d.in.size()), max(m.outputs, d.out.size())
		m.gradient, m.weights = max(m.gradient, d.gradient()+s.to[0]), max(m.weights, d.packed())
	}
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
	if s.itself {
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

// isDirect reports whether so many samples are convolved directly: whether they fill half
// the lanes.
func (s *conv2DStage[T]) isDirect(rows int) bool {
	return s.direct != nil && 2*rows >= s.direct.in.lanes
}

// sumPositions adds the derivatives of the outputs of a sample to those of the biases.
func (s *conv2DStage[T]) sumPositions(biases, derivatives []T) {
	positions := s.positions()
	for f := range s.to[0] {
		var sum T
		for _, d := range derivatives[f*positions:][:positions] {
			sum += d
		}
		biases[f] += sum
	}
}

func (s *conv2DStage[T]) forward(rows int) {
	if s.isDirect(rows) {
		s.forwardDirect(rows)
		return
	}
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
	if s.isDirect(rows) {
		s.backwardDirect(rows, ask, inputs, added)
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
				s.sumPositions(s.group.bias(gradient), d)
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
			if !added && (!s.itself || s.empty()) {
				clear(dx)
			}
			if s.empty() {
				continue
			}
			into, beta := memory[1], T(0)
			if s.itself {
				into = dx
				if added {
					beta = 1
				}
			}
			for g := range s.groups {
				e.products.gemm(blas.Trans, blas.NoTrans, s.terms, positions, perGroup, weight[g*perGroup*s.terms:], s.terms,
					d[g*perGroup*positions:], positions, beta, into[g*s.terms*positions:], positions)
			}
			if !s.itself {
				s.addBack(dx, into)
			}
		}
	})
	if ask.weights {
		total := s.group.gradient[:s.group.trained]
		clear(total)
		for chunk := range chunksOfImages(rows) {
			e.vectors.add(total, e.images.partial.row(chunk)[:len(total)])
		}
	}
}
