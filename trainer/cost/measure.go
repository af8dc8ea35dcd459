package cost

import (
	"context"
	"math"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// How a latency model is measured: like latencies, but of more networks and with
// fewer turns of each.
const modelShapes = 46 // besides the whole network and the least

var modelTurns = turns{least: 4, most: 16, budget: 10 * time.Second, warmUp: 1, passes: 2, slice: 100 * time.Millisecond}

// MeasureModel times parts of a network on a device, in turns, and fits a
// model to the medians. The engine is left with the last part.
func MeasureModel(ctx context.Context, engine backend.Engine, device string, available int, whole *network.Network, seed uint64) (*Model, error) {
	parts, err := latencyParts(whole, seed)
	if err != nil {
		return nil, err
	}
	batch := min(LatencyBatch, available)
	times, err := modelTurns.times(ctx, engine, batch, parts)
	if err != nil {
		return nil, err
	}
	var loads [][]network.Load
	took := medians(times)
	for i, n := range parts {
		loads, took[i] = append(loads, n.Loads(n.Sizes())), max(took[i], 1e-3) // clocks may stand still
	}
	model := fitting{whole.Alike(), loads, took}.model()
	model.Device, model.Batch = device, batch
	return model, nil
}

// latencyParts returns the whole network, the least one and networks in between,
// whose widths are drawn evenly on a logarithmic scale. Their neurons are evenly
// spread over those of the whole, so that as many of them are silent.
func latencyParts(whole *network.Network, seed uint64) ([]*network.Network, error) {
	draw := random.New(seed, random.Timing, 0, 0)
	parts := []*network.Network{whole}
	for k := range modelShapes + 1 {
		var keep network.Survivors
		for _, players := range whole.Graph.Widths() {
			count := min(game.LeastPerLayer, players)
			if k > 0 {
				ratio := float64(players) / float64(count)
				count = int(math.Round(float64(count) * math.Pow(ratio, draw.Float64())))
			}
			stay := make([]int, count)
			for i := range stay {
				stay[i] = i * players / count
			}
			keep = append(keep, stay)
		}
		part, err := whole.Keep(keep)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}
