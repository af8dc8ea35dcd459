package backendtest

import (
	"math"

	"nashprune/trainer/network"
)

// The activations as textbooks have them, and how far float32 may be from them.

// activate returns the activation of z.
func activate(a network.Activation, z float64) float64 {
	switch a {
	case network.LeakyReLU:
		return max(z, 0.01*z)
	case network.GELU:
		return z * distribution(z)
	case network.Tanh:
		return 1 - 2/(1+math.Exp(2*z))
	default:
		return max(z, 0)
	}
}

// distribution is the distribution function of the standard normal distribution.
func distribution(z float64) float64 { return (1 + math.Erf(z/math.Sqrt2)) / 2 }

// activationBound bounds the error of a candidate's activation of z, which it knows
// to within inherited. The rectifiers are exact but for a product; of the others a
// few units of the argument and the value are granted, for GPUs have no better
// exponentials. No slope is above 1.13.
func (s *session) activationBound(a network.Activation, z, inherited float64) float64 {
	size := math.Abs(z) + inherited
	switch a {
	case network.ReLU:
		return inherited
	case network.LeakyReLU:
		return inherited + s.unit*size
	default:
		return 1.13*inherited + 8*s.unit*(size+math.Abs(activate(a, z)))
	}
}

// slope returns the derivative of the activation at z, with a bound for what a
// candidate has that knows z to within inherited. At a kink it may be either side's.
func (s *session) slope(a network.Activation, z, inherited float64) (slope, bound float64) {
	low := 0.
	switch a {
	case network.GELU: // no second derivative is above 0.8
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		return distribution(z) + z*density, 0.8*inherited + 16*s.unit*(1+math.Abs(z))
	case network.Tanh:
		t := activate(a, z)
		return (1 - t) * (1 + t), 0.8*inherited + 16*s.unit*(1+math.Abs(z))
	case network.LeakyReLU:
		low, bound = 0.01, s.unit
	}
	slope = low
	if z > 0 {
		slope = 1
	}
	if z != 0 && math.Abs(z) <= inherited {
		bound = 1 - low
	}
	return slope, bound
}
