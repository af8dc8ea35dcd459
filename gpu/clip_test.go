//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network/networktest"
)

// clipped makes a step of plain gradient descent at rate 1 of a network without
// hidden layers, whose targets are as large as said, and returns the gradient
// before it was clipped and how the parameters moved.
func clipped(t *testing.T, inputs, outputs int, size, longest float64) (gradient, moved []float64) {
	t.Helper()
	part := dataset.Samples{Features: inputs, Outputs: outputs}
	for i := range inputs {
		part.Values = append(part.Values, float32(1+math.Sin(float64(i))))
	}
	for i := range outputs {
		part.Targets = append(part.Targets, float32(size*math.Cos(float64(i))))
	}
	d := &dataset.Dataset{Name: "one", Height: 1, Width: inputs, Deviation: 1, Train: part}
	o := backend.EngineOptions{Batch: 1, Optimiser: backend.Optimiser{Kind: backend.SGD, ClipNorm: longest}}
	e, err := openVulkan(d, o, &backend.State{Network: networktest.Perceptron(inputs, outputs)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	tensors, err := e.Probe([]int32{0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range tensors { // parameters begin at zero
		switch tensor.Name {
		case "gradient.0.weight", "gradient.0.bias":
			gradient = append(gradient, tensor.Values...)
		case "0.weight", "0.bias":
			moved = append(moved, tensor.Values...)
		}
	}
	return gradient, moved
}

// TestClipping holds the length of a step to closed forms: of gradients whose
// squares are larger than any number, or smaller, of more numbers than one sum each,
// and at lengths of all sizes. Sums of positive squares in float32 are off by gamma_n
// of themselves with n additions in a row, which are 4096/32 + 4096/8 here at most,
// and the root by half of that; the scaling takes a few roundings more.
func TestClipping(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, c := range []struct {
		inputs, outputs int
		size, longest   float64
	}{
		{3, 2, 1, 0.1}, {3, 2, 1, 1e6}, {1, 1, 1, 1e-3}, {130, 67, 1, 2},
		{1030, 600, 1, 1}, // more sums than fit
		{3, 2, 1e25, 1}, {3, 2, 1e30, 1e3}, {3, 2, 1e18, 1e-10}, {3, 2, 1e36, 1e35},
		{3, 2, 1e-25, 1}, {3, 2, 1e-25, 1e-27}, {3, 2, 0, 1},
	} {
		gradient, moved := clipped(t, c.inputs, c.outputs, c.size, c.longest)
		length := 0.
		for _, g := range gradient {
			length = math.Hypot(length, g)
		}
		scale := 1.
		if length > c.longest {
			scale = c.longest / length
		}
		for i, g := range gradient {
			tolerance := 400 * float32Unit * math.Abs(scale*g)
			if scale == 1 {
				tolerance = 0
			}
			if !(math.Abs(moved[i]+scale*g) <= tolerance+0x1p-126) { // smaller numbers may be zero
				t.Errorf("%+v: parameter %d moved by %g, its gradient is %g and the length %g", c, i, moved[i], g, length)
				break
			}
		}
	}
}

// TestClippingHidesNoDivergence: where a gradient is not finite, neither is what
// becomes of its parameter.
func TestClippingHidesNoDivergence(t *testing.T) {
	for _, size := range []float64{math.NaN(), math.Inf(1)} {
		_, moved := clipped(t, 3, 2, size, 1)
		if finite := moved[0] - moved[0]; finite == 0 {
			t.Errorf("targets of %g: parameters move by %v", size, moved)
		}
	}
}

// TestClippingTakesItsOwnKernels, and nothing else does.
func TestClippingTakesItsOwnKernels(t *testing.T) {
	for _, longest := range []float64{0, 1} {
		c := benchmarkCase(5)
		c.Optimiser.ClipNorm = longest
		e := openOn(t, "vulkan", c)
		if _, err := e.Train(context.Background(), steps(c, 3)); err != nil {
			t.Fatal(err)
		}
		found := map[string]int{}
		for _, timing := range e.Timings() {
			found[timing.Kernel] = timing.Calls
		}
		want := map[string]int{"gather": 1, "forward": 1, "output": 1, "backward": 1, "gradient": 1}
		if longest > 0 {
			want["squares"], want["clip"], want["update"] = 1, 1, 2
		}
		if !reflect.DeepEqual(found, want) {
			t.Errorf("clip to %v: timed %v, want %v", longest, found, want)
		}
	}
}

// TestClippingMovesAsTheFusedUpdateDoes takes a step in which no gradient is too
// long, with every optimiser. Compilers may fuse operations in one kernel and not in
// the other, so a few roundings of what is added up may lie between.
func TestClippingMovesAsTheFusedUpdateDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, kind := range backend.OptimiserKinds {
		end := func(longest float64) (numbers []float32) {
			c := benchmarkCase(13, 6)
			c.Optimiser = backend.Optimiser{Kind: kind, WeightDecay: 0.1, ClipNorm: longest}
			if kind.HasMomentum() {
				c.Optimiser.Momentum = 0.9
			}
			e := openOn(t, "vulkan", c)
			if err := e.Push(c.State()); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Train(context.Background(), steps(c, 1)); err != nil {
				t.Fatal(err)
			}
			s, err := e.Pull()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range slices.Concat(s.Network.Parameters, s.First, s.Second) {
				numbers = append(numbers, v...)
			}
			return numbers
		}
		fused, clipped := end(0), end(1e30)
		for i, x := range fused {
			if !(math.Abs(float64(clipped[i]-x)) <= 16*float32Unit*max(1, math.Abs(float64(x)))) {
				t.Errorf("%s: number %d is %g, and %g where gradients might have been clipped", kind, i, x, clipped[i])
				break
			}
		}
	}
}
