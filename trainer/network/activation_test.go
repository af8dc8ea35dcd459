package network_test

import (
	"math"
	"testing"

	"nashprune/trainer/network"
)

// TestSlopesAgainstCentralDifferences checks derivatives away from kinks.
func TestSlopesAgainstCentralDifferences(t *testing.T) {
	const step = 1e-5 // truncation is step^2/6 of a third derivative below 3, rounding 1e-16/step
	for _, a := range network.Activations {
		for z := -7.05; z < 7; z += 0.1 {
			want := (a.At(z+step) - a.At(z-step)) / (2 * step)
			if got := a.Slope(z); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: slope at %g is %g, central difference %g", a, z, got, want)
			}
			if got := math.Abs(a.Slope(z)); got > a.Lipschitz() {
				t.Errorf("%s: slope %g at %g is above %g", a, got, z, a.Lipschitz())
			}
		}
	}
}

// TestActivationsHaveTheirValues checks values that can be looked up: GELU(1) is
// Phi(1), 0.8413447460685429 in tables of the normal distribution.
func TestActivationsHaveTheirValues(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		activation network.Activation
		z, at      float64
	}{
		{network.ReLU, 2, 2}, {network.ReLU, -2, 0}, {network.ReLU, inf, inf},
		{network.LeakyReLU, 2, 2}, {network.LeakyReLU, -2, -0.02},
		{network.GELU, 1, 0.8413447460685429}, {network.GELU, -1, -0.15865525393145707}, {network.GELU, 40, 40}, {network.GELU, -40, 0},
		{network.Tanh, 0.5, 0.46211715726000979}, {network.Tanh, -40, -1},
		{network.ReLU6, 2, 2}, {network.ReLU6, -2, 0}, {network.ReLU6, 7, 6}, {network.ReLU6, inf, 6},
	} {
		if got := c.activation.At(c.z); math.Abs(got-c.at) > 1e-15 {
			t.Errorf("%s(%g) = %.17g, want %.17g", c.activation, c.z, got, c.at)
		}
	}
	for _, a := range network.Activations {
		if a.At(0) != 0 {
			t.Errorf("%s(0) = %g: a player who is gone would not be", a, a.At(0))
		}
		if !math.IsNaN(a.At(math.NaN())) {
			t.Errorf("%s hides NaN", a)
		}
		if slope := a.Slope(inf); slope != 1 && a != network.Tanh && a != network.ReLU6 {
			t.Errorf("%s: slope %g at infinity", a, slope)
		}
	}
	if network.Activation("swish").Known() || !network.GELU.Known() {
		t.Error("what is known is not what is listed")
	}
}
