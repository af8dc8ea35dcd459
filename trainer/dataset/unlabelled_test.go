package dataset

import (
	"archive/zip"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// seen is what visits got, put together.
type seen struct {
	names  []string
	values []float32
	pixels []uint8
	sizes  []int
}

func (s *seen) visit(d *Dataset, names []string) error {
	if d.Test.Len() != len(names) || d.Train.Len() != 0 {
		return fmt.Errorf("%d samples and %d names, %d training samples", d.Test.Len(), len(names), d.Train.Len())
	}
	s.names = append(s.names, names...)
	s.values = append(s.values, d.Test.Values...)
	s.pixels = append(s.pixels, d.Test.Pixels...)
	s.sizes = append(s.sizes, len(names))
	return nil
}

// TestUnlabelled: rows come in order, so many at a time, with the network's features alone and
// standardised by it, whatever stands for labels.
func TestUnlabelled(t *testing.T) {
	table := writeText(t, "new.csv", "answer,b,a\nNA,1,10\n,2,20\nx,3,30\n7,4,40\n?,5,50\n")
	o := Options{FeatureNames: []string{"a", "b"}, ClassNames: []string{"no", "yes"}, Standard: &Standard{Means: []float64{10, 1}, Deviations: []float64{10, 2}}}
	for _, most := range []int{1, 2, 5, 100} {
		var s seen
		if _, err := Unlabelled(table, o, most, s.visit); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.names, []string{"1", "2", "3", "4", "5"}) || !slices.Equal(s.values, []float32{0, 0, 1, 0.5, 2, 1, 3, 1.5, 4, 2}) || slices.Max(s.sizes) > most {
			t.Errorf("at most %d: %+v", most, s)
		}
	}
	numbers := Options{Regression: true, TargetNames: []string{"z"}, TargetStandard: &Standard{Means: []float64{0}, Deviations: []float64{1}},
		FeatureNames: o.FeatureNames, Standard: o.Standard}
	var s seen
	if _, err := Unlabelled(table, numbers, 2, s.visit); err != nil || len(s.names) != 5 {
		t.Errorf("of a regression: %+v, %v", s, err)
	}

	arrays := npz(zip.Store, "x_train.npy", arrayOf("|u1", []int{1, 2, 2}, make([]uint8, 4)), "y_train.npy", arrayOf("|u1", []int{1}, []uint8{1}),
		"x_test.npy", arrayOf("|u1", []int{3, 2, 2}, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
	s = seen{}
	if _, err := Unlabelled(writeText(t, "a.npz", string(arrays)), Options{}, 2, s.visit); err != nil || !slices.Equal(s.sizes, []int{2, 1}) || s.pixels[11] != 11 {
		t.Errorf("arrays: %+v, %v", s, err)
	}
	alone := npz(zip.Store, "X.npy", arrayOf("<f4", []int{2, 2}, []float32{10, 1, 20, 3}))
	s = seen{}
	if _, err := Unlabelled(writeText(t, "b.npz", string(alone)), Options{Standard: o.Standard}, 9, s.visit); err != nil || !slices.Equal(s.values, []float32{0, 0, 1, 1}) {
		t.Errorf("an array alone: %+v, %v", s, err)
	}

	dir := writeTree(t, map[string][]byte{"b/2.png": pngOf(coloured(2, 2, 1)), "1.png": pngOf(coloured(2, 2, 2)), "notes.txt": []byte("x")})
	s = seen{}
	if _, err := Unlabelled(dir, Options{ClassNames: []string{"cat", "dog"}}, 1, s.visit); err != nil || !slices.Equal(s.names, []string{"1.png", "b/2.png"}) {
		t.Errorf("images: %+v, %v", s, err)
	}

	for _, c := range []struct {
		path  string
		o     Options
		kind  error
		words string
	}{
		{writeText(t, "c.csv", "a\n1\n"), o, ErrOption, `a feature "b", and no column is called so`},
		{writeText(t, "d.csv", "a,b\n1,2\n3,word\n"), o, ErrInvalid, `line 3, column "b": "word" is not a number`},
		{writeText(t, "e.csv", "a,b\n"), o, ErrInvalid, "no row follows"},
		{writeText(t, "f.npz", string(npz(zip.Store, "z.npy", arrayOf("<f4", []int{1, 1}, []float32{1})))), o, ErrInvalid, "lacks x_train"},
		{"digits", o, ErrUnknown, "predictions are for"},
		{writeTree(t, map[string][]byte{"a.txt": []byte("x")}), o, ErrNotFound, "no images"},
	} {
		_, err := Unlabelled(c.path, c.o, 10, s.visit)
		checkError(t, err, c.kind, c.words)
		if _, err := Unlabelled(c.path, c.o, 10, s.visit); err != nil && strings.Count(err.Error(), c.path) > 1 {
			t.Errorf("the path is there twice: %v", err)
		}
	}
	// A table may be larger than the budget, and what lies between two visits may not.
	narrow := o
	narrow.MaxBytes = 1 << 17
	long := writeText(t, "long.csv", "a,b\n"+strings.Repeat("10,1\n", 1<<16))
	s = seen{}
	if _, err := Unlabelled(long, narrow, 1<<10, s.visit); err != nil || len(s.names) != 1<<16 {
		t.Errorf("a long table: %d rows, %v", len(s.names), err)
	}
	endless := writeText(t, "endless.csv", "a,b\n1,"+strings.Repeat("2", 1<<18))
	_, err := Unlabelled(endless, narrow, 1<<10, s.visit)
	checkError(t, err, ErrInvalid, "more than the 131072 bytes")
	stop := errors.New("enough")
	if _, err := Unlabelled(table, o, 2, func(*Dataset, []string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
