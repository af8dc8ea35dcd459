//go:build cgo && (linux || windows || darwin || freebsd)

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
)

// needVulkan skips the test where there is no Vulkan device; under CI=true that
// is a failure.
func needVulkan(t *testing.T) {
	t.Helper()
	if _, err := backend.FindDevice("vulkan"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// TestVulkanRun: a run on Vulkan ends as one on the CPU does, twice with the same
// bytes, also when it was interrupted; and its networks are what they say they
// are, on either device.
func TestVulkanRun(t *testing.T) {
	needVulkan(t)
	for name, more := range interruptible {
		if testing.Short() && name != "market" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			atImages(t)
			args := func(out string) []string { return train(append(more, "--device", "vulkan", "--out", out)...) }
			succeed(t, args("first")...)
			succeed(t, args("second")...)
			sameRun(t, "first", "second")
			code, stderr := runUntil(t, 3, args("stopped")...)
			if code != exitInterrupted {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			succeed(t, "train", "--resume", "stopped")
			sameRun(t, "first", "stopped")
			for _, device := range []string{"vulkan", "cpu"} {
				succeed(t, "eval", "first", "--device", device)
			}
		})
	}
}

// TestStreamedRun: a run whose samples are streamed says so, and leaves what one
// leaves whose samples are resident, also when it was interrupted.
func TestStreamedRun(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	needVulkan(t)
	atImages(t)
	args := func(where, out string) []string {
		return train(append(interruptible["market"], "--device", "vulkan", "--data-on-device", where, "--out", out)...)
	}
	if text := succeed(t, append(args("streamed", "none"), "--dry-run")...); !strings.Contains(text, "samples, streamed") {
		t.Errorf("the plan says\n%s", text)
	}
	for _, c := range []struct {
		where, out, says string
		code             int
	}{
		{"auto", "resident", "resident", exitDone},
		{"streamed", "streamed", "streamed", exitDone},
		{"streamed", "stopped", "streamed", exitInterrupted},
	} {
		lines := 1000 // more than there are
		if c.code == exitInterrupted {
			lines = 4
		}
		code, stderr := runUntil(t, lines, args(c.where, c.out)...)
		if code != c.code || !strings.Contains(stderr, "samples: "+c.says) {
			t.Fatalf("%s: exit code %d: %s", c.out, code, stderr)
		}
		if code == exitInterrupted {
			succeed(t, "train", "--resume", c.out)
		}
		for _, name := range []string{record.PrunedFile, record.DenseFile, record.PlayersFile} {
			sameFile(t, filepath.Join("resident", name), filepath.Join(c.out, name))
		}
		result, err := os.ReadFile(filepath.Join(c.out, record.ResultFile))
		if want := fmt.Sprintf(`"samples": %q`, c.says); err != nil || !strings.Contains(string(result), want) {
			t.Errorf("%s: no %s in the result, %v", c.out, want, err)
		}
	}
}

// TestVulkanFaults: what may be wrong on a user's machine is one line and its exit
// code.
func TestVulkanFaults(t *testing.T) {
	needVulkan(t)
	damaged := damagedProgram(t)
	for name, c := range map[string]struct {
		program   string
		device    string
		variables []string
		code      int
		words     string
		doctor    bool
	}{
		"no loader":        {os.Args[0], "vulkan", []string{"NASHPRUNE_VULKAN_LOADER=/nonexistent"}, exitNoDevice, "no Vulkan loader: /nonexistent", true},
		"no driver":        {os.Args[0], "vulkan", []string{"VK_DRIVER_FILES=/nonexistent", "VK_ICD_FILENAMES=/nonexistent"}, exitNoDevice, "no Vulkan driver", true},
		"no such index":    {os.Args[0], "vulkan:99", nil, exitNoDevice, `"vulkan:99"; there is vulkan:0`, false},
		"no such name":     {os.Args[0], "voodoo", nil, exitNoDevice, `"voodoo"; there is`, false},
		"a damaged shader": {damaged, "vulkan", nil, exitFailed, "shader forward: the SPIR-V in this binary is damaged", false},
	} {
		t.Run(name, func(t *testing.T) {
			atImages(t)
			cmd := exec.Command(c.program, train("--keep", "8", "--device", c.device, "--out", "out")...)
			cmd.Env = append(os.Environ(), c.variables...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the exit code says it
			refused(t, c.code, c.words, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
			if strings.Contains(stderr.String(), "nashprune doctor") != c.doctor {
				t.Errorf("stderr is %q", stderr.String())
			}
		})
	}
}

// damagedProgram returns a copy of this program with one bit of a shader flipped.
func damagedProgram(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(program, shaders.Forward.Code)
	if at < 0 {
		t.Fatal("the shader is not in the program as it was embedded")
	}
	program[at+len(shaders.Forward.Code)/2] ^= 4
	path := filepath.Join(t.TempDir(), "damaged")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
