package cpufallback

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
)

// products multiplies matrices of at least one number: c = a b + beta c, a and b transposed
// if asked, with row-major operands of the given row lengths; c is m by n, and
// the sums have k terms.
type products[T real] interface {
	gemm(transA, transB blas.Transpose, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
}

// gonum32 and gonum64 are gonum's products. They skip the zeros of their first
// operand, so the operand with the zeros of the rectifier in it is best put
// first.
type (
	gonum32 struct{}
	gonum64 struct{}
)

func (gonum32) gemm(transA, transB blas.Transpose, m, n, k int, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	blas32.Implementation().Sgemm(transA, transB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc)
}

func (gonum64) gemm(transA, transB blas.Transpose, m, n, k int, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	blas64.Implementation().Dgemm(transA, transB, m, n, k, 1, a, lda, b, ldb, beta, c, ldc)
}

// multiply writes the product of a and b, each transposed if asked, to c.
func (e *engine[T]) multiply(transA, transB blas.Transpose, a, b, c matrix[T]) {
	inner := a.columns
	if transA == blas.Trans {
		inner = a.rows
	}
	if c.rows == 0 || c.columns == 0 {
		return
	}
	if inner == 0 { // an empty layer below
		clear(c.data)
		return
	}
	e.products.gemm(transA, transB, c.rows, c.columns, inner, a.data, a.columns, b.data, b.columns, 0, c.data, c.columns)
}
