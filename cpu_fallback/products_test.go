package cpufallback

import (
	"fmt"
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/random"
)

// libraries returns all that can multiply in float32. OpenBLAS may be missing, but
// not under CI=true.
func libraries(tb testing.TB) map[string]products[float32] {
	tb.Helper()
	all := map[string]products[float32]{gonumName: gonum32{}}
	found, err := findOpenBLAS()
	switch {
	case err == nil:
		all[found.version] = found
	case os.Getenv("CI") == "true":
		tb.Fatal(err)
	default:
		tb.Log(err)
	}
	return all
}

// TestProducts compares products with plain sums in float64, at sizes around those
// of a tile and with rows longer than they need to be.
func TestProducts(t *testing.T) {
	for name, library := range libraries(t) {
		for i, size := range [][3]int{{1, 1, 1}, {1, 300, 7}, {3, 2, 129}, {127, 128, 5}, {128, 129, 1}, {129, 257, 64}, {260, 1, 3}} {
			for _, transA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for _, transB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
					t.Run(fmt.Sprintf("%s/%v/%c%c", name, size, transA, transB), func(t *testing.T) {
						checkProduct(t, library, uint32(i), transA, transB, size[0], size[1], size[2])
					})
				}
			}
		}
	}
}

func checkProduct(t *testing.T, library products[float32], seed uint32, transA, transB blas.Transpose, m, n, k int) {
	draw := random.New(1, random.Testing, 0, seed)
	matrix := func(rows, columns int) ([]float32, int) {
		width := columns + 3
		v := make([]float32, rows*width)
		for i := range v {
			v[i] = float32(draw.Normal())
		}
		return v, width
	}
	rowsA, columnsA, rowsB, columnsB := m, k, k, n
	if transA == blas.Trans {
		rowsA, columnsA = k, m
	}
	if transB == blas.Trans {
		rowsB, columnsB = n, k
	}
	a, lda := matrix(rowsA, columnsA)
	b, ldb := matrix(rowsB, columnsB)
	c, ldc := matrix(m, n)
	before := append([]float32{}, c...)
	library.gemm(transA, transB, m, n, k, a, lda, b, ldb, 0, c, ldc)
	at := func(v []float32, width int, trans blas.Transpose, row, column int) float64 {
		if trans == blas.Trans {
			row, column = column, row
		}
		return float64(v[row*width+column])
	}
	for i := range m {
		for j := range n {
			sum, size := 0., 0.
			for l := range k {
				product := at(a, lda, transA, i, l) * at(b, ldb, transB, l, j)
				sum += product
				size += math.Abs(product)
			}
			bound := float64(k+1) * 0x1p-24 * size // gamma_k of the sum of magnitudes
			if difference := math.Abs(float64(c[i*ldc+j]) - sum); !(difference <= bound) {
				t.Fatalf("row %d, column %d is %g, want %g within %g", i, j, c[i*ldc+j], sum, bound)
			}
		}
		for j := n; j < ldc; j++ {
			if c[i*ldc+j] != before[i*ldc+j] {
				t.Fatalf("row %d: a number past its end was written", i)
			}
		}
	}
}
