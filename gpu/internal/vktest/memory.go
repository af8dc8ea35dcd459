//go:build cgo && (linux || windows || darwin || freebsd)

package vktest

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

// Long says whether tests may take minutes: NASHPRUNE_LONG=1.
var Long = os.Getenv("NASHPRUNE_LONG") == "1"

// Resident returns how many bytes of the process are in memory. It skips the test where
// that is unknown, or says nothing.
func Resident(t testing.TB) int {
	t.Helper()
	if Sanitised {
		t.Skip("the address sanitiser keeps what is freed")
	}
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skipf("how much memory is in use is not told here: %v", err)
	}
	var all, pages int
	if _, err := fmt.Fscan(bytes.NewReader(statm), &all, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// StaysFlat does work a number of times to warm up, then in batches of a quarter of
// times, and looks at the memory of the process before and after each. What leaks
// grows in every batch. Go's own heap and what the race detector keeps now and then
// take a piece of a percent, so one batch in twelve that adds less than a quarter of
// a percent is enough.
func StaysFlat(t testing.TB, warmUp, times int, work func() error) {
	t.Helper()
	Resident(t) // or skip, before anything takes time
	do := func(n int) int {
		for range n {
			if err := work(); err != nil {
				t.Fatal(err)
			}
		}
		return Resident(t)
	}
	before, start := do(warmUp), time.Now()
	for batch, last := 1, before; ; batch++ {
		after := do(times / 4)
		t.Logf("%d times: %v each, %d KiB before and %d after", batch*(times/4),
			time.Since(start)/time.Duration(batch*(times/4)), before>>10, after>>10)
		if float64(after) < 1.0025*float64(last) {
			return
		}
		if batch == 12 {
			t.Fatalf("memory grew from %d to %d bytes in %d times, and in every one of %d batches", before, after, 3*times, batch)
		}
		last = after
	}
}
