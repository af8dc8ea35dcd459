package evidence

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// forward32 computes logits in float32 in the plainest order of sums. Activations
// other than rectifiers are computed in float64 and rounded once.
func forward32(n *network.Network, input []float32) []float32 {
	for l, layer := range n.Layers {
		output := make([]float32, layer.Out)
		for i := range output {
			var sum float32
			for j, w := range layer.Weight[i*layer.In : (i+1)*layer.In] {
				sum += w * input[j]
			}
			output[i] = sum + layer.Bias[i]
			if l < len(n.Layers)-1 {
				output[i] = float32(n.Activation.At(float64(output[i] * layer.Participation[i])))
			}
		}
		input = output
	}
	return input
}

func randomNetwork(widths []int) (*network.Network, dataset.Samples, error) {
	n := network.New(widths)
	err := n.Initialise(network.He, 3)
	draw := random.New(3, random.Testing, 0, 0)
	for _, layer := range n.Layers {
		for i := range layer.Bias {
			layer.Bias[i] = float32(draw.Normal())
		}
	}
	samples := dataset.Samples{Features: widths[0]}
	for range 40 {
		for range widths[0] {
			samples.Pixels = append(samples.Pixels, uint8(draw.Below(256)))
		}
		samples.Labels = append(samples.Labels, 0)
	}
	return n, samples, err
}

// TestCompareLogits removes players that are gated to zero, which passes, and
// then one that is not, which must not.
func TestCompareLogits(t *testing.T) {
	const mean, deviation = 0.5, 0.25
	for i, widths := range [][]int{{7, 13, 5, 3}, {127, 30, 4}, {3, 2, 2}, {7, 13, 5, 3}, {127, 30, 4}} {
		n, samples, err := randomNetwork(widths)
		if err != nil {
			t.Fatal(err)
		}
		n.Activation = network.Activations[i%len(network.Activations)]
		keep := n.All()
		for l := range keep {
			keep[l] = keep[l][:len(keep[l])-1]
			n.Layers[l].Participation[len(keep[l])] = 0
		}
		small := n.Keep(keep)
		logits := func(n *network.Network) (all []float32) {
			for b := range samples.Len() {
				input := make([]float32, samples.Features)
				for j := range input {
					input[j] = float32((float64(samples.Pixels[b*samples.Features+j])/255 - mean) / deviation)
				}
				all = append(all, forward32(n, input)...)
			}
			return all
		}
		whole, compacted := logits(n), logits(small)
		if _, used, _ := CompareLogits(t.Context(), small, samples, mean, deviation, whole, compacted); used > 1 {
			t.Errorf("%v: removal used %g of the bound", widths, used)
		}
		// The smaller one again, with its numbers rounded once more.
		shaken := small.Clone()
		for _, layer := range shaken.Layers {
			for i := range layer.Weight {
				layer.Weight[i] *= 1 + 0x1p-23
			}
		}
		difference, used, _ := CompareLogits(t.Context(), small, samples, mean, deviation, logits(shaken), compacted)
		if difference == 0 || used == 0 || used > 1 {
			t.Errorf("%v: a rounding a weight differs by %g and uses %g of the bound", widths, difference, used)
		}
		broken := slices.Clone(compacted)
		broken[len(broken)-1] = float32(math.NaN())
		if _, used, _ := CompareLogits(t.Context(), small, samples, mean, deviation, broken, compacted); used <= 1 {
			t.Errorf("%v: a logit that is no number used %g of the bound", widths, used)
		}
		n.Layers[0].Participation[0] = 0
		if _, used, _ := CompareLogits(t.Context(), small, samples, mean, deviation, logits(n), compacted); !(used > 1) {
			t.Errorf("%v: gating a player that stays used %g of the bound", widths, used)
		}
	}
}

// TestLogitBoundsHold compares float32 logits with float64 ones, of a network in
// which a third of the players are gated to zero and of what is left without them,
// for every activation. The outputs of its layers are far from zero and near it.
func TestLogitBoundsHold(t *testing.T) {
	for _, activation := range network.Activations {
		t.Run(string(activation), func(t *testing.T) { logitBoundsHold(t, activation) })
	}
}

func logitBoundsHold(t *testing.T, activation network.Activation) {
	whole, samples, err := randomNetwork([]int{127, 60, 19, 5})
	if err != nil {
		t.Fatal(err)
	}
	whole.Activation = activation
	keep := whole.All()
	for l, players := range keep {
		keep[l] = slices.DeleteFunc(players, func(i int) bool { return i%3 == 0 })
		for i := range players {
			if i%3 == 0 {
				whole.Layers[l].Participation[i] = 0
			}
		}
	}
	n := whole.Keep(keep)
	exact := func(input []float64) []float64 {
		for l, layer := range n.Layers {
			output := make([]float64, layer.Out)
			for i := range output {
				output[i] = float64(layer.Bias[i])
				for j, x := range input {
					output[i] += float64(layer.Weight[i*layer.In+j]) * x
				}
				if l < len(n.Layers)-1 {
					output[i] = activation.At(output[i])
				}
			}
			input = output
		}
		return input
	}
	bounds, used := make([]float64, 5), 0.
	for b := range samples.Len() {
		wide, narrow := make([]float64, 127), make([]float32, 127)
		for j := range wide {
			narrow[j] = float32(samples.Pixels[b*127+j])/255 - 0.5
			wide[j] = float64(narrow[j])
		}
		logitBounds(n, wide, bounds)
		want := exact(wide)
		for name, logits := range map[string][]float32{"gated": forward32(whole, narrow), "removed": forward32(n, narrow)} {
			for k, got := range logits {
				difference := math.Abs(float64(got) - want[k])
				used = max(used, difference/bounds[k])
				if difference > bounds[k] || bounds[k] > 0.01*(1+math.Abs(want[k])) {
					t.Errorf("%s: sample %d logit %d is off by %g, bound %g", name, b, k, difference, bounds[k])
				}
			}
		}
	}
	if used == 0 {
		t.Error("no logit was rounded at all")
	}
}

// TestLogitBoundsOfOnePlayer spells the bound out for a chain of one number a layer:
// z = x, then w activation(z). Tolerances are of float64.
func TestLogitBoundsOfOnePlayer(t *testing.T) {
	const u, w = 0x1p-24, -1.5
	gamma := 4 * u / (1 - 4*u) // a product, the sums, the bias and the gate
	for activation, slope := range map[network.Activation]float64{
		network.ReLU: 1, network.LeakyReLU: 1, network.GELU: 1.13, network.Tanh: 1,
	} {
		n := network.New([]int{1, 1, 1})
		n.Activation, n.Layers[0].Weight[0], n.Layers[1].Weight[0] = activation, 1, w
		for _, x := range []float64{-3, -0.5, 0, 0.25, 2} {
			a := math.Abs(activation.At(x))
			e := slope * gamma * math.Abs(x)
			if activation != network.ReLU {
				e += 8 * u * (math.Abs(x) + e + a + e)
			}
			want := gamma*1.5*(a+e) + 1.5*e
			bound := make([]float64, 1)
			if logitBounds(n, []float64{x}, bound); math.Abs(bound[0]-want) > 1e-12*want {
				t.Errorf("%s of %g: bound %g, want %g", activation, x, bound[0], want)
			}
		}
	}
}
