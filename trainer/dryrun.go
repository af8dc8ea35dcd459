package trainer

import (
	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// PlanRun reads the data that a configuration names and works out what its run
// would do and take. It trains nothing and writes nothing. Its errors are those
// that [Run] has before it begins, but the plan comes also with one of the kind
// [backend.ErrOutOfMemory].
func PlanRun(c settings.Config, o Options) (*record.DryRun, error) {
	var next *record.NextRun
	if c.Mixed() { // the first of two runs
		m, err := o.mixed(c)
		if err != nil {
			return nil, err
		}
		next = &record.NextRun{Players: m.second.Players, Epochs: m.second.Epochs, MaxBytes: int(m.second.MaxBytes)}
		c, o.read = m.first, m.data
	}
	r, p, err := o.openNew(c)
	if r == nil {
		return nil, err
	}
	c = r.config
	if r.memory.Samples == 0 { // a CPU computes where they lie
		r.memory.Samples = r.data.Bytes()
	}
	d := &record.DryRun{
		Device: r.result.Device, Data: r.result.Data, Shape: record.Shape(r.graph), Players: network.Sum(r.graph.MarketWidths()), Keep: int(c.Keep),
		Parameters: r.graph.ParameterCount(), MACs: r.graph.MACs(),
		Epochs: c.Epochs, StepsPerEpoch: p.PerEpoch, Steps: p.Total, Memory: r.memory, Next: next,
	}
	if c.Shape != "" || c.Pattern != "" {
		d.Keep = int(p.Target.Limit)
	}
	if c.Game == game.MarketGame {
		d.Target, d.Cost = &p.Target, c.Cost
	}
	return d, err
}

// openNew opens a new run without beginning it; see [open].
func (o Options) openNew(c settings.Config) (*run, session.Plan, error) {
	c, err := o.resolve(c)
	if err != nil {
		return nil, session.Plan{}, err
	}
	return open(c, o, nil)
}
