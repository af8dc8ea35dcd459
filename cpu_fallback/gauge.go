package cpufallback

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"nashprune/trainer/backend"
)

// sumsPerTurn is how many multiply-adds a turn of each loop makes, each to a sum
// of its own.
const sumsPerTurn = 12

// multiplyAddLoop makes float32 multiply-adds in registers, of whole vectors.
type multiplyAddLoop struct {
	name  string
	lanes int // of a vector
	run   func(turns int)
}

// operations returns the number of additions and multiplications of a number of turns.
func (l multiplyAddLoop) operations(turns int) float64 {
	return 2 * sumsPerTurn * float64(l.lanes) * float64(turns)
}

// What one turn of the gauge takes: chunks of a loop, of a fraction of a
// millisecond, so that all threads end at about the same time.
const (
	turnsPerChunk = 20_000
	bytesPerChunk = 1 << 20
)

// How much is copied, from one buffer to another: several times what processors have of
// their last caches for a thread, which is 12 MiB at most, and no less than takes those of
// few threads out of them; but what a computer has that is used for other things, too.
const (
	leastCopied  = 128 << 20
	threadCopies = 32 << 20
	mostCopied   = 1536 << 20
	partOfMemory = 8 // of what is available, for either buffer
)

// copiedByThread returns the bytes of either buffer that each of so many threads copies,
// whole chunks, where so much memory is available; 0: that is not known.
func copiedByThread(threads, available int) int {
	most := mostCopied
	if available > 0 {
		most = min(most, available/partOfMemory)
	}
	bytes := min(max(threadCopies, leastCopied/threads), most/threads)
	return max(bytes/bytesPerChunk, 1) * bytesPerChunk
}

// gauge measures the processor, with any library.
type gauge struct {
	loops    []multiplyAddLoop
	threads  int
	from, to []byte
	part     int // of either buffer that each thread copies, in bytes
}

var _ backend.Gauger = driver{}

func (driver) OpenGauge(backend.Device) (backend.Gauge, error) {
	available, _ := availableMemory()
	threads := runtime.GOMAXPROCS(0)
	part := copiedByThread(threads, available)
	bytes := threads * part
	g := &gauge{loops: multiplyAddLoops(), threads: threads, from: make([]byte, bytes), to: make([]byte, bytes), part: part}
	// A page without writes has no memory of its own.
	g.from[0] = 1
	for n := 1; n < bytes; n *= 2 {
		copy(g.from[n:], g.from[:n])
	}
	copy(g.to, g.from)
	return g, nil
}

func (g *gauge) Measure(ctx context.Context) (backend.Ceilings, error) {
	var c backend.Ceilings
	for _, loop := range g.loops {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		chunks := g.chunksInSecond(func(int, int) { loop.run(turnsPerChunk) })
		c.Operations = max(c.Operations, loop.operations(turnsPerChunk)*chunks)
	}
	c.Bytes = 2 * bytesPerChunk * g.chunksInSecond(func(thread, chunk int) {
		at := g.place(thread, chunk)
		copy(g.to[at:at+bytesPerChunk], g.from[at:at+bytesPerChunk])
	})
	return c, ctx.Err()
}

// place returns where in the buffers a thread finds a chunk, from the beginning of its part
// to its end and again.
func (g *gauge) place(thread, chunk int) int {
	return thread*g.part + chunk*bytesPerChunk%g.part
}

// chunksInSecond lets all threads work chunk after chunk, each of its own, for the time of
// a turn, and returns how many they did in a second.
func (g *gauge) chunksInSecond(work func(thread, chunk int)) float64 {
	var done atomic.Int64
	start := time.Now()
	inChunks(g.threads, 1, func(thread, _, _ int) {
		chunk := 0
		for ; time.Since(start) < backend.GaugeTime; chunk++ {
			work(thread, chunk)
		}
		done.Add(int64(chunk))
	})
	return float64(done.Load()) / time.Since(start).Seconds()
}

func (g *gauge) Methods() (operations, bytes string) {
	operations = "no multiply-adds: there is no loop with vectors for " + runtime.GOARCH + " like this, and products exceed any other"
	if len(g.loops) > 0 {
		widest := slices.MaxFunc(g.loops, func(a, b multiplyAddLoop) int { return a.lanes - b.lanes })
		operations = fmt.Sprintf("multiply-adds in registers (%s), %d threads", widest.name, g.threads)
	}
	return operations, fmt.Sprintf("copy of %d MiB, %d threads", len(g.from)>>20, g.threads)
}

func (g *gauge) Close() error { return nil }
