package trainer

import (
	"context"
	"errors"
	"io"
	"os"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// openTimed opens data and device of a configuration to time networks on.
func openTimed(c settings.Config) (*run, error) {
	c.Game, c.Shape = game.NoGame, "" // whose settings need not make sense here
	r, _, err := Options{}.openNew(c)
	if r != nil { // networks may fit where that of the configuration would not
		err = nil
	}
	return r, err
}

// Latencies returns the median times of a forward pass of saved networks, as a run's
// result has them, all having taken turns. Data and device are those of the
// configuration, and the networks take its samples.
func Latencies(ctx context.Context, c settings.Config, files []string) (microseconds []float64, err error) {
	r, err := openTimed(c)
	if err != nil || len(files) == 0 {
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
	engine, err := r.openInference(networks[0])
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	microseconds, _, err = cost.Latencies(ctx, engine, r.data.Test.Len(), networks)
	return microseconds, err
}

// LatencyModel returns the microseconds that the network of a configuration takes for a batch if
// its gates have so many players, by the model in a file. If there is none, it is measured, and
// written for --latency-model.
func LatencyModel(ctx context.Context, c settings.Config, path string) (time func(players []int) float64, err error) {
	r, err := openTimed(c)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		start, err := r.initial()
		if err != nil {
			return nil, err
		}
		model, err := r.measureLatency(ctx, start)
		if err != nil {
			return nil, err
		}
		if err := atomicfile.Write(path, func(w io.Writer) error { return record.WriteJSON(w, map[string]any{"latency_model": model}) }); err != nil {
			return nil, err
		}
	}
	model, err := cost.ReadModel(path, r.graph)
	return func(players []int) float64 { return model.Time(r.graph, players) }, err
}
