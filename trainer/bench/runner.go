package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// How long things take in a turn.
const (
	// turnTime is what a turn of one device should take: long beside what the clock
	// and the scheduler do, short beside the time in which machines slow down.
	turnTime = 200 * time.Millisecond
	// stretchSteps is how many steps a training runs without a word from the host.
	stretchSteps = 64
	// learningRate hardly changes the network.
	learningRate = 1e-5
	// unnoticed is how many players a layer has for each that is not missed.
	unnoticed = 1000
)

// contestant does some work a turn and remembers how long it took.
type contestant interface {
	turn(ctx context.Context) error
	device() string // its ID
	close() error
}

// runner trains a case on a device.
type runner struct {
	on     backend.Device
	of     Case
	data   *dataset.Dataset
	start  *backend.State
	engine backend.Engine
	clock  func() time.Duration
	game   bool           // measure what the game adds
	market []*game.Ledger // of each gate
	graph  *network.Graph // of the engine's network

	place int // in the epoch: the next step
	steps int // of a turn

	step, round []float64            // turn by turn
	kernels     map[string][]float64 // seconds a step, likewise
	calls       map[string]float64   // of a kernel in a step
}

// material is what all runners of a case start from.
type material struct {
	data  *dataset.Dataset
	state *backend.State
}

// newRunner opens the case on a device and warms it up. Its error is that of the
// device, which may be too small.
func newRunner(ctx context.Context, d backend.Device, c Case, start material, withGame bool) (*runner, error) {
	r := &runner{on: d, of: c, data: start.data, start: start.state, game: withGame, steps: 1, kernels: map[string][]float64{}, calls: map[string]float64{}}
	opened := time.Now()
	r.clock = func() time.Duration { return time.Since(opened) }
	r.openMarket()
	var err error
	if r.engine, err = d.Open(start.data, c.EngineOptions(), start.state); err != nil {
		return nil, err
	}
	if err := r.warmUp(ctx); err != nil {
		return nil, errors.Join(err, r.engine.Close())
	}
	return r, nil
}

// warmUp runs everything once that a turn does, since drivers compile kernels when
// they are first needed, and finds out how many steps fit into a turn.
func (r *runner) warmUp(ctx context.Context) error {
	if _, err := r.train(ctx, 2); err != nil {
		return err
	}
	const enough = 8 // steps to know how long one takes
	for tried := 1; tried <= enough; tried *= 2 {
		step, err := r.train(ctx, tried)
		if err != nil {
			return err
		}
		r.steps = int(min(float64(r.stepsInEpoch()), max(1, turnTime.Seconds()/step)))
		if r.steps < 2*tried {
			break
		}
	}
	if !r.game {
		return nil
	}
	if err := r.playRound(ctx); err != nil {
		return err
	}
	return r.recover(ctx)
}

// few is how many steps it takes until nothing has to be made ready any more: where
// steps are short a device records the first of a stretch apart from the others.
func (r *runner) few() int { return min(2, r.steps) }

func (r *runner) stepsInEpoch() int {
	return (r.data.Train.Len() + r.of.Batch - 1) / r.of.Batch
}

// train runs so many steps, the next of the epoch, and returns the seconds that
// one took.
func (r *runner) train(ctx context.Context, steps int) (float64, error) {
	samples := r.data.Train.Len()
	var taken time.Duration
	for done := 0; done < steps; {
		n := min(stretchSteps, steps-done, r.stepsInEpoch()-r.place)
		s := backend.Stretch{LearningRates: make([]float64, n)}
		for i := range s.LearningRates {
			s.LearningRates[i] = learningRate
		}
		for i := r.place * r.of.Batch; i < min(samples, (r.place+n)*r.of.Batch); i++ {
			s.Order = append(s.Order, int32(i))
		}
		start := r.clock()
		if _, err := r.engine.Train(ctx, s); err != nil {
			return 0, err
		}
		taken += r.clock() - start
		done += n
		r.place = (r.place + n) % r.stepsInEpoch()
	}
	return taken.Seconds() / float64(steps), nil
}

