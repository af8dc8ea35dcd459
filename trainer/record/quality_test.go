package record

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/random"
)

// TestExplained holds the variance explained to its definition, and to what it is
// for perfect predictions, for the means, and for a constant error.
func TestExplained(t *testing.T) {
	for _, outputs := range []int{1, 2, 5} {
		draw := random.New(7, random.Testing, 0, uint32(outputs))
		s := dataset.Samples{Outputs: outputs}
		const rows = 37
		for i := range rows * outputs {
			s.Targets = append(s.Targets, float32(draw.Normal()*float64(1+i%outputs)+3))
		}
		means := make([]float64, outputs)
		for i, x := range s.Targets {
			means[i%outputs] += float64(x) / rows
		}
		predictions := make([]float32, len(s.Targets))
		evaluate := func(predict func(i int) float64) (r2, want float64) {
			squares, around := 0., 0.
			for i, x := range s.Targets {
				predictions[i] = float32(predict(i))
				e, d := float64(predictions[i])-float64(x), float64(x)-means[i%outputs]
				squares += e * e
				around += d * d
			}
			loss := squares / float64(len(s.Targets)) // as an evaluation has it
			return *Explained(loss, s), 1 - squares/around
		}
		const tolerance = 1e-12 // float64, over a few hundred numbers
		for name, predict := range map[string]func(i int) float64{
			"perfect": func(i int) float64 { return float64(s.Targets[i]) },
			"means":   func(i int) float64 { return means[i%outputs] },
			"noise":   func(int) float64 { return draw.Normal() },
		} {
			got, want := evaluate(predict)
			if math.Abs(got-want) > tolerance*(1+math.Abs(want)) {
				t.Errorf("%d targets, %s: %g, want %g", outputs, name, got, want)
			}
			// The means are float32 in the predictions.
			if name == "perfect" && got != 1 || name == "means" && math.Abs(got) > 1e-6 {
				t.Errorf("%d targets, %s: %g", outputs, name, got)
			}
		}
	}
	if r2 := Explained(0.5, dataset.Samples{Outputs: 2, Targets: []float32{1, -3, 1, -3}}); r2 != nil {
		t.Errorf("samples that are alike have %g of their variance explained", *r2)
	}
	// The mean of equal numbers is that number, however many there are of it.
	for rows := 1; rows < 200; rows++ {
		alike := dataset.Samples{Outputs: 1, Targets: slices.Repeat([]float32{0.1}, rows)}
		if r2 := Explained(0.5, alike); r2 != nil {
			t.Fatalf("%d samples that are alike have %g of their variance explained", rows, *r2)
		}
	}
	if r2 := Explained(0, dataset.Samples{Outputs: 1}); r2 != nil {
		t.Errorf("no samples have %g of their variance explained", *r2)
	}
}

// TestRootMeanSquares has errors of 1 and 2 standardised, and of 3 and none.
func TestRootMeanSquares(t *testing.T) {
	s := dataset.Samples{Outputs: 2, Targets: []float32{0, 5, 1, -5}}
	rmse, mae := targetErrors([]float32{1, 8, 3, -5}, s, &dataset.Standard{Means: []float64{9, 9}, Deviations: []float64{10, 100}})
	for k, want := range []float64{10 * math.Sqrt(2.5), 100 * math.Sqrt(4.5)} {
		if math.Abs(rmse[k]-want) > 1e-12*want {
			t.Errorf("target %d: %g, want %g", k, rmse[k], want)
		}
	}
	if !slices.Equal(mae, []float64{15, 150}) {
		t.Errorf("mean absolute errors %v", mae)
	}
}

// TestClasses: counts by class add up to those of the device, and the confusion matrix to them.
func TestClasses(t *testing.T) {
	d := &dataset.Dataset{Classes: 3, Test: dataset.Samples{Labels: []uint8{0, 0, 1, 0, 1}}}
	e := backend.Evaluation{Samples: 5, Correct: 2, ClassSamples: []int{3, 2, 0}, ClassCorrect: []int{2, 0, 0}, Logits: []float32{
		1, 0, 0, // 0
		2, 2, 1, // the first of equals: 0
		0, -1, 3, // 2
		-1, 5, 5, // 1
		7, 6, 0, // 0
	}}
	var j NetworkResult
	SetEvaluation(&j, e, d, backend.TestPart)
	if want := [][]int{{2, 1, 0}, {1, 0, 1}, {0, 0, 0}}; !reflect.DeepEqual(j.Confusion, want) {
		t.Errorf("confusion %v, want %v", j.Confusion, want)
	}
	for class, r := range j.ByClass {
		if r.Samples != e.ClassSamples[class] || r.Correct != e.ClassCorrect[class] {
			t.Errorf("class %d: %+v", class, r)
		}
	}
	c := j.ByClass
	if c[0].Predicted != 3 || *c[0].Precision != 100*2./3 || *c[0].Recall != 100*2./3 || *c[1].Precision != 0 || *c[1].Recall != 0 || *c[2].Precision != 0 || c[2].Recall != nil {
		t.Errorf("%+v", c)
	}
	if many := NewClasses(MostConfused+1, []uint8{20}, func(int) int { return 20 }); many.Confusion != nil || many.ByClass[20].Correct != 1 || many.ByClass[0].Precision != nil {
		t.Errorf("%+v", many)
	}
}

// TestBalancedAccuracy: classes count alike, whatever their size, and one that no sample is
// evaluated of does not count.
func TestBalancedAccuracy(t *testing.T) {
	d := &dataset.Dataset{Classes: 4, Test: dataset.Samples{Labels: []uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3}}}
	e := backend.Evaluation{Samples: 11, Correct: 9, ClassSamples: []int{8, 2, 0, 1}, ClassCorrect: []int{8, 1, 0, 0}}
	q := NewQuality(e, d, backend.TestPart)
	if *q.BalancedAccuracy != 50 || !slices.Equal(q.Unrecognised, []int{3}) {
		t.Errorf("%v, %v", *q.BalancedAccuracy, q.Unrecognised)
	}
	if got, want := LargestClass(d.Test), 100*8./11; got != want {
		t.Errorf("the largest class has %v %%, want %v", got, want)
	}
	if got := LargestClass(dataset.Samples{}); got != 0 {
		t.Errorf("of no sample: %v", got)
	}
}
