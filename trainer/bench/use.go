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
	engine, most, err := openFor(d, networks)
	switch {
	case errors.Is(err, backend.ErrOutOfMemory), errors.Is(err, backend.ErrUsage):
		b.leaveOut(d, "networks", err.Error())
		return nil
	case err != nil:
		b.lose(d.ID(), err)
		return nil
	}
	defer engine.Close()
	for _, batch := range useBatches {
		what := fmt.Sprintf("batch %d", batch)
		switch {
		case batch > most:
			b.leaveOut(d, what, "the device has no room for it")
			continue
		case time.Now().After(end):
			b.leaveOut(d, what, fmt.Sprintf("the time, %v, was up before", b.Budget))
			continue
		}
		b.announce("%s: %s", d.ID(), what)
		times, err := cost.LatenciesAt(ctx, engine, batch, networks)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
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

// least returns how many microseconds so many multiply-accumulates take at the ceiling of a device.
func (b *bench) least(d backend.Device, macs float64) float64 {
	i := slices.IndexFunc(b.report.Devices, func(r Device) bool { return r.ID() == d.ID() })
	if c := b.report.Devices[i].Ceilings; c != nil && c.Operations != nil {
		return 2 * macs / c.Operations.Best * 1e6
	}
	return 0
}

// openFor opens an engine for the networks at the largest batch for which there is room. Its memory
// is that of training the first.
func openFor(d backend.Device, networks []*network.Network) (engine backend.Engine, most int, err error) {
	for _, most := range slices.Backward(useBatches) {
		fits := func(n *network.Network) bool { return most*n.Activations() <= settings.MaxActivations }
		if !slices.ContainsFunc(networks, func(n *network.Network) bool { return !fits(n) }) {
			samples := max(most, backend.InferLimit)
			data := dataset.Noise(samples, networks[0].Inputs(), networks[0].Outputs())
			data.Test = data.Train
			o := backend.EngineOptions{Batch: most, Optimiser: backend.Optimiser{Kind: backend.SGD}, Valuation: settings.Default().Worth}
			if engine, err = d.Open(data, o, &backend.State{Network: networks[0]}); err == nil {
				return engine, samples, nil
			}
			if !errors.Is(err, backend.ErrOutOfMemory) && !errors.Is(err, backend.ErrUsage) {
				return nil, 0, err
			}
		} else {
			err = backend.Usagef("a batch of %d has too many activations", most)
		}
	}
	return nil, 0, err
}
