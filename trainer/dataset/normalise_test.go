package dataset

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestNormalise: features are scaled as the options say: bytes by one mean or one a channel,
// floats by one mean or one a feature.
func TestNormalise(t *testing.T) {
	one := &Standard{[]float64{0.25}, []float64{2}}
	d, err := Open("digits:train=20,test=10", Options{NormaliseBytes: one})
	if err != nil || d.Input(0, 1) != 0.375 || d.Mean != 0.25 || d.Deviation != 2 {
		t.Errorf("one mean: %v, %v (%v)", d.Mean, d.Deviation, err)
	}
	three := &Standard{[]float64{0, 0.5, 1}, []float64{1, 2, 4}}
	d, err = Open("digits:colour,train=20,test=10", Options{NormaliseBytes: three})
	if err != nil || d.Input(0, 1) != 1 || d.Input(d.Height*d.Width, 1) != 0.25 || d.Input(2*d.Height*d.Width, 1) != 0 {
		t.Errorf("three means: %v, %v (%v)", d.Means, d.Deviations, err)
	}
	if d, err = Open("digits:colour,train=20,test=10", Options{NormaliseBytes: one}); err != nil || !slices.Equal(d.Means, []float64{0.25, 0.25, 0.25}) {
		t.Errorf("one mean of three channels: %v (%v)", d, err)
	}
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte("x,y,label\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n1,3,a\n2,9,b\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given *Standard
		want  float64 // of the second feature of the first training sample, times the deviation, plus the mean
	}{{one, 2}, {&Standard{[]float64{1, 3}, []float64{2, 0.5}}, 0.5}} {
		d, err := Open(path, Options{Normalise: c.given})
		if err != nil || len(d.Standard.Means) != 2 || d.Mean != 0 || d.Deviation != 1 {
			t.Fatalf("%+v: %v", d, err)
		}
		x := float64(d.Train.Values[1])*c.want + d.Standard.Means[1]
		if x != math.Trunc(x) || x < 2 || x > 9 || d.Standard.Deviations[1] != c.want {
			t.Errorf("by %v the feature is %g, standard %v", c.given, x, d.Standard)
		}
	}
	for name, s := range map[string]*Standard{path: three, "digits:train=20,test=10": three} {
		if _, err := Open(name, Options{Normalise: s, NormaliseBytes: s}); !errors.Is(err, ErrOption) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
