package cpufallback

import (
	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/network"
)

// denseStage is a dense layer with its gate and the activation that follows it, where
// it has them: activation(s (W x + b)).
type denseStage[T real] struct {
	engine   *engine[T]
	in, out  *tensor[T]
	group    *group[T]
	gate     *gate[T] // or nil
	function network.Activation
	ones     []T // participations where there is no gate

	// affine is u = Wx+b, a row a sample; without gate and activation it is the output.
	affine      matrix[T]
	biasPartial matrix[T] // sums over a batch: one row a chunk of samples
	rows        sparseRows[T]
}

func newDense[T real](e *engine[T], at place[T], take taker[T]) stage[T] {
	width := at.out.values.columns
	d := &denseStage[T]{engine: e, in: at.in[0], out: at.out, group: e.groupOf(at.Node), gate: at.gate, function: identity}
	if at.Activation >= 0 {
		d.function = e.graph.Nodes[at.Activation].Op.(*network.Activate).Function
	}
	shape := d.group.params[0].Shape
	d.rows = layRows(take, matrix[T]{rows: shape[0], columns: network.Shape(shape[1:]).Size()})
	d.biasPartial = at.learning.matrix(chunksOf(e.batchRows), width)
	if !d.plain() {
		d.affine = take.matrix(e.batchRows, width)
	}
	if d.gate == nil && !d.plain() {
		d.ones = filled(take(width))
	}
	return d
}

// plain reports whether the stage has neither gate nor activation.
func (s *denseStage[T]) plain() bool { return s.gate == nil && s.function == identity }

func (s *denseStage[T]) participation() []T {
	if s.gate != nil {
		return s.gate.participation
	}
	return s.ones
}

func (s *denseStage[T]) output() *tensor[T] { return s.out }

func (s *denseStage[T]) forward(rows int) {
	e, output := s.engine, s.out.values.top(rows)
	affine := output
	if !s.plain() {
		affine = s.affine.top(rows)
	}
	if sparse := s.sparse(); sparse != nil {
		sparse.multiply(s.in.values.top(rows), affine)
	} else {
		e.multiply(blas.NoTrans, blas.Trans, s.in.values.top(rows), s.group.weight(s.group.parameters), affine)
	}
	bias, participation := s.group.bias(s.group.parameters), s.participation()
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			u := affine.row(b)
			e.vectors.add(u, bias)
			if !s.plain() {
				activate(e.vectors, s.function, output.row(b), participation, u)
			}
		}
	})
}

// backward computes the gradient of the mean loss with respect to the parameters and,
// for the gate, mean c and mean c^2 of this batch, where c_b = rows * dz_b * u_b and dz
// is the derivative of the mean loss with respect to z = s u.
func (s *denseStage[T]) backward(rows int, ask ask) {
	e := s.engine
	if s.plain() {
		s.biasGradient(rows)
	} else {
		s.throughGate(rows, ask.contributions && s.gate != nil)
	}
	derivative := s.out.derivative.top(rows)
	if ask.weights {
		e.multiply(blas.Trans, blas.NoTrans, derivative, s.in.values.top(rows), s.group.weight(s.group.gradient))
	}
	if s.in.derivative.rows == 0 {
		return
	}
	into := s.in.derivative.top(rows)
	if !s.in.written {
		s.in.written = true
		e.multiply(blas.NoTrans, blas.NoTrans, derivative, s.group.weight(s.group.parameters), into)
		return
	}
	more := matrix[T]{rows, into.columns, e.scratch[:rows*into.columns]}
	e.multiply(blas.NoTrans, blas.NoTrans, derivative, s.group.weight(s.group.parameters), more)
	s.in.receive(rows, func(b int, to []T, _ bool) { e.vectors.add(to, more.row(b)) })
}

// biasGradient sums the derivatives of a plain layer over the batch.
func (s *denseStage[T]) biasGradient(rows int) {
	bias := s.group.bias(s.group.gradient)
	clear(bias)
	for b := range rows {
		for i, d := range s.out.derivative.row(b) {
			bias[i] += d
		}
	}
}

// playersAtATime is how many players' sums over a chunk of samples are taken at a
// time: few enough that they stay in a core's nearest cache with what they are sums
// of. No sum depends on it.
const playersAtATime = 1024

// throughGate turns the derivative with respect to the outputs into the one with
// respect to u, and sums over the batch what the players and the bias need:
// first within chunks of samples, then over the chunks in their order.
func (s *denseStage[T]) throughGate(rows int, contributions bool) {
	e, g, participation := s.engine, s.gate, s.participation()
	several := contributions && g.points > 1
	width := s.affine.columns
	inChunks(rows, rowsPerChunk, func(chunk, low, high int) {
		for from := 0; from < width; from += playersAtATime {
			to := min(from+playersAtATime, width)
			p, biasSum := participation[from:to], s.biasPartial.row(chunk)[from:to]
			clear(biasSum)
			var means, squares []T
			if contributions {
				means, squares = g.meanPartial.row(chunk)[from:to], g.squarePartial.row(chunk)[from:to]
				clear(means)
				clear(squares)
			}
			derivatives, u := s.out.derivative.part(low, high, from, to), s.affine.part(low, high, from, to)
			switch {
			case s.function == network.ReLU && contributions && !several:
				e.vectors.contribute(T(rows), derivatives, u, width, p, biasSum, means, squares)
			case s.function == network.ReLU && !contributions:
				e.vectors.throughRectifier(derivatives, u, width, p, biasSum)
			default:
				for b := low; b < high; b++ {
					derivative, u := s.out.derivative.row(b)[from:to], s.affine.row(b)[from:to]
					throughActivation(s.function, derivative, p, u)
					switch {
					case several:
						g.addPoint(T(rows), b, from, derivative, u)
					case contributions:
						contribute(T(rows), derivative, u, means, squares)
					}
					throughParticipation(derivative, p, biasSum)
				}
			}
		}
	})
	e.addRows(s.group.bias(s.group.gradient), s.biasPartial.top(chunksOf(rows)))
	switch {
	case several:
		e.endPoint(g, rows)
	case contributions:
		e.average(g, rows)
	}
}

func (s *denseStage[T]) gated() *gate[T] { return s.gate }

func (s *denseStage[T]) act(rows int, effects matrix[T]) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			into, u := effects.row(b), s.affine.row(b)
			for i, du := range s.out.derivative.row(b) {
				if du != 0 { // u may be infinite where the rectifier is closed
					into[i] += T(rows) * du * u[i]
				}
			}
		}
	})
}
