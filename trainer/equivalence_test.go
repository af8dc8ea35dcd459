package trainer

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// forward32 computes logits in float32 in the plainest order of sums.
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
				output[i] = max(output[i]*layer.Participation[i], 0)
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
	for _, widths := range [][]int{{7, 13, 5, 3}, {127, 30, 4}, {3, 2, 2}} {
		n, samples, err := randomNetwork(widths)
		if err != nil {
			t.Fatal(err)
		}
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
		if _, used, _ := compareLogits(t.Context(), small, samples, mean, deviation, whole, compacted); used > 1 {
			t.Errorf("%v: removal used %g of the bound", widths, used)
		}
		// The smaller one again, with its numbers rounded once more.
		shaken := small.Clone()
		for _, layer := range shaken.Layers {
			for i := range layer.Weight {
				layer.Weight[i] *= 1 + 0x1p-23
			}
		}
		difference, used, _ := compareLogits(t.Context(), small, samples, mean, deviation, logits(shaken), compacted)
		if difference == 0 || used == 0 || used > 1 {
			t.Errorf("%v: a rounding a weight differs by %g and uses %g of the bound", widths, difference, used)
		}
		broken := slices.Clone(compacted)
		broken[len(broken)-1] = float32(math.NaN())
		if _, used, _ := compareLogits(t.Context(), small, samples, mean, deviation, broken, compacted); used <= 1 {
			t.Errorf("%v: a logit that is no number used %g of the bound", widths, used)
		}
		n.Layers[0].Participation[0] = 0
		if _, used, _ := compareLogits(t.Context(), small, samples, mean, deviation, logits(n), compacted); !(used > 1) {
			t.Errorf("%v: gating a player that stays used %g of the bound", widths, used)
		}
	}
}

// TestLogitBoundsHold compares float32 logits with float64 ones.
func TestLogitBoundsHold(t *testing.T) {
	n, samples, err := randomNetwork([]int{127, 60, 19, 5})
	if err != nil {
		t.Fatal(err)
	}
	exact := func(input []float64) []float64 {
		for l, layer := range n.Layers {
			output := make([]float64, layer.Out)
			for i := range output {
				output[i] = float64(layer.Bias[i])
				for j, x := range input {
					output[i] += float64(layer.Weight[i*layer.In+j]) * x
				}
				if l < len(n.Layers)-1 {
					output[i] = max(output[i], 0)
				}
			}
			input = output
		}
		return input
	}
	bounds := make([]float64, 5)
	for b := range samples.Len() {
		wide, narrow := make([]float64, 127), make([]float32, 127)
		for j := range wide {
			narrow[j] = float32(samples.Pixels[b*127+j])/255 - 0.5
			wide[j] = float64(narrow[j])
		}
		logitBounds(n, wide, bounds)
		want := exact(wide)
		for k, got := range forward32(n, narrow) {
			if difference := math.Abs(float64(got) - want[k]); difference > bounds[k] || bounds[k] > 0.01*(1+math.Abs(want[k])) {
				t.Errorf("sample %d logit %d is off by %g, bound %g", b, k, difference, bounds[k])
			}
		}
	}
}
