//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/gpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestParityOfOddImages compares training steps of what the networks of the suite leave out:
// windows that skip rows and columns, of which padding is a part; channels of a multiple of
// four numbers, more than a tile takes; and groups of several channels that tiles cut.
func TestParityOfOddImages(t *testing.T) {
	input, conv, norm, relu := networktest.Input, networktest.Conv, networktest.Norm, func(name string) network.Node { return networktest.Activate(name, network.ReLU) }
	head := func(nodes ...network.Node) []network.Node {
		return networktest.Chain(append(nodes, networktest.Flatten("flat"), networktest.Dense("head", 3))...)
	}
	odd := network.Window{Kernel: [2]int{3, 2}, Stride: [2]int{4, 3}, Padding: [2]int{2, 1}}
	var cases []backendtest.Case
	for name, nodes := range map[string][]network.Node{
		"a kernel as large as the image": head(input(2, 3, 4), conv("c", 3, network.Window{Kernel: [2]int{3, 4}, Stride: [2]int{1, 1}}, 1), norm("n"), relu("a")),
		"strides beyond the kernel":      head(input(1, 7, 8), conv("c0", 3, odd, 1), relu("a0"), conv("c1", 5, odd, 1), relu("a1")),
		"padded pools":                   head(input(1, 6, 5), conv("c", 2, network.Square(1, 1, 0), 1), networktest.Max("max", network.Square(3, 2, 1)), relu("a"), networktest.Average("mean", network.Square(2, 1, 1)), networktest.Max("all", network.Square(3, 1, 0))),
		"wide":                           head(input(1, 8, 8), conv("c0", 70, network.Square(1, 1, 0), 1), norm("n"), relu("a0"), conv("c1", 18, network.Square(3, 2, 1), 2), relu("a1")),
		"no dense layer": networktest.Chain(input(2, 4, 3), norm("first"), conv("c0", 4, network.Square(3, 1, 1), 1), relu("a"), conv("c1", 3, network.Square(1, 1, 0), 1),
			networktest.GlobalAverage("mean"), networktest.Flatten("flat")),
	} {
		for _, batch := range []int{1, 9} {
			c := backendtest.Case{Name: name, Nodes: nodes, Batch: batch, Rows: batch, Outputs: 3, Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9}, LearningRate: 1e-2}
			c.Inputs = c.Graph().Inputs()
			if !testing.Short() || name == "strides beyond the kernel" && batch > 1 {
				cases = append(cases, c)
			}
		}
	}
	report, err := backendtest.CompareTraining(cpufallback.OpenOracle, openVulkan, float32Unit, cases)
	if err != nil {
		t.Fatal(err)
	}
	hold(t, report)
}

// TestEqualMaxima: of equal numbers of a window the first takes the derivative, as on the CPU,
// and a number that is none is the largest.
func TestEqualMaxima(t *testing.T) {
	nodes := networktest.Chain(networktest.Input(1, 4, 4), networktest.BiasedConv("c", 2, network.Square(1, 1, 0)),
		networktest.Max("pool", network.Square(3, 1, 1)), networktest.Flatten("flat"), networktest.Dense("head", 2))
	c := backendtest.Case{Inputs: 16, Nodes: nodes, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam}
	for name, bias := range map[string]float32{"equal": 1, "no number": float32(math.NaN())} {
		s := fresh(c)
		s.Network.Parameters[0] = []float32{0, 1} // the first channel is constant
		s.Network.Parameters[1] = []float32{bias, 0}
		var found [2]map[string][]float64
		for i, open := range []backendtest.Opener{openVulkan, cpufallback.OpenOracle} {
			e, err := open(c.Data(), backend.EngineOptions{Batch: 1, Optimiser: adam}, s)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			tensors, err := e.Probe([]int32{0}, 0)
			if err != nil {
				t.Fatal(err)
			}
			found[i] = map[string][]float64{}
			for _, tensor := range tensors {
				found[i][tensor.Name] = tensor.Values
			}
		}
		for _, tensor := range []string{"pool.output", "c.derivative"} {
			if tensor == "c.derivative" && bias != bias { // where no number comes in, none goes out
				continue
			}
			got, want := found[0][tensor], found[1][tensor]
			if !slices.EqualFunc(got, want, func(x, y float64) bool { return math.Abs(x-y) <= 1e-5*math.Abs(y) || x != x && y != y }) {
				t.Errorf("%s: %s is %v, on the CPU %v", name, tensor, got, want)
			}
		}
	}
}

