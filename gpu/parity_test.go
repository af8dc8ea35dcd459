//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/gpu"
	"nashprune/trainer"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
)

const float32Unit = 0x1p-24

// openVulkan opens the backend as a user would get it: on the first device.
func openVulkan(d *dataset.Dataset, o trainer.EngineOptions, s *trainer.State) (trainer.Engine, error) {
	device, err := trainer.FindDevice(gpu.DriverName)
	if err != nil {
		return nil, err
	}
	return device.Open(d, o, s)
}

func TestParityOfVulkanWithFloat64(t *testing.T) {
	report, err := backendtest.Compare(cpufallback.OpenOracle, openVulkan, float32Unit, backendtest.Cases())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Failed() {
		t.Errorf("%s: %s: used %g of the bound: %s", c.Case, c.Quantity, c.Used, c.Detail)
	}
	if len(report.Checks) < 300 {
		t.Errorf("only %d checks were made", len(report.Checks))
	}
}
