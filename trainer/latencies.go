package trainer

import (
	"context"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/settings"
)

// Latencies returns the median times of a forward pass of saved networks, as a run's
// result has them, all having taken turns. Data and device are those of the
// configuration, and the networks take its samples.
func Latencies(ctx context.Context, c settings.Config, files []string) (microseconds []float64, err error) {
	c.Game, c.Shape = game.NoGame, "" // whose settings need not make sense here
	c, err = c.Resolve()
	if err != nil {
		return nil, err
	}
	r, _, err := open(c, Options{}, nil)
	if r == nil { // else the networks may fit where that of the configuration would not
		return nil, err
	}
	var networks []*network.Network
	for _, file := range files {
		n, _, err := safetensors.LoadModel(file)
		if err != nil {
			return nil, err
		}
		networks = append(networks, n)
	}
	if len(networks) == 0 {
		return nil, nil
	}
	engine, err := r.openEngine(&backend.State{Network: networks[0]})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	microseconds, _, err = cost.Latencies(ctx, engine, r.data.Test.Len(), networks)
	return microseconds, err
}
