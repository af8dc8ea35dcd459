package network

import (
	"math"
	"slices"
)

// Activation is the function that a hidden neuron applies to z, its gated affine
// part. All of them are zero at zero, so a player with participation zero adds
// nothing to the layer above, whichever it is.
type Activation string

const (
	ReLU      Activation = "relu"       // max(z, 0)
	LeakyReLU Activation = "leaky-relu" // z where z > 0, else LeakySlope z
	GELU      Activation = "gelu"       // z Phi(z), Phi the standard normal distribution (arXiv:1606.08415)
	Tanh      Activation = "tanh"       // the hyperbolic tangent
)

// Activations lists all there are.
var Activations = []Activation{ReLU, LeakyReLU, GELU, Tanh}

// LeakySlope is the slope of [LeakyReLU] below zero, PyTorch's default.
const LeakySlope = 0.01

// Known reports whether there is such an activation.
func (a Activation) Known() bool { return slices.Contains(Activations, a) }

// At returns the activation of z. NaN stays NaN.
func (a Activation) At(z float64) float64 {
	switch a {
	case LeakyReLU:
		if z <= 0 {
			return LeakySlope * z
		}
		return z
	case GELU:
		return z * normal(z)
	case Tanh:
		return math.Tanh(z)
	default:
		return max(z, 0)
	}
}

// Slope returns the derivative at z; at the kink of a rectifier the one from
// below, as PyTorch takes it.
func (a Activation) Slope(z float64) float64 {
	switch a {
	case LeakyReLU:
		if z > 0 {
			return 1
		}
		return LeakySlope
	case GELU:
		if math.IsInf(z, 0) { // where z times the density is 0 times infinity
			return normal(z)
		}
		return normal(z) + z*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)
	case Tanh:
		t := math.Tanh(z)
		return 1 - t*t
	default:
		if z > 0 {
			return 1
		}
		return 0
	}
}

// Lipschitz returns the largest slope in magnitude: an error of z grows at most by
// that much.
func (a Activation) Lipschitz() float64 {
	if a == GELU {
		return geluSlope
	}
	return 1
}

// geluSlope is a little above the largest slope of GELU, which it has at the square
// root of two: Phi(sqrt 2) + sqrt 2 phi(sqrt 2) = 1.1289...
const geluSlope = 1.13

// normal is Phi, the distribution function of the standard normal distribution.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
