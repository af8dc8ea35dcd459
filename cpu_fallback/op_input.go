package cpufallback

// inputStage is the samples, and their gate where inputs are players.
type inputStage[T real] struct {
	engine *engine[T]
	out    *tensor[T]
	gate   *gate[T] // or nil
	inner  int      // numbers that each player multiplies
}

// newInput lays out the inputs. They have a derivative only where they are gated.
func newInput[T real](e *engine[T], at place[T], take taker[T]) stage[T] {
	e.batch = at.out.values
	if at.gate != nil {
		at.out.values = take.matrix(e.batchRows, at.out.values.columns)
		at.out.derivative = take.matrix(e.batchRows, at.out.values.columns)
	}
	return &inputStage[T]{engine: e, out: at.out, gate: at.gate, inner: e.graph.Nodes[0].Shape[1:].Size()}
}

func (s *inputStage[T]) output() *tensor[T] { return s.out }

func (s *inputStage[T]) forward(rows int) {
	if s.gate == nil {
		return
	}
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			to := s.out.values.row(b)
			for i, x := range s.engine.batch.row(b) {
				to[i] = s.gate.participation[i/s.inner] * x
			}
		}
	})
}

func (s *inputStage[T]) backward(rows int, ask ask) {
	if s.gate == nil || !ask.contributions {
		return
	}
	g := s.gate
	inChunks(rows, rowsPerChunk, func(chunk, low, high int) {
		means, squares := g.meanPartial.row(chunk), g.squarePartial.row(chunk)
		clear(means)
		clear(squares)
		for b := low; b < high; b++ {
			x, d := s.engine.batch.row(b), s.out.derivative.row(b)
			for player := range means {
				var c T
				for i := player * s.inner; i < (player+1)*s.inner; i++ {
					c += T(rows) * d[i] * x[i]
				}
				means[player] += c
				squares[player] += T(c * c)
			}
		}
	})
	s.engine.average(g, rows)
}

func (s *inputStage[T]) gated() *gate[T] { return s.gate }

func (s *inputStage[T]) act(rows int, effects matrix[T]) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			into, z := effects.row(b), s.out.values.row(b)
			for i, d := range s.out.derivative.row(b) {
				into[i/s.inner] += T(rows) * d * z[i]
			}
		}
	})
}
