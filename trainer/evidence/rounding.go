package evidence

import (
	"context"
	"math"
	"runtime"
	"sync"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// float32Unit is the largest relative error of one float32 operation.
const float32Unit = 0x1p-24

// roundings returns gamma_n = n u / (1 - n u), the bound for a chain of n
// float32 operations (Higham, Accuracy and Stability of Numerical Algorithms,
// section 3.1).
func roundings(n int) float64 {
	nu := float64(n) * float32Unit
	return nu / (1 - nu)
}

// activationRoundings bounds what float32 adds when it computes an activation other
// than ReLU, which is exact: so many [float32Unit] of |z| + |activation(z)|, for the
// exponentials, the divisions and the products behind it.
const activationRoundings = 8

// logitBounds writes to bounds how far the logits that n has for an input,
// computed in float32 with sums in any order, can be from the exact ones. The
// input itself is taken as exact. A layer adds gamma (|W||a| + |b|) of its own
// and passes the errors of its input on through |W|; an activation multiplies them
// by its largest slope at most, and adds [activationRoundings].
func logitBounds(n *network.Network, input []float64, bounds []float64) {
	activations, errors := input, make([]float64, len(input))
	for l, layer := range n.Layers {
		// A product, the sums, the bias and the gate: in+3 operations at most.
		gamma := roundings(layer.In + 3)
		outputs, next := make([]float64, layer.Out), make([]float64, layer.Out)
		for i := range outputs {
			exact, magnitude := float64(layer.Bias[i]), math.Abs(float64(layer.Bias[i]))
			inherited := 0.
			for j, w := range layer.Weight[i*layer.In : (i+1)*layer.In] {
				product := float64(w) * activations[j]
				exact += product
				magnitude += math.Abs(product)
				inherited += math.Abs(float64(w)) * errors[j]
			}
			outputs[i] = exact
			next[i] = gamma*(magnitude+inherited) + inherited
			if l < len(n.Layers)-1 {
				outputs[i] = n.Activation.At(exact) // s is 1
				next[i] *= n.Activation.Lipschitz()
				if n.Activation != network.ReLU {
					// What was computed may lie as far away as the error allows.
					z, a := math.Abs(exact)+next[i], math.Abs(outputs[i])+next[i]
					next[i] += activationRoundings * float32Unit * (z + a)
				}
			}
		}
		activations, errors = outputs, next
	}
	copy(bounds, errors)
}

// CompareLogits returns the largest difference between the logits that two
// networks gave in float32 for all samples, and the largest part of its rounding
// bound that a difference takes. Both compute what n computes exactly, so two
// bounds apart is as far as they can be.
func CompareLogits(ctx context.Context, n *network.Network, samples dataset.Samples, mean, deviation float64, a, b []float32) (difference, boundUsed float64, err error) {
	classes := n.Layers[len(n.Layers)-1].Out
	var (
		lock    sync.Mutex
		workers sync.WaitGroup
	)
	share := (samples.Len() + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for first := 0; first < samples.Len(); first += share {
		workers.Go(func() {
			input, bounds := make([]float64, samples.Features), make([]float64, classes)
			largest, used := 0., 0.
			for i := first; i < min(first+share, samples.Len()) && ctx.Err() == nil; i++ {
				for j := range input {
					input[j] = float64(float32((samples.At(i*samples.Features+j) - mean) / deviation))
				}
				logitBounds(n, input, bounds)
				for k, bound := range bounds {
					d := math.Abs(float64(a[i*classes+k]) - float64(b[i*classes+k]))
					largest = max(largest, d)
					if d != 0 { // true for NaN, which max passes on
						used = max(used, d/(2*bound))
					}
				}
			}
			lock.Lock()
			defer lock.Unlock()
			difference, boundUsed = max(difference, largest), max(boundUsed, used)
		})
	}
	workers.Wait()
	return difference, boundUsed, ctx.Err()
}
