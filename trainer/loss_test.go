package trainer

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/dataset"
)

// TestClassWeights checks what words mean on data with three samples of class 0,
// one of class 1 and none of class 2: balanced weights are 4/(3 n_k), and a class
// that never comes has none.
func TestClassWeights(t *testing.T) {
	d := &dataset.Dataset{Name: "four", Classes: 3, Train: dataset.Samples{Features: 1, Labels: []uint8{0, 0, 1, 0}}}
	for words, want := range map[string][]float64{
		"": nil, BalancedWeights: {4. / 9, 4. / 3, 0}, "1, 2.5,0": {1, 2.5, 0},
	} {
		c := DefaultConfig()
		c.ClassWeights, c.LabelSmoothing = words, 0.1
		if got, err := c.loss(d); err != nil || !slices.Equal(got.ClassWeights, want) || got.Smoothing != 0.1 {
			t.Errorf("%q: %+v, %v", words, got, err)
		}
	}
	c := DefaultConfig()
	c.ClassWeights = "1,2"
	if _, err := c.loss(d); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "3 classes") {
		t.Errorf("two weights for three classes: %v", err)
	}
	c.ClassWeights = "0,0,1"
	if _, err := c.loss(d); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "nothing is left to learn") {
		t.Errorf("a weight for none but a class without samples: %v", err)
	}
	if w := (Loss{}).Weight(2); w != 1 {
		t.Errorf("without weights a class has the weight %g", w)
	}
}

// TestClassWeightsScaleTheLossOfGuessing: a common factor of all weights is one of
// the loss, and no reason to call a training diverged; a loss far above its own scale
// is.
func TestClassWeightsScaleTheLossOfGuessing(t *testing.T) {
	train := dataset.Samples{Features: 1, Labels: make([]uint8, 160)}
	for _, factor := range []float64{0.001, 1, 1000} {
		for times, diverges := range map[float64]bool{1: false, 2 * absurdLoss: true} {
			// An epoch's 160 samples are one stretch or a few, each with this loss.
			e := &scripted{loss: times * factor * math.Log(4) * 160}
			training, _ := scriptedTraining(t, e)
			training.data.Train = train
			training.loss.ClassWeights = slices.Repeat([]float64{factor}, 4)
			err := training.run(context.Background())
			if diverged := new(DivergedError); errors.As(err, &diverged) != diverges || (err != nil) != diverges {
				t.Errorf("weights of %g and a loss of %g times that of guessing: %v", factor, times, err)
			}
		}
	}
}
