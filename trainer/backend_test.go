package trainer_test

import (
	"strings"
	"testing"

	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Networks are refused in the words of what they are to predict.
func TestOutputsThatDoNotFit(t *testing.T) {
	classes := &dataset.Dataset{Name: "kinds", Classes: 3, Train: dataset.Samples{Features: 4}}
	targets := &dataset.Dataset{Name: "prices", Train: dataset.Samples{Features: 4, Outputs: 3}}
	for _, test := range []struct {
		data    *dataset.Dataset
		outputs int
		says    string // empty: it fits
	}{
		{classes, 2, "3 classes"},
		{classes, 3, ""},
		{classes, 5, ""},
		{targets, 2, "3 targets"},
		{targets, 3, ""},
		{targets, 5, "3 targets"},
	} {
		n := network.New([]int{4, 6, test.outputs})
		n.Activation = network.ReLU
		err := trainer.EngineOptions{Batch: 1}.Validate(test.data, n)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %d outputs: %v", test.data.Name, test.outputs, err)
		}
	}
}
