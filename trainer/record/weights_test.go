package record_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

var tensorNames = []record.TensorName{{Name: "a.weight", Shape: []int{2, 3}}, {Name: "b.weight", Shape: []int{1, 2}}}

// weightBooks are of two rounds, in the second of which weights of a are removed.
func weightBooks() []*game.Separable {
	return []*game.Separable{
		{Worths: []float32{0, 1, 2, 3, 4, 5}, Rounds: []int32{1, 2, 0, 0, 2, 0}, Prices: []float64{0, 4}},
		{Worths: []float32{7, 8}, Rounds: []int32{0, 0}, Prices: []float64{0, 4}},
	}
}

func weightFile(t testing.TB, change func([]safetensors.Tensor) []safetensors.Tensor) []byte {
	var file bytes.Buffer
	if err := safetensors.Write(&file, nil, change(record.WeightTensors(tensorNames, weightBooks()))); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func asTheyAre(tensors []safetensors.Tensor) []safetensors.Tensor { return tensors }

func TestWeightsReadBack(t *testing.T) {
	got, err := record.ReadWeights(bytes.NewReader(weightFile(t, asTheyAre)), tensorNames)
	if err != nil || !reflect.DeepEqual(got, weightBooks()) {
		t.Errorf("%+v, %v", got, err)
	}
	w := record.NewWeights(tensorNames, weightBooks())
	a := w.Tensors[0]
	if a.Kept != 3 || a.Dead != 1 || a.Price != 4 || !reflect.DeepEqual(a.Stayed, []float64{2, 2, 3, 3, 5}) || !reflect.DeepEqual(a.Removed, []float64{0, 0, 1, 1, 4}) {
		t.Errorf("%+v", a)
	}
	if b := w.Tensors[1]; b.Kept != 2 || b.Removed != nil {
		t.Errorf("%+v", b)
	}
}

func TestDamagedWeightsAreRefused(t *testing.T) {
	for words, change := range map[string]func([]safetensors.Tensor) []safetensors.Tensor{
		"in round 3 of 2":   func(s []safetensors.Tensor) []safetensors.Tensor { s[1].Float32[4] = 3; return s },
		"in round 0.5 of 2": func(s []safetensors.Tensor) []safetensors.Tensor { s[1].Float32[4] = 0.5; return s },
		"of shape [2 3]":    func(s []safetensors.Tensor) []safetensors.Tensor { s[0].Shape = []int{6}; return s },
		"of shape [1 2]":    func(s []safetensors.Tensor) []safetensors.Tensor { return s[:3] },
	} {
		if _, err := record.ReadWeights(bytes.NewReader(weightFile(t, change)), tensorNames); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func FuzzReadWeights(f *testing.F) {
	f.Add(weightFile(f, asTheyAre))
	f.Add(weightFile(f, func(s []safetensors.Tensor) []safetensors.Tensor { return s[3:] }))
	f.Fuzz(func(t *testing.T, file []byte) {
		books, err := record.ReadWeights(bytes.NewReader(file), tensorNames)
		if err != nil {
			return
		}
		for i, of := range books {
			for player := range of.Worths {
				of.Price(player) // finds every price
			}
			if len(of.Worths) != len(of.Rounds) || i > 1 {
				t.Errorf("%+v", of)
			}
		}
	})
}
