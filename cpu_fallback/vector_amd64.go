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
func contributeEights(rows float32, derivatives, u []float32, count, stride int, s, sum, means, squares []float32)

//go:noescape
func momentumEights(w, g, m []float32, rate, momentum float32)

//go:noescape
func adamEights(w, g, m, v []float32, rate, scale, newFirst, newSecond, epsilon float32)
