//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"
	"fmt"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// table is something of each sample, its features or its answer, a row a sample.
type table struct {
	of            func(dataset.Samples) []byte // the rows of a part, as the data set holds them
	width, stride int                          // bytes of a row there, and where kernels read it
	buffer        compute.Buffer
}

// put copies some rows of a part to memory, where the first of them becomes row first.
func (t *table) put(memory []byte, first int, part []byte, order []int32) {
	for i, sample := range order {
		copy(memory[(first+i)*t.stride:], part[int(sample)*t.width:][:t.width])
	}
}

// samples is where kernels find those of a step: among all of the data, which lie
// in the device's memory, or in one of two chunks that the host sees, too.
type samples struct {
	arena    *compute.Arena
	features table          // bytes or floats, padded to four
	answers  table          // a label a byte or, in regression, the targets
	weights  compute.Buffer // of the classes, where they have weights; else the answers again
	rows     int            // of either table

	streamed  bool
	first     map[backend.Part]int // where they are resident: the row of each part's first sample
	chunkRows int                  // where they are streamed: of a chunk
	inferred  int                  // likewise: how many test samples the first chunk begins with, in their order
}

// chunkBytes is how much a chunk holds unless a single step takes more: far more
// than it takes for copies to be fast, and little beside any device's memory. Tests
// lower it.
var chunkBytes = 8 << 20

var parts = []backend.Part{backend.TrainPart, backend.ValidationPart, backend.TestPart}

// newSamples works out how the samples of the engine's data lie on a device.
func (e *engine) newSamples(info compute.Info, placement backend.Placement) samples {
	s := samples{streamed: placement == backend.Streamed}
	d, number := e.data, 1
	s.features.of = func(part dataset.Samples) []byte { return part.Pixels }
	if d.Train.Values != nil {
		number = sizeOf[float32]()
		s.features.of = func(part dataset.Samples) []byte { return bytesOf(part.Values) }
	}
	s.features.width, s.features.stride = number*d.Train.Features, number*padded(d.Train.Features)
	s.answers.of, s.answers.width = func(part dataset.Samples) []byte { return part.Labels }, 1
	if d.Regression() {
		s.answers.of = func(part dataset.Samples) []byte { return bytesOf(part.Targets) }
		s.answers.width = sizeOf[float32]() * d.Outputs()
	}
	s.answers.stride = s.answers.width
	if s.streamed {
		// Kernels read labels four at a time: no four of them lie in both chunks.
		step := padded(e.batchRows)
		most := min(chunkBytes/(s.features.stride+s.answers.stride), info.Limits.StorageRange/2/max(s.features.stride, s.answers.stride))
		s.chunkRows = step * max(1, min(planLength, most/step))
		s.rows = 2 * s.chunkRows
		return s
	}
	s.first = map[backend.Part]int{}
	for _, part := range parts {
		s.first[part] = s.rows
		s.rows += part.Of(d).Len()
	}
	return s
}

// laySamples lays out what kernels read of the samples.
func (e *engine) laySamples(take taker) {
	s := &e.samples
	s.features.buffer = take(s.rows * s.features.stride)
	s.answers.buffer = take(padded(s.rows * s.answers.stride))
	s.weights = s.answers.buffer
	if weights := e.options.Loss.ClassWeights; weights != nil {
		s.weights = take(4 * len(weights))
	}
}

// checkSamples says whether kernels reach all samples that are to lie there.
func (e *engine) checkSamples(limits compute.Limits) error {
	of := ""
	if e.samples.streamed {
		of = " of two steps"
	}
	s := &e.samples
	err := errors.Join(
		checkReach("the samples"+of+" take", s.rows*s.features.stride, limits.StorageRange),
		checkReach("the targets"+of+" take", s.rows*s.answers.stride, limits.StorageRange))
	if err != nil && !s.streamed {
		return fmt.Errorf("%w, or have them streamed, with --data-on-device auto", err)
	}
	return err
}

// placeSamples makes the memory that kernels read samples from. Unless they are
// streamed, all of them go there, as they came.
func (e *engine) placeSamples() (err error) {
	s, kind := &e.samples, compute.Local
	if s.streamed {
		kind = compute.Host
	}
	if err := e.checkSamples(e.device.Info().Limits); err != nil {
		return err
	}
	if s.arena, err = newArena(e.device, kind, e.laySamples); err != nil {
		return err
	}
	var weights []float32
	for _, weight := range e.options.Loss.ClassWeights {
		weights = append(weights, float32(weight))
	}
	if weights != nil {
		if err := e.device.Write(s.weights, bytesOf(weights)); err != nil {
			return err
		}
	}
	if s.streamed {
		return nil
	}
	for _, part := range parts {
		for _, t := range []*table{&s.features, &s.answers} {
			if err := e.place(t, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// place copies a part of the data to the device.
func (e *engine) place(t *table, part backend.Part) error {
	from, order := t.of(part.Of(e.data)), backend.InOrder(part.Of(e.data).Len())
	rows := min(len(order), max(1, compute.StagingBytes/t.stride)) // at a time
	memory := make([]byte, rows*t.stride)
	for first := e.samples.first[part]; len(order) > 0; first += rows {
		rows = min(rows, len(order))
		t.put(memory, 0, from, order[:rows])
		if err := e.device.Write(t.buffer.Part(first*t.stride, rows*t.stride), memory[:rows*t.stride]); err != nil {
			return err
		}
		order = order[rows:]
	}
	return nil
}

// checkReach says whether kernels, which see limit bytes of a buffer, reach as
// many as there are.
func checkReach(what string, bytes, limit int) error {
	if bytes > limit {
		return fmt.Errorf("%w: %s %d MiB, and kernels see at most %d MiB of a buffer there: take fewer or train on the cpu",
			backend.ErrOutOfMemory, what, bytes>>20, limit>>20)
	}
	return nil
}
