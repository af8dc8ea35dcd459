package trainer_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/backend"
)

// movedDriver is a driver whose device is a GPU at first, and a CPU once the test
// says so, as where a run goes on on another machine.
type movedDriver struct {
	crookedDriver
	kind *backend.DeviceKind
}

func (d movedDriver) Devices() ([]backend.Device, error) {
	return []backend.Device{{Driver: d.name, Name: "moved", Kind: *d.kind}}, nil
}

var movedKind = backend.SoftwareGPU // which FindDevice does not take by itself

func init() { backend.Register(movedDriver{crookedDriver{name: "moved"}, &movedKind}) }

// TestPlacementOnACPU: a CPU has no place of its own for samples, and a new run that
// asks for one is refused. A run that began elsewhere goes on.
func TestPlacementOnACPU(t *testing.T) {
	defer func(kind backend.DeviceKind) { movedKind = kind }(movedKind)
	c := tinyConfig(t)
	for _, placement := range []backend.Placement{backend.Resident, backend.Streamed} {
		c.Device, c.DataOnDevice = "moved", placement
		dir := filepath.Join(t.TempDir(), "run")
		movedKind = backend.SoftwareGPU
		if _, err := trainer.Run(newCountdown(5), c, trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrInterrupted) {
			t.Fatalf("%s on a GPU: %v", placement, err)
		}
		movedKind = backend.CPU
		if _, err := trainer.Resume(newCountdown(5), trainer.Options{Dir: dir, Device: "moved"}); !errors.Is(err, backend.ErrInterrupted) {
			t.Errorf("%s, going on on a CPU: %v", placement, err)
		}
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")})
		if want := "--data-on-device " + string(placement); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, anew on a CPU: %v", placement, err)
		}
		if _, err := trainer.PlanRun(c, trainer.Options{}); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("%s, planned on a CPU: %v", placement, err)
		}
	}
}
