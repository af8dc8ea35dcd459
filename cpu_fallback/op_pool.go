package cpufallback

import "nashprune/trainer/network"

// poolStage takes the largest numbers or the means of windows.
type poolStage[T real] struct {
	engine   *engine[T]
	in, out  *tensor[T]
	window   network.Window
	from, to network.Shape
	largest  bool // in place of the mean
}

func newMaxPool[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return &poolStage[T]{e, at.in[0], at.out, at.op.(*network.MaxPool).Window, at.from[0], at.to, true}
}

func newAveragePool[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return &poolStage[T]{e, at.in[0], at.out, at.op.(*network.AveragePool).Over(at.from[0]), at.from[0], at.to, false}
}

func (s *poolStage[T]) output() *tensor[T] { return s.out }

// share is what an input has of a mean.
func (s *poolStage[T]) share() T { return 1 / T(s.window.Kernel[0]*s.window.Kernel[1]) }

func (s *poolStage[T]) forward(rows int) {
	share := s.share()
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			x, y := s.in.values.row(b), s.out.values.row(b)
			s.window.Each(s.from, s.to, func(e int, inputs []int) {
				if s.largest {
					y[e] = x[network.Largest(x, inputs)]
					return
				}
				var sum T
				for _, i := range inputs {
					sum += x[i]
				}
				y[e] = share * sum
			})
		}
	})
}

func (s *poolStage[T]) backward(rows int, _ ask) {
	share := s.share()
	s.in.receive(rows, func(b int, to []T, add bool) {
		if !add {
			clear(to)
		}
		x, d := s.in.values.row(b), s.out.derivative.row(b)
		s.window.Each(s.from, s.to, func(e int, inputs []int) {
			if s.largest {
				to[network.Largest(x, inputs)] += d[e]
				return
			}
			for _, i := range inputs {
				to[i] += T(share * d[e])
			}
		})
	})
}
