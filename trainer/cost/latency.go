package cost

import (
	"context"
	"slices"
	"time"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// turns is how networks are timed: one after the other and again, so that a machine that
// slows down for a while slows all of them. On a virtual machine whose neighbours slow it down
// for a few milliseconds at a time, many short turns vary a third as much as few long ones.
type turns struct {
	least, most int
	budget      time.Duration // after which no turn but the least begins

	warmUp int // passes of each turn that are not counted
	passes int // passes of each turn that are

	// slice is how long the passes that are counted may take before the turn ends with
	// fewer: one at least. Long passes vary less. The others have half of it.
	slice time.Duration
}

// latencyTurns are those of a result.
var latencyTurns = turns{least: 5, most: 100, budget: 500 * time.Millisecond, warmUp: 1, passes: 4, slice: 500 * time.Millisecond}

// LatencyBatch is the number of test samples that networks are timed with, where there
// are so many.
const LatencyBatch = 128

// times returns for each network how long forward passes over a batch took, in
// microseconds and increasing. Batch norms are part of the layers before them, as they are
// where a network is used; so participations must be one. The engine is left with the last
// network.
func (t turns) times(ctx context.Context, engine backend.Engine, batch int, networks []*network.Network) ([][]float64, error) {
	used := make([]*network.Network, len(networks))
	for i, n := range networks {
		var err error
		if used[i], err = n.WithoutNorms(); err != nil {
			return nil, err
		}
	}
	return t.timesOf(ctx, len(used), func(i int) (func() error, error) {
		err := engine.Push(&backend.State{Network: used[i]})
		return func() error { return engine.Infer(batch) }, err
	})
}

// timesOf is times of so many networks of any kind. Turn begins a turn of one, and returns
// its forward pass.
func (t turns) timesOf(ctx context.Context, networks int, turn func(i int) (func() error, error)) ([][]float64, error) {
	times := make([][]float64, networks)
	begin := time.Now()
	for n := 0; n < t.least || n < t.most && time.Since(begin) < t.budget; n++ {
		for i := range networks {
			infer, err := turn(i)
			if err != nil {
				return nil, err
			}
			pass := func() (time.Duration, error) {
				if err := ctx.Err(); err != nil {
					return 0, err
				}
				start := time.Now()
				err := infer()
				return time.Since(start), err
			}
			took := time.Duration(0)
			for k := 0; k < t.warmUp && (k == 0 || took < t.slice/2); k++ {
				d, err := pass()
				if err != nil {
					return nil, err
				}
				took += d
			}
			took = 0
			for k := 0; k < t.passes && (k == 0 || took < t.slice); k++ {
				d, err := pass()
				if err != nil {
					return nil, err
				}
				took += d
				times[i] = append(times[i], float64(d.Nanoseconds())/1e3)
			}
		}
	}
	for _, passes := range times {
		slices.Sort(passes)
	}
	return times, nil
}

// Latencies returns, for each network, the median time of a forward pass over a
// batch of 128 test samples (fewer if there are fewer) in microseconds, and the
// batch. The time includes taking the samples from where they lie on the device
// and waiting for the logits. Batch norms are folded. The engine is left with the last
// network.
func Latencies(ctx context.Context, engine backend.Engine, available int, networks []*network.Network) (microseconds []float64, batch int, err error) {
	batch = min(LatencyBatch, available)
	microseconds, err = LatenciesAt(ctx, engine, batch, networks)
	return microseconds, batch, err
}

// LatenciesAt is [Latencies] of a batch of so many test samples, which the engine takes.
func LatenciesAt(ctx context.Context, engine backend.Engine, batch int, networks []*network.Network) ([]float64, error) {
	times, err := latencyTurns.times(ctx, engine, batch, networks)
	return medians(times), err
}

// LatenciesOf returns the median times of forward passes of networks that another program
// runs, in microseconds, as [Latencies] takes them.
func LatenciesOf(ctx context.Context, passes []func() error) ([]float64, error) {
	times, err := latencyTurns.timesOf(ctx, len(passes), func(i int) (func() error, error) { return passes[i], nil })
	return medians(times), err
}

func medians(times [][]float64) (microseconds []float64) {
	for _, t := range times {
		microseconds = append(microseconds, t[len(t)/2])
	}
	return microseconds
}
