//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network/networktest"
)

const float32Unit = 0x1p-24

// openVulkan opens the backend as a user would get it: on the first device.
func openVulkan(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		return nil, err
	}
	return device.Open(d, o, s)
}

func TestParityOfVulkanWithFloat64(t *testing.T) {
	cases, least := backendtest.Cases(), 300
	if testing.Short() {
		cases, least = backendtest.FewCases(), 100
	}
	if checks := compareCases(t, cases); checks < least {
		t.Errorf("only %d checks were made", checks)
	}
}

// Cuts that fit nothing.
func oddly(e backend.Engine) { gpu.CutInto(e, gpu.Cut{Local: 3, Across: 3, Rows: 5, Columns: 2}) }
func sharing(e backend.Engine) {
	gpu.CutInto(e, gpu.Cut{Local: 12, Across: 3, Rows: 4, Columns: 2, Step: 4})
}

// asOnGPU cuts as a discrete GPU does with kernels of a name, or its default.
func asOnGPU(kernels string) func(backend.Engine) {
	return func(e backend.Engine) { gpu.CutAs(e, compute.DiscreteGPU, kernels) }
}

// TestParityOfOtherCuts compares engines that cut their work as on a GPU, which
// may not be at hand, and into tiles that fit nothing. Those differ in the kernels of
// products alone.
func TestParityOfOtherCuts(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	type comparison func(reference, candidate backendtest.Opener, unit float64, cases []backendtest.Case) (backendtest.Report, error)
	for name, c := range map[string]struct {
		cut     func(backend.Engine)
		compare comparison
		cases   []backendtest.Case
	}{
		"as on a GPU":       {asOnGPU(""), backendtest.Compare, backendtest.Cases()[2:3]},
		"as on a GPU, wide": {asOnGPU(""), backendtest.CompareTraining, backendtest.Cases()[6:7]},
		"as on a GPU, vec4": {asOnGPU("vec4"), backendtest.CompareTraining, backendtest.Cases()[2:3]},
		"oddly":             {oddly, backendtest.CompareTraining, backendtest.Cases()[2:3]},
		"sharing":           {sharing, backendtest.CompareTraining, backendtest.Cases()[2:3]},

		"images as on a GPU":       {asOnGPU(""), backendtest.CompareTraining, backendtest.Graphs("residual of images", "depthwise")},
		"images as on a GPU, vec4": {asOnGPU("vec4"), backendtest.CompareTraining, backendtest.Graphs("residual of images")},
		"images oddly":             {oddly, backendtest.CompareTraining, backendtest.Graphs("depthwise")},
		"images sharing":           {sharing, backendtest.CompareTraining, backendtest.Graphs("depthwise")},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := c.compare(cpufallback.OpenOracle, func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
				e, err := openVulkan(d, o, s)
				if err == nil {
					c.cut(e)
				}
				return e, err
			}, float32Unit, c.cases)
			if err != nil {
				t.Fatal(err)
			}
			hold(t, report)
		})
	}
}

// TestPlayersOfManyNumbers compares a gate on images of more numbers than an invocation goes
// through for a block of samples: llvmpipe would leave the loop early, without a word.
func TestPlayersOfManyNumbers(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	const pixels = 5001
	report, err := backendtest.CompareTraining(cpufallback.OpenOracle, openVulkan, float32Unit, []backendtest.Case{{
		Name: "an image of one player", Inputs: pixels, Outputs: 2, Batch: 16, Rows: 16, LearningRate: 1e-2,
		Optimiser: backend.Optimiser{Kind: backend.Adam},
		Nodes:     networktest.Chain(networktest.Input(1, pixels), networktest.Flatten("flat"), networktest.Dense("head", 2)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	hold(t, report)
}

// compareCases compares the backend with the oracle and returns the number of
// checks.
func compareCases(t *testing.T, cases []backendtest.Case) int {
	t.Helper()
	return compareWith(t, openVulkan, cases)
}

func compareWith(t *testing.T, open backendtest.Opener, cases []backendtest.Case) int {
	t.Helper()
	report, err := backendtest.Compare(cpufallback.OpenOracle, open, float32Unit, cases)
	if err != nil {
		t.Fatal(err)
	}
	hold(t, report)
	return len(report.Checks)
}

// hold fails where a bound is broken.
func hold(t *testing.T, r backendtest.Report) {
	t.Helper()
	for _, c := range r.Failed() {
		t.Errorf("%s: %s: used %g of the bound: %s", c.Case, c.Quantity, c.Used, c.Detail)
	}
}

// TestParityOfTheOtherKernels compares the set that is not the default in cases that are
// odd, smaller and larger than its tiles, with activations that go through loops and
// without.
func TestParityOfTheOtherKernels(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := device.KernelSets()
	if err != nil || len(sets) != 2 {
		t.Fatalf("%v, %v", sets, err)
	}
	other, err := device.WithKernels(sets[1]) // the first is compared in all cases
	if err != nil {
		t.Fatal(err)
	}
	all := backendtest.Cases()
	cases := []backendtest.Case{all[3], all[6], all[15]}
	if testing.Short() {
		cases = cases[:1]
	}
	report, err := backendtest.CompareTraining(cpufallback.OpenOracle, other.Open, float32Unit, cases)
	if err != nil {
		t.Fatal(err)
	}
	hold(t, report)
}
