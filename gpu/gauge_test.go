//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"nashprune/gpu"
	"nashprune/trainer"
)

// TestGauge measures the ceilings of the device, under the validation layers, and
// stops when ctx has ended.
func TestGauge(t *testing.T) {
	device, err := trainer.FindDevice(gpu.DriverName)
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
