package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/random"
)

// rawStandard leaves features as they are.
func rawStandard(features int) *Standard {
	return &Standard{make([]float64, features), slices.Repeat([]float64{1}, features)}
}

const shapes = `size,form,open,code,note,y
1.5,round,true,7,first word,a
,square,FALSE,A1,second words,b
2.5,?,True,7.0,third of all,a
4,round,false,A1,and a fourth,b
`

// TestColumns: words become levels, in order, gaps are marked, true is 1, and names are left out.
func TestColumns(t *testing.T) {
	d, err := openCSV(writeText(t, "a.csv", shapes), Options{Evaluate: false}, newBudget(0))
	if err != nil {
		t.Fatal(err)
	}
	want := []Column{
		{Name: "size", Marked: true}, {Name: "form", Levels: []string{"round", "square"}, Marked: true}, {Name: "open"}, {Name: "code", Levels: []string{"7", "A1"}},
	}
	if !reflect.DeepEqual(d.Columns, want) {
		t.Errorf("columns %+v", d.Columns)
	}
	if names := strings.Join(d.FeatureNames, "|"); names != "size|size is missing|form=round|form=square|form is missing|open|code=7|code=A1" {
		t.Errorf("features %s", names)
	}
	nan := math.NaN()
	got, rows := featuresOf(d, d.Train), []float64{
		1.5, 0, 1, 0, 0, 1, 1, 0,
		nan, 1, 0, 1, 0, 0, 0, 1,
		2.5, 0, 0, 0, 1, 1, 1, 0,
		4, 0, 1, 0, 0, 0, 0, 1,
	}
	if !slices.EqualFunc(got, rows, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }) {
		t.Errorf("rows %v", got)
	}
	var uses []string
	for _, u := range d.Uses {
		uses = append(uses, u.Name+": "+u.Use)
	}
	for i, words := range []string{
		"size: number; 1 of 4 missing: it is their mean, and a further feature says so",
		`form: 2 levels: "round", "square"; 1 of 4 missing: it is no level, and a further feature says so`,
		"open: true or false, as 1 or 0", `code: 2 levels: "7", "A1"`, "note: left out: 4 different words in 4 rows", "y: label",
	} {
		if uses[i] != words {
			t.Errorf("%q, want %q", uses[i], words)
		}
	}

	// What a network knows of these columns reads others in the same way, and says what is new.
	again, err := openCSV(writeText(t, "b.csv", "y,form,size,code,open\nb,oval,3,7,false\na,round,,,true\nb,none,1,A1,\n"), Options{Evaluate: true, Whole: true, Columns: d.Columns, ClassNames: d.ClassNames}, newBudget(0))
	if err != nil {
		t.Fatal(err)
	}
	got, rows = featuresOf(again, again.Train), []float64{
		3, 0, 0, 0, 0, 0, 1, 0,
		nan, 1, 1, 0, 0, 1, 0, 0,
		1, 0, 0, 0, 1, nan, 0, 1,
	}
	if !slices.EqualFunc(got, rows, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }) {
		t.Errorf("rows %v", got)
	}
	for _, words := range []string{
		`line 2, column "form": "oval" is not among the levels of training and is taken for none of them; rows with such a level: 1`,
		`line 3, column "code": "" is missing, as it was nowhere in training, and is taken for none of the levels; rows where it is: 1`,
		`line 4, column "open": "" is missing, as it was nowhere in training, and is taken for the mean; rows where it is: 1`,
	} {
		if !slices.Contains(again.Notes, words) {
			t.Errorf("%q is not in %q", words, again.Notes)
		}
	}
}

