package cpufallback

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"nashprune/trainer"
)

// sumsPerTurn is how many multiply-adds a turn of each loop makes, each to a sum
// of its own.
const sumsPerTurn = 12

// multiplyAddLoop makes float32 multiply-adds in registers.
type multiplyAddLoop struct {
	name  string
	lanes int // of a vector
	run   func(turns int)
}

// operations returns how many additions and multiplications so many turns make.
func (l multiplyAddLoop) operations(turns int) float64 {
	return 2 * sumsPerTurn * float64(l.lanes) * float64(turns)
}

// scalarLoops are the loops that every processor has.
func scalarLoops() []multiplyAddLoop {
	return []multiplyAddLoop{{"one number at a time, which vectors exceed", 1, func(turns int) { runtime.KeepAlive(multiplyAddScalar(turns, 1, 0)) }}}
}

// multiplyAddScalar makes sumsPerTurn multiply-adds a turn and returns something
// that depends on all of them.
//
//go:noinline
func multiplyAddScalar(turns int, x, y float32) float32 {
	var a, b, c, d, e, f, g, h, i, j, k, l float32
	for range turns {
		a, b, c, d = a*x+y, b*x+y, c*x+y, d*x+y
		e, f, g, h = e*x+y, f*x+y, g*x+y, h*x+y
		i, j, k, l = i*x+y, j*x+y, k*x+y, l*x+y
	}
	return a + b + c + d + e + f + g + h + i + j + k + l
}

// What one measurement of the processor takes: chunks of the loop for each
// thread, of a fraction of a millisecond, so that all threads end at about the
// same time; and a copy of more than most caches hold.
const (
	turnsPerChunk   = 20_000
	chunksPerThread = 128
	copyBytes       = 128 << 20
	bytesPerChunk   = 1 << 20
)

// gauge measures the processor.
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
	chunks := chunksPerThread * runtime.GOMAXPROCS(0)
	for _, loop := range g.loops {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		start := time.Now()
		inChunks(chunks, 1, func(int, int, int) { loop.run(turnsPerChunk) })
		c.Operations = max(c.Operations, loop.operations(chunks*turnsPerChunk)/time.Since(start).Seconds())
	}
	start := time.Now()
	inChunks(copyBytes, bytesPerChunk, func(_, low, high int) { copy(g.to[low:high], g.from[low:high]) })
	c.Bytes = 2 * copyBytes / time.Since(start).Seconds()
	return c, ctx.Err()
}

func (g *gauge) Methods() (operations, bytes string) {
	loop := slices.MaxFunc(g.loops, func(a, b multiplyAddLoop) int { return a.lanes - b.lanes })
	return fmt.Sprintf("multiply-adds in registers (%s), %d threads", loop.name, runtime.GOMAXPROCS(0)),
		fmt.Sprintf("copy of %d MiB, %d threads", copyBytes>>20, runtime.GOMAXPROCS(0))
}

func (g *gauge) Close() error { return nil }
