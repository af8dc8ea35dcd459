//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
)

// least are the limits that every Vulkan device has.
var least = compute.Limits{Invocations: 128, GroupSize: [3]int{128, 128, 64}, SharedBytes: 16384}

// TestKernelSetsByKindAndLimits: what each kind of device takes first, and what is
// left where limits are too low for some.
func TestKernelSetsByKindAndLimits(t *testing.T) {
	narrow, poor := least, least
	narrow.GroupSize[0] = 64
	poor.SharedBytes = 8223 // tiled takes 8224
	for _, c := range []struct {
		kind   compute.Kind
		limits compute.Limits
		want   []string
	}{
		{compute.CPU, least, []string{"vec4", "tiled"}},
		{compute.DiscreteGPU, least, []string{"tiled", "vec4"}},
		{compute.IntegratedGPU, least, []string{"tiled", "vec4"}},
		{compute.VirtualGPU, least, []string{"tiled", "vec4"}},
		{compute.DiscreteGPU, narrow, []string{"vec4"}},
		{compute.DiscreteGPU, poor, []string{"vec4"}},
		{compute.CPU, poor, []string{"vec4"}},
	} {
		got, wrong := gpu.KernelSets(c.kind, c.limits)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s with %+v: %v, want %v", c.kind, c.limits, got, c.want)
		}
		if wrong != nil {
			t.Errorf("%s: %v", c.kind, wrong)
		}
	}
}

// TestKernelsByName: those that a device does not run are named with those that it
// does, and an engine says the same when it is opened.
func TestKernelsByName(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := device.WithKernels(""); err != nil || same != device || device.Kernels == "" {
		t.Errorf("%+v, %v", same, err)
	}
	_, err = device.WithKernels("huge")
	for _, word := range []string{`--kernels "huge"`, device.ID(), "vec4", "tiled"} {
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not say %s", err, word)
		}
	}
	c := benchmarkCase(1)
	device.Kernels = "huge"
	if _, err := device.Open(c.Data(), backend.EngineOptions{Batch: 1, Optimiser: adam}, fresh(c)); err == nil || !strings.Contains(err.Error(), "huge") {
		t.Errorf("opened with unknown kernels: %v", err)
	}
	gone := device
	gone.Name = "another"
	if _, err := gone.WithKernels("vec4"); !errors.Is(err, backend.ErrNoDevice) {
		t.Errorf("of a device that is not there: %v", err)
	}
}

// TestNarrowTiles: with tiles of 8 x 4 vec4, which take 9 halves, or 8 x 1, which take
// 3, by hand.
func TestNarrowTiles(t *testing.T) {
	for _, c := range []struct{ columns, want int }{
		{1, 1}, {8, 1}, {16, 1}, // 3, 3 and 6 against 9
		{17, 4}, {24, 4}, {32, 4}, // 9, 9 and 12 against 9
		{33, 1}, {40, 1}, {41, 4}, // 15, 15 and 18 against 18
		{64, 4}, {65, 4}, // 24 against 18, 27 against 27
	} {
		if got := gpu.Narrowed(8, 4, c.columns); got != c.want {
			t.Errorf("%d vec4 in columns of %d, want %d", c.columns, got, c.want)
		}
	}
	if got := gpu.Narrowed(16, 1, 100); got != 1 {
		t.Errorf("tiles of single columns come in columns of %d", got)
	}
}

// TestTilesOfFewFilters: workgroups of 64 columns that share nothing, with 4 or 8 rows, or workgroups
// of 16 columns that share 32 rows or more, whichever compute less, by hand.
func TestTilesOfFewFilters(t *testing.T) {
	for _, c := range []struct {
		filters, columns, high int
		shares                 bool
	}{
		{1, 1000, 4, false}, {8, 1000, 8, false}, // 4 x 1024 and 8 x 1024 against 32 x 1008
		{20, 1000, 8, false},                 // 24 x 1024 against 32 x 1008
		{31, 1000, 32, true},                 // 32 x 1024 against 32 x 1008
		{20, 16, 32, true},                   // 24 x 64 against 32 x 16
		{8, 16, 32, true}, {4, 16, 4, false}, // 8 x 64, and 4 x 64, against 32 x 16
		{32, 1000, 32, true}, {33, 1000, 64, true},
	} {
		if high, shares := gpu.ImageTile(c.filters, c.columns); high != c.high || shares != c.shares {
			t.Errorf("%d filters and %d columns: %d rows, shares: %v; want %d, %v", c.filters, c.columns, high, shares, c.high, c.shares)
		}
	}
}

// TestTilesOfFewWorkgroups: workgroups have 64, 32, 16 or 8 rows and 16 vec4, the most rows with
// which there are 128 of them, by hand.
func TestTilesOfFewWorkgroups(t *testing.T) {
	for _, c := range []struct{ rows, columns, want int }{
		{1, 1, 8}, {128, 3, 8}, {128, 64, 8}, {128, 128, 8}, // up to 16 x 8 workgroups
		{256, 128, 16}, {512, 128, 32}, {1024, 128, 64}, {1023, 127, 64},
		{961, 128, 64}, {960, 128, 32}, // 16 x 8 and 15 x 8 of 64 rows
	} {
		if got := gpu.Spread(c.rows, c.columns); got != c.want {
			t.Errorf("%d rows and %d vec4: workgroups have %d rows, want %d", c.rows, c.columns, got, c.want)
		}
	}
}

// TestLowTilesGiveTheSameBits compares engines that cut as a GPU does, with tiles that are lowered for
// a small batch and with others.
func TestLowTilesGiveTheSameBits(t *testing.T) {
	c := backendtest.Case{Inputs: 37, Hidden: []int{70, 18}, Outputs: 5, Batch: 67, Rows: 67, Optimiser: adam}
	var states []*backend.State
	var logits [][]float32
	for _, cut := range []func(backend.Engine){func(backend.Engine) {}, gpu.DoNotSpread} {
		e := openOn(t, gpu.DriverName, c)
		asOnGPU("")(e)
		cut(e)
		if _, err := e.Train(t.Context(), steps(c, 2)); err != nil {
			t.Fatal(err)
		}
		evaluation, err := e.Evaluate(t.Context(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			t.Fatal(err)
		}
		state, err := e.Pull()
		if err != nil {
			t.Fatal(err)
		}
		states, logits = append(states, state), append(logits, evaluation.Logits)
	}
	if !slices.Equal(logits[0], logits[1]) || !reflect.DeepEqual(states[0].Network.Parameters, states[1].Network.Parameters) {
		t.Error("tiles change bits")
	}
}