// openMarket opens a market for the players of every hidden layer.
func (r *runner) openMarket() {
	r.market = nil
	r.graph = r.start.Network.Graph
	for _, players := range r.graph.Widths() {
		r.market = append(r.market, game.NewLedger(players))
	}
}

// playRound plays a round of the market as a run with the default settings does, but that
// of each gate one player alone is removed.
func (r *runner) playRound(ctx context.Context) error {
	observed := backend.InOrder(session.Observed(stepsPerRound()*float64(r.of.Batch), r.data.Train.Len()))
	round, err := session.PlayRound(ctx, r.engine, observed, "", nil, halve)
	if err != nil {
		return err
	}
	for g := range round.Demands { // all but one stay, in the time that half takes
		round.Demands[g] = round.Interactions[g].Players() - 1
	}
	cut, err := r.graph.Cut(round.Settle(r.market))
	if err != nil {
		return err
	}
	state, err := r.engine.Pull()
	if err != nil {
		return err
	}
	if err := compensation.Apply(compensation.Full, state.Network, cut, round.Inputs); err != nil {
		return err
	}
	r.graph = cut.Graph
	return r.engine.Push(state.Cut(cut))
}

// halve clears a market for each gate, which asks for half of the players.
func halve(h []game.Interactions, play game.Players) (game.Clearing, error) {
	var demands []int
	for _, gate := range h {
		demands = append(demands, gate.Players()/2)
	}
	return game.ClearLayers(h, demands, play)
}

// recover goes back to the network of the case, unless of no layer more players left
// than make no difference, and trains until nothing is due to a round any more.
func (r *runner) recover(ctx context.Context) error {
	missed := slices.ContainsFunc(r.market, func(l *game.Ledger) bool {
		return unnoticed*(len(l.Records)-len(l.Live)) > len(l.Records)
	})
	if missed {
		r.openMarket()
		if err := r.engine.Push(r.start); err != nil {
			return err
		}
	}
	_, err := r.train(ctx, r.few())
	return err
}

func (r *runner) turn(ctx context.Context) error {
	before := r.engine.Timings()
	step, err := r.train(ctx, r.steps)
	if err != nil {
		return err
	}
	took := map[string]spent{}
	addSpent(took, before, r.engine.Timings())
	if r.game {
		round, err := r.timeRound(ctx, step)
		if err != nil {
			return err
		}
		r.round = append(r.round, round)
	}
	r.step = append(r.step, step)
	r.noteKernels(took)
	return nil
}

// timeRound plays a round and returns the seconds that are due to it, where a step takes
// so many. After a removal the first steps take longer than they do else, which is due to the
// round; the first steps of a stretch always take longer than the others.
func (r *runner) timeRound(ctx context.Context, step float64) (float64, error) {
	first := step
	if r.few() < r.steps {
		var err error
		if first, err = r.train(ctx, r.few()); err != nil {
			return 0, err
		}
	}
	start := r.clock()
	if err := r.playRound(ctx); err != nil {
		return 0, err
	}
	round := (r.clock() - start).Seconds()
	next, err := r.train(ctx, r.few())
	if err != nil {
		return 0, err
	}
	return round + float64(r.few())*max(0, next-first), r.recover(ctx)
}

// spent is what a device reports of a kernel in some steps.
type spent struct{ calls, seconds float64 }

// addSpent adds what came between two looks at a device's timings, by kernel.
func addSpent(to map[string]spent, before, after []backend.Timing) {
	add := func(sign float64, timings []backend.Timing) {
		for _, t := range timings {
			s := to[t.Kernel]
			to[t.Kernel] = spent{s.calls + sign*float64(t.Calls), s.seconds + sign*t.Seconds}
		}
	}
	add(-1, before)
	add(1, after)
}

