package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"

	"nashprune/trainer/random"
	"nashprune/trainer/sweep"
)

// smallGrid has four runs of milliseconds.
const smallGrid = `data = "digits:side=8,train=320,test=80"
model = "mlp:12-8"
device = "gonum"
epochs = 5
batch = 32
rounds = 4
certify-steps = 0
[[list]]
game = "market"
[[list]]
game = "ranking"
[grid]
keep = [8]
seed = [1, 2]
`

// gridFile writes a sweep to a file.
func gridFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grid.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// program runs nashprune in a process of its own, whose processes are nashprune, too.
func program(t *testing.T, wantCode int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := process(args...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		t.Fatalf("nashprune %q exits with %d, want %d: %s", args, code, wantCode, messages.String())
	}
	return out.String(), messages.String()
}

// TestSweep: every run has the bits of train with its settings; a failure costs its run alone,
// says why, and is tried again by the same command.
func TestSweep(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "table.csv")
	file := gridFile(t, strings.Replace(smallGrid, "[grid]", fmt.Sprintf("[[list]]\ndata = %q\n[grid]", missing), 1))
	out := filepath.Join(t.TempDir(), "out")
	if _, stderr := program(t, exitUsage, "sweep", file, "--out", out); !strings.Contains(stderr, "data is set twice") {
		t.Errorf("a setting in two places: %s", stderr)
	}
	text := strings.Replace(strings.TrimPrefix(smallGrid, `data = "digits:side=8,train=320,test=80"`), "[grid]", fmt.Sprintf("[[list]]\ndata = %q\n[grid]", missing), 1)
	text = strings.ReplaceAll(text, "[[list]]\ngame", "[[list]]\ndata = \"digits:side=8,train=320,test=80\"\ngame")
	file = gridFile(t, text)
	table, stderr := program(t, exitFailed, "sweep", file, "--out", out, "--jobs", "2")
	if !strings.Contains(table, "4 finished, 2 failed") || !strings.Contains(table, "table.csv") || !strings.Contains(stderr, "2 of 6 runs failed") {
		t.Errorf("%s%s", table, stderr)
	}
	if strings.Count(table, "table.csv (exit code") > 1 || !strings.Contains(table, "runs 4, 5 failed: ") || strings.Contains(table, "failed: data=") {
		t.Errorf("one reason of two runs: %s", table)
	}
	if _, stderr := program(t, exitUsage, "sweep", gridFile(t, strings.Replace(text, "seed = [1, 2]", "seed = [1]", 1)), "--out", out); !strings.Contains(stderr, "holds another sweep") {
		t.Errorf("another file: %s", stderr)
	}
	if status, _ := program(t, exitDone, "sweep", "status", out); !strings.Contains(status, "run 4  failed") || strings.Contains(status, "run 3") {
		t.Errorf("status prints %s", status)
	}
	var rows strings.Builder
	for i := range 120 {
		fmt.Fprintf(&rows, "%d,%d,%d\n", i%7, i%5, i%2)
	}
	if err := os.WriteFile(missing, []byte("a,b,label\n"+rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if table, _ = program(t, exitDone, "sweep", file, "--out", out); !strings.Contains(table, "6 finished") || strings.Contains(table, "failed") {
		t.Errorf("%s", table)
	}
	alone := filepath.Join(t.TempDir(), "alone")
	succeed(t, "train", "--data", "digits:side=8,train=320,test=80", "--model", "mlp:12-8", "--device", "gonum", "--epochs", "5", "--batch", "32",
		"--rounds", "4", "--game", "ranking", "--keep", "8", "--seed", "2", "--out", alone)
	if a, b := globbed(t, out, "*game=ranking*seed=2/pruned.safetensors"), filepath.Join(alone, "pruned.safetensors"); sumOfTensors(t, a) != sumOfTensors(t, b) {
		t.Error("a run of the sweep has other bits than train")
	}
	best := succeed(t, "sweep", "collect", out, "--where", "game=market", "--sort", "-accuracy")
	if strings.Contains(best, "ranking") || !strings.Contains(best, "2 finished") || !strings.Contains(best, "means over seeds") {
		t.Errorf("%s", best)
	}
}

// TestSweepRefuses: one line says what is wrong, and nothing is made.
func TestSweepRefuses(t *testing.T) {
	for _, c := range []struct {
		words string
		args  []string
	}{
		{"takes a TOML file", []string{"sweep"}},
		{"--out is empty", []string{"sweep", gridFile(t, smallGrid)}},
		{"no such file", []string{"sweep", "missing.toml", "--out", "OUT"}},
		{"list must be tables", []string{"sweep", gridFile(t, "list = []\n"), "--out", "OUT"}},
		{`there is no setting "epoch"`, []string{"sweep", gridFile(t, "epoch = 3\n"), "--out", "OUT"}},
		{"must be a list", []string{"sweep", gridFile(t, "[grid]\nseed = 3\n"), "--out", "OUT"}},
		{"the targets keep and sparsity", []string{"sweep", gridFile(t, "keep = 8\n[grid]\nsparsity = [0.5]\n"), "--out", "OUT"}},
		{"two runs have the same settings", []string{"sweep", gridFile(t, "[grid]\nseed = [1, 1]\n"), "--out", "OUT"}},
		{"--epochs is -1", []string{"sweep", gridFile(t, "[grid]\nepochs = [2, -1]\n"), "--out", "OUT"}},
		{"pays for latency", []string{"sweep", gridFile(t, "cost = \"latency\"\n"), "--out", "OUT"}},
		{"--devices are of this machine", []string{"sweep", gridFile(t, smallGrid), "--out", "OUT", "--on", "slurm", "--devices", "gonum", "--dry-run"}},
		{"--cpus is for runs on a cluster", []string{"sweep", gridFile(t, smallGrid), "--out", "OUT", "--cpus", "2"}},
		{`--on is "moon"`, []string{"sweep", gridFile(t, smallGrid), "--out", "OUT", "--on", "moon", "--dry-run"}},
		{"needs --image", []string{"sweep", gridFile(t, smallGrid), "--out", "OUT", "--on", "kubernetes", "--dry-run"}},
		{"it must lie below --mount /data", []string{"sweep", gridFile(t, smallGrid), "--out", "OUT", "--on", "kubernetes", "--image", "x", "--claim", "y"}},
		{`memory is "much"`, []string{"sweep", gridFile(t, smallGrid), "--out", "grid", "--on", "kubernetes", "--image", "x", "--claim", "y", "--memory", "much", "--dry-run"}},
		{"the number of a run", []string{"sweep", "cell", "OUT"}},
	} {
		out := filepath.Join(t.TempDir(), "out")
		for i := range c.args {
			if c.args[i] == "OUT" {
				c.args[i] = out
			}
		}
		code, stdout, stderr := execute(t, c.args...)
		refused(t, exitUsage, c.words, code, stdout, stderr)
		if entries, err := os.ReadDir(out); err == nil {
			t.Errorf("%q leaves %v", c.args, entries)
		}
	}
}

// TestSweepOnKubernetes plays the controller of an indexed job: it starts the indices of the
// manifest in random order, kills some pods, and follows the policy for exit codes. The table
// is that of this machine.
func TestSweepOnKubernetes(t *testing.T) {
	file := gridFile(t, strings.Replace(smallGrid, "epochs = 5", "epochs = 30", 1)+"\n")
	here := filepath.Join(t.TempDir(), "here")
	program(t, exitDone, "sweep", file, "--out", here)

	volume := t.TempDir()
	manifest, _ := program(t, exitDone, "sweep", file, "--out", "there", "--on", "kubernetes", "--image", "nashprune:1", "--claim", "data",
		"--mount", volume, "--cpus", "2", "--gpus", "1", "--memory", "4Gi", "--jobs", "3", "--dry-run")
	var job batch.Job
	if err := yaml.UnmarshalStrict([]byte(manifest), &job); err != nil {
		t.Fatal(err)
	}
	spec := job.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" || *spec.CompletionMode != batch.IndexedCompletion || *spec.Completions != 4 || *spec.Parallelism != 3 {
		t.Fatalf("%s", manifest)
	}
	pod := spec.Template.Spec.Containers[0]
	if gpus := pod.Resources.Requests["nvidia.com/gpu"]; gpus.Value() != 1 || pod.Resources.Requests.Cpu().Value() != 2 || pod.VolumeMounts[0].MountPath != volume {
		t.Errorf("%s", manifest)
	}
	there := filepath.Join(volume, "there")
	if err := os.MkdirAll(there, 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(there, "sweep.toml"), text, 0o600); err != nil {
		t.Fatal(err)
	}

	// lasting reports whether the policy gives an index up after an exit code.
	lasting := func(code int) bool {
		for _, rule := range spec.PodFailurePolicy.Rules {
			if rule.Action == batch.PodFailurePolicyActionFailIndex && slices.Contains(rule.OnExitCodes.Values, int32(code)) {
				return true
			}
		}
		return false
	}
	for code, want := range map[int]bool{exitFailed: false, exitUsage: true, exitNoDevice: true, exitParity: true, exitDeviceLost: false, exitOutOfMemory: true, exitInterrupted: false} {
		if lasting(code) != want {
			t.Errorf("exit code %d: given up %v, want %v", code, lasting(code), want)
		}
	}
	draw := random.New(5, random.Testing, 0, 0)
	kills := 0
	for _, index := range draw.Permutation(int(*spec.Completions)) {
		for attempt := 0; ; attempt++ {
			if attempt > int(*spec.BackoffLimitPerIndex) {
				t.Fatalf("index %d fails too often", index)
			}
			cmd := process(pod.Command[1:]...)
			cmd.Env = append(cmd.Env, fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
			var messages bytes.Buffer
			cmd.Stderr = &messages
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if attempt == 0 && index%2 == 0 { // a node is lost
				eventually(t, "the run", func() bool {
					found, err := filepath.Glob(filepath.Join(there, "*", "metrics.jsonl"))
					return err == nil && len(found) > 0
				})
				_ = cmd.Process.Kill()
				kills++
			}
			if err := cmd.Wait(); err == nil {
				break
			}
			if lasting(cmd.ProcessState.ExitCode()) {
				t.Fatalf("index %d: %s", index, messages.String())
			}
		}
	}
	want, got := sweepFigures(t, succeed(t, "sweep", "collect", here, "--json")), sweepFigures(t, succeed(t, "sweep", "collect", there, "--json"))
	if !slices.Equal(got, want) || kills != 2 {
		t.Errorf("after %d kills\n%s\nhere\n%s", kills, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// eventually waits for what takes time; how long does not matter.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 6000 {
		if holds() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: it did not come to pass", what)
}

// sweepFigures returns a line a run without what depends on the clock.
func sweepFigures(t *testing.T, report string) (lines []string) {
	t.Helper()
	var r struct {
		Runs []struct {
			Run                       int
			State                     string
			Accuracy                  *float64
			Players, Parameters, MACs int
		}
	}
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatal(err)
	}
	for _, run := range r.Runs {
		accuracy := -1.
		if run.Accuracy != nil {
			accuracy = *run.Accuracy
		}
		lines = append(lines, fmt.Sprintf("%d %s %v %d %d %d", run.Run, run.State, accuracy, run.Players, run.Parameters, run.MACs))
	}
	return lines
}

func globbed(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}

// TestHints: commands of one run name the runs of a sweep, and a data set that is misspelt is named.
func TestHints(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "grid.toml", []byte("[grid]\nseed = [1, 2]"))
	if _, err := sweep.Create("many", "grid.toml"); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"report many", "explain many", "eval many", "train --resume many", "bench --compare many", "inspect many", "many"} {
		code, _, stderr := execute(t, strings.Fields(command)...)
		if hinted := strings.Contains(stderr, "; many holds a sweep: name one of its runs, such as many/seed=1, or see nashprune sweep status many"); code == exitDone || hinted != (command != "many") {
			t.Errorf("%s: %s", command, stderr)
		}
	}
	for word, want := range map[string]string{"minst": "; try --data mnist\n", "qqqq": "an archive of images\n"} {
		if code, _, stderr := execute(t, "train", "--data", word, "--out", "x"); code != exitUsage || !strings.HasSuffix(stderr, want) {
			t.Errorf("%s: %s", word, stderr)
		}
	}
}
