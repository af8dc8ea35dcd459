//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"nashprune/gpu/internal/vktest"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/network"
)

// tiny is a network whose steps take next to nothing.
var tiny = backendtest.Case{Inputs: 3, Hidden: []int{5}, Outputs: 2, Batch: 4, Rows: 4, Optimiser: adam}

// oneHeap lets all threads have one heap of C: with one each, what llvmpipe's
// threads free stays in pieces, more or less as they take turns.
const oneHeap = "MALLOC_ARENA_MAX=1"

// TestMemoryStaysFlatOverSteps trains, a step a submission: 100,000 of them if
// tests may take minutes.
func TestMemoryStaysFlatOverSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t, oneHeap) {
		return
	}
	submissions := 5_000
	if vktest.Long {
		submissions = 100_000
	}
	e := openOn(t, "vulkan", tiny)
	one := steps(tiny, 1)
	vktest.StaysFlat(t, submissions/4, submissions, func() error {
		_, err := e.Train(context.Background(), one)
		return err
	})
}

// TestMemoryStaysFlatOverShapes pushes a network, trains it, pushes what a cut leaves and
// trains that, again and again.
func TestMemoryStaysFlatOverShapes(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t, oneHeap) {
		return
	}
	c := backendtest.Case{Inputs: 3, Hidden: []int{2000}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam}
	e := openOn(t, "vulkan", c)
	state, keep, one := fresh(c), network.Survivors{everySecond(2000)}, steps(c, 1)
	train := func() error { _, err := e.Train(context.Background(), one); return err }
	cut, err := state.Network.Cut(keep)
	if err != nil {
		t.Fatal(err)
	}
	vktest.StaysFlat(t, 300, 300, func() error {
		return errors.Join(e.Push(state), train(), e.Push(state.Cut(cut)), train())
	})
}

// TestEnginesLeaveNothing opens and closes engines: neither memory nor a thread
// is left.
func TestEnginesLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !vktest.Alone(t, oneHeap) {
		return
	}
	engines := 20
	if vktest.Long {
		engines = 200
	}
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Skipf("threads are not told here: %v", err)
		}
		return len(tasks)
	}
	before, most := threads(), 0
	vktest.StaysFlat(t, max(engines, 60), engines, func() error {
		e, err := openVulkan(tiny.Data(), backend.EngineOptions{Batch: tiny.Batch, Optimiser: tiny.Optimiser}, tiny.State())
		if err != nil {
			return err
		}
		_, err = e.Train(context.Background(), steps(tiny, 3))
		most = max(most, threads())
		return errors.Join(err, e.Close())
	})
	t.Logf("%d threads before, %d at most, %d in the end", before, most, threads())
	if most <= before || threads() > before+2 { // the Go runtime may start some
		t.Errorf("of %d threads %d are left, there were %d before", most, threads(), before)
	}
}
