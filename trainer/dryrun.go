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
	if c.Mixed() { // the first of two runs
		first, _, err := o.stages(c)
		if err != nil {
			return nil, err
		}
		c = first
	}
	c, err := o.resolve(c)
	if err != nil {
		return nil, err
	}
	r, p, err := open(c, o, nil)
	if r == nil {
		return nil, err
	}
	c = r.config
	if r.memory.Samples == 0 { // a CPU computes where they lie
		r.memory.Samples = r.data.Bytes()
	}
	d := &record.DryRun{
		Device: r.result.Device, Data: r.result.Data, Shape: session.Shape(r.graph), Players: network.Sum(r.graph.MarketWidths()), Keep: c.Keep,
		Parameters: r.graph.ParameterCount(), MACs: r.graph.MACs(),
		Epochs: c.Epochs, StepsPerEpoch: p.PerEpoch, Steps: p.Total, Memory: r.memory,
	}
	if c.Shape != "" || c.Pattern != "" {
		d.Keep = int(p.Target.Limit)
	}
	if c.Game == game.MarketGame {
		d.Target, d.Cost = &p.Target, c.Cost
	}
	return d, err
}
