//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestMemoryPlan opens engines of many shapes and compares what their devices
// really allocated with the plan, which users are promised to 15 %.
// Gradients are kept where they are clipped, and are no activations.
func TestMemoryPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		widths         []int
		batch, samples int
		optimiser      backend.OptimiserKind
		clipNorm       float64
		joint          bool
		placement      backend.Placement
	}{
		{[]int{784, 512, 256, 10}, 128, 3000, backend.Adam, 0, false, backend.AnyPlacement},
		{[]int{784, 512, 256, 10}, 128, 3000, backend.SGD, 0, false, backend.AnyPlacement},
		{[]int{3, 1301, 2}, 1, 7, backend.Adam, 0, false, backend.AnyPlacement},
		{[]int{301, 7, 5, 3}, 4001, 5000, backend.SGD, 0, false, backend.AnyPlacement},
		{[]int{5, 2, 901, 899, 2}, 77, 100, backend.Adam, 0, false, backend.AnyPlacement},
		{[]int{1, 1, 2}, 1, 1, backend.SGD, 0, false, backend.AnyPlacement},
		{[]int{784, 512, 256, 10}, 128, 3000, backend.Adam, 1, false, backend.AnyPlacement},
		{[]int{3, 1301, 2}, 1, 7, backend.SGD, 1, false, backend.AnyPlacement},
		{[]int{784, 512, 256, 10}, 128, 3000, backend.Adam, 0, true, backend.AnyPlacement},
		{[]int{784, 512, 256, 10}, 128, 3000, backend.Adam, 0, false, backend.Streamed},
		{[]int{301, 7, 5, 3}, 4001, 5000, backend.SGD, 0, false, backend.Streamed},
		{[]int{1, 1, 2}, 1, 1, backend.SGD, 0, false, backend.Streamed},
	} {
		t.Run(fmt.Sprintf("%v batch %d %s clipped to %g joint %v %s", c.widths, c.batch, c.optimiser, c.clipNorm, c.joint, c.placement), func(t *testing.T) {
			data := dataset.Noise(c.samples, c.widths[0], 2)
			data.Test, data.Validation = data.Train, data.Train
			o := backend.EngineOptions{Batch: c.batch, Optimiser: backend.Optimiser{Kind: c.optimiser, ClipNorm: c.clipNorm}, Joint: c.joint, Samples: c.placement}
			plan, err := device.Plan(data, o, networktest.PerceptronOf(network.ReLU, c.widths...))
			if err != nil {
				t.Fatal(err)
			}
			if plan.Available < 1<<20 {
				t.Errorf("the device has %d bytes", plan.Available)
			}
			n := networktest.Perceptron(c.widths...)
			if kept := plan.Gradients >= n.Bytes(); kept != (c.clipNorm > 0 || c.joint) {
				t.Errorf("%d bytes are planned for gradients of %d bytes", plan.Gradients, n.Bytes())
			}
			e, err := device.Open(data, o, &backend.State{Network: n})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			within := func(when string, planned int) {
				t.Helper()
				if held := gpu.Allocated(e); math.Abs(float64(held-planned)) > 0.15*float64(planned) {
					t.Errorf("%s: %d bytes are allocated, planned were %d: %+v", when, held, planned, plan)
				}
			}
			within("opened", plan.Held())
			if err := e.Push(&backend.State{Network: n}); err != nil {
				t.Fatal(err)
			}
			within("after another state", plan.Held())
			none := make(network.Survivors, len(n.Gates))
			cut, err := n.Graph.Cut(none)
			if err != nil {
				t.Fatal(err)
			}
			smaller, err := device.Plan(data, o, cut.Graph)
			if err != nil {
				t.Fatal(err)
			}
			if err := remove(e, none); err != nil {
				t.Fatal(err)
			}
			if smaller.Held() > plan.Held() {
				t.Errorf("%d bytes are planned for what a cut leaves, and %d for the whole", smaller.Held(), plan.Held())
			}
			within("after a cut", smaller.Held())
		})
	}
}

