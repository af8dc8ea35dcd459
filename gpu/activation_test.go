//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"math"
	"testing"

	"nashprune/gpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// arguments returns numbers all over the range of an activation: densely where it
// bends, about the places where formulas change, and from the smallest to the
// largest.
func arguments() []float32 {
	var v []float32
	for z := -20.; z <= 20; z += 1. / 64 {
		v = append(v, float32(z))
	}
	for _, z := range []float32{0x1p-126, 1e-30, 1e-8, 1e-4, 1, 1.5, 13.5, 64, 1e3, 1e18, 1e20, math.MaxFloat32} {
		for _, z := range []float32{math.Nextafter32(z, 0), z, math.Nextafter32(z, 2*z)} {
			if !math.IsInf(float64(z), 0) {
				v = append(v, z, -z)
			}
		}
	}
	return v
}

// probeActivation returns the activation's value and slope at each argument, as the
// device has them: the arguments are the biases of players that play 1, and one
// output adds up the values of those up to 20, so that its derivative goes to each
// player as it is.
func probeActivation(t *testing.T, a network.Activation, arguments []float32) (values, slopes []float64) {
	t.Helper()
	n := network.New(networktest.PerceptronOf(a, 1, len(arguments), 1))
	copy(n.Parameters[1], arguments)
	for i, z := range arguments {
		if math.Abs(float64(z)) <= 20 {
			n.Parameters[2][i] = 1
		}
	}
	d := &dataset.Dataset{
		Name: "one", Height: 1, Width: 1, Deviation: 1,
		Train: dataset.Samples{Features: 1, Values: []float32{0}, Outputs: 1, Targets: []float32{-1}},
	}
	e, err := openVulkan(d, backend.EngineOptions{Batch: 1, Optimiser: backend.Optimiser{Kind: backend.SGD}}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	gpu.CutInto(e, gpu.Cut{Local: 8, Across: 8, Rows: 1, Columns: 1}) // small tiles, which llvmpipe compiles sooner
	tensors, err := e.Probe([]int32{0}, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]float64{}
	for _, tensor := range tensors {
		found[tensor.Name] = tensor.Values
	}
	for _, derivative := range found["0.derivative"] {
		slopes = append(slopes, derivative/found["2.derivative"][0])
	}
	return found["1.output"], slopes
}

// TestActivationsAreWithinTheirBounds holds values and slopes to those that
// shaders/activation.glsl states, plus the rounding of a product for slopes. What
// is no normal number may be flushed to zero.
func TestActivationsAreWithinTheirBounds(t *testing.T) {
	const smallest = 0x1p-126
	arguments := arguments()
	for a, bounds := range map[network.Activation]struct{ value, slope func(z float64) float64 }{
		network.ReLU: {func(float64) float64 { return 0 }, func(float64) float64 { return 0 }},
		network.LeakyReLU: {
			func(z float64) float64 { return 2 * math.Abs(network.LeakyReLU.At(z)) },
			func(z float64) float64 { return 1 },
		},
		network.GELU: {
			func(z float64) float64 { return 4*math.Abs(z) + math.Abs(network.GELU.At(z)) },
			func(float64) float64 { return 8 },
		},
		network.Tanh: {
			func(z float64) float64 { return 8 * math.Abs(network.Tanh.At(z)) },
			func(float64) float64 { return 10 },
		},
		network.ReLU6: {func(float64) float64 { return 0 }, func(float64) float64 { return 0 }},
	} {
		values, slopes := probeActivation(t, a, arguments)
		worst, worstSlope := 0., 0.
		for i, z := range arguments {
			z := float64(z)
			want, slope := a.At(z), a.Slope(z)
			difference := math.Abs(values[i] - want)
			if !(difference <= bounds.value(z)*float32Unit+smallest) {
				t.Errorf("%s(%g) is %g, want %g", a, z, values[i], want)
			}
			worst = max(worst, difference/float32Unit/max(math.Abs(z), smallest))
			if math.Abs(z) > 20 {
				if slopes[i] != 0 { // times a weight of zero
					t.Errorf("%s'(%g) times zero is %g", a, z, slopes[i])
				}
				continue
			}
			difference = math.Abs(slopes[i] - slope)
			if !(difference <= (bounds.slope(z)+math.Abs(slope))*float32Unit+smallest) {
				t.Errorf("%s'(%g) is %g, want %g", a, z, slopes[i], slope)
			}
			worstSlope = max(worstSlope, difference/float32Unit)
		}
		t.Logf("%s: %.2f units of |z| off at most, the slope %.2f units", a, worst, worstSlope)
	}
}

// TestActivationsPassNaNOn gives players that are no number.
func TestActivationsPassNaNOn(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, a := range network.Activations {
		values, _ := probeActivation(t, a, []float32{float32(math.NaN()), 1})
		if !math.IsNaN(values[0]) || values[1] != values[1] {
			t.Errorf("%s of NaN and 1: %v", a, values)
		}
	}
}

// TestActivationsTravel pushes a network with another activation than the one that
// the engine was opened with.
func TestActivationsTravel(t *testing.T) {
	n := networktest.Perceptron(1, 3, 1)
	d := &dataset.Dataset{
		Name: "one", Height: 1, Width: 1, Deviation: 1,
		Train: dataset.Samples{Features: 1, Values: []float32{1}, Outputs: 1, Targets: []float32{0}},
	}
	e, err := openVulkan(d, backend.EngineOptions{Batch: 1}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	carried := func(want network.Activation) {
		t.Helper()
		s, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		if _, got, ok := s.Network.HiddenWidths(); !ok || got != want {
			t.Errorf("it has %q, want %q", got, want)
		}
	}
	carried(network.ReLU)
	if _, err := e.Probe([]int32{0}, 0); err != nil { // so that there are commands to forget
		t.Fatal(err)
	}
	n = network.New(networktest.PerceptronOf(network.Tanh, 1, 3, 1))
	n.Parameters[1][2] = -1
	if err := e.Push(&backend.State{Network: n}); err != nil {
		t.Fatal(err)
	}
	carried(network.Tanh)
	if err := remove(e, network.Survivors{{2}}); err != nil {
		t.Fatal(err)
	}
	carried(network.Tanh)
	tensors, err := e.Probe([]int32{0}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range tensors {
		if tensor.Name == "1.output" && math.Abs(tensor.Values[0]-math.Tanh(-1)) > 8*float32Unit {
			t.Errorf("after the removal the output is %v", tensor.Values)
		}
	}
}
