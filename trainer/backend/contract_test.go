package backend_test

import (
	"strings"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network/networktest"
)

func TestPartsOfADataset(t *testing.T) {
	d := &dataset.Dataset{Train: dataset.Samples{Labels: make([]uint8, 3)}, Validation: dataset.Samples{Labels: make([]uint8, 2)}, Test: dataset.Samples{Labels: make([]uint8, 1)}}
	if backend.TrainPart.Of(d).Len() != 3 || backend.ValidationPart.Of(d).Len() != 2 || backend.TestPart.Of(d).Len() != 1 {
		t.Error("parts are mixed up")
	}
}

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
		n := networktest.Perceptron(4, 6, test.outputs)
		err := backend.EngineOptions{Batch: 1}.Validate(test.data, n)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %d outputs: %v", test.data.Name, test.outputs, err)
		}
	}
}
