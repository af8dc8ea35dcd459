package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/record"
)

// writeRun writes a run as the trainer does and returns its folder.
func writeRun(t testing.TB, run *Run) string {
	t.Helper()
	var result, config, metrics, players bytes.Buffer
	encode := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	indented := json.NewEncoder(&result)
	indented.SetIndent("", "  ")
	encode(indented.Encode(run.Result))
	encode(run.Config.Write(&config))
	lines := json.NewEncoder(&metrics)
	for _, line := range run.Epochs {
		encode(lines.Encode(line))
	}
	for _, line := range run.Rounds {
		encode(lines.Encode(line))
	}
	encode(record.WritePlayers(&players, run.Players))
	dir := t.TempDir()
	for name, content := range map[string]*bytes.Buffer{
		record.ResultFile: &result, record.ConfigFile: &config, record.MetricsFile: &metrics, record.PlayersFile: &players,
	} {
		encode(os.WriteFile(filepath.Join(dir, name), content.Bytes(), 0o644))
	}
	return dir
}

func TestReadRun(t *testing.T) {
	for name, run := range map[string]*Run{"market": marketRun(), "paper": paperRun(), "off": offRun()} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadRun(writeRun(t, run))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, run) {
				t.Errorf("read %+v, wrote %+v", got, run)
			}
		})
	}
}

// TestReadCertificate: a certificate is read back, and one that is missing, damaged
// or of another network is an error that names the file.
func TestReadCertificate(t *testing.T) {
	run := withCertificate(marketRun())
	want := run.Certificate
	run.Certificate = nil
	dir := writeRun(t, run)
	path := filepath.Join(dir, record.CertificateFile)
	if err := run.ReadCertificate(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("without a file: %v", err)
	}
	write := func(c record.Certificate) {
		t.Helper()
		var text bytes.Buffer
		if err := c.Write(&text); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(*want)
	if err := run.ReadCertificate(dir); err != nil || !reflect.DeepEqual(run.Certificate, want) {
		t.Errorf("read %+v, %v\nwrote %+v", run.Certificate, err, want)
	}
	other := *want
	other.Schema = 9
	write(other)
	if err := run.ReadCertificate(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "schema 9") {
		t.Errorf("another schema: %v", err)
	}
	for text, words := range map[string]string{
		"[]": "no JSON object", `{"schema":"x"}`: `the field "schema" is a JSON string`, `{"rounds":[7]}`: "a JSON number stands where",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run.ReadCertificate(dir); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
	write(*want)
	run.Result.Gates = run.Result.Gates[:1]
	if err := run.ReadCertificate(dir); err == nil || !strings.Contains(err.Error(), "gates") {
		t.Errorf("another network: %v", err)
	}
	if err := offRun().ReadCertificate(dir); err == nil || !strings.Contains(err.Error(), "without a game") {
		t.Errorf("no game: %v", err)
	}
}

func TestReadRunMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere")
	if _, err := ReadRun(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("the error is %v, want one that names %s", err, missing)
	}
	for _, name := range []string{record.ResultFile, record.ConfigFile, record.MetricsFile, record.PlayersFile} {
		dir := writeRun(t, marketRun())
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRun(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s the error is %v, want one that names it", name, err)
		}
	}
}

func TestReadRunDamaged(t *testing.T) {
	replaced := func(old, by string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, by, 1) }
	}
	appended := func(more string) func(string) string { return func(text string) string { return text + more } }
	for _, c := range []struct {
		name, file string
		damage     func(string) string
		want       string // in the error, besides the file
	}{
		{"truncated", record.ResultFile, func(text string) string { return text[:len(text)/2] }, "line "},
		{"not JSON", record.ResultFile, replaced("{", "{\n!"), "line 2"},
		{"a word for a number", record.ResultFile, replaced(`"seed": 7`, `"seed": "seven"`), `line 4: the field "seed" is a JSON string, and a run writes`},
		{"a list", record.ResultFile, func(string) string { return "[]" }, "line 1: a JSON array stands where"},
		{"schema", record.ResultFile, replaced(`"schema": 2`, `"schema": 99, "program": "nashprune 7"`), `schema 99, written by "nashprune 7"`},
		{"no gates", record.ResultFile, replaced(`"gates"`, `"doors"`), "0 gates, and its network has 2"},
		{"no accuracy", record.ResultFile, replaced(`"accuracy": 95.8,
    "loss"`, `"loss"`), "lacks its accuracy"},
		{"half a confusion matrix", record.ResultFile, replaced(`"confusion": [`, `"confusion": [[1],`), "must be square"},
		{"no such verdict", record.ResultFile, replaced(`"model": "holds"`, `"model": "maybe"`), `is "maybe", which is none of`},
		{"larger than allowed", record.ResultFile, appended(strings.Repeat(" ", maxResult)), "larger than 16.00 MiB"},
		{"not TOML", record.ConfigFile, appended("\n=\n"), "line "},
		{"no epochs", record.ConfigFile, replaced("epochs = 5", "epochs = 0"), "epochs 0"},
		{"not JSON", record.MetricsFile, appended("{\n"), "line 15"},
		{"a list", record.MetricsFile, appended("[]\n"), "line 15: a JSON array stands where"},
		{"empty line", record.MetricsFile, appended("\n"), "line 15"},
		{"epoch 6 of 5", record.MetricsFile, appended(`{"training":"game","epoch":6}`), "line 15"},
		{"round of one layer", record.MetricsFile, appended(`{"round":1,"epoch":1,"demand":[1],"prices":[0],"players":[1]}`), "line 15"},
		{"oversized line", record.MetricsFile, appended(strings.Repeat(" ", maxLine+1)), "line 15 is longer than 1.00 MiB"},
		{"too few columns", record.PlayersFile, appended("0,7\n"), "line 14"},
		{"a word for a number", record.PlayersFile, appended("0,0,7,much,0,0,0,1,forced\n"), `line 14: worth "much"`},
		{"a word for a ceiling", record.PlayersFile, appended("0,0,7,0,high,0,0,1,forced\n"), `line 14: ceiling "high"`},
		{"no such layer", record.PlayersFile, appended("2,4,7,0,0,0,0,1,forced\n"), "line 14: gate 2"},
		{"no such reason", record.PlayersFile, appended("0,0,7,0,0,0,0,1,bored\n"), `line 14: reason "bored"`},
		{"another header", record.PlayersFile, replaced("worth", "value"), "first line"},
	} {
		t.Run(c.file+" "+c.name, func(t *testing.T) {
			dir := writeRun(t, marketRun())
			path := filepath.Join(dir, c.file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(string(text))
			if damaged == string(text) {
				t.Fatal("the test damages nothing")
			}
			if err := os.WriteFile(path, []byte(damaged), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = ReadRun(dir)
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that names %s and says %q", err, path, c.want)
			}
		})
	}
}

