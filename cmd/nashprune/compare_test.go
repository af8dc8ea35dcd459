package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/record"
)

// TestRanking: a run whose players are ranked is reported as one without a game, its
// configuration makes it again, and its network is evaluated as any other.
func TestRanking(t *testing.T) {
	atImages(t)
	words := strings.Fields("train --data images --model mlp:20-10 --batch 8 --epochs 4 --game ranking --criterion fisher --rounds 3 --shape 5-4 --out out")
	run := resultOf(t, words...)
	if p := run.Pruned; p == nil || p.Criterion != game.Fisher || p.Kept != 9 || run.Equilibrium != nil {
		t.Fatalf("%+v", run.Pruned)
	}
	if text := succeed(t, "explain", "out"); !strings.Contains(text, "There was no game") || strings.Contains(text, "Equilibrium:") {
		t.Errorf("%s", text)
	}
	for _, args := range [][]string{{"explain", "out", "--json"}, {"explain", "out", "--player", "0:1"}} {
		if code, _, stderr := execute(t, args...); code != exitFailed || !strings.Contains(stderr, "no game") {
			t.Errorf("%v: %d, %s", args, code, stderr)
		}
	}
	if again := evalOf(t, "out"); *again.Network.Accuracy != *run.Pruned.Accuracy {
		t.Errorf("evaluated again: %v, and it was %v", *again.Network.Accuracy, *run.Pruned.Accuracy)
	}
	if again := resultOf(t, "train", "--config", filepath.Join("out", record.ConfigFile), "--out", "again"); *again.Pruned.Loss != *run.Pruned.Loss {
		t.Errorf("its configuration comes to %v, and it came to %v", *again.Pruned.Loss, *run.Pruned.Loss)
	}
	// A ranking within a budget of parameters, too.
	budget := resultOf(t, strings.Fields("train --data images --model mlp:20-10 --batch 8 --epochs 4 --game ranking --criterion outputs --rounds 3 --max-params 150 --out budget")...)
	if p := budget.Pruned; p == nil || p.Criterion != game.OutputSquare || p.Parameters > 150 || p.Kept <= 2*game.LeastPerLayer {
		t.Errorf("%+v", budget.Pruned)
	}
	if again := resultOf(t, "train", "--config", filepath.Join("budget", record.ConfigFile), "--out", "budget-again"); *again.Pruned.Loss != *budget.Pruned.Loss {
		t.Errorf("its configuration comes to %v, and it came to %v", *again.Pruned.Loss, *budget.Pruned.Loss)
	}
	// A number of players takes the place of the shape in the file.
	if other := resultOf(t, "train", "--config", filepath.Join("out", record.ConfigFile), "--keep", "7", "--out", "seven"); other.Pruned.Kept != 7 {
		t.Errorf("%+v", other.Pruned)
	}
	if text := succeed(t, append(words[:len(words)-2], "--dry-run")...); !strings.Contains(text, "of which 9 stay") {
		t.Errorf("%s", text)
	}
}

// TestCompare makes a quick comparison of one method, once and again from what is there.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	t.Chdir(t.TempDir())
	words := strings.Fields("compare --quick --data digits:side=8,train=320,test=80 --epochs 8 --keep 12 --device gonum --method gradual-magnitude --search=false --out out")
	text := succeed(t, words...)
	for _, want := range []string{"12 players, the method finds the layers:", "12 players, in proportion to the layers:", "gradual-magnitude", "to the market", "No settings were searched", "compare.json"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, name := range []string{"compare.json", "compare.csv", "front.svg"} {
		if info, err := os.Stat(filepath.Join("out", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := succeed(t, append(words, "--json")...); !strings.Contains(again, `"schema": 2`) {
		t.Errorf("%s", again)
	}
	// A picture that cannot be written takes nothing of the report, and is reported.
	front := filepath.Join("out", "front.svg")
	if err := errors.Join(os.Remove(front), os.Mkdir(front, 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"--json", "--json=false"} {
		code, stdout, stderr := execute(t, append(words, more)...)
		if code != exitFailed || !strings.Contains(stdout, "gradual-magnitude") || !strings.Contains(stderr, front) {
			t.Errorf("%s: %d, %s, %s", more, code, stdout, stderr)
		}
	}
	for args, want := range map[string]string{
		"compare --quick":                                                                 "--out",
		"compare --quick --out x --jobs 0":                                                "--jobs is 0",
		"compare --quick --out x --method luck":                                           "\"luck\"",
		"compare --quick --out x --keep 24,12":                                            "increasing",
		"compare --quick --out x --seeds 0":                                               "--seeds",
		"compare --quick --out x more":                                                    "no arguments",
		strings.Join(append(words, "--epochs", "9"), " "):                                 "other settings",
		strings.Join(append(words, "--optimiser", "adamw", "--weight-decay", "0.1"), " "): "other settings",
		"compare --quick --out x --data nowhere --keep 12":                                "--data",
		"compare --quick --out x --model forest --keep 12 ":                               "--model",
	} {
		code, _, stderr := execute(t, strings.Fields(args)...)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %s", args, code, stderr)
		}
	}
}
