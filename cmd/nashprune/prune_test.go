package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// dense trains the dense network of small runs into the folder dense, and returns the words
// that prune it.
func dense(t *testing.T, more ...string) []string {
	t.Helper()
	atImages(t)
	succeed(t, train("--game", "off", "--out", "dense")...)
	return append(strings.Fields("prune dense/dense.safetensors --data ./images --batch 7 --epochs 3 --rounds 4 --keep 8"), more...)
}

// TestPrune: the command prunes a file, says what it read, and its run is like any other.
func TestPrune(t *testing.T) {
	words := dense(t)
	text := succeed(t, append(words, "--out", "out")...)
	for _, want := range []string{"50.00 % removed", "source:       dense/dense.safetensors, safetensors of F32, SHA-256 ", "results:      out (report.html and run.svg show the run)"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nwithout %q", text, want)
		}
	}
	for _, name := range []string{record.PrunedFile, record.ResultFile, record.ConfigFile, "load_pruned.py", "run.svg", "report.html"} {
		if _, err := os.Stat(filepath.Join("out", name)); err != nil {
			t.Error(err)
		}
	}
	succeed(t, "explain", "out")
	succeed(t, "inspect", "out/pruned.safetensors")
	run, eval := resultOf(t, append(words, "--out", "again")...), evalOf(t, "out")
	if *eval.Network.Accuracy != *run.Pruned.Accuracy || run.Source.Path != "dense/dense.safetensors" {
		t.Errorf("result %+v, evaluated again %+v", run.Pruned, eval.Network)
	}
	sameRun(t, "out", "again")

	// Its configuration makes the same run again, by either command.
	succeed(t, "train", "--config", "out/config.toml", "--out", "by-train")
	succeed(t, "prune", "--config", "out/config.toml", "--out", "by-prune")
	sameRun(t, "out", "by-train")
	sameRun(t, "out", "by-prune")

	// Without training there is nothing to draw over time.
	text = succeed(t, append(words, "--epochs", "0", "--out", "at-once")...)
	if !strings.Contains(text, "results:      at-once (report.html shows the run)\n") {
		t.Errorf("%s", text)
	}
	succeed(t, "explain", "at-once")
	succeed(t, append(words, "--epochs", "0", "--dry-run")...)
}

// TestPruneRuns: of the folder of a run the network that it ended with is pruned on the data of
// that run, which a model file names, too.
func TestPruneRuns(t *testing.T) {
	words := dense(t)
	succeed(t, append(words, "--out", "named")...)
	rest := words[slices.Index(words, "./images")+1:]
	succeed(t, append(append([]string{"prune", "dense"}, rest...), "--out", "run")...)
	sameRun(t, "named", "run")
	succeed(t, append(append([]string{"prune", "dense/dense.safetensors"}, rest...), "--out", "file")...)
	sameRun(t, "named", "file")
	again := resultOf(t, strings.Fields("prune run --batch 7 --epochs 0 --keep 5 --out again")...)
	if again.Source.Path != "run/pruned.safetensors" || again.Pruned.Players != 8 || again.Pruned.Kept != 5 {
		t.Errorf("source %+v, pruned %+v", again.Source, again.Pruned)
	}

	// What a run divided by its seed stays divided so.
	writeFile(t, "plants.csv", []byte(plants(40, 1)))
	before := resultOf(t, strings.Fields("train --data plants.csv --model mlp:12-8 --batch 8 --epochs 5 --game off --seed 3 --test-fraction 0.4 --out plants")...)
	after := resultOf(t, strings.Fields("prune plants --batch 8 --epochs 0 --keep 8 --out plants-8")...)
	if before.Data.Digest != after.Data.Digest || before.Data.Test != after.Data.Test || *before.Dense.Loss != *after.Dense.Loss || after.Seed != 3 {
		t.Errorf("data %+v, was %+v; dense %+v, was %+v", after.Data, before.Data, after.Dense, before.Dense)
	}
	file, err := os.ReadFile("plants/dense.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "alone.safetensors", file)
	writeFile(t, "config.toml", []byte("[server]\nport = 3\n")) // of another program
	code, stdout, stderr := execute(t, "prune", "alone.safetensors", "--out", "out")
	refused(t, exitUsage, "alone.safetensors was trained on csv:plants: name its file with --data", code, stdout, stderr)
	var state bytes.Buffer
	if err := safetensors.Write(&state, nil, []safetensors.Tensor{{Name: "0.weight", Shape: []int{2, 64}, Float32: make([]float32, 128)}}); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "state.safetensors", state.Bytes())
	code, stdout, stderr = execute(t, "prune", "state.safetensors", "--out", "out")
	refused(t, exitUsage, "state.safetensors does not say what data it was trained on; name the data with --data", code, stdout, stderr)
	succeed(t, strings.Fields("train --data digits:side=8,train=60,test=20 --model mlp:8 --batch 10 --epochs 1 --game off --out drawn")...)
	if file, err = os.ReadFile("drawn/dense.safetensors"); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "drawn.safetensors", file)
	if run := resultOf(t, strings.Fields("prune drawn.safetensors --batch 10 --epochs 0 --keep 4")...); run.Data.Name != "digits:side=8,train=60,test=20" {
		t.Errorf("data %+v", run.Data)
	}
}

