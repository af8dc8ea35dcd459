package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/backend"
)

// TestProgressGrowsToTheEnd follows the progress that a run reports, also where its
// trainings stop early.
func TestProgressGrowsToTheEnd(t *testing.T) {
	for _, patience := range []int{0, 2} {
		t.Run(fmt.Sprint("patience ", patience), func(t *testing.T) { progressGrows(t, patience) })
	}
}

func progressGrows(t *testing.T, patience int) {
	c := tinyConfig(t)
	c.Baseline = true
	if c.Patience = patience; patience > 0 {
		c.Epochs, c.Validation, c.LearningRate = 30, 0.5, 0.02 // which overfits
	}
	last, epochs := 0., 0
	ctx, cancel := context.WithCancel(context.Background())
	options := trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Observe: func(e trainer.Event) {
		if e.Message != "" {
			return
		}
		if e.Training == "dense" && e.Line != nil && e.Line.Epoch == 2 {
			cancel() // and go on from here
		}
		if e.Done < last || e.Done > 1+1e-9 || e.Remaining < 0 {
			t.Errorf("%s training: from %g to %g done, %v left", e.Training, last, e.Done, e.Remaining)
		}
		last = e.Done
		if e.Line != nil {
			epochs++
		}
	}}
	_, err := trainer.Run(ctx, c, options)
	if !errors.Is(err, backend.ErrInterrupted) {
		t.Fatal(err)
	}
	_, err = trainer.Resume(context.Background(), options)
	if early := patience > 0; err != nil || math.Abs(last-1) > 1e-9 || (epochs < 2*c.Epochs) != early {
		t.Errorf("%v, %g done, %d epochs", err, last, epochs)
	}
}
