package trainer_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer"
)

// movedDriver is a driver whose device is a GPU at first, and a CPU once the test
// says so, as where a run goes on on another machine.
type movedDriver struct {
	crookedDriver
	kind *trainer.DeviceKind
}

func (d movedDriver) Devices() ([]trainer.Device, error) {
	return []trainer.Device{{Driver: d.name, Name: "moved", Kind: *d.kind}}, nil
}

var movedKind = trainer.SoftwareGPU // which FindDevice does not take by itself

func init() { trainer.Register(movedDriver{crookedDriver{name: "moved"}, &movedKind}) }

// TestPlacementOnACPU: a CPU has no place of its own for samples, and a new run that
// asks for one is refused. A run that began elsewhere goes on.
func TestPlacementOnACPU(t *testing.T) {
	defer func(kind trainer.DeviceKind) { movedKind = kind }(movedKind)
	c := tinyConfig(t)
	for _, placement := range []trainer.Placement{trainer.Resident, trainer.Streamed} {
		c.Device, c.DataOnDevice = "moved", placement
		dir := filepath.Join(t.TempDir(), "run")
		movedKind = trainer.SoftwareGPU
		if _, err := trainer.Run(newCountdown(5), c, trainer.Options{Dir: dir}); !errors.Is(err, trainer.ErrInterrupted) {
			t.Fatalf("%s on a GPU: %v", placement, err)
		}
		movedKind = trainer.CPU
		if _, err := trainer.Resume(newCountdown(5), trainer.Options{Dir: dir}); !errors.Is(err, trainer.ErrInterrupted) {
			t.Errorf("%s, going on on a CPU: %v", placement, err)
		}
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")})
		if want := "--data-on-device " + string(placement); !errors.Is(err, trainer.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, anew on a CPU: %v", placement, err)
		}
		if _, err := trainer.PlanRun(c, trainer.Options{}); !errors.Is(err, trainer.ErrUsage) {
			t.Errorf("%s, planned on a CPU: %v", placement, err)
		}
	}
}
