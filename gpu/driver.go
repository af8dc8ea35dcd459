//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

type driver struct{}

var _ backend.Driver = driver{}

func init() { backend.Register(driver{}) }

func (driver) Name() string { return DriverName }

func (driver) Devices() (devices []backend.Device, err error) {
	defer convert(&err)
	found, err := compute.List()
	if err != nil {
		err = fmt.Errorf("%w (nashprune doctor finds out why)", err)
	}
	for _, d := range found {
		devices = append(devices, backend.Device{
			Driver: DriverName, Index: d.Index, Name: d.Name, Kind: deviceKinds[d.Kind], DriverInfo: d.Driver, Kernels: kernelSets(d)[0].name,
		})
	}
	return devices, err
}

func (driver) Open(d backend.Device, data *dataset.Dataset, o backend.EngineOptions, s *backend.State) (_ backend.Engine, err error) {
	defer convert(&err)
	if err := o.Validate(data, s.Network); err != nil {
		return nil, err
	}
	device, err := compute.Open(d.Index)
	if err != nil {
		return nil, err
	}
	if name := device.Info().Name; name != d.Name {
		device.Close()
		return nil, fmt.Errorf("%w: %s is %s now and was %s", backend.ErrNoDevice, d.ID(), name, d.Name)
	}
	kernels, err := findKernels(device.Info(), d.Kernels)
	var e *engine
	if err == nil {
		e, err = newEngine(device, kernels, data, o, s)
	}
	if err != nil {
		device.Close()
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	return e, nil
}

// lookUp returns what is known of a device that was listed before.
func lookUp(d backend.Device) (compute.Info, error) {
	devices, err := compute.List()
	for _, info := range devices {
		if info.Index == d.Index && info.Name == d.Name {
			return info, nil
		}
	}
	if err != nil {
		return compute.Info{}, err
	}
	return compute.Info{}, fmt.Errorf("%w: %s is not %s any more", backend.ErrNoDevice, d.ID(), d.Name)
}
