package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/record"
)

// TestRunsWithoutOutGetAFolderOfTheirOwn: named after the data, also where that
// is the present folder.
func TestRunsWithoutOutGetAFolderOfTheirOwn(t *testing.T) {
	atImages(t)
	t.Chdir("images")
	succeed(t, "train", "--data", ".", "--model", "mlp:9-7", "--batch", "7", "--epochs", "3", "--rounds", "4", "--sparsity", "0.5")
	folders, err := filepath.Glob(filepath.Join("runs", "images-market-*", record.ResultFile))
	if err != nil || len(folders) != 1 {
		t.Errorf("%v, %v", folders, err)
	}
}

// TestEvalFindsTheDataOfARun: a run on named data keeps to mind in which folder
// it was, and a run on a folder of images which folder that was.
func TestEvalFindsTheDataOfARun(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "run")...)
	for _, path := range []string{"run", filepath.Join("run", record.PrunedFile)} {
		var result record.EvalResult
		if err := json.Unmarshal([]byte(succeed(t, "eval", path, "--json")), &result); err != nil || result.Samples == 0 {
			t.Errorf("%s: %+v, %v", path, result, err)
		}
	}
	// From elsewhere the run's path leads nowhere.
	here, err := filepath.Abs("run")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, command := range [][]string{{"eval", here}, {"prune", here, "--out", "pruned"}} {
		code, stdout, stderr := execute(t, command...)
		refused(t, exitUsage, "has its data in ./images, relative to the folder where it was started, and there is no such path here: go there, or name the data with --data", code, stdout, stderr)
	}
	succeed(t, "eval", here, "--data", filepath.Join(filepath.Dir(here), "images"))
	t.Chdir(filepath.Dir(here))
	// A damaged configuration is no missing one.
	config := filepath.Join("run", record.ConfigFile)
	writeFile(t, config, []byte("data = "))
	code, stdout, stderr := execute(t, "eval", "run")
	refused(t, exitFailed, config+": toml: line 1", code, stdout, stderr)
	succeed(t, "eval", "run", "--data", "./images")
	// Without its configuration the model alone does not say where the data is.
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = execute(t, "eval", "run")
	refused(t, exitUsage, "name its folder with --data", code, stdout, stderr)
	succeed(t, "eval", "run", "--data", "./images")
}

// TestResumeWithJSON goes on with an interrupted run and prints its result.
func TestResumeWithJSON(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "whole")...)
	code, stderr := signalled(t, process(train("--keep", "8", "--epochs", "40", "--batch", "2", "--out", "out")...),
		"game  epoch 7/", []os.Signal{os.Interrupt})
	if code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var result record.Result
	if err := json.Unmarshal([]byte(succeed(t, "train", "--resume", "out", "--json")), &result); err != nil || result.Pruned.Kept != 8 {
		t.Errorf("%+v, %v", result, err)
	}
	if !strings.Contains(result.Command, "--keep 8") {
		t.Errorf("the command of a resumed run is %q", result.Command)
	}
}
