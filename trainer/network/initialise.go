package network

import (
	"fmt"
	"math"
	"slices"

	"nashprune/trainer/random"
)

// Initialisation is a distribution of initial weights and biases. The fan-in of
// a weight is the number of its columns, inputs that an output has.
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

// Initialisations lists all schemes.
var Initialisations = []Initialisation{He, PyTorch}

// Initialise draws the parameters of all nodes, the output included; participations
// stay as they are. Each node that has parameters takes its numbers from its own
// stream of seed, weights before biases, so the same seed gives the same node
// whatever stands above it. An unknown scheme is an error and changes nothing.
func (n *Network) Initialise(scheme Initialisation, seed uint64) error {
	if !slices.Contains(Initialisations, scheme) {
		return fmt.Errorf("unknown initialisation %.40q: want one of %q", scheme, Initialisations)
	}
	place := uint32(0)
	for _, node := range n.Nodes {
		if len(node.Params) == 0 {
			continue
		}
		stream := random.New(seed, random.Initialisation, 0, place)
		place++
		uniform := func() float64 { return 2*stream.Float64() - 1 } // in [-1, 1)
		fanIn := 0.
		for _, p := range node.Params {
			param, values := n.Graph.Params[p], n.Parameters[p]
			for i := range values {
				values[i] = param.Initial
			}
			if param.Weight {
				fanIn = float64(Shape(param.Shape[1:]).Size())
			}
			switch {
			case scheme == He && param.Weight:
				draw(values, math.Sqrt(2/fanIn), stream.Normal)
			case scheme == PyTorch && fanIn > 0: // without inputs PyTorch, too, leaves the bias at zero
				draw(values, 1/math.Sqrt(fanIn), uniform)
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
