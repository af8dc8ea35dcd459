//go:build cgo && (linux || windows || darwin || freebsd)

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
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
		{train("--keep", "8", "--device", "gonum", "--kernels", "small", "--out", "out"), "has one set of kernels, and nothing to choose from"},
		{train("--keep", "8", "--device", "gonum", "--kernels", "small", "--autotune", "--out", "out"), "give one of them"},
		{[]string{"bench", "--device", "gonum", "--kernels", "small"}, "has one set of kernels"},
		{[]string{"bench", "--device", "gonum", "--kernels", "small", "--autotune"}, "give one of them"},
		{[]string{"parity", "--device", "gonum", "--kernels", "small"}, "has one set of kernels"},
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
	succeed(t, args("first", "--kernels", "small")...)
	t.Setenv("NASHPRUNE_KERNELS", "small")
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
	if err := json.Unmarshal(text, &result); err != nil || result.Device.Kernels != "small" {
		t.Errorf("%+v, %v", result.Device, err)
	}
	succeed(t, "eval", "first", "--device", "vulkan", "--kernels", "large")
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

// TestAutotuneIsRemembered by the run, which says what it computes with, and for
// the next.
func TestAutotuneIsRemembered(t *testing.T) {
	needVulkan(t)
	atImages(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	args := func(out string) []string {
		return train("--keep", "8", "--device", "vulkan", "--autotune", "--out", out)
	}
	for turn, words := range []string{`; a step takes [0-9]+\.[0-9]{2} ms with `, "as timed before"} {
		out := []string{"first", "second"}[turn]
		code, _, stderr := execute(t, args(out)...)
		if code != exitDone || !regexp.MustCompile(words).MatchString(stderr) {
			t.Fatalf("exit code %d, want %q: %s", code, words, stderr)
		}
		config, err := os.ReadFile(filepath.Join(out, record.ConfigFile))
		if err != nil || !strings.Contains(string(config), "\nkernels = ") {
			t.Errorf("%v: the configuration names no kernels:\n%s", err, config)
		}
	}
	sameRun(t, "first", "second")
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
