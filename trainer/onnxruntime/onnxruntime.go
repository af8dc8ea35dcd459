// Package onnxruntime runs files of ONNX in ONNX Runtime, on one thread of the CPU. Its
// library is opened at run time, from version 1.20 on; only builds with cgo can.
package onnxruntime

import (
	"errors"
	"fmt"
	"runtime"
)

// Name is what results call the program.
const Name = "ONNX Runtime"

// ErrMissing is the kind of the error where there is no library that can be used.
var ErrMissing = errors.New("ONNX Runtime is not there")

// libraries are the names of the library by system, in the order in which they are tried.
var libraries = map[string][]string{
	"linux":   {"libonnxruntime.so", "libonnxruntime.so.1"},
	"darwin":  {"libonnxruntime.dylib", "/opt/homebrew/lib/libonnxruntime.dylib", "/usr/local/lib/libonnxruntime.dylib"},
	"windows": {"onnxruntime.dll"},
}

// Runtime is the opened library. There is one a process, which is never closed: programs
// with several libraries crash on the way out where it is.
type Runtime struct{ Version string }

// Open opens the library in a file; empty: where the system finds it. The error is of the
// kind [ErrMissing] and one line.
func Open(file string) (*Runtime, error) {
	names := libraries[runtime.GOOS]
	if file != "" {
		names = []string{file}
	}
	var failures []error
	for _, name := range names {
		r, err := open(name)
		if err == nil {
			return r, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", name, err))
	}
	return nil, fmt.Errorf("%w: %w", ErrMissing, join(failures))
}

// join puts errors on one line.
func join(failures []error) error {
	if len(failures) == 0 {
		return fmt.Errorf("it has no library for %s", runtime.GOOS)
	}
	all := failures[0]
	for _, err := range failures[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return all
}

// Model is a file of ONNX with one input and one output of float32.
type Model struct {
	File          []byte
	Input, Output string
	// Sample and Outputs are the shapes of the input and the output without the first
	// dimension, the number of samples.
	Sample, Outputs []int
}
