package settings

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/backend"
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
		c := Default()
		c.ClassWeights, c.LabelSmoothing = words, 0.1
		if got, err := c.Loss(d); err != nil || !slices.Equal(got.ClassWeights, want) || got.Smoothing != 0.1 {
			t.Errorf("%q: %+v, %v", words, got, err)
		}
	}
	c := Default()
	c.ClassWeights = "1,2"
	if _, err := c.Loss(d); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "3 classes") {
		t.Errorf("two weights for three classes: %v", err)
	}
	c.ClassWeights = "0,0,1"
	if _, err := c.Loss(d); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "nothing is left to learn") {
		t.Errorf("a weight for none but a class without samples: %v", err)
	}
	if w := (backend.Loss{}).Weight(2); w != 1 {
		t.Errorf("without weights a class has the weight %g", w)
	}
}
