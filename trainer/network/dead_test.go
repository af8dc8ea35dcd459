package network_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// TestWithoutDead: networks of every operator, with most of their weights at zero, compute the
// same without what is dead in them.
func TestWithoutDead(t *testing.T) {
	removed := 0
	nets := networktest.Nets()
	mlp, err := network.MLP([]int{9, 12, 7, 3}, network.GELU, []network.PlayerKind{network.Weights})
	if err != nil {
		t.Fatal(err)
	}
	graphs := map[string]*network.Graph{"perceptron": mlp}
	for name, nodes := range nets {
		if graphs[name], err = network.NewGraph(nodes, []network.PlayerKind{network.Weights}); err != nil {
			t.Fatal(err)
		}
	}
	for name, g := range graphs {
		for seed := range uint64(4) {
			draw := random.New(seed, random.Testing, 7, 0)
			n := network.New(g)
			for p, param := range g.Params {
				for i := range n.Parameters[p] {
					x := float32(networktest.Draw(param, draw.Normal()))
					if param.Weight && (draw.Float64() < 0.9 || seed == 3) { // at last all
						x = 0
					}
					n.Parameters[p][i] = x
				}
			}
			small, whole, err := n.WithoutDead()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			input := make([]float64, 3*g.Inputs())
			for i := range input {
				input[i] = draw.Normal()
			}
			want := n.Values().ForwardWithin(input, 3, network.Float32Unit, nil)
			same := whole.Values().Forward(input, 3)
			features := small.Graph.Input().Features()
			var fewer []float64
			for row := range 3 {
				for i := range g.Inputs() {
					if features == nil || slices.Contains(features, i) {
						fewer = append(fewer, input[row*g.Inputs()+i])
					}
				}
			}
			got := small.Values().Forward(fewer, 3)
			for row := range 3 {
				for k, bound := range want.OutputBounds(row) {
					a, b, c := want.Output(row)[k], same.Output(row)[k], got.Output(row)[k]
					// A bias that takes over constants is rounded once for each.
					if math.Abs(a-b) > bound+1e-5*(1+math.Abs(a)) || math.Abs(b-c) > 1e-12*(1+math.Abs(b)) {
						t.Fatalf("%s, seed %d: output %d of %d is %g, %g in full width and %g without dead units", name, seed, k, row, a, b, c)
					}
				}
			}
			removed += g.ParameterCount() - small.Graph.ParameterCount()
			if again, _, err := small.WithoutDead(); err != nil || again.ParameterCount() != small.ParameterCount() {
				t.Errorf("%s: %d parameters, and again %d: %v", name, small.ParameterCount(), again.ParameterCount(), err)
			}
		}
	}
	if removed == 0 {
		t.Error("nothing was dead")
	}
}

// TestConstantsAreTakenOver: a unit whose weights are all zero gives activation(b), which its
// reader takes over; exactly, with numbers of few bits.
func TestConstantsAreTakenOver(t *testing.T) {
	g, err := network.MLP([]int{2, 2, 1}, network.ReLU, []network.PlayerKind{network.Weights})
	if err != nil {
		t.Fatal(err)
	}
	n := network.With(g, [][]float32{{0, 0, 1, 0}, {3, 0.5}, {2, 4}, {1}})
	small, whole, err := n.WithoutDead()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float32{{1}, {0.5}, {4}, {7}} // 1 + 2*3; the second input is read by nothing
	for p, v := range want {
		if !slices.Equal(small.Parameters[p], v) {
			t.Errorf("%s is %v, want %v", g.Params[p].Name, small.Parameters[p], v)
		}
	}
	if !slices.Equal(whole.Parameters[0], []float32{0, 0, 1, 0}) || !slices.Equal(whole.Parameters[1], []float32{0, 0.5}) {
		t.Errorf("in full width %v", whole.Parameters)
	}
}

// TestGroups: of a convolution a group is the input channels of one place of the kernel.
func TestGroups(t *testing.T) {
	for _, c := range []struct {
		shape []int
		of    int
		want  [][]int
	}{
		{[]int{2, 5}, 4, [][]int{{0, 1, 2, 3}, {4}, {5, 6, 7, 8}, {9}}},
		{[]int{1, 3, 1, 2}, 2, [][]int{{0, 2}, {4}, {1, 3}, {5}}},
		{[]int{3}, 2, nil},
		{[]int{2, 0}, 2, nil},
	} {
		var got [][]int
		param := network.Param{ParamSpec: network.ParamSpec{Shape: c.shape}}
		param.Groups(c.of, func(group []int) { got = append(got, slices.Clone(group)) })
		if !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%v by %d: %v, want %v", c.shape, c.of, got, c.want)
		}
	}
}
