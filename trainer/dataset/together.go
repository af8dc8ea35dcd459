package dataset

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// together calls do with each number below n, in their order but several at a time, and waits.
func together(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				do(int(i - 1))
			}
		})
	}
	workers.Wait()
}
