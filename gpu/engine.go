//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"
	"fmt"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// evaluationBatch is how many samples are evaluated at a time.
const evaluationBatch = trainer.InferLimit

// planLength is how many steps the host plans ahead.
const planLength = 64

// maxTurns is how often kernels may go through a loop, which they do over the
// samples of a batch, and over four inputs or outputs at a time: llvmpipe leaves
// loops after 65,536 turns that an invocation makes, without a word. Some make a few
// more over the rows of a tile.
const maxTurns = 65000

// engine is a network, its players and its samples on one device.
type engine struct {
	device    *compute.Device
	data      *dataset.Dataset
	options   trainer.EngineOptions
	grain     grain
	batchRows int // rows of all buffers that hold a batch

	samples struct {
		arena    *compute.Arena
		features compute.Buffer // of all parts one after the other, bytes or floats, a sample padded to four
		answers  compute.Buffer // likewise, a label a byte or, in regression, the targets
		weights  compute.Buffer // of the classes, where they have weights; else the answers again
		first    map[trainer.Part]int
	}

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
	steps   int // of the optimiser
	tracked int // steps in the moving averages

	activation  network.Activation
	layers      []*layer
	parameters  *compute.Arena // what is kept of the layers
	activations *compute.Arena // what a step leaves behind
	state       compute.Buffer // the present step, on the device
	batch       compute.Buffer // the inputs of the present batch
	squares     compute.Buffer // sums of squares of gradients, where they are clipped
	factor      compute.Buffer // and what they are multiplied with
	programs    map[mode]*program
}

var _ trainer.Engine = (*engine)(nil)

// newEngine places the samples and the state on the device, which stays the
// caller's to close when it fails.
func newEngine(device *compute.Device, kernels kernelSet, d *dataset.Dataset, o trainer.EngineOptions, s *trainer.State) (*engine, error) {
	e := &engine{
		device: device, data: d, options: o,
		grain:     grainFor(device.Info().Kind, kernels),
		batchRows: batchRowsOf(o, d),
	}
	if e.batchRows > maxTurns {
		return nil, trainer.Usagef("a batch of %d samples is too large for Vulkan: take %d at most, or train on the cpu", e.batchRows, maxTurns)
	}
	if d.Regression() && d.Outputs() > maxTurns {
		return nil, trainer.Usagef("%d targets are too many for Vulkan: take %d at most, or train on the cpu", d.Outputs(), maxTurns)
	}
	plan := planMemory(device.Info(), d, o, s.Network.Widths())
	plan.Removal = 0 // nobody may be removed
	err := plan.Check()
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

// batchRowsOf returns the rows of all buffers that hold a batch.
func batchRowsOf(o trainer.EngineOptions, d *dataset.Dataset) int {
	return max(min(o.Batch, d.Train.Len()), evaluationBatch)
}

// laySamples lays out the samples of all parts.
func (e *engine) laySamples(take taker) {
	samples, number := 0, 1
	for _, part := range parts {
		samples += part.Of(e.data).Len()
	}
	if e.data.Train.Values != nil {
		number = 4
	}
	e.samples.features = take(samples * number * padded(e.data.Train.Features))
	if e.data.Regression() {
		e.samples.answers = take(4 * samples * e.data.Outputs())
	} else {
		e.samples.answers = take(padded(samples))
	}
	e.samples.weights = e.samples.answers
	if weights := e.options.Loss.ClassWeights; weights != nil {
		e.samples.weights = take(4 * len(weights))
	}
}

// placeSamples copies all samples to the device, as they came.
func (e *engine) placeSamples() (err error) {
	s := &e.samples
	s.first = map[trainer.Part]int{}
	var labels, pixels []byte
	var values, targets []float32
	placed := 0
	for _, part := range parts {
		samples := part.Of(e.data)
		s.first[part] = placed
		placed += samples.Len()
		labels = append(labels, samples.Labels...)
		targets = append(targets, samples.Targets...)
		pixels = padRows(pixels, samples.Pixels, e.data.Train.Features)
		values = padRows(values, samples.Values, e.data.Train.Features)
	}
	features, answers := pixels, append(labels, make([]byte, padded(len(labels))-len(labels))...)
	if e.data.Train.Values != nil {
		features = bytesOf(values)
	}
	if e.data.Regression() {
		answers = bytesOf(targets)
	}
	var weights []float32
	for _, weight := range e.options.Loss.ClassWeights {
		weights = append(weights, float32(weight))
	}
	limit := e.device.Info().Limits.StorageRange
	if err := errors.Join(checkReach("the samples take", len(features), limit), checkReach("the targets take", len(answers), limit)); err != nil {
		return err
	}
	if s.arena, err = newArena(e.device, compute.Local, e.laySamples); err != nil {
		return err
	}
	if weights != nil {
		if err := e.device.Write(s.weights, bytesOf(weights)); err != nil {
			return err
		}
	}
	if err := e.device.Write(s.answers, answers); err != nil {
		return err
	}
	return e.device.Write(s.features, features)
}

// padRows appends rows of so many numbers, each padded with zeros.
func padRows[T any](to, rows []T, width int) []T {
	to = slices.Grow(to, len(rows)/width*padded(width))
	for ; len(rows) > 0; rows = rows[width:] {
		to = append(to, rows[:width]...)
		to = append(to, make([]T, padded(width)-width)...)
	}
	return to
}

// checkReach says whether kernels, which see limit bytes of a buffer, reach as
// many as there are.
func checkReach(what string, bytes, limit int) error {
	if bytes > limit {
		return fmt.Errorf("%w: %s %d MiB, and kernels see at most %d MiB of a buffer there: take fewer or train on the cpu",
			trainer.ErrOutOfMemory, what, bytes>>20, limit>>20)
	}
	return nil
}

var parts = []trainer.Part{trainer.TrainPart, trainer.ValidationPart, trainer.TestPart}

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

func (e *engine) Timings() []trainer.Timing { return e.device.Timings() }

func (e *engine) Close() error {
	e.free()
	e.device.Close()
	return nil
}

// free gives back everything but the device.
func (e *engine) free() {
	e.forget()
	for _, a := range []*compute.Arena{e.parameters, e.activations, e.samples.arena, e.exchange.arena} {
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
	e.programs = map[mode]*program{}
}
