package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// imagined is a driver of devices without arithmetic: 0 works, 1 has too little
// memory for more than a thousand players, 2 is lost in its ninth step, 3 is the
// processor of 0 once more, and 4 is slow, as [imaginedEngine.Observe] says.
type imagined struct{}

const imaginedName = "imagined"

func init() { backend.Register(imagined{}) }

func (imagined) Name() string { return imaginedName }

func (imagined) Devices() ([]backend.Device, error) {
	kinds := []backend.DeviceKind{backend.CPU, backend.DiscreteGPU, backend.DiscreteGPU, backend.CPU, backend.DiscreteGPU}
	var devices []backend.Device
	for i, kind := range kinds {
		devices = append(devices, backend.Device{Driver: imaginedName, Index: i, Name: fmt.Sprint("device ", i%3), Kind: kind})
	}
	return devices, nil
}

func (imagined) Operators() []network.Kind { return networktest.PerceptronKinds }

func (imagined) Open(d backend.Device, data *dataset.Dataset, _ backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	if d.Index == 1 && s.Network.Players() > 1000 {
		return nil, fmt.Errorf("%w: imagined", backend.ErrOutOfMemory)
	}
	return &imaginedEngine{on: d, network: s.Network, now: s.Network, inUse: data.Test.Len() > 0}, nil
}

// imaginedEngine takes no time that is worth measuring. Methods that the bench does
// not need are those of a nil engine. Its players do not interact, and of each gate the
// first is worth least.
type imaginedEngine struct {
	backend.Engine
	on           backend.Device
	network      *network.Network // of the case
	now          *network.Network // that was pushed last
	interactions []game.Interactions
	pushed       int // states of the case
	steps        int
	trained      []int // steps of each call of Train
	rounds       int
	timed        int
	inUse        bool // takes any network
}

func (e *imaginedEngine) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	e.steps += s.Steps()
	e.trained = append(e.trained, s.Steps())
	e.timed++
	if e.on.Index == 2 && e.steps > 8 {
		return backend.Progress{}, fmt.Errorf("%w: imagined", backend.ErrDeviceLost)
	}
	return backend.Progress{Steps: s.Steps()}, ctx.Err()
}

// Observe never ends by itself on the slow device: in its second round, which is in the
// first turn, and with more than twenty players in its first, which warms up.
func (e *imaginedEngine) Observe(ctx context.Context, order []int32) (*backend.Observation, error) {
	if e.rounds++; e.on.Index == 4 && (e.rounds > 1 || e.network.Players() > 20) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if len(order) == 0 {
		return nil, errors.New("no sample is looked at")
	}
	e.interactions = nil
	for _, players := range e.now.Widths() {
		var h game.Interactions
		first := 0
		for _, n := range game.Blocks(players) {
			block := make([]float64, n*n)
			for i := range n {
				block[i*n+i] = float64(first + i + 1)
			}
			h, first = append(h, block), first+n
		}
		e.interactions = append(e.interactions, h)
	}
	return &backend.Observation{Interactions: e.interactions}, nil
}

func (e *imaginedEngine) Play(prices, from [][]float64, sweeps int) ([][]float64, error) {
	if len(prices) != len(e.network.Gates) {
		return nil, errors.New("not a price a gate")
	}
	return game.PlayOn(e.interactions, sweeps)(prices, from)
}

func (e *imaginedEngine) Pull() (*backend.State, error) {
	return &backend.State{Network: e.now.Clone()}, nil
}

// Push takes the network of the case, or the present one without the first player of a gate.
func (e *imaginedEngine) Push(s *backend.State) error {
	if s.Network == e.network || e.inUse {
		e.now = s.Network
		e.pushed++
		return nil
	}
	for gate, players := range e.now.Widths() {
		if left := s.Network.Widths()[gate]; left != players-1 {
			return fmt.Errorf("of %d players %d stay", players, left)
		}
	}
	weights := e.now.Parameters[0][e.now.Inputs():]
	if !slices.Equal(s.Network.Parameters[0], weights) {
		return errors.New("others than the first player are removed")
	}
	e.now = s.Network
	return nil
}

