package trainer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Device is something that a network can be trained on.
type Device struct {
	Driver string     `json:"driver"`
	Index  int        `json:"index"` // among the devices of the driver
	Name   string     `json:"name"`
	Kind   DeviceKind `json:"kind"`
	BLAS   string     `json:"blas,omitempty"` // what multiplies matrices, on CPUs
}

// DeviceKind says what a device is made of.
type DeviceKind string

const (
	DiscreteGPU   DeviceKind = "discrete-gpu"
	IntegratedGPU DeviceKind = "integrated-gpu"
	VirtualGPU    DeviceKind = "virtual-gpu"
	CPU           DeviceKind = "cpu"
	SoftwareGPU   DeviceKind = "software-gpu" // a graphics driver that runs on the CPU
)

// preference is the order in which "auto" looks for a device. A software GPU is
// slower than the CPU backend and is used only when asked for by name.
var preference = []DeviceKind{DiscreteGPU, IntegratedGPU, VirtualGPU, CPU}

// ErrNoDevice is wrapped by errors about devices that do not exist.
var ErrNoDevice = errors.New("no such device")

var drivers = map[string]Driver{}

// Register makes a driver available. It panics when the name is taken. Call it
// from an init function.
func Register(d Driver) {
	if _, taken := drivers[d.Name()]; taken {
		panic("trainer: two drivers are named " + d.Name())
	}
	drivers[d.Name()] = d
}

// Inventory lists the devices of every registered driver, and the drivers that
// have none with the reason.
func Inventory() (devices []Device, missing map[string]error) {
	missing = map[string]error{}
	var names []string
	for name := range drivers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		found, err := drivers[name].Devices()
		if err != nil {
			missing[name] = err
		}
		devices = append(devices, found...)
	}
	return devices, missing
}

// FindDevice returns the device that a user's words mean: "auto" (the fastest
// kind there is), a driver's name (its first device), DRIVER:N (its device
// number N), or a part of a device's name, in any case.
func FindDevice(words string) (Device, error) {
	devices, missing := Inventory()
	wanted := strings.ToLower(strings.TrimSpace(words))
	if wanted == "" || wanted == "auto" {
		for _, kind := range preference {
			for _, d := range devices {
				if d.Kind == kind {
					return d, nil
				}
			}
		}
	}
	for _, d := range devices {
		if wanted == d.Driver || wanted == fmt.Sprintf("%s:%d", d.Driver, d.Index) {
			return d, nil
		}
	}
	for _, d := range devices {
		if wanted != "" && strings.Contains(strings.ToLower(d.Name), wanted) {
			return d, nil
		}
	}
	if err := missing[wanted]; err != nil {
		return Device{}, fmt.Errorf("%w: %q is not available: %w", ErrNoDevice, words, err)
	}
	var known []string
	for _, d := range devices {
		known = append(known, fmt.Sprintf("%s:%d (%s)", d.Driver, d.Index, d.Name))
	}
	return Device{}, fmt.Errorf("%w: %q; this build has %s", ErrNoDevice, words, strings.Join(known, ", "))
}

// Open places a network and a data set on the device.
func (d Device) Open(n *network.Network, data *dataset.Dataset, o EngineOptions) (Engine, error) {
	driver, ok := drivers[d.Driver]
	if !ok {
		return nil, fmt.Errorf("%w: driver %q is not part of this build", ErrNoDevice, d.Driver)
	}
	return driver.Open(d, n, data, o)
}
