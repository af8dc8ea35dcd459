package cpufallback

import "nashprune/trainer/network"

// dropoutStage drops numbers in training steps.
type dropoutStage[T real] struct {
	engine  *engine[T]
	in, out *tensor[T]
	op      *network.Dropout
	node    int
}

func newDropout[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return &dropoutStage[T]{e, at.in[0], at.out, at.op.(*network.Dropout), at.Node}
}

func (s *dropoutStage[T]) output() *tensor[T] { return s.out }

func (s *dropoutStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			if s.engine.training {
				s.mask(b, s.in.values.row(b), s.out.values.row(b), false)
			} else {
				copy(s.out.values.row(b), s.in.values.row(b))
			}
		}
	})
}

func (s *dropoutStage[T]) backward(rows int, _ ask) {
	s.in.receive(rows, func(b int, to []T, add bool) {
		if s.engine.training {
			s.mask(b, s.out.derivative.row(b), to, add)
		} else {
			s.engine.pass(to, s.out.derivative.row(b), add)
		}
	})
}

// mask writes what stays of the numbers of sample b, or adds it.
func (s *dropoutStage[T]) mask(b int, from, to []T, add bool) {
	e := s.engine
	words := network.Draws{Seed: e.options.Seed, Step: e.steps + 1}.Masks(s.node, b, len(from))
	scale, threshold := T(s.op.Scale()), s.op.Threshold()
	for i, v := range from {
		var stays T
		if words.Uint32() >= threshold {
			stays = T(scale * v)
		}
		if add {
			stays += to[i]
		}
		to[i] = stays
	}
}
