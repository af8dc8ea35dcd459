package trainer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nashprune/trainer/dataset"
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
	wanted := strings.ToLower(strings.TrimSpace(words))
	if driver, ok := drivers[strings.SplitN(wanted, ":", 2)[0]]; ok { // and no other driver is asked
		devices, err := driver.Devices()
		if err != nil {
			return Device{}, fmt.Errorf("%w: %q is not available: %w", ErrNoDevice, words, err)
		}
		return choose(words, devices, func(d Device) bool {
			return wanted == d.Driver || wanted == fmt.Sprintf("%s:%d", d.Driver, d.Index)
		})
	}
	devices, _ := Inventory()
	if wanted == "" || wanted == "auto" {
		for _, kind := range preference {
			for _, d := range devices {
				if d.Kind == kind {
					return d, nil
				}
			}
		}
	}
	return choose(words, devices, func(d Device) bool {
		return wanted != "" && strings.Contains(strings.ToLower(d.Name), wanted)
	})
}

// choose returns the first device that fits what the user said in words.
func choose(words string, devices []Device, fits func(Device) bool) (Device, error) {
	var known []string
	for _, d := range devices {
		if fits(d) {
			return d, nil
		}
		known = append(known, fmt.Sprintf("%s:%d (%s)", d.Driver, d.Index, d.Name))
	}
	return Device{}, fmt.Errorf("%w: %q; there is %s", ErrNoDevice, words, strings.Join(known, ", "))
}

// Open places a data set and a state on the device.
func (d Device) Open(data *dataset.Dataset, o EngineOptions, s *State) (Engine, error) {
	driver, ok := drivers[d.Driver]
	if !ok {
		return nil, fmt.Errorf("%w: driver %q is not part of this build", ErrNoDevice, d.Driver)
	}
	return driver.Open(d, data, o, s)
}
