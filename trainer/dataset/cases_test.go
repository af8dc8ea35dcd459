package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/random"
)

// rowsOfText returns a table with a header and n rows.
func rowsOfText(header string, n int, row func(i int) string) string {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(row(i) + "\n")
	}
	return b.String()
}

// TestTablesAsPeopleHaveThem: what public reports were about is read, or refused with what to
// do. Each case stands for its kind.
func TestTablesAsPeopleHaveThem(t *testing.T) {
	draw := random.New(3, random.Testing, 0, 0)
	x := func() string { return fmt.Sprintf("%.3f", draw.Normal()) }
	passengers := func(i int) string {
		age := []string{"22", "", "35.5"}[i%3]
		return fmt.Sprintf(`%d,%d,"Mr. %d, Bob",male,%s,7.25`, i+1, i%2, i, age)
	}
	const passengerColumns = "PassengerId,Survived,Name,Sex,Age,Fare"
	for _, c := range []struct {
		name, file, text string
		options          Options
		notes            string // of the data, each in order
		words            []string
	}{
		{"NA among labels", "a.csv", "a,answer\n1,yes\n2,no\n3,NA\n4,yes\n", Options{}, "",
			[]string{`line 4, column "answer": the label "NA" says that it is missing`, "--missing-is-class"}},
		{"None among labels", "a.csv", "a,answer\n1,yes\n2,None\n", Options{}, "", []string{`"None" says that it is missing`}},
		{"a class called NA", "a.csv", "a,answer\n1,yes\n2,NA\n3,NA\n4,yes\n", Options{MissingIsClass: true}, "", nil},
		{"a class called nan beside numbers", "a.csv", "a,answer\n1,0\n2,nan\n3,nan\n4,0\n", Options{MissingIsClass: true}, "", nil},
		{"numbers to predict", "a.csv", rowsOfText("a,target", 60, func(i int) string { return fmt.Sprint(i%7, ",", 25+3*i) }), Options{}, "",
			[]string{"look like numbers to predict, 60 different ones, of which 60 have at most 2 samples", "--task regression", `in column "target", since it is called so: --label names another`}},
		{"fractions to predict", "a.csv", "a,b\n1,0.5\n2,1.5\n3,0.5\n", Options{}, "",
			[]string{"0.5 is a fraction", "--task regression", `in column "b", since it is the last`}},
		{"many classes", "a.csv", rowsOfText("a,class", 90, func(i int) string { return fmt.Sprint(i, ",", i%30) }), Options{}, "the column \"a\" counts the rows; if it is no feature, leave it out with --ignore \"a\"", nil},
		{"many classes in words", "a.csv", rowsOfText("a,class", 60, func(i int) string { return fmt.Sprint(i%7, ",c", i/2) }), Options{}, "", nil},
		{"decimal commas", "a.csv", "a;b;label\n0,523;-0,651;0\n2,552;0,534;1\n3;4;0\n5;6;1\n", Options{}, "", nil},
		{"decimal commas in quotes", "a.csv", "a,label\n\"0,523\",0\n\"2,552\",1\n3,0\n5,1\n", Options{}, "",
			[]string{`line 2, column "a": "0,523" is not a number`, "--decimal-comma"}},
		{"thousands", "a.csv", "a,label\n\"1,523\",0\n\"2,552,000.5\",1\n3,0\n5,1\n", Options{}, "", nil},
		{"points and commas", "a.csv", "a;b;label\n1.234;x;0\n0,5;y;1\n3;x;0\n5;y;1\n", Options{}, "",
			[]string{`line 2, column "a": 1.234; line 3, column "a": 0,5`, "--decimal-comma"}},
		{"numbers and a slip", "a.csv", rowsOfText("a,label", 200, func(i int) string { return fmt.Sprint(3*i, []string{"", "a"}[i/199], ",", i%2) }), Options{}, "",
			[]string{`line 201, column "a": "597a" is not a number, and most others are`, "write NA where a number is missing"}},
		{"decimal commas read", "a.csv", "a;b;label\n0,523;-0,651;0\n1.002,552;0,534;1\n3;4;0\n5;6;1\n", Options{DecimalComma: true}, "", nil},
		{"points among decimal commas", "a.csv", "a;b;label\n0,5;1.5;0\n1.002,5;0.534;1\n", Options{DecimalComma: true}, "",
			[]string{`line 2, column "b": "1.5" is not a number: --decimal-comma is for`}},
		{"an index of pandas", "a.csv", rowsOfText(",a,label", 12, func(i int) string { return fmt.Sprint(i, ",", x(), ",", i%2) }), Options{},
			"column 1 has no name and is taken for a feature; --ignore \"column 1\" leaves it out\nthe column \"column 1\" counts the rows; if it is no feature, leave it out with --ignore \"column 1\"", nil},
		{"an index left out", "a.csv", rowsOfText(",a,label", 12, func(i int) string { return fmt.Sprint(i, ",", x(), ",", i%2) }), Options{Ignore: "column 1"}, "", nil},
		{"numbered rows", "a.csv", rowsOfText("Id,a,species", 20, func(i int) string { return fmt.Sprint(i+1, ",", x(), ",", "xy"[i/10:i/10+1]) }), Options{},
			"the column \"Id\" counts the rows; if it is no feature, leave it out with --ignore \"Id\"", nil},
		{"a feature called y", "a.csv", "x,y,species\n0.5,-0.6,cat\n0.1,0.2,dog\n", Options{}, "",
			[]string{`column "y": -0.6 is a fraction`, `the labels are in column "y", since it is called so: --label names another`}},
		{"words and gaps", "titanic.csv", rowsOfText(passengerColumns, 9, passengers), Options{Label: "Survived"}, "", nil},
		{"words and gaps of what a network reads", "titanic.csv", rowsOfText(passengerColumns, 9, passengers),
			Options{Label: "Survived", Evaluate: true, Whole: true, FeatureNames: []string{"Age", "Fare"}, Standard: &Standard{Means: []float64{0, 0}, Deviations: []float64{1, 1}}},
			"the column \"PassengerId\" is not read: the network does not know it\nthe column \"Name\" is not read: the network does not know it\nthe column \"Sex\" is not read: the network does not know it\nline 3, column \"Age\": \"\" is missing, as it was nowhere in training, and is taken for the mean; rows where it is: 3",
			nil},
		{"words that a network does not read", "titanic.csv", rowsOfText(passengerColumns, 9, passengers),
			Options{Label: "Survived", Evaluate: true, Whole: true, FeatureNames: []string{"Sex", "Name"}, Standard: &Standard{Means: []float64{0, 0}, Deviations: []float64{1, 1}}}, "",
			[]string{`line 2, column "Name": "Mr. 0, Bob" is not a number (9 of 9 rows); line 2, column "Sex": "male" is not a number (9 of 9 rows): the network reads these columns: they have to hold numbers`}},
		{"words and gaps left out", "titanic.csv", rowsOfText(passengerColumns, 9, passengers), Options{Label: "Survived", Ignore: "Name, Sex,Age"}, "", nil},
		{"truth", "a.csv", "a,b,label\ntrue,1,x\nFALSE,2,y\nTrue,0,x\nfalse,5,y\n", Options{}, "", nil},
		{"no header", "iris.data", "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-virginica\n5.0,3.1,Iris-setosa\n4.1,3.1,Iris-virginica\n", Options{}, "",
			[]string{"line 1 reads like a sample", "--header=false"}},
		{"no header, said", "iris.data", "5.1,3.5,Iris-setosa\n4.9,3.0,Iris-virginica\n5.0,3.1,Iris-setosa\n4.1,3.1,Iris-virginica\n", Options{NoHeader: true}, "", nil},
		{"text with tabs", "a.txt", "a\tlabel\n1\tx\n2\ty\n3\tx\n4\ty\n", Options{}, "", nil},
		{"a class in one part", "a.csv", rowsOfText("a,label", 9, func(i int) string { return fmt.Sprint(i*i, ",", []string{"x", "y", "z"}[max(0, i-6)]) }), Options{Seed: 2},
			"the test part has no sample of 2 of the 3 classes: \"y\", \"z\"", nil},
		{"no such column", "a.csv", "a,b,label\n1,2,x\n3,4,y\n", Options{Ignore: "c"}, "", []string{`--ignore names the column "c"`}},
		{"the labels left out", "a.csv", "a,b,label\n1,2,x\n3,4,y\n", Options{Ignore: "label"}, "", []string{`"label", which is to be predicted`}},
		{"all left out", "a.csv", "a,b,label\n1,2,x\n3,4,y\n", Options{Ignore: "a,b"}, "", []string{"no column to predict from"}},
		{"no list", "a.csv", "a,b,label\n1,2,x\n3,4,y\n", Options{Ignore: `"a`}, "", []string{"--ignore", "no list of columns"}},
	} {
		d, err := Open(writeText(t, c.file, c.text), c.options)
		if c.words != nil {
			for _, words := range c.words {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("%s: %v, want %q", c.name, err, words)
				}
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := strings.Join(d.Notes, "\n"); got != c.notes {
			t.Errorf("%s: notes %q, want %q", c.name, got, c.notes)
		}
	}
	d, err := Open(writeText(t, "a.csv", "a;b;label\n0,5;-0,75;0\n1.002,5;0,5;1\n3;4;0\n-1 234.567;6e1;1\n"), Options{DecimalComma: true, Evaluate: true, Whole: true, Standard: &Standard{Means: []float64{0, 0}, Deviations: []float64{1, 1}}})
	if err != nil || !slices.Equal(d.Test.Values, []float32{0.5, -0.75, 1002.5, 0.5, 3, 4, -1234567, 60}) {
		t.Errorf("decimal commas: %+v, %v", d, err)
	}
	d, err = Open(writeText(t, "a.csv", "a,b,label\ntrue,1,x\nFALSE,2,y\n"), Options{Evaluate: true, Whole: true, Standard: &Standard{Means: []float64{0, 0}, Deviations: []float64{1, 1}}})
	if err != nil || !slices.Equal(d.Test.Values, []float32{1, 1, 0, 2}) {
		t.Errorf("truth: %+v, %v", d, err)
	}
}
