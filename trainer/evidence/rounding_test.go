package evidence

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// roundingGraphs are perceptrons, narrow and wide, of every activation, and every other
// kind of graph.
func roundingGraphs() map[string]*network.Graph {
	graphs := map[string]*network.Graph{}
	for i, widths := range [][]int{{7, 13, 5, 3}, {127, 30, 4}, {3, 2, 2}, {127, 60, 19, 5}, {7, 13, 5, 3}} {
		activation := network.Activations[i%len(network.Activations)]
		graphs[fmt.Sprint(widths, activation)] = networktest.PerceptronOf(activation, widths...)
	}
	for name, nodes := range networktest.Nets() {
		graphs[name] = networktest.Build(nodes...)
	}
	return graphs
}

// TestCompareLogits removes players that are gated to zero, which passes, and
// then one that is not, which must not.
func TestCompareLogits(t *testing.T) {
	for name, g := range roundingGraphs() {
		t.Run(name, func(t *testing.T) { compareLogits(t, g) })
	}
}

func compareLogits(t *testing.T, g *network.Graph) {
	d := &dataset.Dataset{Mean: 0.5, Deviation: 0.25}
	n, draw := network.New(g), random.New(3, random.Testing, 0, 0)
	if err := n.Initialise(network.He, 3); err != nil {
		t.Fatal(err)
	}
	for p, param := range g.Params {
		for i := range n.Parameters[p] {
			if !param.Weight {
				n.Parameters[p][i] = networktest.Draw(param, draw.Normal())
			}
		}
	}
	samples := dataset.Samples{Features: g.Input().Sample.Size()}
	for range 40 {
		for range samples.Features {
			samples.Pixels = append(samples.Pixels, uint8(draw.Below(256)))
		}
		samples.Labels = append(samples.Labels, 0)
	}
	keep := make(network.Survivors, len(g.Gates))
	for i, players := range g.Widths() {
		keep[i] = network.Indices(max(1, players-1))
		for player := len(keep[i]); player < players; player++ {
			n.Participations[i][player] = 0
		}
	}
	small, err := n.Keep(keep)
	if err != nil {
		t.Fatal(err)
	}
	logits := func(n *network.Network) (all []float32) {
		for b := range samples.Len() {
			all = append(all, networktest.Forward32(n, read(n.Graph, standardised(d, samples, []int{b}), 1))...)
		}
		return all
	}
	// compare returns what CompareLogits does, of the small network.
	compare := func(a, b []float32) (difference, used float64) {
		t.Helper()
		c, err := CompareLogits(t.Context(), small, d, samples, a, b)
		if err != nil {
			t.Fatal(err)
		}
		if c.Bounded != samples.Len() {
			t.Errorf("%d of %d samples are bounded", c.Bounded, samples.Len())
		}
		return c.Difference, c.BoundUsed
	}
	whole, compacted := logits(n), logits(small)
	if _, used := compare(whole, compacted); used > 1 {
		t.Errorf("removal used %g of the bound", used)
	}
	// The float64 evaluation, rounded once: the bound holds of one computation alone.
	var exact []float32
	for b := range samples.Len() {
		input := standardised(d, samples, []int{b})
		for j := range input {
			input[j] = float64(float32(input[j]))
		}
		for _, y := range small.Values().Forward(read(small.Graph, input, 1), 1).Output(0) {
			exact = append(exact, float32(y))
		}
	}
	if _, used := compare(exact, compacted); used > 0.5 {
		t.Errorf("one computation in float32 used %g of two bounds", used)
	}
	// The smaller one again, with its numbers rounded once more.
	shaken := small.Clone()
	for p, param := range shaken.Graph.Params {
		for i := range shaken.Parameters[p] {
			if param.Weight {
				shaken.Parameters[p][i] *= 1 + 0x1p-23
			}
		}
	}
	if difference, used := compare(logits(shaken), compacted); difference == 0 || used == 0 || used > 1 {
		t.Errorf("a rounding a weight differs by %g and uses %g of the bound", difference, used)
	}
	broken := slices.Clone(compacted)
	broken[len(broken)-1] = float32(math.NaN())
	if _, used := compare(broken, compacted); used <= 1 {
		t.Errorf("a logit that is no number used %g of the bound", used)
	}
	n.Participations[0][0] = 0
	if _, used := compare(logits(n), compacted); !(used > 1) {
		t.Errorf("gating a player that stays used %g of the bound", used)
	}
}

// TestBoundOfOnePlayer spells the bound out for a chain of one number a layer: z = x,
// then w activation(z). Logits that differ by two bounds use all of it. Tolerances are of
// float64.
func TestBoundOfOnePlayer(t *testing.T) {
	const u, w = 0x1p-24, -1.5
	// A product, the sum and the bias; that of the first layer, and a gate with two more.
	gamma := 3 * u / (1 - 3*u)
	for activation, slope := range map[network.Activation]float64{
		network.ReLU: 1, network.LeakyReLU: 1, network.GELU: 1.13, network.Tanh: 1, network.ReLU6: 1, // the largest
	} {
		n := network.New(networktest.PerceptronOf(activation, 1, 1, 1))
		n.Parameters[0][0], n.Parameters[2][0] = 1, w
		d := &dataset.Dataset{Deviation: 1}
		for _, x := range []float64{-3, -0.5, 0.25, 2} {
			a, z := math.Abs(activation.At(x)), math.Abs(x)
			e := gamma * z
			e += 2 * u * (z + e) // the gate
			switch activation {
			case network.ReLU, network.ReLU6:
			case network.LeakyReLU:
				e += u * (z + e)
			default:
				e = slope*e + 8*u*(z+e+a+slope*e)
			}
			bound := gamma*1.5*(a+e) + 1.5*e
			samples := dataset.Samples{Features: 1, Values: []float32{float32(x)}, Labels: []uint8{0}}
			const far = 0.25
			c, err := CompareLogits(t.Context(), n, d, samples, []float32{far}, []float32{0})
			if want := far / (2 * bound); err != nil || math.Abs(c.BoundUsed-want) > 1e-12*want {
				t.Errorf("%s of %g: a difference of %g uses %g of the bound, want %g (%v)", activation, x, far, c.BoundUsed, want, err)
			}
		}
	}
}
