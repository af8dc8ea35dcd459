//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"math"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
)

// taker hands out a buffer of so many bytes: that of an arena, or one that only
// counts.
type taker func(bytes int) compute.Buffer

// count returns a taker that adds what an arena needs for each buffer.
func count(info compute.Info, total *int) taker {
	return func(bytes int) compute.Buffer {
		*total += info.Round(bytes)
		return compute.Buffer{}
	}
}

// newArena makes an arena and lays out in it what lay takes.
func newArena(d *compute.Device, kind compute.Memory, lay func(taker)) (*compute.Arena, error) {
	bytes := 0
	lay(count(d.Info(), &bytes))
	arena, err := d.NewArena(kind, bytes)
	if err != nil {
		return nil, err
	}
	lay(arena.Take)
	return arena, nil
}

var _ trainer.Planner = driver{}

func (driver) Plan(d trainer.Device, data *dataset.Dataset, o trainer.EngineOptions, widths []int) (trainer.MemoryPlan, error) {
	info, err := lookUp(d)
	if err != nil {
		return trainer.MemoryPlan{}, err
	}
	return planMemory(info, data, o, widths), nil
}

// memoryLimit is how much memory of a device plans count on at most: all. Tests
// lower it.
var memoryLimit = math.MaxInt

// planMemory counts what newEngine allocates, and what a device always has. Where
// the options leave it open, samples are resident if that fits, else streamed.
func planMemory(info compute.Info, data *dataset.Dataset, o trainer.EngineOptions, widths []int) trainer.MemoryPlan {
	if o.Samples != trainer.AnyPlacement {
		plan, _ := planPlaced(info, data, o, widths)
		return plan
	}
	o.Samples = trainer.Resident
	plan, reached := planPlaced(info, data, o, widths)
	if plan.Check() == nil && reached {
		return plan
	}
	o.Samples = trainer.Streamed
	plan, _ = planPlaced(info, data, o, widths)
	return plan
}

// planPlaced does so with samples as the options say, and tells whether they can be
// allocated in one piece and kernels reach them.
func planPlaced(info compute.Info, data *dataset.Dataset, o trainer.EngineOptions, widths []int) (plan trainer.MemoryPlan, reached bool) {
	plan = trainer.MemoryPlan{
		Placement: o.Samples, Exchange: compute.StagingBytes,
		Available: min(info.Memory, memoryLimit), Source: "memory of the device",
	}
	e := &engine{data: data, options: o, batchRows: batchRowsOf(o, data)}
	e.samples = e.newSamples(info, o.Samples)
	e.laySamples(count(info, &plan.Samples))
	e.layExchange(count(info, &plan.Exchange))
	var layers []*layer
	for i, in := range widths[:len(widths)-1] {
		layers = append(layers, &layer{in: in, out: widths[i+1], gated: i < len(widths)-2})
	}
	for _, l := range layers {
		l.layParameters(count(info, &plan.Parameters))
		l.layMoments(count(info, &plan.Moments), o.Optimiser.Kind)
		l.layPlayers(count(info, &plan.Players))
	}
	e.layActivations(layers, count(info, &plan.Activations))
	e.layGradients(layers, count(info, &plan.Gradients))
	plan.Removal = plan.Parameters + plan.Moments + plan.Players
	return plan, plan.Samples <= info.Limits.Allocation && e.checkSamples(info.Limits) == nil
}
