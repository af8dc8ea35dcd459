package cpufallback

import (
	"math"

	"nashprune/trainer/backend"
)

// update moves all parameters by one step of the optimiser, weights after they were
// multiplied with shrink.
func (e *engine[T]) update(rate, shrink float64) {
	e.steps++
	e.changes++
	o := e.options.Optimiser
	scale := e.clipping()
	for _, l := range e.groups {
		inChunks(l.trained, numbersPerChunk, func(_, low, high int) {
			decaying := min(max(l.weights-low, 0), high-low)
			w, g, m := l.theta[low:high], l.gradient[low:high], l.first[low:high]
			if scale != 1 || o.Coupled() != 0 {
				g = adjusted(g, w[:decaying], scale, T(o.Coupled()))
			}
			if shrink := T(shrink); shrink != 1 {
				for i := range w[:decaying] {
					w[i] *= shrink
				}
			}
			switch o.Kind {
			case backend.Adam, backend.AdamW:
				e.adam(w, g, m, l.second[low:high], rate)
			case backend.RMSProp:
				rmsProp(w, g, m, l.second[low:high], T(rate), T(o.Momentum))
			default:
				e.vectors.momentum(w, g, m, T(rate), T(o.Momentum))
			}
		})
	}
}

// adjusted returns scale g, and decay w more for the first numbers of w.
func adjusted[T real](g, w []T, scale, decay T) []T {
	to := make([]T, len(g))
	for i, g := range g {
		to[i] = scale * g
	}
	for i, w := range w {
		to[i] += T(decay * w)
	}
	return to
}

// clipping returns what to multiply gradients with so that all of them together are
// no longer than the optimiser allows.
func (e *engine[T]) clipping() T {
	longest := e.options.Optimiser.ClipNorm
	if longest == 0 {
		return 1
	}
	total := 0.
	for _, l := range e.groups {
		squares := make([]float64, (l.trained+numbersPerChunk-1)/numbersPerChunk)
		inChunks(l.trained, numbersPerChunk, func(chunk, low, high int) {
			for _, g := range l.gradient[low:high] {
				squares[chunk] += float64(g) * float64(g)
			}
		})
		for _, square := range squares {
			total += square
		}
	}
	if norm := math.Sqrt(total); norm > longest {
		return T(longest / norm)
	}
	return 1
}

// rmsProp is v <- memory v + (1-memory) g^2, m <- momentum m + g/(sqrt(v)+epsilon),
// w <- w - rate m.
func rmsProp[T real](w, g, m, v []T, rate, momentum T) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		v[i] += T((1 - backend.RMSPropMemory) * (T(g[i]*g[i]) - v[i]))
		m[i] = T(momentum*m[i]) + g[i]/(T(math.Sqrt(float64(v[i])))+backend.AdamEpsilon)
		w[i] -= T(rate * m[i])
	}
}

// adam is algorithm 1 of arXiv:1412.6980 at the engine's step, the first of which
// is number 1.
func (e *engine[T]) adam(w, g, m, v []T, rate float64) {
	first := 1 - math.Pow(backend.AdamBeta1, float64(e.steps))
	second := 1 - math.Pow(backend.AdamBeta2, float64(e.steps))
	e.vectors.adam(w, g, m, v, T(rate/first), T(1/second))
}
