package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestJSON: --json prints result.json, with all its fields, and nothing else.
func TestJSON(t *testing.T) {
	atImages(t)
	stdout := succeed(t, train("--keep", "8", "--validation", "0.1", "--baseline", "--out", "out", "--json")...)
	file, err := os.ReadFile(filepath.Join("out", record.ResultFile))
	if err != nil || string(file) != stdout {
		t.Errorf("stdout differs from the file (%v):\n%s", err, stdout)
	}
	var result any
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	for group, names := range map[string]string{
		"":            "schema command seed",
		"device":      "name kind blas",
		"data":        "name train validation test",
		"dense":       "source shape accuracy loss parameters macs bytes latency_us",
		"gated":       "accuracy",
		"pruned":      "shape accuracy loss parameters macs bytes latency_us kept players sparsity",
		"equilibrium": "max_gap relative_gap dominated priced_out forced kept",
		"seconds":     "total train game tail evaluate",
	} {
		fields, _ := result.(map[string]any)
		if group != "" {
			fields, _ = fields[group].(map[string]any)
		}
		for name := range strings.FieldsSeq(names) {
			if fields[name] == nil {
				t.Errorf("%s.%s is missing", group, name)
			}
		}
	}
	for _, command := range []string{"eval out", "devices", "data list", "parity --device cpu"} {
		if stdout := succeed(t, append(strings.Fields(command), "--json")...); !json.Valid([]byte(stdout)) {
			t.Errorf("%s: no JSON: %s", command, stdout)
		}
	}
}

// TestEvalInFreshProcess: the saved network is as accurate as its run said, to
// the last digit, by folder and by file.
func TestEvalInFreshProcess(t *testing.T) {
	atImages(t)
	var run record.Result
	stdout := succeed(t, train("--keep", "5", "--epochs", "1", "--baseline", "--out", "out", "--json")...)
	if err := json.Unmarshal([]byte(stdout), &run); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]record.NetworkResult{
		"out": run.Pruned.NetworkResult, "out/pruned.safetensors": run.Pruned.NetworkResult, "out/dense.safetensors": run.Dense,
	} {
		output, err := process("eval", path, "--json").Output()
		if err != nil {
			t.Fatal(err)
		}
		var got record.EvalResult
		if err := json.Unmarshal(output, &got); err != nil {
			t.Fatal(err)
		}
		if *got.Network.Accuracy != *want.Accuracy || *got.Network.Loss != *want.Loss {
			t.Errorf("%s: %v %% at loss %v, and its run said %v %% at %v",
				path, *got.Network.Accuracy, *got.Network.Loss, *want.Accuracy, *want.Loss)
		}
	}
}

// TestSameBytesOnAnyProcessors: the number of processors changes no bit.
func TestSameBytesOnAnyProcessors(t *testing.T) {
	atImages(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		out := fmt.Sprint("out", n)
		succeed(t, train("--keep", "8", "--baseline", "--out", out)...)
		sameRun(t, "out1", out)
	}
}

// TestProgressIsPlain: what is no terminal gets lines without control
// characters, with the time that is left.
func TestProgressIsPlain(t *testing.T) {
	atImages(t)
	_, _, stderr := execute(t, train("--keep", "8", "--out", "out")...)
	if strings.ContainsAny(stderr, "\r\x1b") || !strings.Contains(stderr, "game  epoch 3/3") || !strings.Contains(stderr, " left\n") {
		t.Errorf("stderr is %q", stderr)
	}
}

// everyCommand calls f with all commands there are.
func everyCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		everyCommand(sub, f)
	}
}

// TestExamplesParse: every example of a help text names a command and flags that
// there are.
func TestExamplesParse(t *testing.T) {
	examples := 0
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // what follows explains
			words := strings.Fields(line)
			if words[0] != "nashprune" {
				t.Errorf("the example %q calls another program", line)
				continue
			}
			found, rest, err := newRoot().Find(words[1:])
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err == nil {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil || found.Name() == "nashprune" {
				t.Errorf("%q: %v", line, err)
			}
			examples++
		}
	})
	if examples == 0 {
		t.Error("there are no examples")
	}
}

