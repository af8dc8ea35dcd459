//go:build cgo && (linux || windows || darwin || freebsd)

package vktest

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// Long says whether tests may take minutes: NASHPRUNE_LONG=1.
var Long = os.Getenv("NASHPRUNE_LONG") == "1"

// Resident returns how many bytes of the process are in memory. It skips the
// test where that is not told, or says nothing.
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
