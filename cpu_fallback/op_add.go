package cpufallback

// addStage is the sum of tensors.
type addStage[T real] struct {
	engine *engine[T]
	in     []*tensor[T]
	out    *tensor[T]
}

func newAdd[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return &addStage[T]{e, at.in, at.out}
}

func (s *addStage[T]) output() *tensor[T] { return s.out }

func (s *addStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			sum := s.out.values.row(b)
			copy(sum, s.in[0].values.row(b))
			for _, in := range s.in[1:] {
				s.engine.vectors.add(sum, in.values.row(b))
			}
		}
	})
}

func (s *addStage[T]) backward(rows int, _ ask) {
	for _, in := range s.in {
		in.receive(rows, func(b int, to []T, add bool) { s.engine.pass(to, s.out.derivative.row(b), add) })
	}
}
