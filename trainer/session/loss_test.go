package session

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"nashprune/trainer/dataset"
)

// TestClassWeightsScaleTheLossOfGuessing: a common factor of all weights is one of
// the loss, and no reason to call a training diverged; a loss far above its own scale
// is.
func TestClassWeightsScaleTheLossOfGuessing(t *testing.T) {
	train := dataset.Samples{Features: 1, Labels: make([]uint8, 1000)}
	for _, factor := range []float64{0.001, 1, 1000} {
		for times, diverges := range map[float64]bool{1: false, 2 * absurdLoss: true} {
			// An epoch's 1000 samples are one stretch or a few, each with this loss.
			e := &scripted{loss: times * factor * math.Log(4) * 1000}
			training, _ := scriptedTraining(t, e)
			training.Data.Train = train
			training.Loss.ClassWeights = slices.Repeat([]float64{factor}, 4)
			err := training.Run(context.Background())
			if diverged := new(DivergedError); errors.As(err, &diverged) != diverges || (err != nil) != diverges {
				t.Errorf("weights of %g and a loss of %g times that of guessing: %v", factor, times, err)
			}
		}
	}
}
