package cpufallback

import (
	"golang.org/x/sys/cpu"

	"nashprune/trainer/backend"
)

// vectorsOf returns the fastest implementation in T on this processor.
func vectorsOf[T real]() vectors[T] {
	if fast, ok := any(avx2{}).(vectors[T]); ok && cpu.X86.HasAVX2 {
		return fast
	}
	return loops[T]{}
}

// avx2 computes eight numbers at a time, and the last few as the loops do.
type avx2 struct{ loops[float32] }

// eights returns how many of n numbers are in whole groups of eight.
func eights(n int) int { return n &^ 7 }

func (a avx2) add(to, v []float32) {
	n := eights(len(to))
	addEights(to[:n], v[:n])
	a.loops.add(to[n:], v[n:])
}

func (a avx2) rectify(output, s, u []float32) {
	n := eights(len(output))
	rectifyEights(output[:n], s[:n], u[:n])
	a.loops.rectify(output[n:], s[n:], u[n:])
}

func (a avx2) throughRectifier(derivatives, u []float32, stride int, s, sum []float32) {
	n, u := eights(len(s)), u[:len(derivatives)]
	throughRectifierEights(derivatives, u, rowsOf(derivatives, stride, len(s)), stride, s[:n], sum[:n])
	if n < min(len(s), len(derivatives)) {
		a.loops.throughRectifier(derivatives[n:], u[n:], stride, s[n:], sum[n:])
	}
}

func (a avx2) passRectifier(to, d, s, u []float32) {
	n := eights(len(to))
	passRectifierEights(to[:n], d[:n], s[:n], u[:n])
	a.loops.passRectifier(to[n:], d[n:], s[n:], u[n:])
}

func (a avx2) multiply(to, s, v []float32) {
	n := eights(len(to))
	multiplyEights(to[:n], s[:n], v[:n])
	a.loops.multiply(to[n:], s[n:], v[n:])
}

func (avx2) sum(v []float32) float64 {
	n := eights(len(v))
	return added(sumEights(v[:n]), v[n:])
}

func (avx2) spread(v []float32, mean float64) float64 {
	n := eights(len(v))
	return spread(spreadEights(v[:n], mean), v[n:], mean)
}

func (a avx2) affine(to, v []float32, scale, shift float32) {
	n := eights(len(to))
	affineEights(to[:n], v[:n], scale, shift)
	a.loops.affine(to[n:], v[n:], scale, shift)
}

func (avx2) joint(d, v []float32, mean, inverse float32) (ofD, ofProducts float64) {
	n := eights(len(d))
	ofD, ofProducts = jointEights(d[:n], v[:n], mean, inverse)
	return added(ofD, d[n:]), joint(ofProducts, d[n:], v[n:], mean, inverse)
}

func (a avx2) throughNorm(to, d, v []float32, scale, mean, inverse, first, second float32, add bool) {
	n := eights(len(to))
	throughNormEights(to[:n], d[:n], v[:n], scale, mean, inverse, first, second, add)
	a.loops.throughNorm(to[n:], d[n:], v[n:], scale, mean, inverse, first, second, add)
}

func (a avx2) contribute(rows float32, derivatives, u []float32, stride int, s, sum, means, squares []float32) {
	n, u := eights(len(s)), u[:len(derivatives)]
	contributeEights(rows, derivatives, u, rowsOf(derivatives, stride, len(s)), stride, s[:n], sum[:n], means[:n], squares[:n])
	if n < min(len(s), len(derivatives)) {
		a.loops.contribute(rows, derivatives[n:], u[n:], stride, s[n:], sum[n:], means[n:], squares[n:])
	}
}

// rowsOf returns how many rows of a width a matrix has that begin stride numbers apart.
func rowsOf(matrix []float32, stride, width int) int {
	if width == 0 || len(matrix) < width {
		return 0
	}
	return (len(matrix)-width)/stride + 1
}

func (a avx2) momentum(w, g, m []float32, rate, momentum float32) {
	n := eights(len(w))
	momentumEights(w[:n], g[:n], m[:n], rate, momentum)
	a.loops.momentum(w[n:], g[n:], m[n:], rate, momentum)
}

func (a avx2) adam(w, g, m, v []float32, rate, scale float32) {
	n := eights(len(w))
	adamEights(w[:n], g[:n], m[:n], v[:n], rate, scale, 1-backend.AdamBeta1, 1-backend.AdamBeta2, backend.AdamEpsilon)
	a.loops.adam(w[n:], g[n:], m[n:], v[n:], rate, scale)
}

// The methods of the same names, for lengths that are multiples of eight. They
// read one length alone: that of the first slice, or of s.

//go:noescape
func addEights(to, v []float32)

//go:noescape
func rectifyEights(output, s, u []float32)

//go:noescape
func throughRectifierEights(derivatives, u []float32, count, stride int, s, sum []float32)

//go:noescape
func passRectifierEights(to, d, s, u []float32)

//go:noescape
func multiplyEights(to, s, v []float32)

//go:noescape
func sumEights(v []float32) float64

//go:noescape
func spreadEights(v []float32, mean float64) float64

//go:noescape
func affineEights(to, v []float32, scale, shift float32)

//go:noescape
func jointEights(d, v []float32, mean, inverse float32) (ofD, ofProducts float64)

//go:noescape
func throughNormEights(to, d, v []float32, scale, mean, inverse, first, second float32, add bool)

//go:noescape
func contributeEights(rows float32, derivatives, u []float32, count, stride int, s, sum, means, squares []float32)

//go:noescape
func momentumEights(w, g, m []float32, rate, momentum float32)

//go:noescape
func adamEights(w, g, m, v []float32, rate, scale, newFirst, newSecond, epsilon float32)
