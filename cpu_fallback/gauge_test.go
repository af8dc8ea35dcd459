package cpufallback

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"nashprune/trainer/backend"
)

// TestMultiplyAddLoops runs every loop that the processor has for one turn and for
// several: those in assembly must end, and leave the registers of others alone.
func TestMultiplyAddLoops(t *testing.T) {
	x := 1.5
	for _, loop := range multiplyAddLoops() {
		for _, turns := range []int{1, 2, 1000} {
			loop.run(turns)
		}
		if got, want := loop.operations(3), float64(2*3*12*loop.lanes); got != want {
			t.Errorf("%s: %v operations in three turns, want %v", loop.name, got, want)
		}
		x *= x
	}
	if want := math.Pow(1.5, math.Pow(2, float64(len(multiplyAddLoops())))); x != want {
		t.Errorf("a number became %v, want %v", x, want)
	}
}

// TestCopiesAreApart: threads copy whole chunks of parts of their own, which together are
// the buffers, and more than caches hold where there is memory for that.
func TestCopiesAreApart(t *testing.T) {
	const MiB = 1 << 20
	for _, c := range []struct{ threads, available, want int }{
		{1, 0, 128 * MiB},
		{2, 16 << 30, 64 * MiB},
		{4, 16 << 30, 32 * MiB},
		{16, 64 << 30, 32 * MiB},
		{192, 512 << 30, 8 * MiB}, // 1.5 GiB in all
		{192, 0, 8 * MiB},
		{2, 256 * MiB, 16 * MiB}, // an eighth of what there is
		{3, 100 * MiB, 4 * MiB},
		{150, 100 * MiB, MiB}, // at least a chunk
	} {
		part := copiedByThread(c.threads, c.available)
		if part != c.want {
			t.Errorf("%d threads, %d MiB available: %d bytes each, want %d MiB", c.threads, c.available>>20, part, c.want/MiB)
		}
		g, bytes := gauge{threads: c.threads, part: part}, c.threads*part
		owner := map[int]int{}
		for thread := range c.threads {
			for chunk := range 2 * part / bytesPerChunk {
				at := g.place(thread, chunk)
				if of, taken := owner[at]; taken && of != thread || at%bytesPerChunk != 0 || at+bytesPerChunk > bytes {
					t.Fatalf("thread %d of %d copies at %d, as thread %d does", thread, c.threads, at, of)
				}
				owner[at] = thread
			}
		}
		if len(owner)*bytesPerChunk != bytes {
			t.Errorf("%d threads copy %d MiB of %d", c.threads, len(owner), bytes/MiB)
		}
	}
}

func TestGauge(t *testing.T) {
	opened, err := driver{}.OpenGauge(backend.Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	c, err := opened.Measure(t.Context())
	if err != nil || (c.Operations > 0) != (len(multiplyAddLoops()) > 0) || !(c.Bytes > 0) {
		t.Errorf("%+v, %v", c, err)
	}
	// Without vectors there is no ceiling that products do not exceed, and it says so.
	without := *opened.(*gauge)
	without.loops = nil
	c, err = without.Measure(t.Context())
	if operations, _ := without.Methods(); err != nil || c.Operations != 0 || !(c.Bytes > 0) || !strings.HasPrefix(operations, "no multiply-adds") {
		t.Errorf("%+v, %v, %q", c, err, operations)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opened.Measure(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after ctx has ended: %v", err)
	}
}
