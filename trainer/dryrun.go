package trainer

import (
	"errors"
	"fmt"

	"nashprune/trainer/network"
)

// DryRun is what a run would do, without having done any of it.
type DryRun struct {
	Device        ResultDevice `json:"device"`
	Data          ResultData   `json:"data"`
	Shape         []int        `json:"shape"` // from the inputs to the logits
	Players       int          `json:"players"`
	Keep          int          `json:"keep,omitempty"`   // players that stay, where that is known
	Target        *Target      `json:"target,omitempty"` // of the market
	Cost          Resource     `json:"cost,omitempty"`   // what players pay for, where all layers share one market
	Parameters    int          `json:"parameters"`
	MACs          int          `json:"macs"` // multiply-accumulate operations a sample
	Epochs        int          `json:"epochs"`
	StepsPerEpoch int          `json:"steps_per_epoch"`
	Steps         int          `json:"steps"` // of a training; with a baseline there are two
	Memory        MemoryPlan   `json:"memory"`
}

// PlanRun reads the data that a configuration names and works out what its run
// would do and take. It trains nothing and writes nothing. Its errors are those
// that [Run] has before it begins, but the plan comes also with one of the kind
// [ErrOutOfMemory].
func PlanRun(c Config, o Options) (*DryRun, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, config: c}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.checkPlacement(); err != nil {
		return nil, err
	}
	if err := r.readLatencyModel(); err != nil {
		return nil, err
	}
	p, err := r.plan(c.Game)
	if err != nil {
		return nil, err
	}
	d := &DryRun{
		Device: r.result.Device, Data: r.result.Data, Shape: r.widths(), Players: network.Sum(r.hidden), Keep: c.Keep,
		Parameters: network.ParametersOf(r.widths()), MACs: network.MACsOf(r.widths()),
		Epochs: c.Epochs, StepsPerEpoch: p.perEpoch, Steps: p.total,
	}
	if c.Shape != "" {
		d.Keep = int(p.target.Limit)
	}
	if c.Game == MarketGame {
		d.Target, d.Cost = &p.target, c.Cost
	}
	d.Memory, err = r.placeSamples()
	d.Device.Samples = d.Memory.Placement
	if errors.Is(err, ErrOutOfMemory) {
		return d, err
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// checkPlacement refuses a placement that the device does nothing with. A run that goes
// on is not asked: it changes no result, and could not be changed any more.
func (r *run) checkPlacement() error {
	if r.samples == AnyPlacement || r.device.Kind != CPU {
		return nil
	}
	return Usagef("--data-on-device %s is for devices with memory of their own, and %s (%s) computes where the data lie: leave it out, or say %s",
		r.samples, r.device.ID(), r.device.Name, autoPlacement)
}

// placeSamples works out the memory of the run's engine, and with it where the
// samples will be: of the network in full width, also when the run goes on with less,
// since a baseline may follow. The plan comes also with an error of the kind
// [ErrOutOfMemory], when it does not fit.
func (r *run) placeSamples() (MemoryPlan, error) {
	plan, err := r.device.Plan(r.data, r.engineOptions(), r.widths())
	if err == nil {
		r.samples, r.result.Device.Samples = plan.Placement, plan.Placement
		if words := plan.placed(); words != "" {
			r.tell("samples: " + words)
		}
		err = plan.Check()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", r.device.ID(), err)
	}
	return plan, err
}
