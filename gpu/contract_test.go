//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestNumbersThatAreNotFinite puts one number that is not finite into a state, and
// expects the device to leave it where the CPU does: a training that diverged must
// not look as if it had not.
func TestNumbersThatAreNotFinite(t *testing.T) {
	c := backendtest.Cases()[2]
	engines := map[string]backend.Engine{} // by driver and activation; each takes every state
	infinity, nan := float32(math.Inf(1)), float32(math.NaN())
	for name, spoil := range map[string]func(*backend.State){
		"NaN in a hidden weight":      func(s *backend.State) { s.Network.Parameters[0][0] = nan },
		"NaN in a hidden bias":        func(s *backend.State) { s.Network.Parameters[1][1] = nan },
		"NaN in a participation":      func(s *backend.State) { s.Network.Participations[0][0] = nan },
		"NaN in a logit":              func(s *backend.State) { s.Network.Parameters[3][1] = nan },
		"infinity in a hidden weight": func(s *backend.State) { s.Network.Parameters[0][0] = infinity },
		"infinity below a rectifier":  func(s *backend.State) { s.Network.Parameters[1][1] = -infinity },
		"infinity in a logit":         func(s *backend.State) { s.Network.Parameters[3][1] = -infinity },
	} {
		for _, how := range []struct {
			activation network.Activation
			paper      *backend.PaperMove
		}{
			{network.ReLU, &backend.PaperMove{Game: game.Paper{Alpha: 1, Beta: 1}, Update: backend.GradientAscent, Rate: 0.1}},
			{network.ReLU, &backend.PaperMove{Game: game.Paper{Alpha: 1, Beta: 1, Gradient: game.OfEffective}, Update: backend.AdamAscent, Rate: 0.1}},
			{network.ReLU, nil}, {network.LeakyReLU, nil}, {network.GELU, nil}, {network.Tanh, nil}, {network.ReLU6, nil},
		} {
			c := c
			c.Activation = how.activation
			found := func(driver string) string {
				e := engines[driver+string(how.activation)]
				if e == nil {
					e = openOn(t, driver, c)
					engines[driver+string(how.activation)] = e
				}
				state := c.State()
				spoil(state)
				if err := e.Push(state); err != nil {
					t.Fatal(err)
				}
				evaluation, err := e.Evaluate(context.Background(), backend.TrainPart, backend.Want{})
				if err != nil {
					t.Fatal(err)
				}
				measured, err := e.Measure(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				stretch := steps(c, 1)
				stretch.Paper = how.paper
				progress, err := e.Train(context.Background(), stretch)
				if err != nil {
					t.Fatal(err)
				}
				participations, err := e.Participations()
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(kindsOf(evaluation.Loss, progress.Loss), kindsOf(participations[0]...), kindsOf(measured[0].MeanSquare...))
			}
			if got, want := found(gpu.DriverName), found("cpu"); got != want {
				t.Errorf("%s, %s, paper's game %v: %s, the CPU has %s", name, how.activation, how.paper != nil, got, want)
			}
		}
	}
}

// TestMomentsOfAnotherOptimiser pushes Adam's second moments to an engine of SGD,
// which has none.
func TestMomentsOfAnotherOptimiser(t *testing.T) {
	c := backendtest.Cases()[2]
	state := c.State()
	c.Optimiser = backend.Optimiser{Kind: backend.SGD, Momentum: 0.9}
	e := openOn(t, gpu.DriverName, c)
	if err := e.Push(state); err != nil {
		t.Fatal(err)
	}
	got, err := e.Pull()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.First[0], state.First[0]) || got.Second != nil {
		t.Error("the first moments are not those that were pushed")
	}
}

// TestPaperMovesByGradientUnlessTold plays the paper's game without an update by
// name.
func TestPaperMovesByGradientUnlessTold(t *testing.T) {
	c := backendtest.Cases()[2]
	played := func(update backend.PaperUpdate) []float64 {
		e := openOn(t, gpu.DriverName, c)
		stretch := steps(c, 2)
		stretch.Paper = &backend.PaperMove{Game: game.Paper{Gamma: 1}, Update: update, Rate: 0.1}
		if _, err := e.Train(context.Background(), stretch); err != nil {
			t.Fatal(err)
		}
		participations, err := e.Participations()
		if err != nil {
			t.Fatal(err)
		}
		return participations[0]
	}
	if got, want := played(""), played(backend.GradientAscent); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, and by gradient %v", got, want)
	}
}