// noteKernels takes in what the device reports of the steps of a turn. Some kernels run
// once a step, so the least number of calls is that of the steps.
func (r *runner) noteKernels(turn map[string]spent) {
	steps := 0.
	for _, s := range turn {
		if s.calls > 0 && (steps == 0 || s.calls < steps) {
			steps = s.calls
		}
	}
	for name, s := range turn {
		if s.calls > 0 {
			r.kernels[name] = append(r.kernels[name], s.seconds/steps)
			r.calls[name] = s.calls / steps
		}
	}
}

func (r *runner) device() string { return r.on.ID() }

func (r *runner) close() error { return r.engine.Close() }

// measured returns what the turns showed.
func (r *runner) measured() Measured {
	m := Measured{
		Device: r.on.ID(), Step: NewFigure(r.step), StepsPerTurn: r.steps,
		EpochMeasured: r.steps >= r.stepsInEpoch(), Game: r.measuredGame(),
	}
	scaled := func(f func(seconds float64) float64) Figure {
		return combine(func(v ...float64) float64 { return f(v[0]) }, r.step)
	}
	m.Epoch = scaled(func(s float64) float64 { return s * float64(r.stepsInEpoch()) })
	m.Operations = scaled(func(s float64) float64 { return r.of.Operations() / s })
	m.Bytes = scaled(func(s float64) float64 { return r.of.Bytes() / s })
	var all [][]float64
	for _, name := range slices.Sorted(maps.Keys(r.kernels)) {
		m.Kernels = append(m.Kernels, Kernel{name, r.calls[name], NewFigure(r.kernels[name])})
		all = append(all, r.kernels[name])
	}
	if all != nil {
		m.OnDevice = combine(func(v ...float64) float64 {
			sum := 0.
			for _, x := range v {
				sum += x
			}
			return sum
		}, all...)
	}
	slices.SortStableFunc(m.Kernels, func(a, b Kernel) int {
		switch {
		case a.Time.Median > b.Time.Median:
			return -1
		case a.Time.Median < b.Time.Median:
			return 1
		}
		return 0
	})
	return m
}

// measuredGame returns what the game adds, nil where that is not measured.
func (r *runner) measuredGame() *Game {
	if !r.game || len(r.round) == 0 {
		return nil
	}
	g := &Game{Round: NewFigure(r.round), StepsPerRound: stepsPerRound()}
	g.Cost = combine(func(v ...float64) float64 { return v[0] / g.StepsPerRound }, r.round)
	g.Share = combine(func(v ...float64) float64 { return v[1] / (v[1] + g.StepsPerRound*v[0]) }, r.step, r.round)
	return g
}

// stepsPerRound returns how many steps lie between two rounds of the market in a
// run on MNIST with the default settings.
func stepsPerRound() float64 {
	c := settings.Default()
	steps := (mnistSamples + c.Batch - 1) / c.Batch * c.Epochs
	return c.GameShare * float64(steps) / float64(c.Rounds)
}

// mnistSamples are those of an epoch.
const mnistSamples = 60_000

// gauge measures the ceilings of a device.
type gauge struct {
	on    backend.Device
	meter backend.Gauge

	operations, bytes []float64
}

func newGauge(d backend.Device) (*gauge, error) {
	meter, err := d.OpenGauge()
	if err != nil {
		return nil, err
	}
	return &gauge{on: d, meter: meter}, nil
}

func (g *gauge) turn(ctx context.Context) error {
	c, err := g.meter.Measure(ctx)
	if err != nil {
		return fmt.Errorf("ceilings: %w", err)
	}
	g.operations, g.bytes = append(g.operations, c.Operations), append(g.bytes, c.Bytes)
	return nil
}

func (g *gauge) device() string { return g.on.ID() }

func (g *gauge) close() error { return g.meter.Close() }

// measured returns what the turns showed, nil before the first.
func (g *gauge) measured() *DeviceCeilings {
	if len(g.operations) == 0 {
		return nil
	}
	c := &DeviceCeilings{Operations: NewCeiling(g.operations), Bytes: NewCeiling(g.bytes)}
	c.OperationsMethod, c.BytesMethod = g.meter.Methods()
	return c
}