// TestHelp: every command has help, in words rather than in pflag's notation.
func TestHelp(t *testing.T) {
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[1:]
		for _, args := range [][]string{append(words, "--help"), append([]string{"help"}, words...)} {
			stdout := succeed(t, args...)
			if !strings.Contains(stdout, "Usage:\n  "+cmd.CommandPath()) || strings.Contains(stdout, "true|false") {
				t.Errorf("%q prints %s", args, stdout)
			}
		}
	})
	codes := succeed(t, "--help")
	for _, code := range []int{exitDone, exitFailed, exitUsage, exitNoDevice, exitParity, exitDeviceLost, exitOutOfMemory, exitInterrupted} {
		if !slices.Contains(strings.Fields(codes), strconv.Itoa(code)) {
			t.Errorf("the exit code %d is not in the help text", code)
		}
	}
	help := succeed(t, "train", "--help")
	config := settings.Default()
	configFlags(&config).VisitAll(func(flag *pflag.Flag) {
		if strings.Count(help, " --"+flag.Name+" ") < 1 {
			t.Errorf("--%s is not in the help text", flag.Name)
		}
	})
}

// TestHelpFitsTerminals: at a terminal's width the description of a flag goes on in
// its column, and not at the edge of the screen.
func TestHelpFitsTerminals(t *testing.T) {
	config := settings.Default()
	const wide = 80
	for _, section := range sections(configFlags(&config)) {
		for _, line := range strings.Split(flagUsages(section.flags, wide), "\n") {
			if len(line) > wide {
				t.Errorf("%d columns: %s", len(line), line)
			}
		}
		for _, line := range strings.Split(strings.TrimSpace(flagUsages(section.flags, 0)), "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") {
				t.Errorf("wrapped where there is no terminal: %s", line)
			}
		}
	}
}

// TestSeveralVersions: the command and the flag print the same version.
func TestSeveralVersions(t *testing.T) {
	if command, flag := succeed(t, "version"), succeed(t, "--version"); command != flag || !strings.HasPrefix(command, "nashprune "+release) {
		t.Errorf("%q and %q", command, flag)
	}
}

// brokenWriter fails like a full disk behind a redirected stdout.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

// TestOutputCannotBeWritten: a result that cannot be written is a failure.
func TestOutputCannotBeWritten(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "out")...)
	for _, command := range []string{"eval out", "explain out", "explain out --json", "explain out --player 0:0", "explain out --player 0:0 --json", "devices", "doctor", "parity --device cpu", "data list", "version", "eval out --json"} {
		if code := run(t.Context(), strings.Fields(command), brokenWriter{}, io.Discard); code != exitFailed {
			t.Errorf("%s exits with %d", command, code)
		}
	}
}

// TestTargets: a run says in its table and in explain what drove its market, and how
// the target was met.
func TestTargets(t *testing.T) {
	atImages(t)
	for _, c := range []struct{ args, result, explained string }{
		{"--max-params 150", "target:       at most 150 parameters: ", "price of a unit"},
		{"--max-macs 50%", "target:       at most 50 % of ", "price of a unit"},
		{"--max-latency-us 100%", "target:       at most 100 % of ", "price of a unit"},
		{"--max-bytes 50% --players weights", "target:       at most 50 % of ", "weights stay"},
		{"--keep 8 --cost macs", "target:       8 players; one market, in which players pay for their multiplications", "price of a unit"},
		{"--max-latency-us 1e6", " by the model, ", "price of a unit"},
		{"--max-accuracy-drop 50 --validation 0.1 --baseline", "target:       at most 50 points less on the validation part: ", "rounds held"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		args := strings.Fields(c.args)
		if stdout := succeed(t, train(append(args, "--out", out)...)...); !strings.Contains(stdout, c.result) {
			t.Errorf("%s: no %q in\n%s", c.args, c.result, stdout)
		}
		if stdout := succeed(t, "explain", out); !strings.Contains(stdout, c.explained) {
			t.Errorf("%s: explain has no %q:\n%s", c.args, c.explained, stdout)
		}
		if stdout := succeed(t, "eval", out); strings.Contains(stdout, " of them zero)") != strings.Contains(c.args, "weights") {
			t.Errorf("%s: eval prints\n%s", c.args, stdout)
		}
		// The resolved configuration leads to the same run.
		succeed(t, "train", "--config", filepath.Join(out, record.ConfigFile), "--out", filepath.Join(out, "again"))
		if stdout := succeed(t, train(append(args, "--dry-run")...)...); !strings.Contains(stdout, "target:  ") {
			t.Errorf("%s: a dry run says nothing of the target:\n%s", c.args, stdout)
		}
	}
}
