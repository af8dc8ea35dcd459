package cpufallback

import (
	"math"

	"nashprune/trainer/backend"
)

// vectors computes number by number what a step needs besides matrix products. The
// slices of a call do not overlap and are of one length, but where there is a stride:
// there derivatives and u are matrices of the same size, with a row a sample of as many
// numbers as s and the sums have, whose rows begin stride numbers apart. Every
// implementation gives the same bits.
type vectors[T real] interface {
	// add is to <- to + v.
	add(to, v []T)
	// rectify is output <- max(s u, 0). NaN stays NaN.
	rectify(output, s, u []T)
	// throughRectifier turns derivatives with respect to the outputs of some samples
	// into those with respect to u, and adds them to sum, sample by sample: where
	// s u > 0, derivative <- s derivative and sum <- sum + derivative, else
	// derivative <- 0. It looks at u and not at the output, so that statistics fetch no
	// matrix from memory that the gradient does not fetch.
	throughRectifier(derivatives, u []T, stride int, s, sum []T)
	// contribute does the same, and adds the contributions and their squares to
	// sums: where s u > 0, with c = rows derivative u and the derivative with respect
	// to the output, means <- means + c and squares <- squares + c^2.
	contribute(rows T, derivatives, u []T, stride int, s, sum, means, squares []T)
	// momentum is m <- momentum m + g, w <- w - rate m.
	momentum(w, g, m []T, rate, momentum T)
	// adam is m <- m + (1-beta1) (g - m), v <- v + (1-beta2) (g^2 - v),
	// w <- w - rate m / (sqrt(scale v) + epsilon), with the betas and epsilon of
	// [backend.Adam]. Its corrections are those of rate and scale.
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

func (loops[T]) throughRectifier(derivatives, u []T, stride int, s, sum []T) {
	n := len(s)
	sum = sum[:n]
	for ; len(derivatives) >= max(n, 1); derivatives, u = below(derivatives, stride), below(u, stride) {
		derivative, u := derivatives[:n], u[:n]
		for i, s := range s {
			if T(s*u[i]) > 0 {
				du := T(s * derivative[i])
				derivative[i] = du
				sum[i] += du
			} else {
				derivative[i] = 0
			}
		}
	}
}

func (loops[T]) contribute(rows T, derivatives, u []T, stride int, s, sum, means, squares []T) {
	n := len(s)
	sum, means, squares = sum[:n], means[:n], squares[:n]
	for ; len(derivatives) >= max(n, 1); derivatives, u = below(derivatives, stride), below(u, stride) {
		derivative, u := derivatives[:n], u[:n]
		for i, s := range s {
			if T(s*u[i]) > 0 {
				dz := derivative[i]
				du := T(s * dz)
				derivative[i] = du
				sum[i] += du
				c := T(rows * dz * u[i])
				means[i] += c
				squares[i] += T(c * c)
			} else {
				derivative[i] = 0
			}
		}
	}
}

// below returns a matrix without its first row, in rows that begin stride numbers
// apart.
func below[T real](matrix []T, stride int) []T { return matrix[min(stride, len(matrix)):] }

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
		m[i] += T((1 - backend.AdamBeta1) * (g[i] - m[i]))
		v[i] += T((1 - backend.AdamBeta2) * (T(g[i]*g[i]) - v[i]))
		w[i] -= T(rate*m[i]) / (T(math.Sqrt(float64(T(v[i]*scale)))) + backend.AdamEpsilon)
	}
}
