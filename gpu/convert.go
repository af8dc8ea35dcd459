//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"errors"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
)

// This file is where the terms of package compute become those of the contract.

// deviceKinds are the kinds of devices.
var deviceKinds = map[compute.Kind]backend.DeviceKind{
	compute.DiscreteGPU: backend.DiscreteGPU, compute.IntegratedGPU: backend.IntegratedGPU,
	compute.VirtualGPU: backend.VirtualGPU, compute.CPU: backend.SoftwareGPU,
}

// errorKinds are the kinds of errors.
var errorKinds = map[error]error{
	compute.ErrDeviceLost: backend.ErrDeviceLost, compute.ErrOutOfMemory: backend.ErrOutOfMemory,
}

// convertedError is an error of package compute that is of a kind of the contract, too.
type convertedError struct {
	error
	kind error
}

func (e convertedError) Unwrap() []error { return []error{e.error, e.kind} }

// convert gives an error that comes from package compute its kind of the contract.
// Every exported method that uses a device defers it.
func convert(err *error) {
	for from, to := range errorKinds {
		if errors.Is(*err, from) {
			*err = convertedError{*err, to}
		}
	}
}

// timings returns the times of a device in the contract's type.
func timings(d *compute.Device) []backend.Timing {
	var all []backend.Timing
	for _, t := range d.Timings() {
		all = append(all, backend.Timing(t))
	}
	return all
}
