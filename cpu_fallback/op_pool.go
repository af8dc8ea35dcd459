package cpufallback

import (
	"math"

	"nashprune/trainer/network"
)

// poolStage takes the largest numbers or the means of windows.
type poolStage[T real] struct {
	engine         *engine[T]
	in, out        *tensor[T]
	channels       int
	height, width  int // of the input
	lines, columns []span
	largest        bool // in place of the mean
	share          T    // of an input in a mean
}

// span is the lines or columns, from one up to another, that a window covers.
type span struct{ low, high int }

// spans returns what each position of a window covers of n lines or columns.
func spans(n, positions, kernel, stride, padding int) []span {
	all := make([]span, positions)
	for i := range all {
		all[i] = span{max(0, i*stride-padding), min(n, i*stride-padding+kernel)}
	}
	return all
}

func newPool[T real](e *engine[T], at place[T], w network.Window, largest bool) stage[T] {
	from, to := at.from[0], at.to
	return &poolStage[T]{
		engine: e, in: at.in[0], out: at.out, channels: from[0], height: from[1], width: from[2],
		lines:   spans(from[1], to[1], w.Kernel[0], w.Stride[0], w.Padding[0]),
		columns: spans(from[2], to[2], w.Kernel[1], w.Stride[1], w.Padding[1]),
		largest: largest, share: 1 / T(w.Kernel[0]*w.Kernel[1]),
	}
}

func newMaxPool[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return newPool(e, at, at.op.(*network.MaxPool).Window, true)
}

func newAveragePool[T real](e *engine[T], at place[T], _ taker[T]) stage[T] {
	return newPool(e, at, at.op.(*network.AveragePool).Over(at.from[0]), false)
}

func (s *poolStage[T]) output() *tensor[T] { return s.out }

// each calls visit for every output e with its channel of a sample and what it covers there.
func (s *poolStage[T]) each(sample []T, visit func(e int, image []T, lines, columns span)) {
	e := 0
	for c := range s.channels {
		image := sample[c*s.height*s.width:][:s.height*s.width]
		for _, lines := range s.lines {
			for _, columns := range s.columns {
				visit(e, image, lines, columns)
				e++
			}
		}
	}
}

// largestOf returns what [network.Largest] does of a window. The largest is kept as bits, for
// which the compiler needs no branch: one that nothing predicts takes longer than all else.
func (s *poolStage[T]) largestOf(image []T, lines, columns span) int {
	at, largest := lines.low*s.width+columns.low, math.Float64bits(math.Inf(-1))
	for y := lines.low; y < lines.high; y++ {
		for i := y*s.width + columns.low; i < y*s.width+columns.high; i++ {
			v := float64(image[i])
			if v != v {
				return i
			}
			bits := math.Float64bits(v)
			if v > math.Float64frombits(largest) {
				at, largest = i, bits
			}
		}
	}
	return at
}

func (s *poolStage[T]) forward(rows int) {
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			output := s.out.values.row(b)
			s.each(s.in.values.row(b), func(e int, image []T, lines, columns span) {
				if s.largest {
					output[e] = image[s.largestOf(image, lines, columns)]
					return
				}
				var sum T
				for y := lines.low; y < lines.high; y++ {
					for _, v := range image[y*s.width:][columns.low:columns.high] {
						sum += v
					}
				}
				output[e] = s.share * sum
			})
		}
	})
}

func (s *poolStage[T]) backward(rows int, _ ask) {
	positions, size := len(s.lines)*len(s.columns), s.height*s.width
	s.in.receive(rows, func(b int, to []T, add bool) {
		if !add {
			clear(to)
		}
		derivative := s.out.derivative.row(b)
		s.each(s.in.values.row(b), func(e int, image []T, lines, columns span) {
			d, to := derivative[e], to[e/positions*size:]
			if s.largest {
				to[s.largestOf(image, lines, columns)] += d
				return
			}
			for y := lines.low; y < lines.high; y++ {
				for x := columns.low; x < columns.high; x++ {
					to[y*s.width+x] += T(s.share * d)
				}
			}
		})
	})
}
