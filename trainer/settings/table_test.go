package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
)

// TestEveryFieldIsDeclaredOnce: each field of a configuration has one setting, and each
// setting a name, a section and a help of its own.
func TestEveryFieldIsDeclaredOnce(t *testing.T) {
	var c Config
	declared, names := map[any]string{}, map[string]bool{}
	for _, s := range All {
		if names[s.Name] || s.Section == "" || s.Help == "" {
			t.Errorf("setting %q is there twice, or has no section or help", s.Name)
		}
		names[s.Name] = true
		if other := declared[s.Field(&c)]; other != "" {
			t.Errorf("%s and %s are one field", s.Name, other)
		}
		declared[s.Field(&c)] = s.Name
	}
	fields := reflect.ValueOf(&c).Elem()
	for i := range fields.NumField() {
		if declared[fields.Field(i).Addr().Interface()] == "" {
			t.Errorf("the field %s is no setting", fields.Type().Field(i).Name)
		}
	}
}

func TestVariables(t *testing.T) {
	for flag, want := range map[string]string{
		"learning-rate": "NASHPRUNE_LEARNING_RATE", "data": "NASHPRUNE_DATASET", "data-dir": "", "out": "NASHPRUNE_OUT",
	} {
		if got := Variable(flag); got != want {
			t.Errorf("--%s is $%s, want $%s", flag, got, want)
		}
	}
}

func TestHelpNamesTheChoices(t *testing.T) {
	for name, want := range map[string]string{
		"optimiser": "optimiser of the weights: sgd, rmsprop, adam or adamw (default: adamw with --weight-decay 0.2; in the paper's game adam)",
		"schedule":  "schedule of the learning rate: constant, cosine or step (default: cosine; in the paper's game constant)",
	} {
		if got := Find(name).Help; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// written returns a resolved configuration as a file, and the same without the lines of
// some settings.
func written(t *testing.T, c Config, without ...string) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := c.Write(&file); err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(file.String()) {
		left := false
		for _, name := range without {
			left = left || strings.HasPrefix(line, name+" = ")
		}
		if !left {
			kept = append(kept, line)
		}
	}
	return []byte(strings.Join(kept, ""))
}

// TestConfigurationsAreReadBack: any resolved configuration, and also when a line is
// missing that a later program would have written.
func TestConfigurationsAreReadBack(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"default": func(*Config) {},
		"sparse":  func(c *Config) { c.Sparsity, c.Keep = 0, 21 },
		"budget":  func(c *Config) { c.MaxLatencyUS, c.Seed = 12.5, 1<<63-1 },
		"paper":   func(c *Config) { c.Game, c.Beta = game.PaperGame, 1e-3 },
		"off":     func(c *Config) { c.Game, c.Label, c.TestFraction = game.NoGame, "a \"b\"\n", 0.25 },
	} {
		c := Default()
		change(&c)
		c, err := c.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(written(t, c)); err != nil || got != c {
			t.Errorf("%s: read %+v, %v\nwrote %+v", name, got, err, c)
		}
		if got, err := Read(written(t, c, "epochs", "rounds")); err != nil || got != c { // both are the defaults
			t.Errorf("%s without two lines: read %+v, %v", name, got, err)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var read Config
		shorter := strings.Replace(string(text), fmt.Sprintf(`"Rounds":%d,`, c.Rounds), "", 1)
		if err := json.Unmarshal([]byte(shorter), &read); err != nil || read != c || len(shorter) == len(text) {
			t.Errorf("%s without a field: read %+v, %v", name, read, err)
		}
	}
}

// TestEverySettingMayBeAddedLater: whichever setting a file or a checkpoint lacks, since
// its program did not know it, has its default, also where that is decided on later.
func TestEverySettingMayBeAddedLater(t *testing.T) {
	c, err := Default().Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Resolve(); err != nil || again != c {
		t.Fatalf("resolved again it is %+v, %v", again, err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	values := reflect.ValueOf(&c).Elem()
	for i := range values.NumField() {
		name := values.Type().Field(i).Name
		if name == "Keep" || name == "WeightDecay" { // follow from a default target and optimiser, which a resolved configuration has no longer
			continue
		}
		without := maps.Clone(fields)
		delete(without, name)
		text, err := json.Marshal(without)
		if err != nil || len(without) == len(fields) {
			t.Fatalf("%s: %v", name, err)
		}
		var read Config
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if read, err = read.Resolve(); err != nil || read != c {
			t.Errorf("a checkpoint without %s: %+v, %v", name, Different(read, c), err)
		}
	}
	for _, s := range All {
		if s.Name == "keep" || s.Name == "weight-decay" || s.Name == "worth" { // files have no line for a worth by the loss
			continue
		}
		read, err := Read(written(t, c, s.Name))
		if err == nil {
			read, err = read.Resolve()
		}
		if err != nil || read != c {
			t.Errorf("a file without %s: %v", s.Name, err)
		}
	}
}

func TestDifferent(t *testing.T) {
	a := Default()
	b := a
	b.Epochs, b.Label = 7, "x"
	if d := Different(a, b); len(d) != 2 || d[0].Name != "label" || d[1].Name != "epochs" || Different(a, a) != nil {
		t.Errorf("%d settings differ", len(d))
	}
}

func TestUnknownSettingsAreNamed(t *testing.T) {
	if _, err := Read(append(written(t, Default()), "colour = 3\n"...)); err == nil || !strings.Contains(err.Error(), `"colour"`) {
		t.Errorf("in a file: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"Epochs":3,"Colour":3}`), new(Config)); err == nil || !strings.Contains(err.Error(), `"Colour"`) {
		t.Errorf("in a checkpoint: %v", err)
	}
}
