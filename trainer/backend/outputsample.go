package backend

import (
	"math"
)

// OutputSample is what contributions to the outputs are derivatives of: for the sample at
// each place of a pass over samples one of its outputs, which stands for all of them in
// the mean over many samples. In classification it is a logit less the mean of the
// logits, since softmax sees nothing else; in regression an output times the root of 2.
// game.Outputs says why.
type OutputSample struct {
	Outputs     int
	Own, Others float64 // its derivatives with respect to the output and to each other one
}

// NewOutputSample returns the sample of outputs of a network with so many outputs.
func NewOutputSample(outputs int, regression bool) OutputSample {
	if regression {
		return OutputSample{Outputs: outputs, Own: math.Sqrt2}
	}
	mean := 1 / float64(outputs)
	return OutputSample{Outputs: outputs, Own: 1 - mean, Others: -mean}
}

// At returns the output that is looked at for the sample at a place of a pass, from 0.
// Samples may come in an order that has to do with their classes, so it is drawn: by a
// mixture of the bits of the place in integers of 32 bits, alike on every device (two
// rounds of shifts and products, constants of
// https://github.com/skeeto/hash-prospector).
func (s OutputSample) At(place int) int {
	x := uint32(place)
	x = (x ^ x>>16) * 0x21f0aaad
	x = (x ^ x>>15) * 0xd35a2d97
	return int((x ^ x>>15) % uint32(s.Outputs))
}
