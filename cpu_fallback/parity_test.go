package cpufallback_test

import (
	"context"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network/networktest"
)

const float32Unit = 0x1p-24

// openCPU opens the backend with gonum's products.
func openCPU(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	return openNamed("gonum")(d, o, s)
}

// openNamed opens the device that a user's words mean.
func openNamed(words string) backendtest.Opener {
	return func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
		device, err := backend.FindDevice(words)
		if err != nil {
			return nil, err
		}
		return device.Open(d, o, s)
	}
}

// onEveryLibrary runs a test with gonum's products and with OpenBLAS's, which may
// be missing, but not under CI=true.
func onEveryLibrary(t *testing.T, test func(t *testing.T, open backendtest.Opener)) {
	for _, library := range []string{"gonum", "openblas"} {
		t.Run(library, func(t *testing.T) {
			if _, err := backend.FindDevice(library); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			test(t, openNamed(library))
		})
	}
}

func TestParityOfFloat32WithFloat64(t *testing.T) {
	cases, least := backendtest.Cases(), 300
	if testing.Short() {
		cases, least = backendtest.FewCases(), 100
	}
	onEveryLibrary(t, func(t *testing.T, open backendtest.Opener) {
		report, err := backendtest.Compare(cpufallback.OpenOracle, open, float32Unit, cases)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Failed() {
			t.Errorf("%s: %s: used %g of the bound: %s", c.Case, c.Quantity, c.Used, c.Detail)
		}
		if len(report.Checks) < least {
			t.Errorf("only %d checks were made", len(report.Checks))
		}
	})
}

// tampered is an engine with one fault.
type tampered struct {
	backend.Engine
	fault string
}

func (e tampered) Probe(order []int32, rate float64) ([]backend.Tensor, error) {
	tensors, err := e.Engine.Probe(order, rate)
	for _, t := range tensors {
		if strings.HasSuffix(t.Name, e.fault) && len(t.Values) > 0 {
			t.Values[len(t.Values)-1] = 1.01*t.Values[len(t.Values)-1] + 1e-3
		}
	}
	return tensors, err
}

func (e tampered) Observe(ctx context.Context, order []int32) (*backend.Observation, error) {
	o, err := e.Engine.Observe(ctx, order)
	if err != nil {
		return nil, err
	}
	for fault, v := range map[string][]float64{
		"interactions": o.Interactions[0][0], "input mean": o.Inputs[0].Mean, "input square": o.Inputs[0].Square,
	} {
		if e.fault == fault {
			v[len(v)-1] = 1.001*v[len(v)-1] + 1e-4
		}
	}
	return o, nil
}

func (e tampered) Play(prices, from [][]float64, sweeps int) ([][]float64, error) {
	if e.fault == "price" {
		prices = slices.Clone(prices)
		prices[0] = slices.Clone(prices[0])
		for i := range prices[0] {
			prices[0][i] *= 1.001
		}
	}
	if e.fault == "sweep" {
		sweeps++
	}
	return e.Engine.Play(prices, from, sweeps)
}

func (e tampered) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	if s.Paper != nil && s.Paper.Update == backend.HardConcrete {
		move := *s.Paper
		switch e.fault {
		case "seed":
			move.Seed ^= 1 << 63
		case "penalty":
			move.Game.Gamma *= 1.001
		case "benefit":
			move.Game.Alpha *= 1.001
		case "stretch":
			move.Seed += uint64(s.Steps())
		}
		s.Paper = &move
	}
	return e.Engine.Train(ctx, s)
}

func (e tampered) Push(s *backend.State) error {
	if e.fault == "cut" { // the suite keeps what it asked for
		other := *s
		other.Network = s.Network.Clone()
		if first := other.Network.Participations[0]; len(first) < 15 { // less than the case has
			slices.Reverse(first)
		}
		s = &other
	}
	return e.Engine.Push(s)
}

func (e tampered) RestartOptimiser() error {
	if e.fault == "restart" {
		return nil
	}
	return e.Engine.RestartOptimiser()
}

