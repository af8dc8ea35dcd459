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
	ReLU6     Activation = "relu6"      // min(max(z, 0), 6), of networks for small devices
)

// Activations lists all there are.
var Activations = []Activation{ReLU, LeakyReLU, GELU, Tanh, ReLU6}

// LeakySlope is the slope of [LeakyReLU] below zero, PyTorch's default.
const LeakySlope = 0.01

// six is where [ReLU6] ends to grow.
const six = 6

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
	case ReLU6:
		return min(max(z, 0), six)
	default:
		return max(z, 0)
	}
}

// Slope returns the derivative at z; at the kinks of a rectifier that is 0, and of
// the leaky one the derivative from below, as PyTorch takes them.
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
	case ReLU6:
		if z > 0 && z < six {
			return 1
		}
		return 0
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

// activationRoundings bounds what a computation of an activation adds to the error of
// z: so many units roundoff of |z| + |activation(z)|, for the exponentials, the
// divisions and the products behind it. GPUs have no better exponentials. Rectifiers
// take one product at most.
const activationRoundings = 8

// bound bounds the error of the activation of z, which is known to within inherited.
func (a Activation) bound(z, inherited, unit float64) float64 {
	size := math.Abs(z) + inherited // what was computed may lie as far away
	switch a {
	case ReLU, ReLU6:
		return inherited
	case LeakyReLU:
		return inherited + unit*size
	default:
		passed := a.Lipschitz() * inherited
		return passed + activationRoundings*unit*(size+math.Abs(a.At(z))+passed)
	}
}

// largestCurvature is more than any second derivative of GELU and Tanh.
const largestCurvature = 0.8

// slopeBound bounds the error of the slope at z, which is known to within inherited.
// At a kink, which of ReLU6 is also at six, it may be either side's.
func (a Activation) slopeBound(z, inherited, unit float64) float64 {
	low := 0.
	switch a {
	case GELU, Tanh:
		return largestCurvature*inherited + 2*activationRoundings*unit*(1+math.Abs(z))
	case LeakyReLU:
		low = LeakySlope
	}
	if z != 0 && math.Abs(z) <= inherited || a == ReLU6 && z != six && math.Abs(z-six) <= inherited {
		return 1 - low
	}
	return low * unit / LeakySlope
}

// geluSlope is a little above the largest slope of GELU, which it has at the square
// root of two: Phi(sqrt 2) + sqrt 2 phi(sqrt 2) = 1.1289...
const geluSlope = 1.13

// normal is Phi, the distribution function of the standard normal distribution.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
