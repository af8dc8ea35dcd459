package evidence

import (
	"context"
	"math"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// samplesAtATime is how many samples' bounds are worked out at a time.
const samplesAtATime = 64

// boundWork is how many multiply-accumulates bounds are worked out for at most, so that large
// networks do not take longer to check than to train.
const boundWork = 1 << 30

// Comparison is how far the outputs of two networks are apart.
type Comparison struct {
	Difference float64 // the largest, over all samples
	// BoundUsed is the largest part of its rounding bound that a difference takes, over
	// Bounded of the samples: all, or as many as [boundWork] allows, evenly chosen.
	BoundUsed float64
	Bounded   int
}

// CompareLogits compares the logits that two networks gave in float32. Both compute what n
// computes exactly, so two bounds apart is as far as they can be. The inputs are taken as
// exact.
func CompareLogits(ctx context.Context, n *network.Network, d *dataset.Dataset, samples dataset.Samples, a, b []float32) (Comparison, error) {
	values, outputs := n.Values(), n.Outputs()
	c := Comparison{Bounded: min(samples.Len(), max(samplesAtATime, boundWork/max(1, n.MACs())))}
	for i, x := range a {
		c.Difference = max(c.Difference, math.Abs(float64(x)-float64(b[i]))) // NaN stays NaN
	}
	for first := 0; first < c.Bounded; first += samplesAtATime {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		chosen := make([]int, min(samplesAtATime, c.Bounded-first))
		for i := range chosen {
			chosen[i] = (first + i) * samples.Len() / c.Bounded
		}
		inputs := standardised(d, samples, chosen)
		for i, x := range inputs {
			inputs[i] = float64(float32(x))
		}
		pass := values.ForwardWithin(read(n.Graph, inputs, len(chosen)), len(chosen), network.Float32Unit, nil)
		for i, sample := range chosen {
			for k, bound := range pass.OutputBounds(i) {
				if at := sample*outputs + k; a[at] != b[at] {
					c.BoundUsed = max(c.BoundUsed, math.Abs(float64(a[at])-float64(b[at]))/(2*bound))
				}
			}
		}
	}
	return c, nil
}
