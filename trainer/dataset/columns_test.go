package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestColumnsByName: a network is evaluated on columns by their names, in whichever
// order they stand, and the column that is no feature holds the labels.
func TestColumnsByName(t *testing.T) {
	for _, c := range []struct {
		features, label string // Options.FeatureNames and Label
		text            string
		want            []float64 // of all rows; nil for an error with the words
		words           string
	}{
		{"a b c", "", "a,b,c,kind\n1,2,3,x\n4,5,6,y\n", []float64{1, 2, 3, 4, 5, 6}, ""},
		{"a b c", "", "kind,c,a,b\nx,3,1,2\ny,6,4,5\n", []float64{1, 2, 3, 4, 5, 6}, ""},
		{"a b c", "kind", "c,kind,b,a\n3,x,2,1\n", []float64{1, 2, 3}, ""},
		{"a class", "", "class,kind,a\n2,x,1\n", []float64{1, 2}, ""}, // a feature may have the name of labels
		{"a b", "", "a,c,kind\n1,2,x\n", nil, `trained on a feature "b", and no column is called so; there are a, c, kind`},
		{"a b", "", "a,kind\n1,x\n", nil, `trained on a feature "b"`},
		{"a b", "", "b,a,extra,kind\n1,2,3,x\n", []float64{2, 1}, ""}, // a column that the network does not know
		{"a b", "", "b,a\n1,2\n", nil, `no column is left for the labels: the network was trained on all of b, a; add theirs, or name it with --label`},
		{"a b c", "", "a,b\n1,2\n", nil, `no column is left for the labels`},
		{"a b", "", "x,kind,a,b\n1,x,2,3\n", nil, `which of the columns x, kind holds the labels? Name it with --label`},
		{"a b", "", "x,class,a,b\n1,x,2,3\n", []float64{2, 3}, ""}, // its name says which
		{"a b", "kinds", "b,a,kind\n1,2,x\n", nil, `no column "kinds" to predict; there are "b, a, kind": name another with --label`},
		{"a b", "a", "a,b,kind\n1,2,3\n", nil, `trained on a feature "a"`},
	} {
		features := strings.Fields(c.features)
		d, err := openCSV(writeText(t, "file.csv", c.text), Options{Label: c.label, FeatureNames: features}, newBudget(0))
		if c.want == nil {
			checkError(t, err, ErrOption, c.words, "file.csv")
			continue
		}
		if err != nil || !slices.Equal(featuresOf(d, d.Train), c.want) || !slices.Equal(d.FeatureNames, features) || d.Label == "a" {
			t.Errorf("%q by %q: %+v, %v", c.text, c.features, d, err)
		}
	}
	// The network knows the name of its labels.
	named, err := openCSV(writeText(t, "file.csv", "b,outcome,a,score\n1,x,2,0\n"), Options{FeatureNames: []string{"a", "b"}, LabelName: "outcome"}, newBudget(0))
	if err != nil || named.Label != "outcome" || !slices.Equal(featuresOf(named, named.Train), []float64{2, 1}) || len(named.Notes) != 1 {
		t.Errorf("%+v, %v", named, err)
	}
	// In regression targets and features are found by their names.
	numbers, err := openCSV(writeText(t, "file.csv", "y,b,z,a\n5,2,6,1\n"),
		Options{Regression: true, Evaluate: true, FeatureNames: []string{"a", "b"}, TargetNames: []string{"z", "y"}}, newBudget(0))
	if err != nil || !slices.Equal(featuresOf(numbers, numbers.Train), []float64{1, 2}) || !slices.Equal(numbers.Train.rawTargets, []float64{6, 5}) {
		t.Errorf("%+v, %v", numbers, err)
	}
	// Training gets the names in the order of the file.
	d, err := openCSV(writeText(t, "file.csv", "b,class,a\n1,x,2\n"), Options{}, newBudget(0))
	if err != nil || !slices.Equal(d.FeatureNames, []string{"b", "a"}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestLongNames(t *testing.T) {
	var names []string
	for i := range 3 {
		names = append(names, fmt.Sprint(i, strings.Repeat("x", maxNames/3)))
	}
	_, err := tableOf(strings.Join(names, ",")+"\n", "")
	checkError(t, err, ErrInvalid, "the names of its 3 columns take", "shorten them")
}