func TestLimited(t *testing.T) {
	for _, c := range []struct {
		length, most int
		fits         bool
	}{{0, 0, true}, {1, 0, false}, {7, 7, true}, {8, 7, false}, {5000, 7, false}} {
		got, err := io.ReadAll(&limited{from: strings.NewReader(strings.Repeat("x", c.length)), left: int64(c.most), most: int64(c.most)})
		if (err == nil) != c.fits || c.fits && len(got) != c.length {
			t.Errorf("%d bytes of at most %d: read %d with the error %v", c.length, c.most, len(got), err)
		}
	}
}

// FuzzMetrics checks that whatever metrics are read can also be shown.
func FuzzMetrics(f *testing.F) {
	metrics, err := os.ReadFile(filepath.Join(writeRun(f, marketRun()), record.MetricsFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(metrics)
	f.Add([]byte(`{"training":"game","epoch":1,"accuracy":1e400}`))
	f.Add([]byte(`{"round":4,"demand":[9223372036854775807,0],"prices":[-1e308,1e308],"players":[0,9223372036854775807]}`))
	f.Fuzz(func(t *testing.T, metrics []byte) {
		run := marketRun()
		run.Epochs, run.Rounds = nil, nil
		var err error
		// An epoch of two bytes, "{}", is a structure of some 150 in a slice that
		// grows.
		memorytest.Within(t, memorytest.Bound{PerByte: 512, Constant: 1 << 20}, func() int {
			err = run.readMetrics(bytes.NewReader(metrics))
			return len(metrics)
		})
		if err != nil {
			return
		}
		var picture bytes.Buffer
		// What a line becomes in the picture is text of some hundred bytes.
		memorytest.Within(t, memorytest.Bound{PerByte: 512, Constant: 2 << 20}, func() int {
			if err := Explain(io.Discard, run); err != nil {
				t.Error(err)
			}
			if err := Picture(&picture, run); err != nil {
				t.Error(err)
			}
			return len(metrics)
		})
		if text := picture.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("the picture has a number that is none: %s", text)
		}
	})
}
