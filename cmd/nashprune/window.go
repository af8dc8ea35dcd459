//go:build glfw && cgo && linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"nashprune/gpu/window"
	"nashprune/trainer"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// hasWindow says whether --view is in this build.
const hasWindow = true

// GLFW belongs to the main thread, on which init and main run.
func init() { runtime.LockOSThread() }

// inWindow returns how to start a run that a window shows. The run goes on in a goroutine of
// its own, also when the window is closed or shows nothing any more.
func inWindow(start startRun, progress *progress) startRun {
	return func(ctx context.Context, o trainer.Options) (result *record.Result, err error) {
		w, err := window.Open(ctx, func(picture []byte) (string, error) { return savePicture(o.Dir, picture) })
		if err != nil {
			return nil, fmt.Errorf("--view: %w; leave it out, or start the run where there is a display", err)
		}
		observe := o.Observe
		o.Watch = w.Watch
		o.Observe = func(e trainer.Event) {
			observe(e)
			w.Update(progressOf(e))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			result, err = start(ctx, o)
		}()
		failed := w.Run(done)
		w.Close()
		<-done
		if failed != nil {
			progress.line(fmt.Sprintf("the window was closed: %v", failed), true)
		}
		return result, err
	}
}

// progressOf puts an event in the words of a window.
func progressOf(e trainer.Event) window.Progress {
	p := window.Progress{
		Text: oneLine.Replace(e.Message), Training: e.Training, Done: e.Done, Loss: e.Loss, Accuracy: e.Accuracy,
		Players: network.Sum(e.Players), Live: e.Live, Remaining: e.Remaining,
	}
	if e.Training == "" {
		return p
	}
	what := "training with the game"
	switch e.Training {
	case record.DenseTraining:
		what = "training the dense network"
	case record.RankingTraining:
		what = "training, players are ranked"
	}
	p.Title = fmt.Sprintf("%s, epoch %d of %d", what, e.Epoch, e.Epochs)
	if line := e.Line; line != nil {
		p.Loss = line.Loss
		if line.Accuracy != nil {
			p.Accuracy = *line.Accuracy
		}
		p.Text = strings.Join(strings.Fields(epochText(e)), " ")
	}
	if r := e.Round; r != nil {
		p.Text = fmt.Sprintf("round %d: %d players stay", r.Round, network.Sum(r.Players))
		if n := len(r.Prices); n > 0 && slices.Max(r.Prices) > 0 {
			p.Text += fmt.Sprintf(" at prices of %.3g to %.3g", slices.Min(r.Prices), slices.Max(r.Prices))
		}
	}
	return p
}

// savePicture saves a picture of the window under a new name in the folder of a run.
func savePicture(dir string, picture []byte) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("view-%d.png", n))
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = file.Write(picture)
		return path, errors.Join(err, file.Close())
	}
}
