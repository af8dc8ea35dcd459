package network

import (
	"fmt"
	"math"
	"slices"

	"nashprune/trainer/random"
)

// Initialisation is a distribution of initial weights and biases. The fan-in of
// a layer is the number of its inputs.
type Initialisation string

const (
	// He draws weights from a normal distribution of mean 0 and variance
	// 2/fan-in, which keeps the scale of activations through rectifiers; biases
	// are zero (He et al., "Delving Deep into Rectifiers", ICCV 2015, eq. 10).
	He Initialisation = "he"
	// PyTorch draws weights and biases uniformly within 1/sqrt(fan-in) of zero,
	// as torch.nn.Linear does by default.
	PyTorch Initialisation = "pytorch"
)

// Initialisations lists all there are.
var Initialisations = []Initialisation{He, PyTorch}

// Initialise draws the weights and biases of all layers, the last included;
// participations stay as they are. Layer l takes its numbers from its own stream of seed,
// weights before biases, so the same seed gives the same layer below any others. An
// unknown scheme is an error and changes nothing.
func (n *Network) Initialise(scheme Initialisation, seed uint64) error {
	if !slices.Contains(Initialisations, scheme) {
		return fmt.Errorf("unknown initialisation %.40q: want one of %q", scheme, Initialisations)
	}
	for l, layer := range n.Layers {
		stream := random.New(seed, random.Initialisation, 0, uint32(l))
		in := float64(layer.In)
		uniform := func() float64 { return 2*stream.Float64() - 1 } // in [-1, 1)
		clear(layer.Bias)
		switch scheme {
		case He:
			draw(layer.Weight, math.Sqrt(2/in), stream.Normal)
		case PyTorch:
			draw(layer.Weight, 1/math.Sqrt(in), uniform)
			if layer.In > 0 { // without inputs PyTorch, too, leaves the bias at zero
				draw(layer.Bias, 1/math.Sqrt(in), uniform)
			}
		}
	}
	return nil
}

// draw sets every entry of values to scale times the next number.
func draw(values []float32, scale float64, next func() float64) {
	for i := range values {
		values[i] = float32(scale * next())
	}
}
