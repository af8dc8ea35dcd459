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
	// passRectifier is to <- s d where s u > 0, else 0.
	passRectifier(to, d, s, u []T)
	// multiply is to <- s v.
	multiply(to, s, v []T)
	// sum and spread return the sums of v and of (v - mean)^2 in float64. They, and joint,
	// take eight sums, of every eighth number, and add those up. What is left of a number of
	// eights is added last.
	sum(v []T) float64
	spread(v []T, mean float64) float64
	// affine is to <- scale v + shift.
	affine(to, v []T, scale, shift T)
	// joint returns the sums in float64 of d and of d (v - mean) inverse.
	joint(d, v []T, mean, inverse T) (ofD, ofProducts float64)
	// throughNorm is to <- scale (d - first - second (v - mean) inverse), and to more if it is
	// to add.
	throughNorm(to, d, v []T, scale, mean, inverse, first, second T, add bool)
	// contribute does the same as throughRectifier, and adds the contributions and their squares to
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

func (loops[T]) passRectifier(to, d, s, u []T) {
	d, s, u = d[:len(to)], s[:len(to)], u[:len(to)]
	for i := range to {
		if T(s[i]*u[i]) > 0 {
			to[i] = s[i] * d[i]
		} else {
			to[i] = 0
		}
	}
}

func (loops[T]) multiply(to, s, v []T) {
	s, v = s[:len(to)], v[:len(to)]
	for i := range to {
		to[i] = s[i] * v[i]
	}
}

// fold adds up eight sums.
func fold(v [8]float64) float64 {
	return (v[0] + v[4] + (v[2] + v[6])) + (v[1] + v[5] + (v[3] + v[7]))
}

func (loops[T]) sum(v []T) float64 {
	var sums [8]float64
	for ; len(v) >= 8; v = v[8:] {
		for k := range sums {
			sums[k] += float64(v[k])
		}
	}
	return added(fold(sums), v)
}

// added adds what is left of a number of eights.
func added[T real](sum float64, rest []T) float64 {
	for _, v := range rest {
		sum += float64(v)
	}
	return sum
}

func (loops[T]) spread(v []T, mean float64) float64 {
	var sums [8]float64
	for ; len(v) >= 8; v = v[8:] {
		for k := range sums {
			d := float64(v[k]) - mean
			sums[k] += float64(d * d)
		}
	}
	return spread(fold(sums), v, mean)
}

func spread[T real](sum float64, rest []T, mean float64) float64 {
	for _, v := range rest {
		d := float64(v) - mean
		sum += float64(d * d)
	}
	return sum
}

func (loops[T]) affine(to, v []T, scale, shift T) {
	v = v[:len(to)]
	for i := range to {
		to[i] = T(scale*v[i]) + shift
	}
}

func (loops[T]) joint(d, v []T, mean, inverse T) (ofD, ofProducts float64) {
	var sums, products [8]float64
	for ; len(d) >= 8; d, v = d[8:], v[8:] {
		for k := range sums {
			sums[k] += float64(d[k])
			products[k] += float64(float64(d[k]) * float64(T((v[k]-mean)*inverse)))
		}
	}
	return added(fold(sums), d), joint(fold(products), d, v, mean, inverse)
}

func joint[T real](sum float64, d, v []T, mean, inverse T) float64 {
	for i, d := range d {
		sum += float64(float64(d) * float64(T((v[i]-mean)*inverse)))
	}
	return sum
}

func (loops[T]) throughNorm(to, d, v []T, scale, mean, inverse, first, second T, add bool) {
	d, v = d[:len(to)], v[:len(to)]
	for i := range to {
		through := T(scale * (d[i] - first - T(T((v[i]-mean)*inverse)*second)))
		if add {
			through += to[i]
		}
		to[i] = through
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
