//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// TestGauge measures the ceilings of the device, under the validation layers, and
// stops when ctx has ended.
func TestGauge(t *testing.T) {
	device, err := backend.FindDevice(gpu.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	gauge, err := device.OpenGauge()
	if err != nil {
		t.Fatal(err)
	}
	defer gauge.Close()
	c, err := gauge.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.3g operations and %.3g bytes a second", c.Operations, c.Bytes)
	for _, x := range []float64{c.Operations, c.Bytes} {
		if !(x > 0) || math.IsInf(x, 0) {
			t.Errorf("%+v", c)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gauge.Measure(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("after ctx has ended: %v", err)
	}
}

// TestPeakAddsUpTwelveSums: a compiler may leave out what is the same as another, so
// that a device would seem to reach as many times more.
func TestPeakAddsUpTwelveSums(t *testing.T) {
	d, err := compute.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const local, bytes = 8, 8 * 16
	arena, err := d.NewArena(compute.Host, bytes)
	if err != nil {
		t.Fatal(err)
	}
	result := arena.Take(bytes)
	pipeline, err := d.Pipeline(shaders.Peak, local)
	if err != nil {
		t.Fatal(err)
	}
	p := d.NewProgram()
	p.Dispatch(pipeline, [3]int{1, 1, 1}, shaders.PeakPush{Turns: 3, Factor: 1}, result)
	if err := p.Record(false); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(1); err != nil {
		t.Fatal(err)
	}
	got := make([]float32, bytes/4)
	if _, err := binary.Decode(result.Bytes(), binary.NativeEndian, got); err != nil {
		t.Fatal(err)
	}
	for i, sum := range got {
		first := i/4 + i%4 // of three sums: the others begin 4 and 8 above it
		if want := float32(3*first + 4 + 8); sum != want {
			t.Errorf("number %d of invocation %d is %g, not %g", i%4, i/4, sum, want)
		}
	}
}
