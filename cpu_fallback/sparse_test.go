package cpufallback

import (
	"slices"
	"testing"
)

// TestSparseProduct: with whole numbers both products are exact, for any shape and density.
func TestSparseProduct(t *testing.T) {
	for _, shape := range [][3]int{{1, 1, 17}, {3, 5, 100}, {40, 33, 64}, {2, 0, 7}, {2, 7, 0}} {
		rows, out, in := shape[0], shape[1], shape[2]
		w, x, y := matrix[float32]{out, in, make([]float32, out*in)}, matrix[float32]{rows, in, make([]float32, rows*in)}, matrix[float32]{rows, out, make([]float32, rows*out)}
		for i := range x.data {
			x.data[i] = float32(i%11 - 5)
		}
		for i := range w.data {
			if i%67 == 3 {
				w.data[i] = float32(i%7 + 1)
			}
		}
		var r sparseRows[float32]
		if r.compress(w); len(w.data) == 0 || !r.usable {
			if len(w.data) > 100 {
				t.Errorf("%v: it is not taken for sparse", shape)
			}
			continue
		}
		r.multiply(x, y)
		for b := range rows {
			for o := range out {
				want := float32(0)
				for i, w := range w.row(o) {
					want += w * x.row(b)[i]
				}
				if y.row(b)[o] != want {
					t.Errorf("%v: %d, %d is %g, want %g", shape, b, o, y.row(b)[o], want)
				}
			}
		}
	}
}

// TestSparseRowsAreThoseOfTheParameters: after a step and after a push they are taken anew.
func TestSparseRowsAreThoseOfTheParameters(t *testing.T) {
	var r sparseRows[float64]
	dense := matrix[float64]{1, 40, slices.Repeat([]float64{1}, 40)}
	if r.compress(dense); r.usable {
		t.Error("a dense matrix is taken for a sparse one")
	}
	dense.data = make([]float64, 40)
	dense.data[7] = 2
	if r.compress(dense); !r.usable || len(r.values) != 1 || r.columns[0] != 7 {
		t.Errorf("%+v", r)
	}
}
