package cpufallback

import (
	"context"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
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

// TestCompress: a dense matrix has no compressed rows, and has them once it has zeros.
func TestCompress(t *testing.T) {
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

// TestSparseProductsFollowTheParameters: after a step and after a push an engine computes what a new
// one with its state does.
func TestSparseProductsFollowTheParameters(t *testing.T) {
	g, err := network.MLP([]int{784, 20, 10}, network.ReLU, []network.PlayerKind{network.Weights})
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(g)
	for _, p := range g.Masked() {
		for i := range n.Parameters[p] {
			n.Masks[p][i] = 0
			if i%53 == 3 {
				n.Parameters[p][i], n.Masks[p][i] = float32(i%7-3), 1
			}
		}
	}
	data, options := benchmarkData(16), backend.EngineOptions{Batch: 16, Optimiser: backend.Optimiser{Kind: backend.Adam}}
	e, err := open[float32](gonum32{}, data, options, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	var last []float32
	check := func(after string) {
		state, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := open[float32](gonum32{}, data, options, state)
		if err != nil {
			t.Fatal(err)
		}
		var logits [2][]float32
		for i, of := range []backend.Engine{e, fresh} {
			evaluation, err := of.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
			if err != nil {
				t.Fatal(err)
			}
			logits[i] = evaluation.Logits
		}
		if !slices.Equal(logits[0], logits[1]) || slices.Equal(logits[0], last) {
			t.Errorf("after %s the logits are those of other parameters", after)
		}
		if last = logits[0]; e.stages[len(e.stages)-1].(*denseStage[float32]).sparse() == nil {
			t.Errorf("after %s the product is dense", after)
		}
	}
	check("opening")
	if _, err := e.Train(context.Background(), backend.Stretch{Order: backend.InOrder(16), LearningRates: []float64{0.1}}); err != nil {
		t.Fatal(err)
	}
	check("a step")
	for _, p := range g.Masked() {
		for i := range n.Parameters[p] {
			n.Parameters[p][i] *= 2
		}
	}
	if err := e.Push(&backend.State{Network: n}); err != nil {
		t.Fatal(err)
	}
	check("a push")
}
