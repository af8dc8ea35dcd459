package main

import (
	"context"
	"strings"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer"
	"nashprune/trainer/bench"
	"nashprune/trainer/tune"
)

// autotuneUsage describes the flag --autotune.
const autotuneUsage = "time the device's sets of kernels first, and take the fastest that computes what it should"

// allKernels is what parity takes for every set of kernels.
const allKernels = "all"

// kernelsOf names the kernels of a device after its name, if it has a choice.
func kernelsOf(d trainer.Device) string {
	if d.Kernels == "" {
		return ""
	}
	return ", kernels " + d.Kernels
}

// withKernels returns the devices with the kernels that the user names, if any.
// Beside others, those that have none to choose from stay as they are.
func withKernels(devices []trainer.Device, name string) ([]trainer.Device, error) {
	if name == "" {
		return devices, nil
	}
	var with []trainer.Device
	chosen := false
	for _, d := range devices {
		sets, err := d.KernelSets()
		if err != nil {
			return nil, err
		}
		if len(sets) > 0 || len(devices) == 1 {
			if d, err = d.WithKernels(name); err != nil {
				return nil, err
			}
			chosen = true
		}
		with = append(with, d)
	}
	if !chosen {
		var ids []string
		for _, d := range devices {
			ids = append(ids, d.ID())
		}
		return nil, trainer.Usagef("--kernels %s: none of %s has kernels to choose from", name, strings.Join(ids, ", "))
	}
	return with, nil
}

// withAllKernels returns each device once for each of its sets of kernels.
func withAllKernels(devices []trainer.Device) ([]trainer.Device, error) {
	var all []trainer.Device
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

func newTuner(p *progress) tune.Tuner {
	return tune.Tuner{
		Reference: cpufallback.OpenOracle, Program: "nashprune " + version(), Cache: tune.CacheFile(),
		Tell: func(what string) { p.line(oneLine.Replace(what), true) },
	}
}

// tuned returns the devices with the kernels that train a case fastest.
func tuned(ctx context.Context, devices []trainer.Device, c bench.Case, p *progress) ([]trainer.Device, error) {
	var all []trainer.Device
	for _, d := range devices {
		if d.Kernels != "" {
			var err error
			if d, err = newTuner(p).Choose(ctx, d, c.Widths, c.EngineOptions()); err != nil {
				return nil, err
			}
		}
		all = append(all, d)
	}
	return all, nil
}