// TestMissingIsTheMean: what is missing is 0 once it is standardised, and changes neither mean nor
// deviation; the deviation of a rare level is bounded.
func TestMissingIsTheMean(t *testing.T) {
	rows := rowsOfText("x,k,y", 400, func(i int) string {
		x, k := strconv.Itoa(i%4), "common"
		if i%40 == 0 {
			x = "NA"
		}
		if i == 7 || i == 13 {
			k = "rare"
		}
		return x + "," + k + "," + []string{"a", "b"}[i/2%2]
	})
	d, err := Open(writeText(t, "a.csv", rows), Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, square, n := 0., 0., 0.
	for i := range d.Train.Len() {
		v := d.Train.Values[i*d.Train.Features:]
		if missing := v[1] > 0; missing != (v[0] == 0) || missing && v[1] < 5 {
			t.Fatalf("sample %d: %v", i, v[:2])
		} else if !missing {
			sum, square, n = sum+float64(v[0]), square+float64(v[0])*float64(v[0]), n+1
		}
	}
	const tolerance = 1e-6 // of float32 values
	if math.Abs(sum/n) > tolerance || math.Abs(square/n-1) > tolerance {
		t.Errorf("mean %g and variance %g of what is not missing", sum/n, square/n)
	}
	if s := d.Standard; s.Deviations[3] != leastSpread || s.Deviations[2] != leastSpread {
		t.Errorf("deviations %v", s.Deviations)
	}
}

// TestTestFileHasKnownColumns: a second file is read by the columns of the first.
func TestTestFileHasKnownColumns(t *testing.T) {
	other := writeText(t, "b.csv", strings.ReplaceAll(shapes, "round", "flat"))
	d, err := openCSV(writeText(t, "a.csv", shapes), Options{TestFile: other}, newBudget(0))
	if err != nil || d.Test.Features != 8 || len(d.Notes) != 1 || !strings.Contains(d.Notes[0], `"flat" is not among the levels of training and is taken for none of them; rows with such a level: 2`) {
		t.Errorf("%+v, %v", d, err)
	}
	words := writeText(t, "c.csv", strings.Replace(shapes, "1.5", "much", 1))
	_, err = openCSV(writeText(t, "a.csv", shapes), Options{TestFile: words}, newBudget(0))
	checkError(t, err, ErrInvalid, `"much" is not a number (1 of 4 rows): the training samples have numbers there`)
}

// TestLevelsOfNumbersBefore: a column of numbers, or of true and false, becomes one of words at its
// first word, with the rows before it.
func TestLevelsOfNumbersBefore(t *testing.T) {
	for text, want := range map[string][]string{
		"a,y\n1,p\n10,q\n2.0,p\nx,q\n2,p\n1,q\n10,p\nx,q\n":         {"1", "10", "2", "x"},
		"a,y\ntrue,p\nFALSE,q\nmaybe,p\nTrue,q\nfalse,p\nmaybe,q\n": {"false", "maybe", "true"},
		"a,y\n10,p\n9,q\n-1,q\n\"1,0\",p\n9,q\n10,p\n-1,q\n":        nil, // decimals with a comma
	} {
		d, err := openCSV(writeText(t, "a.csv", text), Options{}, newBudget(0))
		if want == nil {
			checkError(t, err, ErrInvalid, "--decimal-comma")
			continue
		}
		if err != nil || !slices.Equal(d.Columns[0].Levels, want) {
			t.Errorf("%q: %+v, %v", text, d, err)
			continue
		}
		for i, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
			word, _, _ := strings.Cut(strings.ToLower(line), ",")
			if number, ok := asNumber(word); ok {
				word = number
			}
			if level := int(d.Train.raw.row(i)[0]); want[level] != word {
				t.Errorf("%q: row %d is %q", text, i, want[level])
			}
		}
	}
}

// TestPlainNumber holds the quick reading of numbers to that of the standard library.
func TestPlainNumber(t *testing.T) {
	for _, text := range []string{"", "-", "+", ".", "-.5", "5.", "0.1", "1.7976931", "123456789012345", "1234567890123456", "0.000000000000001", "-0", "00012", "1e3", "1_0", "0x10", "1.2.3", " 1", "٣", "9999999.99999999", "inf"} {
		x, ok := plainNumber([]byte(text))
		want, err := strconv.ParseFloat(text, 64)
		if ok && (err != nil || math.Float64bits(x) != math.Float64bits(want)) {
			t.Errorf("%q is read as %v; the library reads %v, %v", text, x, want, err)
		}
	}
	if _, ok := plainNumber([]byte("-12.25")); !ok {
		t.Error("-12.25 is not read")
	}
}

