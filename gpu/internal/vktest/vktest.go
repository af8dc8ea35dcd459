//go:build cgo && (linux || windows || darwin || freebsd)

package vktest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// roleVariable is the environment variable that says to a process started by this package
// what it is for.
const (
	roleVariable = "NASHPRUNE_VKTEST"
	roleAlone    = "alone"   // one test without validation
	roleControl  = "control" // a mistake that validation must see
)

const (
	layer            = "VK_LAYER_KHRONOS_validation"
	layersVariable   = "VK_INSTANCE_LAYERS"
	settingsVariable = "VK_LAYER_SETTINGS_PATH"
)

// GPUAssisted says whether kernels are instrumented, so that validation sees the
// bounds of every access, instead of synchronisation: NASHPRUNE_GPU_ASSISTED=1.
// Kernels then take a hundred times as long to compile.
var GPUAssisted = os.Getenv("NASHPRUNE_GPU_ASSISTED") == "1"

// The settings make the layer write all that it says to a file, and choose what
// it looks at. Older versions know enables, newer ones the names that follow; what
// a version does not know it ignores.
const (
	settings = `khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.report_flags = error,warn,perf
khronos_validation.log_filename = %s
`
	synchronisation = `khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
khronos_validation.validate_sync = true
`
	assisted = `khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT
khronos_validation.validate_gpu_based = GPU_BASED_GPU_ASSISTED
khronos_validation.gpuav_enable = true
`
)

// Validation returns the environment that turns validation on, for which it
// writes a file beside the log.
func Validation(log string) ([]string, error) {
	file := log + "_settings.txt"
	features := synchronisation
	if GPUAssisted {
		compute.SeparateBuffers = true
		features = assisted
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, settings+features, log), 0o644); err != nil {
		return nil, err
	}
	return []string{layersVariable + "=" + layer, settingsVariable + "=" + file}, nil
}

// Main runs the tests of a package under validation of core and of
// synchronisation, or of bounds with [GPUAssisted]: call it from TestMain. When
// there is no Vulkan device the tests are skipped, and without the validation
// layer they run without it; with CI=true in the environment both are failures.
// Benchmarks, and tests that run in the same process, run without it.
//
// With go test -asan set ASAN_OPTIONS=detect_leaks=0: Mesa's llvmpipe leaks.
func Main(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleAlone:
		os.Exit(m.Run())
	case roleControl:
		if err := makeMistake(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() != "" {
		os.Exit(m.Run())
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vktest:", err)
		if os.Getenv("CI") == "true" {
			code = 1
		}
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	folder, err := os.MkdirTemp("", "vktest")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	log := filepath.Join(folder, "log")
	said, err := control(filepath.Join(folder, "control"))
	if err != nil {
		return 0, fmt.Errorf("tests are skipped, since Vulkan cannot be used here: %w", err)
	}
	if said == "" {
		return m.Run(), fmt.Errorf("tests ran without validation: %s is missing (Debian and Ubuntu: vulkan-validationlayers) or overlooks a mistake", layer)
	}
	variables, err := Validation(log)
	if err != nil {
		return 1, err
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value) // and with cgo also for C
	}
	// The layer truncates its file whenever an instance is created. As long as one
	// device is open, all others share its instance.
	d, err := compute.Open(0)
	if err != nil {
		return 1, err
	}
	if _, err := os.Stat(log); err != nil {
		return 1, fmt.Errorf("the validation layer is not in this process: %w", err)
	}
	code = m.Run()
	d.Close()
	messages, err := os.ReadFile(log)
	if err != nil {
		return 1, err
	}
	if len(messages) > 0 {
		return 1, fmt.Errorf("the validation layer says:\n%s", messages)
	}
	return code, nil
}

// control runs makeMistake in a process of its own and returns what the
// validation layer said to it.
func control(log string) (said string, err error) {
	command := again(roleControl)
	variables, err := Validation(log)
	if err != nil {
		return "", err
	}
	command.Env = append(command.Env, variables...)
	if output, err := command.CombinedOutput(); err != nil {
		return "", errors.New(strings.TrimSpace(string(output)))
	}
	messages, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return string(messages), nil
}

// makeMistake copies what a fill may not have written yet, or where bounds are
// looked at, writes beyond a buffer.
func makeMistake() error {
	if GPUAssisted {
		return Overrun()
	}
	compute.OverlookHazards = true
	d, err := compute.Open(0)
	if err != nil {
		return err
	}
	defer d.Close()
	arena, err := d.NewArena(compute.Local, 2*d.Round(64))
	if err != nil {
		return err
	}
	from, to := arena.Take(64), arena.Take(64)
	p := d.NewProgram()
	p.Fill(from, 1)
	p.Copy(from, to)
	return p.Record(false)
}

// Overrun runs a kernel with one more row than its buffer has.
func Overrun() error {
	compute.SeparateBuffers = GPUAssisted
	d, err := compute.Open(0)
	if err != nil {
		return err
	}
	defer d.Close()
	arena, err := d.NewArena(compute.Local, 3*d.Round(64))
	if err != nil {
		return err
	}
	parameters, players, mixture := arena.Take(64), arena.Take(64), arena.Take(64)
	pipeline, err := d.Pipeline(shaders.Mixture, 1, 1)
	if err != nil {
		return err
	}
	p := d.NewProgram()
	p.Dispatch(pipeline, [3]int{5, 1, 1}, shaders.MatrixPush{Rows: 5, Stride: 1}, parameters, players, mixture)
	if err := p.Record(false); err != nil {
		return err
	}
	return p.Run(1)
}

// Alone runs the test again in a process of its own, without validation and with
// variables (NAME=value) added to the environment. In that process it returns
// true. Elsewhere it returns false when the test has passed there:
//
//	if !vktest.Alone(t) {
//		return
//	}
func Alone(t *testing.T, variables ...string) bool {
	t.Helper()
	if os.Getenv(roleVariable) == roleAlone {
		return true
	}
	command := again(roleAlone, "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	command.Env = append(command.Env, variables...)
	output, err := command.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS: "+t.Name())) && !bytes.Contains(output, []byte("--- SKIP: "+t.Name())) {
		t.Fatalf("in a process of its own: %v\n%s", err, output)
	}
	t.Logf("in a process of its own:\n%s", output)
	return false
}

// again returns a command that starts this program once more, in a role and
// without validation.
func again(role string, arguments ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], arguments...)
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name != layersVariable && name != settingsVariable {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, roleVariable+"="+role)
	return command
}
