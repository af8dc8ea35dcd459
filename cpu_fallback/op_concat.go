package cpufallback

// concatStage puts tensors side by side.
type concatStage[T real] struct{ addStage[T] }

func newConcat[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return &concatStage[T]{addStage[T]{e, at.in, at.out}}
}

func (s *concatStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			to := s.out.values.row(b)
			for _, in := range s.in {
				to = to[copy(to, in.values.row(b)):]
			}
		}
	})
}

func (s *concatStage[T]) backward(rows int, _ ask) {
	at := 0
	for _, in := range s.in {
		width := in.values.columns
		in.receive(rows, func(b int, to []T, add bool) { s.engine.pass(to, s.out.derivative.row(b)[at:][:width], add) })
		at += width
	}
}
