package main

import (
	"fmt"
	"slices"
	"strings"

	"nashprune/trainer/backend"
)

// allKernels is what parity takes for every set of kernels.
const allKernels = "all"

// kernelsOf names the kernels of a device after its name, if it has a choice.
func kernelsOf(d backend.Device) string {
	if d.Kernels == "" {
		return ""
	}
	return ", kernels " + d.Kernels
}

// withKernels returns the devices with the kernels that the user names, if any. Beside
// a device that has them, others stay as they are; where they could choose, that is said.
func withKernels(devices []backend.Device, name string, p *progress) ([]backend.Device, error) {
	if name == "" {
		return devices, nil
	}
	if len(devices) == 1 {
		d, err := devices[0].WithKernels(name)
		if err != nil {
			return nil, err
		}
		return []backend.Device{d}, nil
	}
	var with, lacking []backend.Device
	var ids, runs []string
	for _, d := range devices {
		sets, err := d.KernelSets()
		if err != nil {
			return nil, err
		}
		switch {
		case slices.Contains(sets, name):
			d.Kernels = name
		case len(sets) > 0:
			lacking = append(lacking, d)
			runs = append(runs, fmt.Sprintf("%s (%s) runs %s", d.ID(), d.Name, strings.Join(sets, ", ")))
		}
		with, ids = append(with, d), append(ids, d.ID())
	}
	switch chosen := slices.ContainsFunc(with, func(d backend.Device) bool { return d.Kernels == name }); {
	case !chosen && runs == nil:
		return nil, backend.Usagef("--kernels %s: none of %s has kernels to choose from", name, strings.Join(ids, ", "))
	case !chosen:
		return nil, backend.Usagef("--kernels %q: %s", name, strings.Join(runs, "; "))
	}
	for _, d := range lacking {
		p.line(oneLine.Replace(fmt.Sprintf("%s (%s) has no kernels %s: it computes with %s", d.ID(), d.Name, name, d.Kernels)), true)
	}
	return with, nil
}

// withAllKernels returns each device once for each of its sets of kernels.
func withAllKernels(devices []backend.Device) ([]backend.Device, error) {
	var all []backend.Device
	for _, d := range devices {
		sets, err := d.KernelSets()
		if err != nil {
			return nil, err
		}
		if len(sets) == 0 {
			all = append(all, d)
		}
		for _, name := range sets {
			with, err := d.WithKernels(name)
			if err != nil {
				return nil, err
			}
			all = append(all, with)
		}
	}
	return all, nil
}
