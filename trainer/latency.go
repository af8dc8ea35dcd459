package trainer

import (
	"context"
	"slices"
	"time"

	"nashprune/trainer/network"
)

// How latencies are measured: networks take turns, so that a machine that slows
// down for a while slows all of them.
const (
	latencyBatch  = 128
	latencyTurns  = 5
	latencyWarmUp = 5  // passes of each turn that are not counted
	latencyPasses = 21 // passes of each turn that are
)

// latencies returns, for each network, the median time of a forward pass over a
// batch of 128 test samples (fewer if there are fewer) in microseconds, and the
// batch. The time includes taking the samples from where they lie on the device
// and waiting for the logits. The engine is left with the last network.
func latencies(ctx context.Context, engine Engine, available int, networks []*network.Network) (microseconds []float64, batch int, err error) {
	batch = min(latencyBatch, available)
	times := make([][]float64, len(networks))
	for range latencyTurns {
		for i, n := range networks {
			if err := engine.Push(&State{Network: n}); err != nil {
				return nil, 0, err
			}
			for pass := range latencyWarmUp + latencyPasses {
				if err := ctx.Err(); err != nil {
					return nil, 0, err
				}
				start := time.Now()
				if err := engine.Infer(batch); err != nil {
					return nil, 0, err
				}
				if pass >= latencyWarmUp {
					times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/1e3)
				}
			}
		}
	}
	for _, t := range times {
		slices.Sort(t)
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
