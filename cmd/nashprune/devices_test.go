package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/gpu/doctor"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// crooked is a driver whose device gets the contributions of players wrong, and
// whose name is on two lines.
type crooked struct{}

func (crooked) Name() string { return "crooked" }

func (crooked) Operators() []network.Kind { return networktest.PerceptronKinds }

func (crooked) Devices() ([]backend.Device, error) {
	return []backend.Device{{Driver: "crooked", Name: "Crooked\nGPU", Kind: backend.SoftwareGPU, DriverInfo: "Crook 1.0"}}, errors.New("Bent GPU: it is too old")
}

func (crooked) Open(_ backend.Device, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	cpu, err := backend.FindDevice(cpufallback.DriverName)
	if err != nil {
		return nil, err
	}
	engine, err := cpu.Open(d, o, s)
	return crookedEngine{engine}, err
}

type crookedEngine struct{ backend.Engine }

func (e crookedEngine) Probe(order []int32, rate float64) ([]backend.Tensor, error) {
	tensors, err := e.Engine.Probe(order, rate)
	for _, t := range tensors {
		if strings.HasSuffix(t.Name, "contribution.mean") && len(t.Values) > 0 {
			t.Values[0] += 0.1
		}
	}
	return tensors, err
}

// absent is a driver without devices.
type absent struct{ crooked }

func (absent) Name() string                       { return "absent" }
func (absent) Devices() ([]backend.Device, error) { return nil, errors.New("its loader is missing") }

func init() {
	backend.Register(crooked{})
	backend.Register(absent{})
	if os.Getenv(asProgram) == "" { // the large cases take minutes under the race detector
		parityCases = func() []backendtest.Case { return backendtest.Cases()[:5] }
	}
}

func TestDevices(t *testing.T) {
	stdout := succeed(t, "devices")
	for _, pattern := range []string{
		`(?m)^cpu:\d +cpu +.* gonum$`, `(?m)^crooked:0 +software-gpu +Crooked\\nGPU +Crook 1.0$`,
		`(?m)^--device auto takes \w+:\d, .*\(auto: `, `(?m)^absent has no devices: its loader is missing$`,
		`(?m)^crooked has others that cannot be used: Bent GPU: it is too old$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("nothing fits %s in\n%s", pattern, stdout)
		}
	}
	var found inventory
	if err := json.Unmarshal([]byte(succeed(t, "devices", "--json")), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Devices) < 2 || found.Auto == nil || found.Auto.Kind == backend.SoftwareGPU || found.Auto.Reason == "" {
		t.Errorf("%+v", found)
	}
	if !slices.Contains(found.Unavailable, unavailable{"absent", "its loader is missing"}) {
		t.Errorf("absent is not told: %+v", found.Unavailable)
	}
}

// TestTheDeviceIsTold: a run and an evaluation say in one line what they compute on,
// and why on that.
func TestTheDeviceIsTold(t *testing.T) {
	atImages(t)
	announced := regexp.MustCompile(`(?m)^device: (\S+), .*?\((.*)\)$`)
	for _, c := range []struct{ args, id, reason string }{
		{"--device cpu --out named", "cpu:0", `"cpu"`},
		{"--out auto", "", "auto: "}, // whichever this machine has
		{"--device CROOK --out part", "crooked:0", `"CROOK"`},
	} {
		_, _, stderr := execute(t, train(strings.Fields("--game off --epochs 1 "+c.args)...)...)
		told := announced.FindAllStringSubmatch(stderr, -1)
		if len(told) != 1 || c.id != "" && told[0][1] != c.id || !strings.Contains(told[0][2], c.reason) || !strings.HasPrefix(stderr, "device: ") {
			t.Errorf("%s: %q", c.args, stderr)
		}
	}
	for _, args := range [][]string{{"eval", "named", "--device", "cpu"}, {"eval", "named", "--device", "cpu", "--json"}} {
		code, _, stderr := execute(t, args...)
		if code != exitDone || !announced.MatchString(stderr) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
	// What is refused is refused before a device is looked for.
	code, stdout, stderr := execute(t, train("--epochs", "0")...)
	refused(t, exitUsage, "--epochs is 0", code, stdout, stderr)
	if strings.Contains(stderr, "device:") {
		t.Errorf("%q", stderr)
	}
	code, stderr = runUntil(t, 4, train("--keep", "8", "--device", "cpu", "--out", "stopped")...)
	if code != exitInterrupted {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	if _, _, stderr = execute(t, "train", "--resume", "stopped"); !announced.MatchString(stderr) {
		t.Errorf("a resumed run says %q", stderr)
	}
}

// TestDoctor: the exit code says whether a GPU can be used, after everything was
// printed.
func TestDoctor(t *testing.T) {
	code, stdout, stderr := execute(t, "doctor", "--json")
	var d doctor.Diagnosis
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatal(err)
	}
	want := exitNoDevice
	if d.Usable {
		want = exitDone
	}
	if code != want || (code == exitNoDevice) != strings.Contains(stderr, "nashprune: no GPU can be used") {
		t.Errorf("exit code %d with %q, want %d", code, stderr, want)
	}
	code, stdout, _ = execute(t, "doctor")
	if code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	for _, f := range d.Findings {
		if !strings.Contains(stdout, oneLine.Replace(f.Found)) {
			t.Errorf("%q is missing in\n%s", f.Found, stdout)
		}
		for _, advice := range f.Advice {
			if !strings.Contains(stdout, "-> "+oneLine.Replace(advice)) {
				t.Errorf("%q is missing in\n%s", advice, stdout)
			}
		}
	}
}

// TestParity: a device that computes well passes, one that does not ends in its
// exit code and the name of what broke.
func TestParity(t *testing.T) {
	code, stdout, stderr := execute(t, "parity", "--device", "cpu")
	if code != exitDone || strings.Contains(stdout, "BROKEN") || !strings.Contains(stdout, "all within their bounds") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	if !regexp.MustCompile(`(?m)^ +[\d.]+ %  .* step/gradient\.weight$`).MatchString(stdout) || !strings.Contains(stderr, "case 2 of") {
		t.Errorf("stdout is\n%s\nstderr is\n%s", stdout, stderr)
	}

	code, stdout, stderr = execute(t, "parity", "--device", "crooked")
	if code != exitParity || !strings.Contains(stderr, "nashprune: parity broken: ") || !strings.Contains(stderr, "contribution.mean") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for _, pattern := range []string{
		`(?m) BROKEN  step/gate\.contribution\.mean$`,
		`(?m)^BROKEN in the case 3-\[2\]-2 batch 3 of 3 adam: step/gate\.0\.contribution\.mean: element 0 is .*, want .* within .*$`,
		`(?m)^crooked:0, Crooked\\nGPU: [\d,]+ checks, \d+ BROKEN$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("nothing fits %s in\n%s", pattern, stdout)
		}
	}
	if code := run(context.Background(), []string{"parity", "--device", "crooked"}, deserted{}, io.Discard); code != exitParity {
		t.Errorf("exit code %d without a reader", code)
	}
	if stdout = parityVerbose(t); !strings.Contains(stdout, "BROKEN  step/gate.2.contribution.mean") || !strings.Contains(stdout, "reference step/1.output") {
		t.Errorf("with --verbose stdout is\n%s", stdout)
	}
}

