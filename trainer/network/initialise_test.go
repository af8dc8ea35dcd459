package network_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
)

var schemes = []network.Initialisation{network.He, network.PyTorch}

func initialised(t *testing.T, widths []int, scheme network.Initialisation, seed uint64) *network.Network {
	t.Helper()
	n := network.New(widths)
	if err := n.Initialise(scheme, seed); err != nil {
		t.Fatal(err)
	}
	return n
}

// moments checks mean and variance of values against those of a distribution
// with mean zero within five standard errors. Kurtosis, the fourth moment over
// the squared variance, gives the error of the variance: 3 for a normal, 9/5
// for a uniform distribution. Beyond limit there may be nothing.
func moments(t *testing.T, what string, values []float32, variance, kurtosis, limit float64) {
	t.Helper()
	var sum, squares float64
	for _, v := range values {
		x := float64(v)
		sum += x
		squares += x * x
		if math.Abs(x) > limit {
			t.Fatalf("%s: %g lies beyond %g", what, x, limit)
		}
	}
	count := float64(len(values))
	if got, bound := sum/count, 5*math.Sqrt(variance/count); math.Abs(got) > bound {
		t.Errorf("%s: mean %g, want 0 within %g", what, got, bound)
	}
	if got, bound := squares/count, 5*variance*math.Sqrt((kurtosis-1)/count); math.Abs(got-variance) > bound {
		t.Errorf("%s: variance %g, want %g within %g", what, got, variance, bound)
	}
}

func TestInitialisationMoments(t *testing.T) {
	widths := []int{127, 301, 13, 5}
	for _, scheme := range schemes {
		n := initialised(t, widths, scheme, 5)
		for l, layer := range n.Layers {
			in := float64(layer.In)
			what := string(scheme) + " layer " + string(rune('0'+l))
			zero := !slices.ContainsFunc(layer.Bias, func(b float32) bool { return b != 0 })
			if zero != (scheme != network.PyTorch) {
				t.Errorf("%s: biases %v", what, layer.Bias)
			}
			// A uniform distribution within b of zero has variance b^2/3; rounding
			// to float32 may move the largest number to float32(b).
			switch scheme {
			case network.He:
				moments(t, what, layer.Weight, 2/in, 3, math.Inf(1))
			case network.PyTorch:
				limit := float64(float32(1 / math.Sqrt(in)))
				moments(t, what, layer.Weight, 1/(3*in), 9./5, limit)
				moments(t, what+" bias", layer.Bias, 1/(3*in), 9./5, limit)
			}
		}
	}
}

func TestInitialisationRepeats(t *testing.T) {
	for _, scheme := range schemes {
		a := initialised(t, []int{13, 7, 3, 2}, scheme, 1<<40)
		again := initialised(t, []int{13, 7, 3, 2}, scheme, 1<<40)
		taller := initialised(t, []int{13, 7, 3, 127, 2}, scheme, 1<<40)
		other := initialised(t, []int{13, 7, 3, 2}, scheme, 1<<41)
		for l := range a.Layers {
			if !slices.Equal(a.Layers[l].Weight, again.Layers[l].Weight) || !slices.Equal(a.Layers[l].Bias, again.Layers[l].Bias) {
				t.Errorf("%s: layer %d differs with the same seed", scheme, l)
			}
			if slices.Equal(a.Layers[l].Weight, other.Layers[l].Weight) {
				t.Errorf("%s: layer %d is the same with another seed", scheme, l)
			}
		}
		for l := range 2 {
			if !slices.Equal(a.Layers[l].Weight, taller.Layers[l].Weight) {
				t.Errorf("%s: layer %d depends on the layers above", scheme, l)
			}
		}
	}
}

// TestLayersAreIndependent correlates two layers of one shape. The products of
// independent numbers have mean zero and the squared variance as variance;
// five standard errors are allowed.
func TestLayersAreIndependent(t *testing.T) {
	const width = 127
	for _, scheme := range schemes {
		n := initialised(t, []int{width, width, width, width}, scheme, 3)
		for l := range 2 {
			a, b := n.Layers[l].Weight, n.Layers[l+1].Weight
			var products, squaresA, squaresB float64
			for i := range a {
				x, y := float64(a[i]), float64(b[i])
				products += x * y
				squaresA += x * x
				squaresB += y * y
			}
			if r, bound := products/math.Sqrt(squaresA*squaresB), 5./width; math.Abs(r) > bound {
				t.Errorf("%s: layers %d and %d correlate by %g, bound %g", scheme, l, l+1, r, bound)
			}
		}
	}
}

func TestInitialiseSmallAndEmptyLayers(t *testing.T) {
	for _, scheme := range schemes {
		n := initialised(t, []int{1, 1, 0, 3}, scheme, 1)
		for l, layer := range n.Layers {
			for _, v := range append(slices.Clone(layer.Weight), layer.Bias...) {
				if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s: layer %d holds %g", scheme, l, x)
				}
			}
		}
		if last := n.Layers[2].Bias; slices.ContainsFunc(last, func(b float32) bool { return b != 0 }) {
			t.Errorf("%s: biases %v without inputs, want zeros", scheme, last)
		}
	}
}

func TestUnknownInitialisation(t *testing.T) {
	n := initialised(t, []int{3, 2, 1}, network.PyTorch, 1)
	before := n.Clone()
	err := n.Initialise("kaiming", 1)
	if err == nil || !strings.Contains(err.Error(), `unknown initialisation "kaiming": want one of ["he" "pytorch"]`) {
		t.Errorf("error %v", err)
	}
	for l := range n.Layers {
		if !slices.Equal(n.Layers[l].Bias, before.Layers[l].Bias) {
			t.Errorf("layer %d changed", l)
		}
	}
}
