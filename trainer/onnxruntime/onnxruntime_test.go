//go:build cgo

package onnxruntime_test

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/onnxruntime"
)

// library returns the library that "make onnxruntime" installs, or skips the test.
func library(t *testing.T) string {
	t.Helper()
	names := map[string]string{"amd64": "x64", "arm64": "arm64"}
	found, err := filepath.Glob("../../testdata/onnxruntime/node_modules/onnxruntime-node/bin/napi-v3/" + runtime.GOOS + "/" + names[runtime.GOARCH] + "/libonnxruntime.so.1")
	if err != nil || found == nil {
		t.Skip("ONNX Runtime is not installed: run make onnxruntime")
	}
	return found[0]
}

// TestSession: a network computes in ONNX Runtime what it computes here, for any number of
// samples, and a file that is none is refused.
func TestSession(t *testing.T) {
	r, err := onnxruntime.Open(library(t))
	if err != nil || !strings.HasPrefix(r.Version, "1.") {
		t.Fatal(r, err)
	}
	n := networktest.Random(networktest.Build(networktest.Nets()["lenet"]...))
	n.Fold()
	m := onnx.New(n)
	var file bytes.Buffer
	if err := m.Write(&file, n); err != nil {
		t.Fatal(err)
	}
	model := onnxruntime.Model{File: file.Bytes(), Input: m.Input, Output: m.Output, Sample: m.Sample, Outputs: []int{n.Outputs()}}
	for _, samples := range []int{1, 5} {
		s, err := r.NewSession(model, samples)
		if err != nil {
			t.Fatal(err)
		}
		input := make([]float64, len(s.Input()))
		for i, x := range s.Input() {
			input[i] = float64(x)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		pass := n.Values().Forward(input, samples)
		for i, got := range s.Output() {
			if want := pass.Output(i / n.Outputs())[i%n.Outputs()]; math.Abs(float64(got)-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("output %d of %d samples is %g; it must be %g", i, samples, got, want)
			}
		}
		s.Close()
	}
	model.File = model.File[:20]
	if _, err := r.NewSession(model, 1); err == nil || !strings.Contains(err.Error(), "ONNX Runtime: ") {
		t.Errorf("error %v", err)
	}
	if _, err := onnxruntime.Open("another.so"); !errors.Is(err, onnxruntime.ErrMissing) {
		t.Errorf("error %v", err)
	}
}

func TestNoLibrary(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.so")
	_, err := onnxruntime.Open(missing)
	if !errors.Is(err, onnxruntime.ErrMissing) || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), missing) {
		t.Errorf("error %v", err)
	}
}
