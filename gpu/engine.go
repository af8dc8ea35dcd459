//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"math"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// evaluationBatch is how many samples are evaluated at a time.
const evaluationBatch = backend.InferLimit

// planLength is how many steps the host plans ahead.
const planLength = 64

// maxTurns bounds the turns of any loop in a kernel. llvmpipe stops a loop after 65,536 turns
// without an error. Kernels loop over the samples of a batch, and over inputs or outputs, four at a
// time. Some make a few more turns over the rows of a tile.
const maxTurns = 65000

// turnsOn returns how many turns a device takes: only processors have a bound.
func turnsOn(kind compute.Kind) int {
	if kind == compute.CPU {
		return maxTurns
	}
	return math.MaxInt32
}

// leastLocal is how many invocations a workgroup has at least that go through the numbers of a
// channel together.
const leastLocal = 8

// maxChannels is how many channels an image has at most: kernels have a workgroup for each.
const maxChannels = 65535

// engine is a network, its players and its samples on one device.
type engine struct {
	device    *compute.Device
	data      *dataset.Dataset
	options   backend.EngineOptions
	grain     grain
	batchRows int // rows of all buffers that hold a batch

	samples samples

	// What the host writes and reads at every submission.
	exchange struct {
		arena    *compute.Arena
		plan     []shaders.Step    // the steps of one submission
		order    []uint32          // batchRows samples for each of them
		outcomes []shaders.Outcome // likewise
		planned  compute.Buffer
		ordered  compute.Buffer
		observed compute.Buffer
	}
	steps int // of the optimiser

	*lowered
	parameters    *compute.Arena // what is kept of the layers
	activations   *compute.Arena // what a step leaves behind
	moves         *compute.Arena // of players that play, between host and device
	state         compute.Buffer // the present step, on the device
	cursor        compute.Buffer // place of the next in the plan
	jobs          compute.Buffer // see jobs.go
	features      compute.Buffer // their places in a sample, where the network does not read all
	normalisation compute.Buffer // of each channel of the inputs
	nothing       compute.Buffer // what is bound where a kernel uses no buffer
	ones          compute.Buffer // participations of what has no gate
	squares       compute.Buffer // sums of squares of the gradients, where they are clipped
	factor        compute.Buffer // and what they are multiplied with
	programs      map[mode]*program
	plays         map[int]*compute.Program // by sweeps

	usesSparse bool // compressed rows are faster on the device, where they are few
	sparse     bool // some layer has them, and nothing was trained since
}

var _ backend.Engine = (*engine)(nil)

// newEngine places the samples and the state on the device, which stays the
// caller's to close when it fails.
func newEngine(device *compute.Device, kernels kernelSet, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (*engine, error) {
	e := &engine{
		device: device, data: d, options: o,
		grain:     grainFor(device.Info().Kind, kernels),
		batchRows: o.BatchRows(d), usesSparse: device.Info().Kind == compute.CPU,
	}
	plan, err := planMemory(device.Info(), d, o, s.Network.Graph)
	if err == nil {
		err = plan.Check()
	}
	e.samples = e.newSamples(device.Info(), plan.Placement)
	if err == nil {
		err = e.placeSamples()
	}
	if err == nil {
		err = e.placeExchange()
	}
	if err == nil {
		err = e.Push(s)
	}
	if err != nil {
		e.free()
		return nil, err
	}
	return e, nil
}

// mostPlaces bounds the numbers of a channel: max pools keep places as floats, which hold
// whole numbers up to 2^24.
const mostPlaces = 1 << 24

// trainedRows returns the rows of the largest batch that is trained.
func (e *engine) trainedRows() int { return min(e.options.Batch, e.batchRows) }

// layExchange lays out the memory through which host and device talk.
func (e *engine) layExchange(take taker) {
	x := &e.exchange
	places := planLength * e.batchRows
	x.planned = take(planLength * sizeOf[shaders.Step]())
	x.ordered = take(places * sizeOf[uint32]())
	x.observed = take(places * sizeOf[shaders.Outcome]())
}

// placeExchange makes the memory through which host and device talk.
func (e *engine) placeExchange() (err error) {
	x := &e.exchange
	if x.arena, err = newArena(e.device, compute.Host, e.layExchange); err != nil {
		return err
	}
	x.plan = view[shaders.Step](x.planned.Bytes())
	x.order = view[uint32](x.ordered.Bytes())
	x.outcomes = view[shaders.Outcome](x.observed.Bytes())
	return nil
}

func (e *engine) Timings() []backend.Timing { return timings(e.device) }

func (e *engine) Close() error {
	e.free()
	e.device.Close()
	return nil
}

// free gives back everything but the device.
func (e *engine) free() {
	e.forget()
	for _, a := range []*compute.Arena{e.parameters, e.moves, e.activations, e.samples.arena, e.exchange.arena} {
		if a != nil {
			a.Free()
		}
	}
}

// forget drops the recorded commands, which name the buffers they use.
func (e *engine) forget() {
	for _, p := range e.programs {
		p.Free()
	}
	for _, p := range e.plays {
		p.Free()
	}
	e.programs, e.plays = map[mode]*program{}, map[int]*compute.Program{}
}