// Timings say that a step that is timed takes a second once and two seconds thrice.
func (e *imaginedEngine) Timings() []backend.Timing {
	if e.on.Kind == backend.CPU {
		return nil
	}
	return []backend.Timing{
		{Kernel: "often", Calls: 3 * e.timed, Seconds: 6 * float64(e.timed)},
		{Kernel: "once", Calls: e.timed, Seconds: float64(e.timed)},
	}
}

func (e *imaginedEngine) Infer(int) error { return nil }

func (e *imaginedEngine) Close() error { return nil }

func (imagined) OpenGauge(d backend.Device) (backend.Gauge, error) {
	if d.Index == 1 {
		return nil, errors.New("no gauge today")
	}
	return &imaginedGauge{}, nil
}

// imaginedGauge reaches most in its third turn.
type imaginedGauge struct{ turns float64 }

func (g *imaginedGauge) Measure(ctx context.Context) (backend.Ceilings, error) {
	g.turns++
	away := math.Abs(g.turns - 3)
	return backend.Ceilings{Operations: 1e15 - away*1e14, Bytes: 1e14 - away*1e13}, ctx.Err()
}
func (*imaginedGauge) Methods() (string, string) { return "sums", "a copy" }
func (*imaginedGauge) Close() error              { return nil }

func options(t *testing.T, indices ...int) Options {
	t.Helper()
	all, err := imagined{}.Devices()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Budget: time.Minute, Samples: 300, Program: "test", Cases: []Case{{Widths: []int{4, 30, 2}, Batch: 16}, {Widths: []int{4, 3, 2}, Batch: 16}}}
	for _, i := range indices {
		o.Devices = append(o.Devices, all[i])
	}
	return o
}

func TestRun(t *testing.T) {
	r, err := Run(t.Context(), options(t, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) != 2 || len(r.Devices) != 2 || r.Interrupted || len(r.Scaling) != 0 {
		t.Fatalf("%+v", r)
	}
	if len(r.LeftOut) != 1 || r.LeftOut[0].Reason != "no gauge today" || r.Devices[1].Ceilings != nil || r.Devices[0].Ceilings.Operations.Best != 1e15 {
		t.Errorf("ceilings: %+v, %+v", r.LeftOut, r.Devices)
	}
	for i, c := range r.Cases {
		if c.StepsInEpoch != 19 || c.Samples != 300 || len(c.Measured) != 2 {
			t.Fatalf("%+v", c)
		}
		for k, m := range c.Measured {
			if m.Step.Turns != mostTurns || !(m.Step.Median > 0) || m.StepsPerTurn < 1 || m.StepsPerTurn > 19 || m.EpochMeasured != (m.StepsPerTurn == 19) || !near(m.Epoch.Median, 19*m.Step.Median) {
				t.Errorf("%s on %s: %+v", c.Model, m.Device, m)
			}
			if !near(m.Operations.Median*m.Step.Median, c.Operations) || m.Game == nil || m.Game.Share.Turns != mostTurns {
				t.Errorf("%s on %s: %+v", c.Model, m.Device, m)
			}
			if (m.OfOperations > 0) != (k == 0) || (len(m.FasterThan) == 1) != (k == 1) || (m.FasterThanCase != nil) != (i == 1) {
				t.Errorf("%s on %s is compared: %+v", c.Model, m.Device, m)
			}
		}
		kernels := c.Measured[1].Kernels
		if len(kernels) != 2 || kernels[0].Kernel != "often" || kernels[0].Calls != 3 || !near(kernels[0].Time.Median, 6) || !near(c.Measured[1].OnDevice.Median, 7) {
			t.Errorf("by kernel: %+v", c.Measured[1])
		}
	}
}

// Devices that fail drop out, and what is too large for one is left out there.
func TestRunWithoutThoseThatFail(t *testing.T) {
	before := scalings
	defer func() { scalings = before }()
	scalings = slices.Clone(scalings)
	scalings[0].sizes, scalings[1].sizes, scalings[2].sizes = []int{64, 256, 512, 1024}, []int{1, 16}, []int{10, 1000, 10_000}
	o := options(t, 0, 1, 2)
	o.Scaling, o.Budget = true, time.Hour
	r, err := Run(t.Context(), o)
	if !errors.Is(err, backend.ErrDeviceLost) {
		t.Errorf("the error is %v", err)
	}
	if r.Devices[2].Lost == "" || r.Devices[0].Lost != "" || r.Devices[1].Lost != "" {
		t.Errorf("lost: %+v", r.Devices)
	}
	reached := map[string]int{}
	for _, s := range r.Scaling {
		reached[s.Over+" "+s.Device] = s.Points[len(s.Points)-1].Size
		if s.Growth == nil || math.IsNaN(s.Growth.Exponent) {
			t.Errorf("%s on %s has no growth", s.Over, s.Device)
		}
	}
	for series, size := range map[string]int{
		"width imagined:0": 1024, "batch imagined:0": 16, "players imagined:0": 10_000,
		"width imagined:1": 256, "batch imagined:1": 16, "players imagined:1": 1000, "width imagined:2": 0,
	} {
		if reached[series] != size {
			t.Errorf("%s ends at %d, want %d", series, reached[series], size)
		}
	}
	left := 0
	for _, l := range r.LeftOut {
		if strings.Contains(l.Reason, "out of memory") && l.Device == "imagined:1" && strings.Contains(l.What, "and more") {
			left++
		}
	}
	if left != 1 { // the last number of players is alone

		t.Errorf("left out: %+v", r.LeftOut)
	}
}

// When ctx ends, what was measured until then is in the report.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, 0)
	o.Observe = func(what string) {
		if strings.Contains(what, "turn 3") {
			cancel()
		}
	}
	r, err := Run(ctx, o)
	if !errors.Is(err, backend.ErrInterrupted) || !r.Interrupted {
		t.Fatalf("%v, %+v", err, r)
	}
	if len(r.Cases) != 2 || r.Cases[0].Measured[0].Step.Turns != 2 || len(r.LeftOut) != 0 {
		t.Errorf("%+v", r.Cases)
	}
}

