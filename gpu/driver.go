//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
)

type driver struct{}

var _ trainer.Driver = driver{}

func init() { trainer.Register(driver{}) }

func (driver) Name() string { return DriverName }

func (driver) Devices() ([]trainer.Device, error) {
	found, err := compute.List()
	if err != nil {
		err = fmt.Errorf("%w (nashprune doctor finds out why)", err)
	}
	var devices []trainer.Device
	for _, d := range found {
		devices = append(devices, trainer.Device{Driver: DriverName, Index: d.Index, Name: d.Name, Kind: d.Kind, DriverInfo: d.Driver})
	}
	return devices, err
}

func (driver) Open(d trainer.Device, data *dataset.Dataset, o trainer.EngineOptions, s *trainer.State) (trainer.Engine, error) {
	if err := o.Validate(data, s.Network); err != nil {
		return nil, err
	}
	if err := checkLoops(o.Batch, s.Network.Widths()); err != nil {
		return nil, err
	}
	device, err := compute.Open(d.Index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	e, err := newEngine(device, data, o, s)
	if err != nil {
		device.Close()
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	return e, nil
}

// maxTurns is how often kernels may go through a loop: llvmpipe leaves any loop
// after 65,536 turns, without a word.
const maxTurns = 65535

// checkLoops says which size would take a kernel through too long a loop: one
// over the samples of a batch, or over four inputs or outputs at a time.
func checkLoops(batch int, widths []int) error {
	if batch > maxTurns {
		return trainer.Usagef("a batch of %d samples is too large for Vulkan: take %d at most, or train on the cpu", batch, maxTurns)
	}
	if widest := slices.Max(widths); widest > 4*maxTurns {
		return trainer.Usagef("%d inputs or players in a layer are too many for Vulkan: take %d at most, or train on the cpu", widest, 4*maxTurns)
	}
	return nil
}
