//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"math"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
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

var _ backend.Planner = driver{}

func (driver) Plan(d backend.Device, data *dataset.Dataset, o backend.EngineOptions, g *network.Graph) (_ backend.MemoryPlan, err error) {
	defer convert(&err)
	info, err := lookUp(d)
	if err != nil {
		return backend.MemoryPlan{}, err
	}
	return planMemory(info, data, o, g)
}

// memoryLimit is how much memory of a device plans count on at most: all. Tests
// lower it.
var memoryLimit = math.MaxInt

// residentPart is the part of a device's memory that a plan may take for samples to
// be resident where the options leave it open: others use the memory, too.
const residentPart = 7. / 8

// planMemory counts what newEngine allocates, memory of the host that the device sees
// included, and what a device always has. Where the options
// leave it open, samples are resident if that fits well, else streamed. An error of the
// kind [backend.ErrOutOfMemory] says that something cannot be allocated in one piece, or
// that kernels do not reach it; one of the kind [backend.ErrUsage] that they would go
// through their loops more often than the device does, or have too large a grid.
func planMemory(info compute.Info, data *dataset.Dataset, o backend.EngineOptions, g *network.Graph) (backend.MemoryPlan, error) {
	if o.Samples != backend.AnyPlacement {
		return planPlaced(info, data, o, g)
	}
	o.Samples = backend.Resident
	plan, err := planPlaced(info, data, o, g)
	if fits := plan; err == nil {
		fits.Available = int(residentPart * float64(fits.Available))
		if fits.Check() == nil {
			return plan, nil
		}
	}
	o.Samples = backend.Streamed
	return planPlaced(info, data, o, g)
}

// planPlaced does so with samples as the options say.
func planPlaced(info compute.Info, data *dataset.Dataset, o backend.EngineOptions, g *network.Graph) (plan backend.MemoryPlan, err error) {
	plan = backend.MemoryPlan{
		Placement: o.Samples, Exchange: compute.StagingBytes,
		Available: min(info.Memory, memoryLimit), Source: "memory of the device",
	}
	e := &engine{data: data, options: o, batchRows: o.BatchRows(data), usesSparse: info.Kind == compute.CPU}
	e.samples = e.newSamples(info, o.Samples)
	e.laySamples(count(info, &plan.Samples))
	e.layExchange(count(info, &plan.Exchange))
	low := lower(g, e.trainedRows())
	e.lowered = low
	if e.hasMoves(low) {
		low.layMoves(count(info, &plan.Exchange))
	}
	low.layParameters(count(info, &plan.Parameters), o.SoftWeights)
	e.layMoments(low, count(info, &plan.Moments))
	e.layPlayers(low, count(info, &plan.Players))
	e.laySparse(low, count(info, &plan.Parameters))
	e.layActivations(low, count(info, &plan.Activations))
	e.layGradients(low, count(info, &plan.Gradients))
	if err := e.checkTurns(turnsOn(info.Kind)); err != nil {
		return plan, err
	}
	for _, piece := range []struct { // as newEngine and build allocate them
		what   string
		bytes  int
		remedy string
	}{
		{"parameters, moments and players", plan.Parameters + plan.Moments + plan.Players, "a smaller --model"},
		{"activations and gradients", plan.Activations + plan.Gradients, "a smaller --batch or --model"},
		{"the samples", plan.Samples, "fewer"},
	} {
		if most := info.Limits.Allocation; piece.bytes > most {
			return plan, fmt.Errorf("%w: %s take %d MiB, and a piece of memory has at most %d MiB there: take %s, or train on the cpu",
				backend.ErrOutOfMemory, piece.what, piece.bytes>>20, most>>20, piece.remedy)
		}
	}
	if err := e.checkSamples(info.Limits); err != nil {
		return plan, err
	}
	return plan, e.checkLayers(info, low)
}

// checkTurns says whether kernels go through all targets in so many turns, and through whole batches:
// of these a grid may have a workgroup a sample, which is bounded on any device.
func (e *engine) checkTurns(turns int) error {
	if e.batchRows > maxTurns {
		return backend.Usagef("a batch of %d samples is too large for Vulkan: take %d at most, or train on the cpu", e.batchRows, maxTurns)
	}
	if d := e.data; d.Regression() && d.Outputs() > turns {
		return backend.Usagef("%d targets are too many for this device: take %d at most, or train on the cpu", d.Outputs(), turns)
	}
	return nil
}