// What a case takes is foreseen from what it does: to know of a case with the game
// takes as many steps as its runner trains until it has had a turn.
func TestStepsToKnow(t *testing.T) {
	for _, withGame := range []bool{false, true} {
		o := options(t, 0)
		c := Case{Widths: []int{4, 3, 2}, Batch: 16}
		// All samples in one step, which makes a turn one step.
		r, err := newRunner(t.Context(), o.Devices[0], c, material{c.data(c.Batch), c.state()}, withGame)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := r.engine.(*imaginedEngine).steps, int(stepsToKnow(withGame)); got != want {
			t.Errorf("with the game %v: %d steps, want %d", withGame, got, want)
		}
	}
}

// A turn trains its steps, then a few before and after the round, which is timed apart, and
// a few after all have come back.
func TestTurnWithTheGame(t *testing.T) {
	o := options(t, 0)
	c := Case{Widths: []int{4, 3, 2}, Batch: 16}
	r, err := newRunner(t.Context(), o.Devices[0], c, material{c.data(500 * c.Batch), c.state()}, true)
	if err != nil {
		t.Fatal(err)
	}
	e := r.engine.(*imaginedEngine)
	for steps, want := range map[int][]int{1: {1, 1, 1}, 2: {2, 2, 2}, 7: {7, 2, 2, 2}, 40: {40, 2, 2, 2}} {
		r.steps, e.trained, e.rounds = steps, nil, 0
		r.step, r.round = nil, nil
		if err := r.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e.trained, want) || e.rounds != 1 || len(r.step) != 1 || len(r.round) != 1 {
			t.Errorf("%d steps: it trains %v with %d rounds, want %v; %d steps and %d rounds are timed", steps, e.trained, e.rounds, want, len(r.step), len(r.round))
		}
	}
}

// A case for which there is too little time is left out without a turn.
func TestRunLeavesOutWhatIsTooLarge(t *testing.T) {
	o := options(t, 0)
	o.Cases = []Case{{Widths: []int{4, 3, 2}, Batch: 16}, {Widths: []int{1 << 10, 1 << 10, 2}, Batch: 1 << 12}}
	var told []string
	o.Observe = func(what string) { told = append(told, what) }
	o.Budget = time.Hour
	b := &bench{Options: o, started: time.Now(), report: &Report{Devices: []Device{{Device: o.Devices[0]}}}, speed: map[string]float64{o.Devices[0].ID(): 1}}
	if err := b.compare(t.Context(), b.started.Add(o.Budget)); err != nil {
		t.Fatal(err)
	}
	if len(b.report.LeftOut) != 2 || !strings.Contains(b.report.LeftOut[1].Reason, "would take about") {
		t.Errorf("left out: %+v", b.report.LeftOut)
	}
	for _, what := range told {
		if strings.Contains(what, o.Cases[1].Model()) && strings.Contains(what, "turn") {
			t.Errorf("no runner takes %q", what)
		}
	}
}