// FuzzRecords holds the reading of records to encoding/csv: the same fields on the same lines.
func FuzzRecords(f *testing.F) {
	for _, text := range []string{"a,b\n1,2\n", "a,\"b\nc\",d\r\n\r\n\"x\"\"y\",,\n", "\"", "a\"b,c\n", "\"a\"b\n", "a,b", "\r\n\r", "a\rb\n", ",\n,,\n", "\"a\n\nb\"\n\nc"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		theirs := csv.NewReader(bytes.NewReader(text))
		theirs.FieldsPerRecord = -1
		var ours *records
		memorytest.Within(t, memorytest.Bound{PerByte: 100, Constant: 1 << 18}, func() int {
			ours = newRecords(bufio.NewReaderSize(bytes.NewReader(text), 16), ',')
			return len(text)
		})
		for {
			want, err := theirs.Read()
			got, ourErr := ours.read()
			if err == io.EOF || ourErr == io.EOF {
				if err != ourErr {
					t.Fatalf("%v, encoding/csv has %v", ourErr, err)
				}
				return
			}
			if err != nil {
				parse, ourParse := new(csv.ParseError), new(csv.ParseError)
				if !errors.As(err, &parse) || !errors.As(ourErr, &ourParse) || parse.Err != ourParse.Err {
					t.Fatalf("%v, encoding/csv has %v", ourErr, err)
				}
				return
			}
			line, _ := theirs.FieldPos(0)
			if ourErr != nil || line != ours.line || !slices.EqualFunc(got, want, func(a []byte, b string) bool { return string(a) == b }) {
				t.Fatalf("line %d, %q, %v; encoding/csv has line %d, %q", ours.line, got, ourErr, line, want)
			}
		}
	})
}

// FuzzPlainNumber holds the quick reading of numbers to the bits of the standard library, and to read
// all digits of which there are few enough.
func FuzzPlainNumber(f *testing.F) {
	for _, text := range []string{"", "-.5", "123456789012345", "1234567890.12345", "-0", "000", ".", "1..2", "9007199254740993"} {
		f.Add([]byte(text))
	}
	plain := regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)$`)
	f.Fuzz(func(t *testing.T, text []byte) {
		x, ok := plainNumber(text)
		want, err := strconv.ParseFloat(string(text), 64)
		if ok && (err != nil || math.Float64bits(x) != math.Float64bits(want)) {
			t.Errorf("%q is read as %v; the library reads %v, %v", text, x, want, err)
		}
		if digits := len(bytes.Trim(bytes.ReplaceAll(text, []byte{'.'}, nil), "+-")); plain.Match(text) && digits < len(tens) && !ok {
			t.Errorf("%q has %d digits and is not read", text, digits)
		}
	})
}

// TestPlainNumbers reads random numbers of every count of digits and of decimals as the library does.
func TestPlainNumbers(t *testing.T) {
	draw := random.New(1, random.Testing, 0, 0)
	for digits := 1; digits < len(tens); digits++ {
		for decimals := range digits + 1 {
			for range 200 {
				text := make([]byte, 0, 20)
				for i := range digits {
					if i == digits-decimals {
						text = append(text, '.')
					}
					text = append(text, '0'+byte(draw.Below(10)))
				}
				x, ok := plainNumber(text)
				if want, err := strconv.ParseFloat(string(text), 64); !ok || err != nil || math.Float64bits(x) != math.Float64bits(want) {
					t.Fatalf("%s is read as %v, %v; the library reads %v, %v", text, x, ok, want, err)
				}
			}
		}
	}
}