// TestImagesThatKernelsDoNotGoThrough: what would break a limit of loops is refused.
func TestImagesThatKernelsDoNotGoThrough(t *testing.T) {
	head := func(nodes ...network.Node) []network.Node {
		return append(nodes, networktest.GlobalAverage("mean"), networktest.Flatten("flat"), networktest.Dense("head", 2))
	}
	for name, nodes := range map[string][]network.Node{
		"conv":  head(networktest.Input(700, 9, 9), networktest.Conv("conv", 2, network.Square(9, 1, 0), 1)),
		"max":   head(networktest.Input(1, 260, 260), networktest.Max("max", network.Square(260, 1, 0))),
		"mean":  head(networktest.Input(1, 300, 300)),
		"dense": {networktest.Input(2), networktest.Norm("norm")},
	} {
		g := networktest.Build(networktest.Chain(nodes...)...)
		data := dataset.Noise(3, g.Inputs(), 2)
		device, err := backend.FindDevice(gpu.DriverName)
		if err != nil {
			t.Fatal(err)
		}
		_, err = device.Plan(data, backend.EngineOptions{Batch: 3, Optimiser: adam}, g)
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestImagesWithoutPlayers: what is left when all players leave computes what it does on the
// CPU, and trains.
func TestImagesWithoutPlayers(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for _, c := range backendtest.Graphs("lenet", "residual of images", "depthwise", "norms first") {
		s := fresh(c)
		keep := make(network.Survivors, len(s.Network.Gates))
		for i, gate := range s.Network.Gates {
			if gate.Kind == network.Inputs {
				keep[i] = network.Indices(gate.Players)
			}
		}
		cut, err := s.Network.Cut(keep)
		if err != nil {
			t.Fatal(err)
		}
		var losses [2][]float64
		for i, open := range []backendtest.Opener{openVulkan, cpufallback.OpenOracle} {
			e, err := open(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: adam}, s.Cut(cut))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			progress, err := e.Train(t.Context(), steps(c, 2))
			if err != nil {
				t.Fatal(err)
			}
			evaluation, err := e.Evaluate(t.Context(), backend.TestPart, backend.Want{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Observe(t.Context(), []int32{0, 1}); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Measure(t.Context()); err != nil {
				t.Fatal(err)
			}
			losses[i] = []float64{progress.Loss, evaluation.Loss}
		}
		for i, want := range losses[1] {
			if got := losses[0][i]; !(math.Abs(got-want) <= 1e-4*want) { // two steps of Adam in float32
				t.Errorf("%s: %v, on the CPU %v", c.Name, losses[0], losses[1])
			}
		}
	}
}

// TestMemoryPlanOfImages compares what is allocated with the plan.
func TestMemoryPlanOfImages(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(backendtest.Graphs("lenet", "residual of images"), residual, lenet5) {
		o := backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}
		plan, err := device.Plan(c.Data(), o, c.Graph())
		if err != nil {
			t.Fatal(err)
		}
		e := openOn(t, gpu.DriverName, c)
		if held := gpu.Allocated(e); held != plan.Held() {
			t.Errorf("%s: %d bytes are allocated, planned were %d", c.Name, held, plan.Held())
		}
		g := c.Graph()
		for part := 2; part < 5; part++ { // what removals leave takes no more
			var keep network.Survivors
			for _, gate := range g.Gates {
				keep = append(keep, network.Indices((gate.Players+part-1)/part))
			}
			cut, err := g.Cut(keep)
			if err != nil {
				t.Fatal(err)
			}
			smaller, err := device.Plan(c.Data(), o, cut.Graph)
			if err != nil || smaller.Held() > plan.Held() {
				t.Errorf("%s: %d bytes are planned for a part of 1/%d, and %d for the whole, %v", c.Name, smaller.Held(), part, plan.Held(), err)
			}
		}
	}
}

// TestSamplesOfABatchNorm: evaluations of a batch norm do not depend on the batch, and leave
// its statistics alone; a training step moves them.
func TestSamplesOfABatchNorm(t *testing.T) {
	c := backendtest.Graphs("norm of numbers")[0]
	e := openOn(t, gpu.DriverName, c)
	statistics := func() (all [][]float32) {
		s, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		for p, param := range s.Network.Params {
			if param.Statistic {
				all = append(all, s.Network.Parameters[p])
			}
		}
		return all
	}
	before := statistics()
	if _, err := e.Evaluate(t.Context(), backend.TestPart, backend.Want{}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(before, statistics(), slices.Equal) {
		t.Error("an evaluation has moved statistics")
	}
	if _, err := e.Train(t.Context(), steps(c, 1)); err != nil {
		t.Fatal(err)
	}
	for i, after := range statistics() {
		if slices.Equal(after, before[i]) {
			t.Error("a step has not moved statistics")
		}
	}
}