// Without time nothing is measured, and everything is in the list of what is not.
func TestRunWithoutTime(t *testing.T) {
	o := options(t, 0)
	o.Budget, o.Scaling = 1, true
	r, err := Run(t.Context(), o)
	if err != nil || len(r.Scaling) != 0 || len(r.LeftOut) != 2+len(scalings) {
		t.Errorf("%v, %+v", err, r)
	}
	for _, c := range r.Cases {
		if len(c.Measured) != 0 {
			t.Errorf("measured: %+v", c)
		}
	}
}

// What does not end within the time ends with it, and is in the list of what was left out.
func TestRunHoldsItsTime(t *testing.T) { synctest.Test(t, runHoldsItsTime) }

func runHoldsItsTime(t *testing.T) {
	for _, c := range []struct {
		hidden int
		reason string
	}{{3, "was up in its first turn"}, {30, "was up while it was opened and warmed up"}} {
		o := options(t, 0, 4)
		o.Cases = []Case{{Widths: []int{4, c.hidden, 2}, Batch: 16}}
		o.Budget, o.Scaling = 100*time.Millisecond, true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // which ends a bench that does not
		r, err := Run(ctx, o)
		cancel()
		if err != nil || r.Interrupted {
			t.Errorf("%d players: %v", c.hidden, err)
		}
		if !slices.ContainsFunc(r.LeftOut, func(l LeftOut) bool { return l.Device == "imagined:4" && strings.HasSuffix(l.Reason, c.reason) }) {
			t.Errorf("%d players: nothing %q in %+v", c.hidden, c.reason, r.LeftOut)
		}
		for _, d := range r.Devices {
			if d.Lost != "" {
				t.Errorf("%s is lost: %s", d.ID(), d.Lost)
			}
		}
		for _, m := range r.Cases[0].Measured {
			if m.Device == "imagined:4" {
				t.Errorf("measured: %+v", m)
			}
		}
	}
}

func TestStepsPerRound(t *testing.T) {
	if got := stepsPerRound(); !near(got, 0.4*20*469/40) {
		t.Errorf("%v", got)
	}
}

// A network goes back to what it was before it has lost what would be missed, and not
// each time, since that takes long where there are many players.
func TestRecover(t *testing.T) {
	o := options(t, 0)
	for players, rounds := range map[int]int{3: 1, 999: 1, 1000: 2, 3500: 4} {
		c := Case{Widths: []int{4, players, 2}, Batch: 16}
		r, err := newRunner(t.Context(), o.Devices[0], c, material{c.data(c.Batch), c.state()}, true)
		if err != nil {
			t.Fatal(err)
		}
		e := r.engine.(*imaginedEngine)
		r.openMarket()
		e.now, e.pushed = e.network, 0
		for round := 1; round <= rounds; round++ {
			if e.pushed > 0 {
				t.Errorf("%d players: it went back before round %d", players, round)
			}
			if err := r.turn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if e.pushed != 1 || e.now != e.network {
			t.Errorf("%d players: %d times back after %d rounds, and %d are left", players, e.pushed, rounds, e.now.Players())
		}
	}
}

// Devices on one processor have one gauge, and so the same ceilings.
func TestOneProcessorHasOneGauge(t *testing.T) {
	r, err := Run(t.Context(), options(t, 0, 3))
	if err != nil {
		t.Fatal(err)
	}
	one, other := r.Devices[0].Ceilings, r.Devices[1].Ceilings
	if one == nil || one != other || one.Operations.Turns.Turns != mostTurns || one.Operations.Best != 1e15 || one.Bytes.Best != 1e14 {
		t.Errorf("%+v and %+v", one, other)
	}
	for _, m := range r.Cases[0].Measured {
		if want := m.Operations.Median / 1e15; m.OfOperations != want {
			t.Errorf("%s: %v of what can be reached, want %v", m.Device, m.OfOperations, want)
		}
	}
}
