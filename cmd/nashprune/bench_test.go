package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/bench"
)

// small is a measurement of a moment.
func small(more ...string) []string {
	return append(strings.Fields("bench --device gonum --time 10m --scaling=false --samples 5 --model 9-7-3@8 --model 9-2-3@8"), more...)
}

func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	var r bench.Report
	if err := json.Unmarshal([]byte(succeed(t, small("--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != bench.ReportSchema || len(r.Cases) != 2 || r.Cases[0].Model != "9-7-3" || r.Cases[0].Batch != 8 || !strings.HasPrefix(r.Program, "nashprune ") {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Cases {
		for _, m := range c.Measured {
			if !(m.Step.Lower <= m.Step.Median && m.Step.Median <= m.Step.Upper) || m.Step.Turns < 1 {
				t.Errorf("%s on %s: %+v", c.Model, m.Device, m.Step)
			}
		}
	}
	if text := succeed(t, small()...); !strings.Contains(text, "9-7-3, batch 8") {
		t.Errorf("\n%s", text)
	}
	if text := succeed(t, small("--benchstat")...); !strings.Contains(text, "\nBenchmarkStep/device=cpu:") {
		t.Errorf("\n%s", text)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct {
		code  int
		words string
		args  []string
	}{
		{exitUsage, "--json and --benchstat", small("--json", "--benchstat")},
		{exitUsage, "--time", small("--time", "0s")},
		{exitUsage, "--samples", small("--samples", "0")},
		{exitUsage, "--model", small("--model", "784-10")},
		{exitUsage, "the batch after @", small("--model", "9-7-3@many")},
		{exitNoDevice, "no such device", small("--device", "abacus")},
		{exitUsage, "no arguments", small("now")},
		{exitUsage, "leave out --model", small("--compare", "testdata")},
		{exitUsage, "--plot", small("--plot", "times.svg")},
		{exitUsage, "not the folder of a run", []string{"bench", "--compare", t.TempDir()}},
		{exitUsage, "unknown format", []string{"bench", "--compare", "bench_test.go"}},
		{exitUsage, "its folder must exist", []string{"bench", "--compare", "run", "--plot", "nowhere/times.svg"}},
	} {
		code, stdout, stderr := execute(t, c.args...)
		refused(t, c.code, c.words, code, stdout, stderr)
	}
}

// Ctrl-C ends with what was measured until then, and with its exit code.
func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout strings.Builder
	stderr := &stopper{lines: 4, stop: cancel} // the device, two runners, and a gauge
	code := run(ctx, small(), &stdout, stderr)
	if code != exitInterrupted || !strings.Contains(stdout.String(), "nashprune 0.") || !strings.Contains(stderr.String(), "not complete") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
	}
}

func TestDryRun(t *testing.T) {
	atImages(t)
	text := succeed(t, train("--keep", "8", "--dry-run")...)
	for _, line := range []string{"shape:            25-9-7-2", "players:          16, of which", "54, 18 in each", "parameters", "activations"} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	var plan struct {
		Steps  int
		Memory struct{ Parameters int }
	}
	if err := json.Unmarshal([]byte(succeed(t, train("--keep", "8", "--dry-run", "--json", "--device", "cpu")...)), &plan); err != nil || plan.Steps != 3*18 || plan.Memory.Parameters != 4*(26*9+10*7+8*2) {
		t.Errorf("%+v, %v", plan, err)
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 1 || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "images" }) {
		t.Errorf("it left something behind: %v, %v", entries, err)
	}
}

// TestBenchCompares: the networks of a run are timed at each batch, printed, and drawn.
func TestBenchCompares(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "train", "--data", "digits:side=8,train=64,test=16", "--model", "mlp:12-8", "--device", "gonum", "--epochs", "4", "--keep", "8", "--rounds", "2",
		"--certify-steps", "0", "--baseline", "--out", "run")
	args := strings.Fields("bench --compare run --device gonum --time 10m")
	var r bench.Report
	if err := json.Unmarshal([]byte(succeed(t, append(args, "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Networks) != 2 || r.Networks[0].Name != "dense" || r.Networks[1].Parameters >= r.Networks[0].Parameters || len(r.Networks[1].Times) != 7 {
		t.Errorf("%+v", r.Networks)
	}
	if text := succeed(t, append(args, "--compare", "run/pruned.safetensors", "--plot", "times.svg")...); !strings.Contains(text, "run dense") || !strings.Contains(text, "pruned.safetensors") {
		t.Errorf("\n%s", text)
	}
	// A pruned network that reads fewer inputs takes the samples of the dense one.
	succeed(t, "train", "--data", "digits:side=8,train=64,test=16", "--model", "mlp:12-8", "--device", "gonum", "--epochs", "4", "--keep", "40", "--rounds", "2",
		"--players", "neurons,inputs", "--certify-steps", "0", "--out", "fewer")
	if text := succeed(t, strings.Fields("bench --compare fewer --device gonum --time 10m")...); !strings.Contains(text, "dense") {
		t.Errorf("\n%s", text)
	}
	if picture, err := os.ReadFile("times.svg"); err != nil || !strings.Contains(string(picture), "run pruned") {
		t.Errorf("the picture: %v", err)
	}
}
