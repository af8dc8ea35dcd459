package cpufallback

import "nashprune/trainer/network"

// flattenStage keeps some features of a tensor, or all where they have a gate: without one it
// is a view.
type flattenStage[T real] struct {
	in, out *tensor[T]
	keep    []int
}

func newFlatten[T real](_ *engine[T], at place[T], _ taker[T]) stage[T] {
	keep := at.op.(*network.Flatten).Keep
	if keep == nil {
		keep = network.Indices(at.to.Size())
	}
	return &flattenStage[T]{at.in[0], at.out, keep}
}

// newBranch makes the stage of a branch that has a gate: without one it is a view.
func newBranch[T real](_ *engine[T], at place[T], _ taker[T]) stage[T] {
	return &flattenStage[T]{at.in[0], at.out, network.Indices(at.to.Size())}
}

func (s *flattenStage[T]) output() *tensor[T] { return s.out }

func (s *flattenStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			from, to := s.in.values.row(b), s.out.values.row(b)
			for i, k := range s.keep {
				to[i] = from[k]
			}
		}
	})
}

func (s *flattenStage[T]) backward(rows int, _ ask) {
	s.in.receive(rows, func(b int, to []T, add bool) {
		if !add {
			clear(to)
		}
		for i, d := range s.out.derivative.row(b) {
			to[s.keep[i]] += d
		}
	})
}
