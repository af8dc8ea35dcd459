package trainer

import (
	"context"
	"slices"
	"time"

	"nashprune/trainer/network"
)

// turns is how networks are timed: one after the other and again, so that a machine that
// slows down for a while slows all of them.
type turns struct {
	count  int
	warmUp int // passes of each turn that are not counted
	passes int // passes of each turn that are
}

// latencyTurns are those of a result.
var latencyTurns = turns{count: 5, warmUp: 5, passes: 21}

// latencyBatch is the number of test samples that networks are timed with, where there
// are so many.
const latencyBatch = 128

// times returns for each network how long forward passes over a batch took, in
// microseconds and increasing. The engine is left with the last network.
func (t turns) times(ctx context.Context, engine Engine, batch int, networks []*network.Network) ([][]float64, error) {
	times := make([][]float64, len(networks))
	for range t.count {
		for i, n := range networks {
			if err := engine.Push(&State{Network: n}); err != nil {
				return nil, err
			}
			for pass := range t.warmUp + t.passes {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				start := time.Now()
				if err := engine.Infer(batch); err != nil {
					return nil, err
				}
				if pass >= t.warmUp {
					times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
		}
	}
	for _, passes := range times {
		slices.Sort(passes)
	}
	return times, nil
}

// latencies returns, for each network, the median time of a forward pass over a
// batch of 128 test samples (fewer if there are fewer) in microseconds, and the
// batch. The time includes taking the samples from where they lie on the device
// and waiting for the logits. The engine is left with the last network.
func latencies(ctx context.Context, engine Engine, available int, networks []*network.Network) (microseconds []float64, batch int, err error) {
	batch = min(latencyBatch, available)
	times, err := latencyTurns.times(ctx, engine, batch, networks)
	if err != nil {
		return nil, 0, err
	}
	for _, t := range times {
		microseconds = append(microseconds, t[len(t)/2])
	}
	return microseconds, batch, nil
}

// Latencies returns the median times of a forward pass of saved networks, as a run's
// result has them, all having taken turns. Data and device are those of the
// configuration, and the networks take its samples.
func Latencies(ctx context.Context, c Config, files []string) (microseconds []float64, err error) {
	c.Game = NoGame // whose settings need not make sense here
	c, err = c.Resolve()
	if err != nil {
		return nil, err
	}
	r := &run{config: c}
	if err := r.open(); err != nil {
		return nil, err
	}
	var networks []*network.Network
	for _, file := range files {
		n, _, err := network.Load(file)
		if err != nil {
			return nil, err
		}
		networks = append(networks, n)
	}
	if len(networks) == 0 {
		return nil, nil
	}
	engine, err := r.openEngine(&checkpoint{state: &State{Network: networks[0]}})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	microseconds, _, err = latencies(ctx, engine, r.data.Test.Len(), networks)
	return microseconds, err
}