// TestMemoryPlanOfWeights: an engine takes what is planned where single weights are players, and
// in the paper's game theta and the moments of slopes besides.
func TestMemoryPlanOfWeights(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	g, err := network.MLP([]int{784, 512, 256, 10}, network.ReLU, []network.PlayerKind{network.Weights})
	if err != nil {
		t.Fatal(err)
	}
	data, held := dataset.Noise(300, 784, 2), [2]int{}
	data.Test, data.Validation = data.Train, data.Train
	for i, soft := range []bool{false, true} {
		o := backend.EngineOptions{Batch: 128, Optimiser: backend.Optimiser{Kind: backend.Adam}, SoftWeights: soft}
		plan, err := device.Plan(data, o, g)
		if err != nil {
			t.Fatal(err)
		}
		e, err := device.Open(data, o, &backend.State{Network: network.New(g)})
		if err != nil {
			t.Fatal(err)
		}
		held[i] = gpu.Allocated(e)
		if math.Abs(float64(held[i]-plan.Held())) > 0.02*float64(plan.Held()) {
			t.Errorf("%d bytes are allocated, planned were %d: %+v", held[i], plan.Held(), plan)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if more, weights := held[1]-held[0], 4*g.MACs(); more < 3*weights || more > 3*weights*105/100 {
		t.Errorf("the paper's game takes %d bytes more for weights of %d", more, weights)
	}
}

// TestRefusesWhatDoesNotFit asks for more than any device has. Nothing is
// allocated for that.
func TestRefusesWhatDoesNotFit(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	data := dataset.Noise(1, 2, 2)
	widths := []int{2, 1 << 19, 1 << 19, 2}
	plan, err := device.Plan(data, backend.EngineOptions{Batch: 1, Optimiser: adam}, networktest.PerceptronOf(network.ReLU, widths...))
	for _, err := range []error{err, plan.Check()} {
		if !errors.Is(err, backend.ErrOutOfMemory) || !strings.Contains(err.Error(), "--model") {
			t.Errorf("3 TiB: %v", err)
		}
	}
}

// TestPlanRefusesWhatKernelsAndArenasDo: a dry run must not promise what the run then
// refuses.
func TestPlanRefusesWhatKernelsAndArenasDo(t *testing.T) {
	const mebibyte = 1 << 20
	generous := compute.Limits{StorageRange: 1 << 30, TexelRange: 1 << 30, Allocation: 1 << 31}
	for _, c := range []struct {
		name           string
		limit          func(*compute.Limits)
		batch, samples int
		widths         []int
		kind           error
		says           string
	}{
		{"nothing", func(*compute.Limits) {}, 10, 10, []int{100, 3000, 2}, nil, ""},
		{"storage range", func(l *compute.Limits) { l.StorageRange = mebibyte }, 1, 10, []int{10, 300, 1000, 2}, backend.ErrOutOfMemory, "node 2 "},
		{"texel range", func(l *compute.Limits) { l.TexelRange = mebibyte }, 1, 10, []int{100, 3000, 2}, backend.ErrOutOfMemory, "node 1 "},
		{"interactions", func(l *compute.Limits) { l.StorageRange = mebibyte }, 1, 10, []int{10, 513, 2}, backend.ErrOutOfMemory, "interactions of the players of 0 "},
		{"parameters", func(l *compute.Limits) { l.Allocation = 10 * mebibyte }, 1, 10, []int{1000, 1000, 2}, backend.ErrOutOfMemory, "moments"},
		{"activations", func(l *compute.Limits) { l.Allocation = mebibyte }, 1000, 1000, []int{3, 200, 2}, backend.ErrOutOfMemory, "activations and"},
		{"resident samples", func(l *compute.Limits) { l.Allocation = mebibyte }, 1, 60_000, []int{20, 1, 2}, backend.ErrOutOfMemory, "samples take"},
		{"a batch", func(*compute.Limits) {}, 65536, 65536, []int{1, 1, 2}, backend.ErrUsage, "65536"},
	} {
		limits := generous
		c.limit(&limits)
		o := backend.EngineOptions{Batch: c.batch, Optimiser: adam, Samples: backend.Resident}
		err := gpu.PlanWithin(compute.DiscreteGPU, limits, dataset.Noise(c.samples, c.widths[0], 2), o, networktest.PerceptronOf(network.ReLU, c.widths...))
		if !errors.Is(err, c.kind) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOnlyProcessorsBoundLoops: what llvmpipe would not loop over to the end a GPU does. Grids are
// bounded on any device.
func TestOnlyProcessorsBoundLoops(t *testing.T) {
	limits := compute.Limits{StorageRange: 1 << 31, TexelRange: 1 << 33, Allocation: 1 << 40}
	wide := network.Square(300, 1, 0)
	for name, c := range map[string]struct {
		nodes   []network.Node
		refused map[compute.Kind]string
	}{
		"a layer": {networktest.Chain(networktest.Input(1), networktest.Dense("wide", 262141), networktest.Dense("head", 2)),
			map[compute.Kind]string{compute.CPU: "262141"}},
		"a window": {networktest.Chain(networktest.Input(1, 300, 300), networktest.Max("wide", wide), networktest.Flatten("flat"), networktest.Dense("head", 2)),
			map[compute.Kind]string{compute.CPU: "90601"}},
		"channels": {networktest.Chain(networktest.Input(1, 1, 1), networktest.Conv("wide", 65536, network.Square(1, 1, 0), 1), networktest.Flatten("flat"), networktest.Dense("head", 2)),
			map[compute.Kind]string{compute.CPU: "98304", compute.DiscreteGPU: "65536"}},
		"nothing": {networktest.Chain(networktest.Input(1), networktest.Dense("narrow", 5), networktest.Dense("head", 2)), nil},
	} {
		g, err := network.NewGraph(c.nodes, nil)
		if err != nil {
			t.Fatal(err)
		}
		data := dataset.Noise(1, g.Input().Sample.Size(), 2)
		for _, kind := range []compute.Kind{compute.CPU, compute.DiscreteGPU} {
			err := gpu.PlanWithin(kind, limits, data, backend.EngineOptions{Batch: 1, Optimiser: adam, Samples: backend.Resident}, g)
			if says := c.refused[kind]; says == "" && err != nil || says != "" && (!errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s on %s: %v", name, kind, err)
			}
		}
	}
}

// TestMemoryPlanForInference: an engine for inference takes what is planned, without gradients,
// moments and most of what activations take in training.
func TestMemoryPlanForInference(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	n := networktest.Perceptron(784, 512, 256, 10)
	data := dataset.Noise(300, 784, 10)
	data.Test = data.Train
	whole, err := device.Plan(data, backend.EngineOptions{Batch: 300, Optimiser: adam}, n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	o := backend.EngineOptions{Batch: 300, Inference: true}
	plan, err := device.Plan(data, o, n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Moments != 0 || plan.Gradients != 0 || plan.Activations > whole.Activations*3/4 {
		t.Errorf("planned for inference is %+v, and for training %+v", plan, whole)
	}
	e, err := gpu.OpenByDriver(device, data, o, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if held := gpu.Allocated(e); math.Abs(float64(held-plan.Held())) > 0.02*float64(plan.Held()) {
		t.Errorf("%d bytes are allocated, planned were %d: %+v", held, plan.Held(), plan)
	}
}
