package session

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"nashprune/trainer/backend"
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

// TestWatchedLoss: without smoothing and weights it is what evaluations report; with them it is that
// of the closed form.
func TestWatchedLoss(t *testing.T) {
	d := &dataset.Dataset{Classes: 2, Validation: dataset.Samples{Labels: []uint8{0, 1}}}
	e := backend.Evaluation{Samples: 2, Logits: []float32{0, 0, 0, float32(math.Log(3))}}
	log := math.Log
	for _, c := range []struct {
		loss backend.Loss
		want float64
	}{
		{backend.Loss{}, (log(2) + log(4./3)) / 2},
		{backend.Loss{ClassWeights: []float64{0, 2}}, log(4. / 3)},
		{backend.Loss{Smoothing: 0.5}, (log(2) + 0.75*log(4./3) + 0.25*log(4)) / 2},
	} {
		training := &Training{Data: d, Loss: c.loss}
		if got := training.watched(e); math.Abs(got-c.want) > 1e-7 { // of float32 logits
			t.Errorf("%+v: %v, want %v", c.loss, got, c.want)
		}
	}
}
