package settings

import (
	"math"
	"reflect"
	"testing"

	"nashprune/trainer/dataset"
)

func TestNormalise(t *testing.T) {
	for text, want := range map[string]*dataset.Standard{
		"none":                    {Means: []float64{0}, Deviations: []float64{1}},
		"0.1307/0.3081":           {Means: []float64{0.1307}, Deviations: []float64{0.3081}},
		"-1,2e-3, 0.5/1,0.25,1e3": {Means: []float64{-1, 0.002, 0.5}, Deviations: []float64{1, 0.25, 1000}},
	} {
		if got, ok := parseNormalise(text); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%q gives %v, %v; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"1", "/", "1/", "/1", "1/0", "1/-1", "1,2/1", "1/1/1", "NaN/1", "1/NaN", "Inf/1", "1/Inf", "x/1", "1;2/1"} {
		if s, ok := parseNormalise(text); ok {
			t.Errorf("%q gives %v", text, s)
		}
	}
	if c := Trained(); c.normalisation() != nil || c.Model != "" || c.WarmUp != 0 {
		t.Errorf("the defaults of trained networks are %+v", c)
	}
}

// FuzzNormalise: what passes can scale features, a deviation beside each mean.
func FuzzNormalise(f *testing.F) {
	f.Add("0.5,0.5/0.2,1e-3")
	f.Add("none")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := parseNormalise(text)
		if !ok || s == nil {
			return
		}
		for i, mean := range s.Means {
			if d := s.Deviations[i]; math.IsNaN(mean) || math.IsInf(mean, 0) || !(d > 0) || math.IsInf(d, 0) {
				t.Errorf("%q gives mean %g and deviation %g", text, mean, d)
			}
		}
		if len(s.Deviations) != len(s.Means) {
			t.Errorf("%q gives %d means and %d deviations", text, len(s.Means), len(s.Deviations))
		}
	})
}
