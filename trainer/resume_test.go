package trainer_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// stopped begins a run and interrupts it in its training.
func stopped(t *testing.T, c settings.Config, o trainer.Options) string {
	t.Helper()
	o.Dir, o.Version = filepath.Join(t.TempDir(), "run"), "0"
	if _, err := trainer.Run(newCountdown(12), c, o); !errors.Is(err, backend.ErrInterrupted) {
		t.Fatalf("the run was not interrupted: %v", err)
	}
	return o.Dir
}

// contents reads all files of a folder, by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		files[entry.Name()] = string(read(t, dir, entry.Name()))
	}
	return files
}

// refusedUntouched wants Resume to refuse with words, and to leave the run as it is.
func refusedUntouched(t *testing.T, o trainer.Options, kind error, words ...string) {
	t.Helper()
	before := contents(t, o.Dir)
	_, err := trainer.Resume(context.Background(), o)
	if !errors.Is(err, kind) {
		t.Fatalf("it says %v", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("it says %q, without %q", err, word)
		}
	}
	for name, content := range contents(t, o.Dir) {
		if before[name] != content && name != "run.lock" {
			t.Errorf("%s was touched", name)
		}
	}
}

// TestOtherSamplesAreRefused: a run does not go on with other samples, of which there are
// as many.
func TestOtherSamplesAreRefused(t *testing.T) {
	c := tinyConfig(t)
	dir := stopped(t, c, trainer.Options{})
	file := filepath.Join(c.Data, "train-images-idx3-ubyte")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(whole)
	other[len(other)-1]++
	if err := os.WriteFile(file, other, 0o600); err != nil {
		t.Fatal(err)
	}
	refusedUntouched(t, trainer.Options{Dir: dir}, backend.ErrUsage, "--resume "+dir, "the samples of", "are not those that the run began with (digest ", "use the same files")
	if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "other"), Digest: strings.Repeat("0", 64)}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "was 000000000000)") {
		t.Errorf("a run that belongs with others says %v", err)
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir}); err != nil {
		t.Errorf("with its own samples: %v", err)
	}
}

// TestResumeElsewhere: a path of the data is relative to where the run was started, and that is said.
func TestResumeElsewhere(t *testing.T) {
	c := tinyConfig(t)
	t.Chdir(filepath.Dir(c.Data))
	absolute := c.Data
	c.Data = "./" + filepath.Base(c.Data)
	dir := stopped(t, c, trainer.Options{})
	t.Chdir(t.TempDir())
	refusedUntouched(t, trainer.Options{Dir: dir}, dataset.ErrNotFound, "--resume "+dir, c.Data+": no such folder; paths are relative to the folder where the run was started: go there")
	t.Chdir(filepath.Dir(absolute))
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir}); err != nil {
		t.Errorf("where it was started: %v", err)
	}
}

// TestSharedPrefixesOfOtherSamples: they are not taken.
func TestSharedPrefixesOfOtherSamples(t *testing.T) {
	c, folder := tinyConfig(t), t.TempDir()
	prefixes := func() int {
		if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), SharedPrefixes: folder}); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := prefixes(); n != 1 {
		t.Fatalf("%d prefixes", n)
	}
	if n := prefixes(); n != 1 {
		t.Errorf("the same run again made %d", n)
	}
	file := filepath.Join(c.Data, "t10k-labels-idx1-ubyte")
	labels, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	labels[len(labels)-1] ^= 1
	if err := os.WriteFile(file, labels, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := prefixes(); n != 2 {
		t.Errorf("with other labels there are %d prefixes, want 2", n)
	}
}