// TestTheSuiteSeesFaults gives the suite engines with a fault in one place and
// expects it to point there.
func TestTheSuiteSeesFaults(t *testing.T) {
	for fault, quantity := range map[string]string{
		"input":               "step/input",
		"loss":                "step/loss",
		"0.weight":            "gradient.0.weight",
		"contribution.mean":   "contribution.mean",
		"contribution.square": "contribution.square",
		"second.0.bias":       "second.0.bias",
		"interactions":        "interactions",
		"input mean":          "input mean",
		"input square":        "input square",
		"price":               "play/1 sweeps",
		"sweep":               "play/no sweep",
		"cut":                 "cut",
		"restart":             "restart",
		"seed":                "gates drawn/gates",
		"penalty":             "gates drawn/gates",
		"benefit":             "gates drawn/gates",
		"stretch":             "gates drawn/in two parts",
	} {
		open := func(d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
			e, err := openCPU(d, o, s)
			return tampered{e, fault}, err
		}
		report, err := backendtest.Compare(cpufallback.OpenOracle, open, float32Unit, backendtest.Cases()[2:3])
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, c := range report.Failed() {
			found = found || strings.Contains(c.Quantity, quantity)
		}
		if !found {
			t.Errorf("a fault in %q is not seen", fault)
		}
	}
}

// TestSameBitsWithAnyNumberOfProcessors trains with sizes that gonum and the
// loops here cut into several pieces, and compares to the bit.
func TestSameBitsWithAnyNumberOfProcessors(t *testing.T) {
	onEveryLibrary(t, sameBitsWithAnyNumberOfProcessors)
}

func sameBitsWithAnyNumberOfProcessors(t *testing.T, open backendtest.Opener) {
	c := backendtest.Case{Inputs: 300, Hidden: []int{270, 130}, Outputs: 13, Batch: 200, Rows: 200, Optimiser: backend.Optimiser{Kind: backend.Adam}}
	train := func(processors int) *backend.State {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		return trained(t, open, c)
	}
	want := train(1)
	for _, processors := range []int{2, 3, 16} {
		if !reflect.DeepEqual(train(processors), want) {
			t.Errorf("%d processors give other bits than one", processors)
		}
	}
}

// TestSameBitsAtAnyAddress trains a layer so small that the allocator of Go aligns its
// parameters to 8 bytes and not always to 16. Products add in an order that depends on it.
func TestSameBitsAtAnyAddress(t *testing.T) {
	onEveryLibrary(t, func(t *testing.T, open backendtest.Opener) {
		c := backendtest.Case{Inputs: 5, Hidden: []int{1}, Outputs: 2, Batch: 9, Rows: 9, Optimiser: backend.Optimiser{Kind: backend.Adam}}
		want := trained(t, open, c)
		for range 20 {
			if !reflect.DeepEqual(trained(t, open, c), want) {
				t.Fatal("a second engine gives other bits than the first")
			}
		}
	})
}

// trained returns the state after three steps of a case.
func trained(t *testing.T, open backendtest.Opener, c backendtest.Case) *backend.State {
	t.Helper()
	data := c.Data()
	e, err := open(data, backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, c.State())
	if err != nil {
		t.Fatal(err)
	}
	stretch := backend.Stretch{LearningRates: []float64{1e-3, 1e-3, 1e-3}}
	for i := range 3*c.Batch - 5 {
		stretch.Order = append(stretch.Order, int32(i%data.Train.Len()))
	}
	if _, err := e.Train(context.Background(), stretch); err != nil {
		t.Fatal(err)
	}
	state, err := e.Pull()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestOpenRefusesWhatDoesNotFit(t *testing.T) {
	c := backendtest.Cases()[1]
	adam := backend.Optimiser{Kind: backend.Adam}
	for name, open := range map[string]func() (backend.Engine, error){
		"batch": func() (backend.Engine, error) {
			return openCPU(c.Data(), backend.EngineOptions{Optimiser: adam}, c.State())
		},
		"inputs": func() (backend.Engine, error) {
			return openCPU(c.Data(), backend.EngineOptions{Batch: 1, Optimiser: adam}, &backend.State{Network: networktest.Perceptron(4, 2, 2)})
		},
		"bytes in one part and floats in another": func() (backend.Engine, error) {
			mixed := c.Data()
			mixed.Test = backendtest.Case{Inputs: c.Inputs, Outputs: 2, Batch: 1, Rows: 1, Floats: true}.Data().Test
			return openCPU(mixed, backend.EngineOptions{Batch: 1, Optimiser: adam}, c.State())
		},
		"outputs": func() (backend.Engine, error) {
			return openCPU(c.Data(), backend.EngineOptions{Batch: 1, Optimiser: adam}, &backend.State{Network: networktest.Perceptron(3, 2, 1)})
		},
	} {
		if _, err := open(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
