package backend

import (
	"slices"
	"strings"
)

// KernelChooser is a [Driver] whose devices have several sets of kernels to choose
// from: they compute the same to rounding, and each the same bits every time, at
// different speeds. [Device.Kernels] names the one that computes.
type KernelChooser interface {
	// Kernels lists the sets that a device can run by name, the default first.
	Kernels(d Device) ([]string, error)
}

// KernelSets lists the sets of kernels that the device can run, the default first: none
// where there is nothing to choose.
func (d Device) KernelSets() ([]string, error) {
	chooser, ok := drivers[d.Driver].(KernelChooser)
	if !ok {
		return nil, nil
	}
	return chooser.Kernels(d)
}

// WithKernels returns the device with another of its sets of kernels, or with the
// one that it has if name is empty. The error is of the kind [ErrUsage] where it
// cannot run such.
func (d Device) WithKernels(name string) (Device, error) {
	if name == "" {
		return d, nil
	}
	sets, err := d.KernelSets()
	if err != nil {
		return d, err
	}
	if len(sets) == 0 {
		return d, Usagef("--kernels %s: %s (%s) has one set of kernels, and nothing to choose from", name, d.ID(), d.Name)
	}
	if !slices.Contains(sets, name) {
		return d, Usagef("--kernels %q: %s (%s) runs %s", name, d.ID(), d.Name, strings.Join(sets, ", "))
	}
	d.Kernels = name
	return d, nil
}
