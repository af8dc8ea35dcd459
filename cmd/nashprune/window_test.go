//go:build glfw && cgo && linux

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"nashprune/trainer"
	"nashprune/trainer/record"
)

// TestWindowNeedsADisplay: without one the error comes before the run.
func TestWindowNeedsADisplay(t *testing.T) {
	t.Setenv("DISPLAY", ":9999")
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := execute(t, "train", "--view", "--out", out)
	refused(t, exitNoDevice, "display", code, stdout, stderr)
	if _, err := os.Stat(out); err == nil {
		t.Error("there is a folder of the run")
	}
}

// TestWindowWords is what a window is told of events.
func TestWindowWords(t *testing.T) {
	accuracy := 97.5
	for want, e := range map[string]trainer.Event{
		"reading mnist": {Message: "reading mnist"},
		"round 3: 30 players stay at prices of 0.1 to 0.2": {Training: record.GameTraining, Round: &record.RoundLine{Round: 3, Players: []int{20, 10}, Prices: []float64{0.1, 0.2}}},
		"round 1: 8 players stay":                          {Training: record.RankingTraining, Round: &record.RoundLine{Round: 1, Players: []int{8}}},
		"dense epoch 2/5 players 12 loss 0.2500 training accuracy 97.50 % 2s left": {
			Training: record.DenseTraining, Epochs: 5, Players: []int{12}, Remaining: 2 * time.Second, Line: &record.EpochLine{Epoch: 2, Loss: 0.25, Accuracy: &accuracy},
		},
	} {
		p := progressOf(e)
		if p.Text != want || e.Line != nil && (p.Loss != 0.25 || p.Accuracy != accuracy) {
			t.Errorf("%+v, want the text %q", p, want)
		}
	}
}

// TestWindowPictures: each picture has a name of its own, and a folder that does not exist is
// not made, since a run takes an empty one.
func TestWindowPictures(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"view-1.png", "view-2.png"} {
		path, err := savePicture(dir, []byte(name))
		if text := readText(t, filepath.Join(dir, name)); err != nil || path != filepath.Join(dir, name) || text != name {
			t.Errorf("%s, %v: %s", path, err, text)
		}
	}
	if _, err := savePicture(filepath.Join(dir, "none"), nil); !os.IsNotExist(err) {
		t.Errorf("in a folder that does not exist: %v", err)
	}
}
