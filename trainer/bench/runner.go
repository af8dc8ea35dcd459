package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
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
	// unmoved is a damping of moves so strong that float32 does not show them.
	unmoved = 1e-12
)

// contestant does some work a turn and remembers how long it took.
type contestant interface {
	turn(ctx context.Context) error
	device() string // its ID
	close() error
}

// runner trains a case on a device.
type runner struct {
	on     trainer.Device
	of     Case
	data   *dataset.Dataset
	engine trainer.Engine
	game   bool // measure what the game adds

	place int // in the epoch: the next step
	steps int // of a turn

	step, tracked, round []float64            // turn by turn
	kernels              map[string][]float64 // seconds a step, likewise
	calls                map[string]float64   // of a kernel in a step
}

// material is what all runners of a case start from.
type material struct {
	data  *dataset.Dataset
	state *trainer.State
}

// newRunner opens the case on a device and warms it up. Its error is that of the
// device, which may be too small.
func newRunner(ctx context.Context, d trainer.Device, c Case, start material, withGame bool) (*runner, error) {
	r := &runner{on: d, of: c, data: start.data, game: withGame, steps: 1, kernels: map[string][]float64{}, calls: map[string]float64{}}
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
	if _, err := r.train(ctx, 2, false); err != nil {
		return err
	}
	const enough = 8 // steps to know how long one takes
	for tried := 1; tried <= enough; tried *= 2 {
		step, err := r.train(ctx, tried, false)
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
	if _, err := r.train(ctx, 1, true); err != nil {
		return err
	}
	return r.playRound()
}

func (r *runner) stepsInEpoch() int {
	return (r.data.Train.Len() + r.of.Batch - 1) / r.of.Batch
}

// train runs so many steps, the next of the epoch, and returns the seconds that
// one took.
func (r *runner) train(ctx context.Context, steps int, track bool) (float64, error) {
	samples := r.data.Train.Len()
	var taken time.Duration
	for done := 0; done < steps; {
		n := min(stretchSteps, steps-done, r.stepsInEpoch()-r.place)
		s := trainer.Stretch{LearningRates: make([]float64, n), Track: track}
		for i := range s.LearningRates {
			s.LearningRates[i] = learningRate
		}
		for i := r.place * r.of.Batch; i < min(samples, (r.place+n)*r.of.Batch); i++ {
			s.Order = append(s.Order, int32(i))
		}
		start := time.Now()
		if _, err := r.engine.Train(ctx, s); err != nil {
			return 0, err
		}
		taken += time.Since(start)
		done += n
		r.place = (r.place + n) % r.stepsInEpoch()
	}
	return taken.Seconds() / float64(steps), nil
}

// playRound plays a round of the market in which everything is done and nobody
// moves.
func (r *runner) playRound() error {
	statistics, err := r.engine.Statistics()
	if err != nil {
		return err
	}
	var prices []float64
	var everybody network.Survivors
	for _, s := range statistics {
		prices = append(prices, game.ClearingPrice(s.Worths(), len(s.Participation)/2))
		everybody = append(everybody, network.Indices(len(s.Participation)))
	}
	if _, err := r.engine.Move(prices, unmoved); err != nil {
		return err
	}
	return r.engine.Compact(everybody)
}

func (r *runner) turn(ctx context.Context) error {
	var tracked float64
	var err error
	// What comes first changes from turn to turn, so that a machine that slows down
	// or speeds up within turns favours neither.
	trackedFirst := len(r.step)%2 == 1
	if r.game && trackedFirst {
		if tracked, err = r.train(ctx, r.steps, true); err != nil {
			return err
		}
	}
	before := r.engine.Timings()
	step, err := r.train(ctx, r.steps, false)
	if err != nil {
		return err
	}
	after := r.engine.Timings()
	if r.game {
		if !trackedFirst {
			if tracked, err = r.train(ctx, r.steps, true); err != nil {
				return err
			}
		}
		start := time.Now()
		if err := r.playRound(); err != nil {
			return err
		}
		// After a removal the next step takes longer, which is due to the round.
		next, err := r.train(ctx, 1, true)
		if err != nil {
			return err
		}
		round := time.Since(start).Seconds() - min(next, tracked)
		if _, err := r.train(ctx, 1, false); err != nil { // so does the first without statistics
			return err
		}
		r.tracked, r.round = append(r.tracked, tracked), append(r.round, round)
	}
	r.step = append(r.step, step)
	r.noteKernels(before, after)
	return nil
}

// noteKernels takes in what the device tells of the steps of a turn. Some kernels
// run once a step, so the least number of calls is that of the steps.
func (r *runner) noteKernels(before, after []trainer.Timing) {
	type spent struct{ calls, seconds float64 }
	turn := map[string]spent{}
	for _, t := range after {
		turn[t.Kernel] = spent{float64(t.Calls), t.Seconds}
	}
	for _, t := range before {
		s := turn[t.Kernel]
		turn[t.Kernel] = spent{s.calls - float64(t.Calls), s.seconds - t.Seconds}
	}
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
		Device: r.on.ID(), Step: figure(r.step), StepsPerTurn: r.steps,
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
		m.Kernels = append(m.Kernels, Kernel{name, r.calls[name], figure(r.kernels[name])})
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
	g := &Game{Tracked: figure(r.tracked), Round: figure(r.round), StepsPerRound: stepsPerRound()}
	g.Share = combine(func(v ...float64) float64 {
		step, tracked, round := v[0], v[1], v[2]/g.StepsPerRound
		return (tracked + round - step) / (tracked + round)
	}, r.step, r.tracked, r.round)
	return g
}

// stepsPerRound returns how many steps lie between two rounds of the market in a
// run on MNIST with the default settings.
func stepsPerRound() float64 {
	c := trainer.DefaultConfig()
	steps := (mnistSamples + c.Batch - 1) / c.Batch * c.Epochs
	return c.GameShare * float64(steps) / float64(c.Rounds)
}

// mnistSamples are those of an epoch.
const mnistSamples = 60_000

// gauge measures the ceilings of a device.
type gauge struct {
	on    trainer.Device
	meter trainer.Gauge

	operations, bytes []float64
}

func newGauge(d trainer.Device) (*gauge, error) {
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
	c := &DeviceCeilings{Operations: figure(g.operations), Bytes: figure(g.bytes)}
	c.OperationsMethod, c.BytesMethod = g.meter.Methods()
	return c
}
