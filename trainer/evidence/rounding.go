package evidence

import (
	"context"
	"math"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// samplesAtATime is how many samples' bounds are worked out at a time.
const samplesAtATime = 64

// CompareLogits returns the largest difference between the logits that two
// networks gave in float32 for all samples, and the largest part of its rounding
// bound that a difference takes. Both compute what n computes exactly, so two
// bounds apart is as far as they can be. The inputs are taken as exact.
func CompareLogits(ctx context.Context, n *network.Network, d *dataset.Dataset, samples dataset.Samples, a, b []float32) (difference, boundUsed float64, err error) {
	values, outputs := n.Values(), n.Outputs()
	for first := 0; first < samples.Len(); first += samplesAtATime {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		chosen := make([]int, min(samplesAtATime, samples.Len()-first))
		for i := range chosen {
			chosen[i] = first + i
		}
		inputs := standardised(d, samples, chosen)
		for i, x := range inputs {
			inputs[i] = float64(float32(x))
		}
		pass := values.ForwardWithin(read(n.Graph, inputs, len(chosen)), len(chosen), network.Float32Unit, nil)
		for i := range chosen {
			for k, bound := range pass.OutputBounds(i) {
				at := (first+i)*outputs + k
				difference, boundUsed = compare(float64(a[at]), float64(b[at]), bound, difference, boundUsed)
			}
		}
	}
	return difference, boundUsed, nil
}

// compare returns the larger of a difference and one before, and of the parts of two
// bounds. NaN stays NaN.
func compare(a, b, bound, difference, boundUsed float64) (_, _ float64) {
	d := math.Abs(a - b)
	if d != 0 {
		boundUsed = max(boundUsed, d/(2*bound))
	}
	return max(difference, d), boundUsed
}
