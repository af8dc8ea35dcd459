package network_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/network/networktest"
)

// TestWithoutNorms: a network whose batch norms are merged computes the same. Those that read
// what others read, too, or a sum, stay.
func TestWithoutNorms(t *testing.T) {
	merged := map[string]int{"residual of images": 5, "depthwise": 2, "pixel": 1, "norm of numbers": 1}
	for name, nodes := range networktest.Nets() {
		g, err := network.NewGraph(nodes, network.DefaultPlayers)
		if err != nil {
			t.Fatal(err)
		}
		n, random := network.New(g), rand.New(rand.NewPCG(1, 2))
		for p, v := range n.Parameters {
			for i := range v {
				v[i] = float32(random.NormFloat64())
				if g.Params[p].Statistic {
					v[i] = 0.5 + v[i]*v[i]
				}
			}
		}
		small, err := n.WithoutNorms()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if gone := len(n.Nodes) - len(small.Nodes); gone != merged[name] {
			t.Errorf("%s: %d batch norms are merged; %d can be", name, gone, merged[name])
		}
		x := make([]float64, 3*g.Inputs())
		for i := range x {
			x[i] = random.NormFloat64()
		}
		want := n.Values().ForwardWithin(x, 3, network.Float32Unit, nil)
		have := small.Values().ForwardWithin(x, 3, network.Float32Unit, nil)
		for row := range 3 {
			for k, y := range want.Output(row) {
				bound := want.OutputBounds(row)[k] + have.OutputBounds(row)[k]
				if d := math.Abs(y - have.Output(row)[k]); !(d <= bound) {
					t.Errorf("%s: output %d differs by %g, and the bound is %g", name, k, d, bound)
				}
			}
		}
	}
}

// TestWithoutNormsTakesFoldedNetworks: participations would be lost.
func TestWithoutNormsTakesFoldedNetworks(t *testing.T) {
	g, err := network.NewGraph(networktest.Nets()["norm of numbers"], network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(g)
	n.Participations[0][1] = 0.5
	if _, err := n.WithoutNorms(); err == nil {
		t.Error("a network with a participation of 0.5 passes")
	}
}

// TestDepthWithoutNorms: a layer counts whose outputs no batch norm alone reads, along the longest path. The
// shortcuts of a residual network are shorter than the blocks.
func TestDepthWithoutNorms(t *testing.T) {
	for name, want := range map[string]struct{ depth, folded int }{
		"lenet300": {3, 3}, "lenet5": {4, 4}, "resnet8:4": {1, 8}, "resnet20": {1, 20}, "vgg16": {1, 14},
	} {
		m, err := models.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		g, err := m.Graph(network.Shape{3, 32, 32}, 10, network.ReLU, network.DefaultPlayers)
		if err != nil {
			t.Fatal(err)
		}
		folded, err := network.New(g).WithoutNorms()
		if err != nil {
			t.Fatal(err)
		}
		if depth, after := g.DepthWithoutNorms(), folded.DepthWithoutNorms(); depth != want.depth || after != want.folded {
			t.Errorf("%s: %d layers without norms and %d after folding, want %d and %d", name, depth, after, want.depth, want.folded)
		}
	}
}
