package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/backend"
)

// Kernels are those of two devices that the driver would have.
func (absent) Kernels(d backend.Device) ([]string, error) {
	return [][]string{{"wide", "narrow"}, {"narrow"}}[d.Index], nil
}

// TestKernelsWhereTheyExist: of several devices those compute with the kernels that have
// them, the others with their own, and it is said; where no device has them they are
// refused with the sets that exist.
func TestKernelsWhereTheyExist(t *testing.T) {
	cpu := backend.Device{Driver: "cpu", Name: "CPU", Kind: backend.CPU}
	first := backend.Device{Driver: "absent", Name: "First", Kernels: "wide"}
	second := backend.Device{Driver: "absent", Index: 1, Name: "Second", Kernels: "narrow"}
	for _, c := range []struct {
		name    string
		devices []backend.Device
		kernels []string // in use; nil: refused
		words   []string // of what is said
	}{
		{"", []backend.Device{first, second, cpu}, []string{"wide", "narrow", ""}, nil},
		{"narrow", []backend.Device{first, second, cpu}, []string{"narrow", "narrow", ""}, nil},
		{"wide", []backend.Device{cpu, first, second}, []string{"", "wide", "narrow"}, []string{"absent:1 (Second) has no kernels wide: it computes with narrow"}},
		{"wide", []backend.Device{second}, nil, []string{`--kernels "wide": absent:1 (Second) runs narrow`}},
		{"wide", []backend.Device{cpu, second}, nil, []string{`--kernels "wide": absent:1 (Second) runs narrow`}},
		{"huge", []backend.Device{cpu, first, second}, nil, []string{`--kernels "huge": absent:0 (First) runs wide, narrow; absent:1 (Second) runs narrow`}},
		{"wide", []backend.Device{cpu}, nil, []string{"has one set of kernels"}},
		{"wide", []backend.Device{cpu, cpu}, nil, []string{"none of cpu:0, cpu:0 has kernels to choose from"}},
	} {
		var said strings.Builder
		with, err := withKernels(c.devices, c.name, newProgress(&said))
		var kernels []string
		for _, d := range with {
			kernels = append(kernels, d.Kernels)
		}
		text := said.String()
		if err != nil {
			text += err.Error()
		}
		if !slices.Equal(kernels, c.kernels) || (err != nil) != (c.kernels == nil) || err != nil && !errors.Is(err, backend.ErrUsage) || (text == "") != (c.words == nil) {
			t.Errorf("%s of %v: %q, %q", c.name, c.devices, kernels, text)
		}
		for _, words := range c.words {
			if !strings.Contains(text, words) {
				t.Errorf("%s of %v: %q does not say %q", c.name, c.devices, text, words)
			}
		}
	}
}
