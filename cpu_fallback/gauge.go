package cpufallback

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"nashprune/trainer"
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

// operations returns how many additions and multiplications so many turns make.
func (l multiplyAddLoop) operations(turns int) float64 {
	return 2 * sumsPerTurn * float64(l.lanes) * float64(turns)
}

// What one turn of the gauge takes: chunks of a loop, of a fraction of a
// millisecond, so that all threads end at about the same time; and copies in what is
// more than most caches hold.
const (
	turnsPerChunk = 20_000
	copyBytes     = 128 << 20
	bytesPerChunk = 1 << 20
)

// gauge measures the processor, whatever library multiplies there.
type gauge struct {
	loops    []multiplyAddLoop
	from, to []byte
}

var _ trainer.Gauger = driver{}

func (driver) OpenGauge(trainer.Device) (trainer.Gauge, error) {
	g := &gauge{loops: multiplyAddLoops(), from: make([]byte, copyBytes), to: make([]byte, copyBytes)}
	// A page that nobody wrote to has no memory of its own.
	g.from[0] = 1
	for n := 1; n < copyBytes; n *= 2 {
		copy(g.from[n:], g.from[:n])
	}
	copy(g.to, g.from)
	return g, nil
}

func (g *gauge) Measure(ctx context.Context) (trainer.Ceilings, error) {
	var c trainer.Ceilings
	for _, loop := range g.loops {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		chunks := chunksInSecond(func(int) { loop.run(turnsPerChunk) })
		c.Operations = max(c.Operations, loop.operations(turnsPerChunk)*chunks)
	}
	c.Bytes = 2 * bytesPerChunk * chunksInSecond(func(chunk int) {
		at := chunk * bytesPerChunk % copyBytes
		copy(g.to[at:at+bytesPerChunk], g.from[at:at+bytesPerChunk])
	})
	return c, ctx.Err()
}

// chunksInSecond lets all threads work chunk after chunk for the time of a turn, and
// returns how many they did in a second.
func chunksInSecond(work func(chunk int)) float64 {
	var done atomic.Int64
	start := time.Now()
	inChunks(runtime.GOMAXPROCS(0), 1, func(int, int, int) {
		for time.Since(start) < trainer.GaugeTime {
			work(int(done.Add(1)) - 1)
		}
	})
	return float64(done.Load()) / time.Since(start).Seconds()
}

func (g *gauge) Methods() (operations, bytes string) {
	operations = "no multiply-adds: there is no loop with vectors for " + runtime.GOARCH + " like this, and products exceed any other"
	if len(g.loops) > 0 {
		widest := slices.MaxFunc(g.loops, func(a, b multiplyAddLoop) int { return a.lanes - b.lanes })
		operations = fmt.Sprintf("multiply-adds in registers (%s), %d threads", widest.name, runtime.GOMAXPROCS(0))
	}
	return operations, fmt.Sprintf("copy of %d MiB, %d threads", copyBytes>>20, runtime.GOMAXPROCS(0))
}

func (g *gauge) Close() error { return nil }
