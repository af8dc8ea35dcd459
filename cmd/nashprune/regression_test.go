package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/dataset"
	"nashprune/trainer/record"
)

// boxes returns a CSV file of boxes: three sides, a price far from zero that
// follows from two of them, and a volume.
func boxes(rows int) string {
	var b strings.Builder
	b.WriteString("width,price,length,height,volume\n")
	for i := range rows {
		w, l, h := 2+math.Sin(float64(i)), 3+math.Sin(1.7*float64(i)), 2+math.Cos(2.3*float64(i))
		fmt.Fprintf(&b, "%g,%g,%g,%g,%g\n", w, 1e6+1000*w*l, l, h, w*l*h)
	}
	return b.String()
}

// boxesOn returns the words of a small run of regression on boxes, and then some.
func boxesOn(more ...string) []string {
	return append(strings.Fields("train --data boxes.csv --task regression --label price,volume --model mlp:20-12 --batch 8 --epochs 30 --rounds 6 --keep 14 --learning-rate 0.01"), more...)
}

// TestRegression: numbers are predicted, pruned, evaluated in their own units, and
// evaluated again from the model files to the last digit.
func TestRegression(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "boxes.csv", []byte(boxes(150)))
	run := resultOf(t, boxesOn("--validation", "0.2", "--baseline", "--out", "out")...)
	if d := run.Data; run.Task != dataset.Regression || d.Train != 96 || d.Validation != 24 || d.Test != 30 || d.Label != "" || !slices.Equal(d.TargetNames, []string{"price", "volume"}) {
		t.Errorf("data %+v", d)
	}
	// The price's deviation is about 3,300, the volume's about 7.
	for name, q := range map[string]record.Quality{"dense": run.Dense.Quality, "gated": run.Gated.Quality, "pruned": run.Pruned.Quality} {
		if q.Accuracy != nil || q.R2 == nil || *q.R2 < 0.9 || len(q.RMSE) != 2 || !(q.RMSE[0] > 1 && q.RMSE[0] < 1000) || !(q.RMSE[1] > 0.01 && q.RMSE[1] < 3) {
			t.Errorf("%s: %+v", name, q)
		}
	}
	for file, evaluated := range map[string]record.NetworkResult{"out": run.Pruned.NetworkResult, "out/dense.safetensors": run.Dense} {
		again := evalOf(t, file)
		if again.Samples != 30 || again.Correct != nil || *again.Network.R2 != *evaluated.R2 || *again.Network.Loss != *evaluated.Loss || !slices.Equal(again.Network.RMSE, evaluated.RMSE) {
			t.Errorf("%s evaluated again: %+v, want %+v", file, again, evaluated)
		}
	}
	for _, words := range [][]string{{"eval", "out"}, {"eval", "out/dense.safetensors"}} {
		if text := succeed(t, words...); !strings.Contains(text, "RMSE of price") || !strings.Contains(text, "variance explained") || strings.Contains(text, "accuracy") {
			t.Errorf("%s", text)
		}
	}
	succeed(t, "explain", "out")

	// What result.json and the metrics hold says nothing of accuracy.
	for _, name := range []string{"out/result.json", "out/metrics.jsonl", "out/run.svg"} {
		if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), "ccuracy") || len(text) == 0 {
			t.Errorf("%s: %v, %s", name, err, text)
		}
	}
	metrics, err := os.ReadFile("out/metrics.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(metrics)), "\n")
	var last record.EpochLine
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.ValidationR2 == nil || *last.ValidationR2 < 0.9 {
		t.Errorf("the last line is %s (%v)", lines[len(lines)-1], err)
	}

	// Other boxes, whose columns stand in another order, are evaluated whole.
	var turned strings.Builder
	for line := range strings.Lines(boxes(150)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		fmt.Fprintln(&turned, strings.Join([]string{f[4], f[0], f[2], f[3], f[1]}, ","))
	}
	writeFile(t, "turned.csv", []byte(turned.String()))
	again := evalOf(t, "out", "--data", "turned.csv")
	if again.Samples != 150 || *again.Network.R2 < 0.9 || !slices.Equal(again.TargetNames, []string{"price", "volume"}) {
		t.Errorf("turned: %+v", again)
	}
	moved, err := os.ReadFile("out/pruned.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "moved.safetensors", moved) // where no config.toml names columns
	if elsewhere := evalOf(t, "moved.safetensors", "--data", "turned.csv"); !slices.Equal(elsewhere.Network.RMSE, again.Network.RMSE) {
		t.Errorf("moved: %+v, want %+v", elsewhere.Network, again.Network)
	}

	// A single box has no variance, but it has errors.
	one := strings.SplitAfter(boxes(1), "\n")
	writeFile(t, "one.csv", []byte(one[0]+one[1]))
	if single := evalOf(t, "out", "--data", "one.csv"); single.Network.R2 != nil || len(single.Network.RMSE) != 2 {
		t.Errorf("one box: %+v", single.Network)
	}
	if text := succeed(t, "eval", "out", "--data", "one.csv"); !strings.Contains(text, "undefined") {
		t.Errorf("%s", text)
	}
}

// TestRegressionInOtherGames: the paper's game and training without one predict
// numbers, too, and say which column they took.
func TestRegressionInOtherGames(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "boxes.csv", []byte(boxes(60)))
	words := strings.Fields("train --data boxes.csv --task regression --model mlp:9-7 --batch 8 --epochs 20 --learning-rate 0.01")
	code, _, stderr := execute(t, append(words, "--game", "off", "--out", "off")...)
	if code != exitDone || !strings.Contains(stderr, `target: the column "volume" of boxes.csv`) || strings.Contains(stderr, "accuracy") {
		t.Errorf("code %d: %s", code, stderr)
	}
	if again := evalOf(t, "off"); *again.Network.R2 < 0.8 || !slices.Equal(again.TargetNames, []string{"volume"}) {
		t.Errorf("%+v", again.Network)
	}
	paper := resultOf(t, append(words, "--game", "paper", "--gamma", "0.01", "--participation-rate", "0.01", "--out", "paper")...)
	if paper.Pruned.R2 == nil || paper.Gated.R2 == nil {
		t.Errorf("%+v", paper)
	}
	succeed(t, "explain", "paper")
}