// TestONNXIsLikeOurs: a file of ONNX that nashprune wrote is evaluated, and predicts, as the model
// file does, with the names of classes and columns.
func TestONNXIsLikeOurs(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "plants.csv", []byte(plants(40, 1)))
	succeed(t, strings.Fields("train --data plants.csv --model mlp:12-8 --batch 8 --epochs 5 --game off --out plants")...)
	succeed(t, "export", "plants", "--format", "onnx", "--out", "plants.onnx")
	want, got := evalOf(t, "plants", "--data", "plants.csv"), evalOf(t, "plants.onnx", "--data", "plants.csv")
	if !slices.Equal(got.ClassNames, want.ClassNames) || !reflect.DeepEqual(got.Network.ByClass, want.Network.ByClass) || want.ClassNames == nil {
		t.Errorf("by class %v %v, want %v %v", got.ClassNames, got.Network.ByClass, want.ClassNames, want.Network.ByClass)
	}
	if a, b := succeed(t, "predict", "plants", "--data", "plants.csv"), succeed(t, "predict", "plants.onnx", "--data", "plants.csv"); a != b {
		t.Errorf("predictions\n%s\nwant\n%s", b, a)
	}
	// What pruning makes of a file of ONNX is again such.
	run := resultOf(t, strings.Fields("prune plants.onnx --data plants.csv --batch 8 --epochs 2 --rounds 2 --keep 8 --out small")...)
	if again := evalOf(t, "small/pruned.onnx", "--data", "plants.csv", "--test-fraction", "0.2"); !slices.Equal(again.ClassNames, want.ClassNames) || *again.Network.Accuracy != *run.Pruned.Accuracy {
		t.Errorf("evaluated again %+v, was %+v", again.Network, run.Pruned)
	}
}

// TestPruneStopped: Ctrl-C leaves a checkpoint, from which the run goes on to the same bits.
func TestPruneStopped(t *testing.T) {
	words := dense(t)
	succeed(t, append(words, "--out", "whole")...)
	code, stderr := runUntil(t, 5, append(words, "--out", "out")...)
	if code != exitInterrupted || !strings.Contains(stderr, "--resume out") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	code, stdout, stderr := execute(t, "prune", "dense/dense.safetensors", "--resume", "out")
	refused(t, exitUsage, "leave out dense/dense.safetensors", code, stdout, stderr)
	succeed(t, "prune", "--resume", "out")
	sameRun(t, "whole", "out")
}

func TestPruneRefuses(t *testing.T) {
	dense(t)
	writeFile(t, "cut.safetensors", []byte("\x08\x00\x00\x00\x00\x00\x00\x00{}"))
	writeFile(t, "net.pth", nil)
	for _, c := range []struct {
		words string
		code  int
		want  string
	}{
		{"", exitUsage, "takes the file of a trained network, or the folder of a run"},
		{"a b", exitUsage, "takes one model file or run folder"},
		{"missing.safetensors", exitFailed, "missing.safetensors: no such file"},
		{"cut.safetensors", exitFailed, "cut short"},
		{"net.pth", exitUsage, "it must be an .onnx file, or a .safetensors file"},
		{"dense/dense.safetensors --baseline", exitUsage, "leave out --baseline"},
		{"dense/dense.safetensors --model mlp:9-7 --keep 8", exitUsage, "leave out --model"},
		{"dense/dense.safetensors --normalise 1/0", exitUsage, "deviations above 0"},
	} {
		code, stdout, stderr := execute(t, append([]string{"prune"}, append(strings.Fields(c.words), "--data", "./images")...)...)
		refused(t, c.code, c.want, code, stdout, stderr)
	}
	code, stdout, stderr := execute(t, "train", "--data", "./images", "--epochs", "0")
	refused(t, exitUsage, "--epochs is 0", code, stdout, stderr)
}

// TestPruneTables: numbers are predicted and classes have names; features and targets are scaled
// as when the network was trained, also where other rows are held out.
func TestPruneTables(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "boxes.csv", []byte(boxes(150)))
	before := resultOf(t, strings.Fields("train --data boxes.csv --task regression --label price,volume --model mlp:20-12 --batch 8 --epochs 30 --learning-rate 0.01 --game off --out trained")...)
	words := strings.Fields("prune trained/dense.safetensors --data boxes.csv --task regression --label price,volume --batch 8 --epochs 15 --rounds 6 --keep 14 --learning-rate 0.01")
	run := resultOf(t, append(words, "--out", "out")...)
	if *run.Dense.R2 != *before.Dense.R2 || *run.Dense.Loss != *before.Dense.Loss || *run.Pruned.R2 < 0.9 || run.Pruned.Kept != 14 {
		t.Errorf("dense %+v, was %+v; pruned %+v", run.Dense, before.Dense, run.Pruned)
	}
	if again := evalOf(t, "out"); *again.Network.R2 != *run.Pruned.R2 {
		t.Errorf("evaluated again: %+v", again.Network)
	}
	held := resultOf(t, append(words, "--validation", "0.3", "--out", "held")...)
	if *held.Dense.R2 != *before.Dense.R2 {
		t.Errorf("with other training samples the dense network has %g, and had %g", *held.Dense.R2, *before.Dense.R2)
	}
	code, stdout, stderr := execute(t, "prune", "trained/dense.safetensors", "--data", "boxes.csv")
	refused(t, exitUsage, "try --task regression", code, stdout, stderr)

	writeFile(t, "plants.csv", []byte(plants(40, 1)))
	before = resultOf(t, strings.Fields("train --data plants.csv --model mlp:12-8 --batch 8 --epochs 20 --game off --out plants")...)
	run = resultOf(t, strings.Fields("prune plants/dense.safetensors --data plants.csv --batch 8 --epochs 10 --rounds 5 --keep 8 --out plants-8")...)
	if *run.Dense.Accuracy != *before.Dense.Accuracy || !slices.Equal(run.Data.ClassNames, before.Data.ClassNames) {
		t.Errorf("dense %+v, was %+v", run.Dense, before.Dense)
	}
}
