//go:build cgo

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestVulkanFails lets Vulkan calls of an interrupted run fail that goes on: while
// its device is opened and while it trains. The exit code says how, what was saved
// stays, and from there the run ends as if nothing had been.
func TestVulkanFails(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
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
	fails := func(fault string, code int, words string) (stderr string) {
		t.Helper()
		cmd := process("train", "--resume", "stopped")
		cmd.Env = append(cmd.Env, "NASHPRUNE_VULKAN_LOADER="+library, "FAULT="+fault)
		var stdout, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &said
		_ = cmd.Run() // the exit code says it
		refused(t, code, words, cmd.ProcessState.ExitCode(), stdout.String(), said.String())
		if _, err := os.Stat(filepath.Join("stopped", "checkpoint.safetensors")); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", said.String())
		return said.String()
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
		fails(fmt.Sprintf("%d:%d", c.call, c.result), c.code, c.words)
	}
	// After a failed wait for a step the kernel in flight is named: the last,
	// since the first wait is for the end. How many copies are between the steps
	// depends on how long these take. A processor gets an hour, a GPU a minute.
	step := regexp.MustCompile(`nothing heard for (?:1h0m0s|1m0s), in flight on .*: (\w+), of \d+ times gather, .*, (\w+); the last checkpoint`)
	const timeout = 2
	for wait := 50; ; wait++ {
		stderr := fails(fmt.Sprintf("%d:%d:vkWaitForFences", wait, timeout), exitDeviceLost, "VK_TIMEOUT: nothing heard for 1")
		if strings.Contains(stderr, "copies to or from the host") {
			continue
		}
		if names := step.FindStringSubmatch(stderr); names == nil || names[1] != names[2] {
			t.Errorf("names no kernel: %s", stderr)
		}
		break
	}
	succeed(t, "train", "--resume", "stopped")
	sameRun(t, "whole", "stopped")
}
