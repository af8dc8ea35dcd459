package cpufallback

import (
	"runtime"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// TestMoveUp compares what is moved within a slice with what is copied out of it,
// for shapes and choices of all kinds: nothing, everything, ends alone.
func TestMoveUp(t *testing.T) {
	draw := random.New(1, random.Testing, 0, 0)
	chosen := func(n int) []int {
		var some []int
		odds := draw.Below(4) // of none, a third, two thirds or all
		for i := range n {
			if draw.Below(3) < odds {
				some = append(some, i)
			}
		}
		return some
	}
	for range 2000 {
		height, width := int(draw.Below(9)), int(draw.Below(9))
		rows, columns := chosen(height), chosen(width)
		v := drawNumbers(draw, (width+1)*height)
		want := network.SelectMatrix(v[:width*height], width, rows, columns)
		want = append(want, network.Select(v[width*height:], rows)...)
		if got := compactParameters(slices.Clone(v), width, rows, columns); !sameBits(got, want) {
			t.Fatalf("rows %v and columns %v of %dx%d: %v, want %v", rows, columns, height, width, got, want)
		}
	}
}

// TestARemovalTakesNoMemory is what the plan of the memory says of removals: a
// layer's parameters, moments and activations stay where they are. What is allocated
// are the lists of survivors and small structs.
func TestARemovalTakesNoMemory(t *testing.T) {
	const inputs, players = 400, 3000
	n := network.New([]int{inputs, players, 3})
	e, err := open[float32](gonum32{}, dataset.Noise(16, inputs, 3), backend.EngineOptions{Batch: 8, Optimiser: backend.Optimiser{Kind: backend.Adam}}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	keep := network.Survivors{network.Indices(players)[1:]}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := e.Compact(keep); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	const lists = 8 * 2 * (inputs + players + 3) // twice what they have entries, as slices are rounded up
	if taken := after.TotalAlloc - before.TotalAlloc; taken > lists+1<<16 {
		t.Errorf("%d bytes were allocated, the lists take %d", taken, lists)
	}
	plan, err := driver{}.Plan(backend.Device{}, dataset.Noise(16, inputs, 3), e.options, []int{inputs, players, 3})
	if err != nil || plan.Removal != 0 {
		t.Errorf("planned are %d bytes, %v", plan.Removal, err)
	}
}
