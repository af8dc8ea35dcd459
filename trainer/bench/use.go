package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/settings"
)

// Named is a network with its name in the report.
type Named struct {
	Name string
	*network.Network
}

// Use is how fast a network computes outputs, on every device.
type Use struct {
	Name       string `json:"name"`
	Parameters int    `json:"parameters"`
	MACs       int    `json:"macs"` // multiply-accumulates a sample
	Times      []Time `json:"times"`
}

// Time is the median time of a forward pass, see [cost.Latencies].
type Time struct {
	Device       string  `json:"device"` // its ID
	Batch        int     `json:"batch"`
	Microseconds float64 `json:"microseconds"`
	// Least is how long the multiply-accumulates of the batch take at the highest rate that the
	// device reached, two operations each; 0 where that is not known. Zeros that a device leaves out count.
	Least float64 `json:"least_microseconds,omitempty"`
}

// useBatches are the batches at which networks are timed in use.
var useBatches = []int{1, 4, 16, 64, 256, 1024, 4096}

// gaugeTurns is how often the ceilings are measured before networks are timed.
const gaugeTurns = 5

// use times the networks on all devices, the networks in turns.
func (b *bench) use(ctx context.Context, end time.Time) error {
	for _, n := range b.Networks {
		b.report.Networks = append(b.report.Networks, Use{Name: n.Name, Parameters: n.ParameterCount(), MACs: n.MACs(), Times: []Time{}})
	}
	gauges := b.openGauges()
	var all []contestant
	for _, g := range gauges {
		all = append(all, g)
	}
	b.takeTurns(ctx, all, gaugeTurns, time.Now().Add(time.Until(end)/4), func(int) {})
	b.noteCeilings(gauges)
	closeAll(all)
	live := b.live()
	for i, d := range live { // each has its part of the time that is left
		part := time.Until(end) / time.Duration(len(live)-i)
		if err := b.useOn(ctx, d, time.Now().Add(part)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// useOn times the networks on a device. The error is that of ctx.
func (b *bench) useOn(ctx context.Context, d backend.Device, end time.Time) error {
	networks := make([]*network.Network, len(b.Networks))
	for i, n := range b.Networks {
		networks[i] = n.Network
	}
	for _, batch := range useBatches {
		what := fmt.Sprintf("batch %d", batch)
		if time.Now().After(end) {
			b.leaveOut(d, what, fmt.Sprintf("the time, %v, was up before", b.Budget))
			continue
		}
		b.announce("%s: %s", d.ID(), what)
		times, err := useAt(ctx, d, batch, networks)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, backend.ErrOutOfMemory), errors.Is(err, backend.ErrUsage):
			b.leaveOut(d, what, err.Error())
			continue
		case err != nil:
			b.lose(d.ID(), err)
			return nil
		}
		for i, t := range times {
			use := &b.report.Networks[i]
			use.Times = append(use.Times, Time{d.ID(), batch, t, b.least(d, float64(batch)*float64(use.MACs))})
		}
	}
	return nil
}

// useAt times the networks on a device at a batch. The engine has the memory of that batch.
func useAt(ctx context.Context, d backend.Device, batch int, networks []*network.Network) ([]float64, error) {
	if slices.ContainsFunc(networks, func(n *network.Network) bool { return batch*n.Activations() > settings.MaxActivations }) {
		return nil, backend.Usagef("a batch of %d has too many activations", batch)
	}
	data := dataset.Noise(max(batch, backend.InferLimit), networks[0].Input().Sample.Size(), networks[0].Outputs())
	data.Test = data.Train
	engine, err := d.Open(data, backend.EngineOptions{Batch: batch, Inference: true}, &backend.State{Network: networks[0]})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	return cost.LatenciesAt(ctx, engine, batch, networks)
}

// least returns how many microseconds so many multiply-accumulates take at the ceiling of a device.
func (b *bench) least(d backend.Device, macs float64) float64 {
	i := slices.IndexFunc(b.report.Devices, func(r Device) bool { return r.ID() == d.ID() })
	if c := b.report.Devices[i].Ceilings; c != nil && c.Operations != nil {
		return 2 * macs / c.Operations.Best * 1e6
	}
	return 0
}
