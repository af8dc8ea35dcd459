//go:build cgo

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestVulkanFails lets Vulkan calls of an interrupted run fail that goes on: while
// its device is opened and while it trains. The exit code says how, what was saved
// stays, and from there the run ends as if nothing had been.
func TestVulkanFails(t *testing.T) {
	needVulkan(t)
	library := filepath.Join(t.TempDir(), "libfault.so")
	source := filepath.FromSlash("../../gpu/internal/compute/testdata/fault.c")
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, output)
	}
	atImages(t)
	args := func(out string) []string { return train("--keep", "8", "--device", "vulkan", "--out", out) }
	succeed(t, args("whole")...)
	if code, stderr := runUntil(t, 3, args("stopped")...); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	const opening, training = 20, 500 // calls that may fail: of the first the device consists, of the second its training
	for _, c := range []struct {
		call, result, code int
		words              string
	}{
		{opening, -2, exitOutOfMemory, "VK_ERROR_OUT_OF_DEVICE_MEMORY"},
		{opening, -4, exitDeviceLost, "VK_ERROR_DEVICE_LOST"},
		{training, -2, exitOutOfMemory, "; the last checkpoint is kept: go on from it with nashprune train --resume stopped"},
		{training, -4, exitDeviceLost, "; the last checkpoint is kept: go on from it with nashprune train --resume stopped"},
	} {
		cmd := process("train", "--resume", "stopped")
		cmd.Env = append(cmd.Env, "NASHPRUNE_VULKAN_LOADER="+library, fmt.Sprintf("FAULT=%d:%d", c.call, c.result))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the exit code says it
		refused(t, c.code, c.words, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
		if _, err := os.Stat(filepath.Join("stopped", "checkpoint.safetensors")); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", stderr.String())
	}
	succeed(t, "train", "--resume", "stopped")
	sameRun(t, "whole", "stopped")
}
