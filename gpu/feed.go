//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"nashprune/trainer/backend"
)

// batches are samples of a part of the data in the order in which steps take
// them, so many each, at least one; the last may take fewer.
type batches struct {
	part  backend.Part
	order []int32
	rows  int
}

func (b batches) steps() int { return blocks(len(b.order), b.rows) }

// of returns the samples of a step.
func (b batches) of(step int) []int32 {
	first := step * b.rows
	return b.order[first:min(first+b.rows, len(b.order))]
}

// feed brings batches to where kernels find them, for steps that are submitted one
// after the other.
//
// Streamed samples lie in two chunks in the order of their steps. While the device
// works on the steps from first to end, which lie in one, those from end to next
// are copied to the other. The first chunk of a feed has one step, as nothing is
// worked on meanwhile, and each of those that follow twice as many, as long as
// they fit.
type feed struct {
	batches
	engine           *engine
	chunk            int // 0 or 1: the one that is worked on
	first, end, next int
	filling          sync.WaitGroup
}

// feed begins to bring batches, until they have been stopped. It panics where the
// part has no such sample or a batch is larger than those of the engine.
func (e *engine) feed(b batches) *feed {
	if largest := min(b.rows, len(b.order)); largest > e.batchRows {
		panic(fmt.Sprintf("gpu: a batch of %d samples where there is room for %d", largest, e.batchRows))
	}
	there := uint32(b.part.Of(e.data).Len())
	for _, sample := range b.order {
		if uint32(sample) >= there {
			panic(fmt.Sprintf("gpu: sample %d of a part with %d", sample, there))
		}
	}
	f := &feed{batches: b, engine: e, chunk: 1}
	if e.samples.streamed {
		f.fill()
	}
	return f
}

// ready returns how many steps can be submitted together, from one on which comes
// next. Nothing must be in flight.
func (f *feed) ready(step int) int {
	if !f.engine.samples.streamed {
		return f.steps() - step
	}
	if step == f.end { // the device is done with the chunk
		f.filling.Wait()
		f.chunk, f.first, f.end = 1-f.chunk, f.end, f.next
		f.fill()
	}
	return f.end - step
}

// fill begins to copy the steps that come next to the chunk that is not worked on.
func (f *feed) fill() {
	s := &f.engine.samples
	most := max(1, s.chunkRows/f.rows)
	f.next = min(f.steps(), f.end+max(1, min(2*(f.end-f.first), most)))
	if f.next == f.end {
		return
	}
	chunk := 1 - f.chunk
	if chunk == 0 {
		s.inferred = 0
	}
	row := chunk * s.chunkRows
	part := f.part.Of(f.engine.data)
	order := f.order[f.end*f.rows : min(f.next*f.rows, len(f.order))]
	for piece := range slices.Chunk(order, max(leastPiece/s.features.stride+1, blocks(len(order), fillers()))) {
		first := row
		row += len(piece)
		f.filling.Go(func() {
			for _, t := range []*table{&s.features, &s.answers} {
				t.put(t.buffer.Bytes(), first, t.of(part), piece)
			}
		})
	}
}

// leastPiece is how many bytes are worth a goroutine of their own.
const leastPiece = 64 << 10

// fillers returns how many goroutines fill a chunk: one processor alone copies 2 to 4
// GB/s, and a GPU may want more.
func fillers() int { return min(4, runtime.GOMAXPROCS(0)) }

// locate writes down where kernels find the samples of a step that is ready.
func (f *feed) locate(step int, places []uint32) {
	s := &f.engine.samples
	if s.streamed {
		for b := range f.of(step) {
			places[b] = uint32(f.chunk*s.chunkRows + (step-f.first)*f.rows + b)
		}
		return
	}
	first := uint32(s.first[f.part])
	for b, sample := range f.of(step) {
		places[b] = first + uint32(sample)
	}
}

// stop ends the bringing, wherever it is.
func (f *feed) stop() { f.filling.Wait() }
