//go:build cgo && (linux || windows || darwin || freebsd)

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/record"
)

// TestKernelsAreRefused where no device runs them, before anything is done.
func TestKernelsAreRefused(t *testing.T) {
	atImages(t)
	for _, c := range []struct {
		args  []string
		words string
	}{
		{train("--keep", "8", "--device", "gonum", "--kernels", "tiled", "--out", "out"), "has one set of kernels, and nothing to choose from"},
		{[]string{"bench", "--device", "gonum", "--kernels", "tiled"}, "has one set of kernels"},
		{[]string{"parity", "--device", "gonum", "--kernels", "tiled"}, "has one set of kernels"},
	} {
		code, stdout, stderr := execute(t, c.args...)
		refused(t, exitUsage, c.words, code, stdout, stderr)
	}
	if _, err := os.Stat("out"); err == nil {
		t.Error("a refused run left a folder")
	}
}

// TestVulkanKernels: a run with kernels that were named, in whatever way, has the
// same bits every time, also when it goes on, and its result names them. Others
// are refused with a list.
func TestVulkanKernels(t *testing.T) {
	needVulkan(t)
	atImages(t)
	args := func(out string, more ...string) []string {
		return train(append(more, "--keep", "8", "--device", "vulkan", "--out", out)...)
	}
	succeed(t, args("first", "--kernels", "tiled")...)
	t.Setenv("NASHPRUNE_KERNELS", "tiled")
	if code, stderr := runUntil(t, 3, args("second")...); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	t.Setenv("NASHPRUNE_KERNELS", "")
	succeed(t, "train", "--resume", "second")
	sameRun(t, "first", "second")
	text, err := os.ReadFile(filepath.Join("second", record.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var result record.Result
	if err := json.Unmarshal(text, &result); err != nil || result.Device.Kernels != "tiled" {
		t.Errorf("%+v, %v", result.Device, err)
	}
	succeed(t, "eval", "first", "--device", "vulkan", "--kernels", "vec4")
	for _, args := range [][]string{
		args("out", "--kernels", "huge"), {"eval", "first", "--device", "vulkan", "--kernels", "huge"},
		{"bench", "--device", "vulkan", "--kernels", "huge"}, {"parity", "--kernels", "huge"},
	} {
		code, _, stderr := execute(t, args...)
		if code != exitUsage || !strings.Contains(stderr, `--kernels "huge"`) || !strings.Contains(stderr, " runs ") || !strings.Contains(stderr, "vec4") {
			t.Errorf("%q: exit code %d: %s", args, code, stderr)
		}
	}
}

// TestAllKernels: parity takes each device once for each of its sets.
func TestAllKernels(t *testing.T) {
	devices, _ := backend.Inventory()
	all, err := withAllKernels(devices)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[backend.Device]bool{}
	for _, d := range all {
		if seen[d] {
			t.Errorf("%s with %q is there twice", d.ID(), d.Kernels)
		}
		seen[d] = true
	}
	for _, d := range devices {
		if !seen[d] {
			t.Errorf("%s is missing as it is", d.ID())
		}
	}
}
