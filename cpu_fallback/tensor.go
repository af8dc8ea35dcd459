package cpufallback

// tensor is the output of a stage for a batch, a row a sample, with the derivative of
// the mean loss with respect to it.
type tensor[T real] struct {
	values     matrix[T]
	derivative matrix[T] // of zero rows where no stage asks for it
	written    bool      // in this backward pass, by the first of the stages that read it
}

// receive hands rows of the derivative to a stage that reads the tensor, in chunks of
// samples: to write them, or to add to what others wrote.
func (t *tensor[T]) receive(rows int, row func(b int, to []T, add bool)) {
	if t.derivative.rows == 0 {
		return
	}
	add := t.written
	t.written = true
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			row(b, t.derivative.row(b), add)
		}
	})
}

// stage computes the output of some nodes from tensors of earlier ones.
type stage[T real] interface {
	// output is the tensor that the stage writes.
	output() *tensor[T]
	forward(rows int)
	// backward turns the derivative of the output into those of inputs, parameters and
	// players, of each as it is asked.
	backward(rows int, ask ask)
}

// ask says what a backward pass is for.
type ask struct{ weights, contributions bool }

// addStage is the sum of tensors.
type addStage[T real] struct {
	engine *engine[T]
	in     []*tensor[T]
	out    *tensor[T]
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
		in.receive(rows, func(b int, to []T, add bool) { s.pass(to, s.out.derivative.row(b), add) })
	}
}

// pass writes a derivative, or adds it.
func (s *addStage[T]) pass(to, from []T, add bool) {
	if add {
		s.engine.vectors.add(to, from)
	} else {
		copy(to, from)
	}
}

// concatStage puts tensors side by side.
type concatStage[T real] struct{ addStage[T] }

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
		in.receive(rows, func(b int, to []T, add bool) { s.pass(to, s.out.derivative.row(b)[at:][:width], add) })
		at += width
	}
}

// selectStage keeps some of a tensor's numbers.
type selectStage[T real] struct {
	in, out *tensor[T]
	keep    []int
}

func (s *selectStage[T]) output() *tensor[T] { return s.out }

func (s *selectStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			from, to := s.in.values.row(b), s.out.values.row(b)
			for i, k := range s.keep {
				to[i] = from[k]
			}
		}
	})
}

func (s *selectStage[T]) backward(rows int, _ ask) {
	s.in.receive(rows, func(b int, to []T, add bool) {
		if !add {
			clear(to)
		}
		for i, d := range s.out.derivative.row(b) {
			to[s.keep[i]] += d
		}
	})
}