// TestNoBatchLeavesItsPlace gives a step more samples than there are places for.
func TestNoBatchLeavesItsPlace(t *testing.T) {
	c := backendtest.Case{Inputs: 3, Hidden: []int{2}, Outputs: 2, Batch: 1000, Rows: 1, Optimiser: adam}
	data := c.Data()
	data.Train.Pixels, data.Train.Labels = data.Train.Pixels[:3*300], data.Train.Labels[:300]
	e, err := openVulkan(data, backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, fresh(c))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	_, err = e.Train(context.Background(), backend.Stretch{Order: make([]int32, 301), LearningRates: []float64{1e-3}})
	t.Error(err)
}

// TestWidthsThatArePushed: what a device does not take when it is opened it does
// not take later, and goes on with what it has.
func TestWidthsThatArePushed(t *testing.T) {
	c := backendtest.Cases()[2]
	e := openOn(t, gpu.DriverName, c)
	before, err := e.Pull()
	if err != nil {
		t.Fatal(err)
	}
	wide := &backend.State{Network: networktest.Perceptron(c.Inputs, 262141, c.Outputs)}
	if err := e.Push(wide); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("%v", err)
	}
	after, err := e.Pull()
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the state is another, %v", err)
	}
}

// TestTheDeviceIsTheOneThatWasListed opens a device whose number now is another's.
func TestTheDeviceIsTheOneThatWasListed(t *testing.T) {
	c := backendtest.Cases()[0]
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	device.Name = "Voodoo"
	_, err = device.Open(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser}, fresh(c))
	if !errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "Voodoo") {
		t.Errorf("%v", err)
	}
}

// kindsOf writes finite numbers as 0.
func kindsOf(numbers ...float64) (kinds []float64) {
	for _, x := range numbers {
		kinds = append(kinds, x-x)
	}
	return kinds
}

// TestBestResponsesStayBetweenZeroAndOne: of players who are hardly worth the price,
// and of those who hardly stay below 1. A device may round a quotient of two
// such numbers to the other side of 1.
func TestBestResponsesStayBetweenZeroAndOne(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	const players = 64
	c := backendtest.Case{Inputs: 1, Hidden: []int{players}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam}
	options := backend.EngineOptions{Batch: 1, Optimiser: adam}
	within := func(what string, participations []float64) {
		t.Helper()
		for i, s := range participations {
			if !(s >= 0 && s <= 1) {
				t.Errorf("%s: player %d participates with %g", what, i, s)
			}
		}
	}
	full := [][]float64{slices.Repeat([]float64{1}, players)}
	for _, price := range []float32{0.3, 0.7, 0.9, 1.1, 3.3} {
		state := &backend.State{Network: networktest.Perceptron(1, players, 2)}
		for i := range players {
			state.Network.Parameters[0][i] = float32(1 - i%2*2)   // one of two rectifiers is open
			state.Network.Parameters[2][i] = price * float32(i+1) // of one output alone
		}
		e, err := openVulkan(c.Data(), options, state)
		if err != nil {
			t.Fatal(err)
		}
		observed, err := e.Observe(t.Context(), []int32{0})
		if err != nil {
			t.Fatal(err)
		}
		for i, own := range observed.Interactions[0].Own() {
			for _, at := range []float64{own, own * (1 - 0x1p-22), own * 0x1p-24, own * 0x1p-22} {
				moved, err := e.Play([][]float64{slices.Repeat([]float64{at}, players)}, full, 1)
				if err != nil {
					t.Fatal(err)
				}
				within(fmt.Sprintf("market at %g, what player %d is worth", at, i), moved[0])
			}
		}
		// A player whose |theta|^2 is 1 is paid by the toll, less than 2 beta.
		stretch := steps(c, 1)
		stretch.LearningRates = []float64{0}
		for toll, n := price, 0; n < 8; n++ {
			toll = math.Nextafter32(toll, 0)
			stretch.Paper = &backend.PaperMove{Game: game.Paper{Beta: float64(price) / 2, Gamma: -float64(toll)}, Update: backend.BestResponse, Rate: 1}
			if _, err := e.Train(t.Context(), stretch); err != nil {
				t.Fatal(err)
			}
			found, err := e.Participations()
			if err != nil {
				t.Fatal(err)
			}
			within(fmt.Sprintf("paper's game with %g of %g", toll, price), found[0])
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}
