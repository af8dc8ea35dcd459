package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTensorboard: the event file of a run, also of one that was resumed, has its numbers,
// histograms and pictures by the steps of its training.
func TestTensorboard(t *testing.T) {
	atImages(t)
	succeed(t, train("--out", "runs/one", "--keep", "6", "--validation", "0.2", "--tensorboard", "events")...)
	files, err := filepath.Glob("events/one/*.tfevents.*")
	if err != nil || len(files) != 1 {
		t.Fatalf("event files %q: %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(viewsFolder, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the reader of event files is not installed: run make views")
	}
	out, err := exec.Command("node", filepath.Join(viewsFolder, "events.js"), files[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Step    int
		Summary struct {
			Value []struct {
				Tag   string
				Histo *struct{ Num float64 }
				Image *struct{ Width int }
			}
		}
	}
	if err := json.Unmarshal(out, &events); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range events {
		for _, v := range e.Summary.Value {
			kind := "number "
			if v.Histo != nil {
				kind = "histogram "
			} else if v.Image != nil {
				kind = "image "
			}
			count[kind+v.Tag]++
		}
	}
	for tag, want := range map[string]int{
		"number game/loss": 3, "number game/validation accuracy": 3, "number game price/gate 1": 4, "number game players/gate 0": 4,
		"image participation of every player/layer 0": 1,
	} {
		if count[tag] != want {
			t.Errorf("%d times %q, want %d, in %v", count[tag], tag, want, count)
		}
	}
	if count["histogram game participation/gate 0"] == 0 {
		t.Errorf("no histograms in %v", count)
	}

	// A folder that cannot be made is an error, beside the result.
	writeFile(t, "file", nil)
	code, stdout, stderr := execute(t, train("--out", "two", "--keep", "6", "--tensorboard", "file")...)
	if code != exitFailed || !strings.Contains(stdout, "results:      two") || !strings.Contains(stderr, "--tensorboard: ") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = execute(t, train("--out", "three", "--tensorboard", "")...)
	refused(t, exitUsage, "--tensorboard", code, stdout, stderr)
}