// TestQuantitiesAreOfAllNodes: checks are put together whatever their node is called.
func TestQuantitiesAreOfAllNodes(t *testing.T) {
	for quantity, want := range map[string]string{
		"step/input":                        "step/input",
		"step/0.output":                     "step/output",
		"step/stem.output":                  "step/output",
		"step/block.1.stem.affine":          "step/affine",
		"step/stem.weight":                  "step/weight",
		"step/second.stem.bias":             "step/second.bias",
		"step/gradient.block.1.stem.weight": "step/gradient.weight",
		"step/gate.stem.contribution.mean":  "step/gate.contribution.mean",
		"step/gate.0.average.square":        "step/gate.average.square",
		"measure/2.mean square":             "measure/mean square",
		"stop/after 3 checks":               "stop",
		"reference step/stem.output":        "the reference, beside plain loops",
	} {
		if got := kindOf(parityCheck{Check: backendtest.Check{Quantity: quantity}}); got != want {
			t.Errorf("%s is counted as %s, want %s", quantity, got, want)
		}
	}
}

// deserted is a pipe without a reader.
type deserted struct{}

func (deserted) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func parityVerbose(t *testing.T) string {
	t.Helper()
	t.Setenv("NASHPRUNE_DEVICE", "crooked")
	code, stdout, _ := execute(t, "parity", "--verbose")
	if code != exitParity {
		t.Errorf("exit code %d", code)
	}
	return stdout
}

// TestParityOfEveryDevice: without --device all are compared, and those that there
// are none of are told.
func TestParityOfEveryDevice(t *testing.T) {
	for _, variable := range []string{"VK_DRIVER_FILES", "VK_ICD_FILENAMES"} {
		t.Setenv(variable, "/nonexistent.json") // tests of package gpu run the suite on Vulkan
	}
	code, stdout, stderr := execute(t, "parity", "--json")
	if code != exitParity || !strings.Contains(stderr, "absent is left out: its loader is missing\n") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	var result struct {
		Unit    float64 `json:"unit_roundoff"`
		Devices []struct {
			Device backend.Device
			Broken int
			Checks []struct {
				Case, Quantity, Detail string
				Elements               int
				OK                     bool
				Used                   *float64 `json:"bound_used"`
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	broken := map[string]int{}
	for _, d := range result.Devices {
		broken[d.Device.ID()] = d.Broken
		bad := 0
		for _, c := range d.Checks {
			if !c.OK {
				bad++
			}
			if c.Case == "" || c.Quantity == "" || c.OK && (c.Used == nil || *c.Used > 1) {
				t.Errorf("%s: %+v", d.Device.ID(), c)
			}
		}
		if bad != d.Broken {
			t.Errorf("%s: %d broken, and %d are said to be", d.Device.ID(), bad, d.Broken)
		}
	}
	if n, ok := broken["cpu:0"]; !ok || n != 0 || broken["crooked:0"] == 0 || result.Unit != network.Float32Unit {
		t.Errorf("broken are %v at the unit roundoff %v", broken, result.Unit)
	}
}

func TestParityStops(t *testing.T) {
	code, stderr := runUntil(t, 4, "parity", "--device", "cpu")
	if code != exitInterrupted || !strings.Contains(stderr, "nashprune: cpu:0: ") || !strings.Contains(stderr, "interrupted: the comparison is not complete") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	code, stderr = signalled(t, process("parity", "--device", "cpu"), "cpu:0: case 4 of", []os.Signal{os.Interrupt})
	if code != exitInterrupted {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
