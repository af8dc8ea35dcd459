package cost

import (
	"context"
	"slices"
	"time"

	"nashprune/trainer/backend"
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

// LatencyBatch is the number of test samples that networks are timed with, where there
// are so many.
const LatencyBatch = 128

// times returns for each network how long forward passes over a batch took, in
// microseconds and increasing. The engine is left with the last network.
func (t turns) times(ctx context.Context, engine backend.Engine, batch int, networks []*network.Network) ([][]float64, error) {
	times := make([][]float64, len(networks))
	for range t.count {
		for i, n := range networks {
			if err := engine.Push(&backend.State{Network: n}); err != nil {
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

// Latencies returns, for each network, the median time of a forward pass over a
// batch of 128 test samples (fewer if there are fewer) in microseconds, and the
// batch. The time includes taking the samples from where they lie on the device
// and waiting for the logits. The engine is left with the last network.
func Latencies(ctx context.Context, engine backend.Engine, available int, networks []*network.Network) (microseconds []float64, batch int, err error) {
	batch = min(LatencyBatch, available)
	times, err := latencyTurns.times(ctx, engine, batch, networks)
	if err != nil {
		return nil, 0, err
	}
	for _, t := range times {
		microseconds = append(microseconds, t[len(t)/2])
	}
	return microseconds, batch, nil
}
