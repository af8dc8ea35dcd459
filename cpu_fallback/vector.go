package cpufallback

import (
	"math"

	"nashprune/trainer"
)

// vectors computes number by number what a step needs besides matrix products. All
// slices of a call have the length of the first and do not overlap. Every
// implementation gives the same bits.
type vectors[T real] interface {
	// add is to <- to + v.
	add(to, v []T)
	// rectify is output <- max(s u, 0). NaN stays NaN.
	rectify(output, s, u []T)
	// throughRectifier turns derivatives with respect to the outputs of a sample
	// into those with respect to u, and adds them to sum: where s u > 0,
	// derivative <- s derivative and sum <- sum + derivative, else
	// derivative <- 0.
	throughRectifier(derivative, s, u, sum []T)
	// contribute adds the contributions of a sample and their squares to sums over
	// the batch: where s u > 0, with c = rows derivative u, means <- means + c and
	// squares <- squares + c^2. The derivative is that with respect to the outputs.
	// Both look at u and not at the output, so that statistics fetch no matrix from
	// memory that the gradient does not fetch.
	contribute(rows T, derivative, s, u, means, squares []T)
	// momentum is m <- momentum m + g, w <- w - rate m.
	momentum(w, g, m []T, rate, momentum T)
	// adam is m <- m + (1-beta1) (g - m), v <- v + (1-beta2) (g^2 - v),
	// w <- w - rate m / (sqrt(scale v) + epsilon), with the betas and epsilon of
	// [trainer.Adam]. Its corrections are those of rate and scale.
	adam(w, g, m, v []T, rate, scale T)
}

// loops are plain loops. Conversions of products keep compilers from rounding a
// product and a sum at once, which some processors can do: all give the same bits.
type loops[T real] struct{}

func (loops[T]) add(to, v []T) {
	v = v[:len(to)]
	for i := range to {
		to[i] += v[i]
	}
}

func (loops[T]) rectify(output, s, u []T) {
	s, u = s[:len(output)], u[:len(output)]
	for i := range output {
		output[i] = max(s[i]*u[i], 0)
	}
}

func (loops[T]) throughRectifier(derivative, s, u, sum []T) {
	n := len(derivative)
	s, u, sum = s[:n], u[:n], sum[:n]
	for i, dz := range derivative {
		if T(s[i]*u[i]) > 0 {
			du := T(s[i] * dz)
			derivative[i] = du
			sum[i] += du
		} else {
			derivative[i] = 0
		}
	}
}

func (loops[T]) contribute(rows T, derivative, s, u, means, squares []T) {
	n := len(derivative)
	s, u, means, squares = s[:n], u[:n], means[:n], squares[:n]
	for i, dz := range derivative {
		if T(s[i]*u[i]) > 0 {
			c := T(rows * dz * u[i])
			means[i] += c
			squares[i] += T(c * c)
		}
	}
}

func (loops[T]) momentum(w, g, m []T, rate, momentum T) {
	g, m = g[:len(w)], m[:len(w)]
	for i := range w {
		m[i] = T(momentum*m[i]) + g[i]
		w[i] -= T(rate * m[i])
	}
}

func (loops[T]) adam(w, g, m, v []T, rate, scale T) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i := range w {
		m[i] += T((1 - trainer.AdamBeta1) * (g[i] - m[i]))
		v[i] += T((1 - trainer.AdamBeta2) * (T(g[i]*g[i]) - v[i]))
		w[i] -= T(rate*m[i]) / (T(math.Sqrt(float64(T(v[i]*scale)))) + trainer.AdamEpsilon)
	}
}
