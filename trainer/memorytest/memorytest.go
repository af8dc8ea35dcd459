// Package memorytest holds readers of files to the memory that their input is worth,
// whatever size it claims. It is for tests only.
package memorytest

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
)

// LogVariable names the environment variable that holds the path of a file to
// which [Within] appends a line whenever a process allocates more at once than it
// did before: the test, the bytes read, the bytes allocated and the bound.
const LogVariable = "TEST_MEMORY_LOG"

// Allocated returns the bytes that f allocates, freed ones included, and those
// that other goroutines do meanwhile.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Bound is what a reader may allocate in all, freed memory included.
type Bound struct {
	PerByte  uint64 // for each byte that was read, where it is compressed of what that became
	Constant uint64 // bytes besides, for buffers
}

// largest is the most that f took in this process.
var largest atomic.Uint64

// Within runs f, which returns how many bytes it read, and fails the test if it
// allocates more than the bound.
func Within(t testing.TB, bound Bound, f func() (read int)) {
	t.Helper()
	var read int
	used := Allocated(func() { read = f() })
	limit := bound.PerByte*uint64(read) + bound.Constant
	if used > limit {
		t.Errorf("reading %d bytes allocates %d, and the bound is %d", read, used, limit)
	}
	if path := os.Getenv(LogVariable); path != "" && used > largest.Load() {
		largest.Store(used)
		if err := appendLine(path, fmt.Sprintf("%s %d %d %d\n", t.Name(), read, used, limit)); err != nil {
			t.Error(err)
		}
	}
}

func appendLine(path, line string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(line)
	return err
}