// TestEditedConfigurations: a run whose configuration was edited does not go on, and says
// which settings were.
func TestEditedConfigurations(t *testing.T) {
	dir := stopped(t, tinyConfig(t), trainer.Options{})
	path := filepath.Join(dir, record.ConfigFile)
	whole := string(read(t, dir, record.ConfigFile))
	edit := func(pairs ...string) {
		t.Helper()
		text := strings.NewReplacer(pairs...).Replace(whole)
		if text == whole {
			t.Fatal("nothing was edited")
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("epochs = 4", "epochs = 6", "learning-rate = 0.002", "learning-rate = 0.001")
	refusedUntouched(t, trainer.Options{Dir: dir}, backend.ErrUsage, "epochs is 6 and was 4, learning-rate is 0.001 and was 0.002", "undo the change", "--config "+path)
	edit("epochs = 4", "epochs = -1")
	refusedUntouched(t, trainer.Options{Dir: dir}, backend.ErrUsage, path, "--epochs is -1")
	edit("epochs = 4", "colour = 4")
	refusedUntouched(t, trainer.Options{Dir: dir}, backend.ErrUsage, path, `"colour"`)
	edit("patience = 0\n", "") // as of a program that did not know it
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir}); err != nil {
		t.Errorf("without a line that says the default: %v", err)
	}
}

// removable is a driver of GPUs that can be plugged in and out. They compute as the CPU.
type removable struct{}

var plugged []string

func (removable) Name() string { return "removable" }

func (removable) Operators() []network.Kind { return networktest.PerceptronKinds }

func (removable) Devices() ([]backend.Device, error) {
	var devices []backend.Device
	for i, name := range plugged {
		devices = append(devices, backend.Device{Driver: "removable", Index: i, Name: name, Kind: backend.DiscreteGPU, DriverInfo: "driver 1"})
	}
	return devices, nil
}

func (removable) Open(_ backend.Device, d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (backend.Engine, error) {
	device, err := backend.FindDevice("gonum")
	if err != nil {
		return nil, err
	}
	return device.Open(d, o, s)
}

func init() { backend.Register(removable{}) }

// TestResumeOnADevice: a run goes on on its own device, wherever that is listed, and never
// on another without a word.
func TestResumeOnADevice(t *testing.T) {
	defer func() { plugged = nil }()
	c := tinyConfig(t)
	c.Device, c.Baseline = "auto", true
	plugged = []string{"Red GPU"}
	var told []string
	o := trainer.Options{Observe: func(e trainer.Event) {
		if e.Lasting {
			told = append(told, e.Message)
		}
	}}
	names := func(r *record.Result) (names []string) {
		for _, d := range r.Devices {
			names = append(names, d.Name)
		}
		return names
	}

	o.Dir = stopped(t, c, o)
	plugged = []string{"Blue GPU", "Red GPU"} // auto would take the blue one now
	result, err := trainer.Resume(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(result); !slices.Equal(got, []string{"Red GPU"}) || result.Device.Name != "Red GPU" || result.Devices[0].Training != record.GameTraining {
		t.Errorf("it was computed on %+v", result.Devices)
	}
	if len(told) != 1 || told[0] != "device: removable:1, Red GPU (as before)" {
		t.Errorf("it says %q", told)
	}

	plugged, told = []string{"Red GPU"}, nil
	o.Dir = stopped(t, c, o)
	plugged = []string{"Blue GPU"}
	refusedUntouched(t, o, backend.ErrNoDevice, "the run was computed on Red GPU", "removable:0 (Blue GPU)", "go on with another by --device")
	o.Device = "Blue"
	if result, err = trainer.Resume(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if got := names(result); !slices.Equal(got, []string{"Red GPU", "Blue GPU"}) || result.Device.Name != "Blue GPU" {
		t.Errorf("it was computed on %+v", result.Devices)
	}
	if use := result.Devices[1]; use.FromStep == 0 || use.Training != record.GameTraining || use.DriverInfo != "driver 1" {
		t.Errorf("the second device began at %+v", use)
	}
	if len(told) != 1 || !strings.Contains(told[0], "until here Red GPU") || !strings.Contains(told[0], "the bits will differ") {
		t.Errorf("it says %q", told)
	}

	// A run that two devices computed leaves no prefix for others.
	c.Baseline, c.Game = false, game.MarketGame
	plugged, o.Device, o.SharedPrefixes = []string{"Red GPU"}, "", filepath.Join(t.TempDir(), "prefixes")
	c.WarmUp = 0.5
	o.Dir = stopped(t, c, o)
	o.Device = cpufallback.DriverName
	if _, err := trainer.Resume(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(o.SharedPrefixes); err == nil {
		t.Errorf("there are %v", entries)
	}
}