// TestRegressionOfArrays: floats are targets where they are asked for, and bytes
// are pixels all the same.
func TestRegressionOfArrays(t *testing.T) {
	t.Chdir(t.TempDir())
	writeNPZ(t, "bytes.npz", "|u1", 60, 5)
	run := resultOf(t, trainOn("bytes.npz", "--task", "regression", "--out", "out")...)
	if !slices.Equal(run.Data.TargetNames, []string{"target"}) || *run.Pruned.R2 < 0.8 {
		t.Errorf("%+v, %+v", run.Data, run.Pruned.Quality)
	}
	if again := evalOf(t, "out"); !slices.Equal(again.Network.RMSE, run.Pruned.RMSE) {
		t.Errorf("%+v, want %+v", again.Network, run.Pruned)
	}
}

// TestRegressionRefuses: classes where numbers are wanted, and the other way round,
// are one clear error each.
func TestRegressionRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "boxes.csv", []byte(boxes(60)))
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	writeFile(t, "words.csv", []byte("width,price,length,height,volume\n1,high,2,3,4\n"))
	writeFile(t, "constant.csv", []byte("a,y\n1,2\n2,2\n3,2\n"))
	succeed(t, boxesOn("--epochs", "8", "--out", "numbers")...)
	succeed(t, trainOn("plants.csv", "--out", "classes")...)
	for _, c := range []struct {
		args  string
		code  int
		words string
	}{
		{"train --out x --data digits:train=20,test=10 --task regression", exitUsage, "--task regression does not fit this data: numbers to predict come from CSV and NPZ files"},
		{"train --out x --data boxes.csv", exitFailed, "--task regression"},
		{"train --out x --data boxes.csv --task regression --label price,age", exitUsage, `no column "age"`},
		{"train --out x --data boxes.csv --task regression --label width,price,length,height,volume", exitUsage, "none is left"},
		{"train --out x --data boxes.csv --task regression --class-weights balanced", exitUsage, "--label-smoothing and --class-weights are for classes"},
		{"train --out x --data plants.csv --task regression", exitFailed, `line 2, column "species": "rose" is not a number, and --task regression needs`},
		{"train --out x --data constant.csv --task regression", exitFailed, `the target "y" is 2 in all 2 training samples`},
		{"train --out x --data boxes.csv --task swim", exitUsage, `--task is "swim"`},
		{"eval numbers --data digits:train=20,test=10", exitUsage, "the network, which predicts numbers, does not fit this data"},
		{"eval numbers --data plants.csv", exitUsage, `no column "price"`},
		{"eval numbers --data plants.csv --label species", exitUsage, "1 targets, and the network predicts 2"},
		{"eval numbers --data words.csv", exitFailed, `line 2, column "price": "high" is not a number, and the network, which predicts numbers`},
		{"eval numbers --data boxes.csv --label price", exitUsage, "1 targets, and the network predicts 2"},
		{"eval classes --data boxes.csv --label volume", exitUsage, `trained on a feature "weight"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			refused(t, c.code, c.words, code, stdout, stderr)
		})
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("a refused run left a folder")
	}
}

// TestRegressionResumes: a run that is stopped and goes on, in its own training or
// in the baseline's, ends with the same files, and its configuration gives them too.
func TestRegressionResumes(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "boxes.csv", []byte(boxes(60)))
	args := boxesOn("--epochs", "8", "--validation", "0.2", "--baseline", "--out")
	succeed(t, append(args, "whole")...)
	for i, line := range []int{4, 14} {
		out := fmt.Sprintf("out-%d", i)
		if code, stderr := runUntil(t, line, append(args, out)...); code != exitInterrupted {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		succeed(t, "train", "--resume", out)
		sameRun(t, "whole", out)
	}
	succeed(t, "train", "--config", "whole/config.toml", "--out", "again")
	sameRun(t, "whole", "again")
}
