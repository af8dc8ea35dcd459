package cpufallback

import "nashprune/trainer/network"

// activationStage is an activation that is not joined to a dense layer.
type activationStage[T real] struct {
	engine   *engine[T]
	in, out  *tensor[T]
	function network.Activation
	ones     []T // as many as a row has numbers: nothing is gated here
}

func newActivation[T real](e *engine[T], at place[T], take taker[T]) stage[T] {
	return &activationStage[T]{e, at.in[0], at.out, at.op.(*network.Activate).Function, filled(take(at.out.values.columns))}
}

func (s *activationStage[T]) output() *tensor[T] { return s.out }

func (s *activationStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			activate(s.engine.vectors, s.function, s.out.values.row(b), s.ones, s.in.values.row(b))
		}
	})
}

func (s *activationStage[T]) backward(rows int, _ ask) {
	s.in.receive(rows, func(b int, to []T, add bool) {
		d, u := s.out.derivative.row(b), s.in.values.row(b)
		if s.function == network.ReLU && !add {
			s.engine.vectors.passRectifier(to, d, s.ones, u)
			return
		}
		throughActivation(s.function, d, s.ones, u) // which no stage reads any more
		s.engine.pass(to, d, add)
	})
}
