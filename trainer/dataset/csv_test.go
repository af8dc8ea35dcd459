package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"nashprune/trainer/memorytest"
)

// flowers is a file of two features and three classes, in the order of the
// classes.
func flowers() string {
	var b strings.Builder
	b.WriteString("length,class,width\n")
	for class, name := range []string{"rose", "aster", "lily"} {
		for i := range 10 {
			fmt.Fprintf(&b, "%d.5,%s,%d\n", 10*class+i, name, i*i)
		}
	}
	return b.String()
}

func writeText(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tableOf reads a text as a CSV file.
func tableOf(text, label string) (*table, error) {
	t := newTable(Options{Label: label})
	return t, t.read(iotest.OneByteReader(strings.NewReader(text)), newBudget(0))
}

// However a table is written, it is the same table.
func TestCSVDialects(t *testing.T) {
	const plain = "a,b,class\n1,-2.5,x\n3e2,4,y\n"
	for name, text := range map[string]string{
		"plain":              plain,
		"byte order mark":    "\xef\xbb\xbf" + plain,
		"CRLF":               strings.ReplaceAll(plain, "\n", "\r\n"),
		"semicolons":         strings.ReplaceAll(plain, ",", ";"),
		"tabs":               strings.ReplaceAll(plain, ",", "\t"),
		"quoted":             "\"a\",\"b\",\"class\"\n\"1\",\"-2.5\",\"x\"\n300,4,\"y\"\n",
		"quoted delimiters":  "\"a\",\"b\",\"class\"\n1,-2.5,x\n300,4,y\n",
		"spaces":             "a, b , class\n 1, -2.5 ,x \n3e2,\t4, y\n",
		"no newline at end":  strings.TrimSuffix(plain, "\n"),
		"empty lines":        "a,b,class\n\n1,-2.5,x\n\n\n3e2,4,y\n\n",
		"mark, quoted, CRLF": "\xef\xbb\xbf\"a\";b;class\r\n1;-2.5;x\r\n3e2;4;y\r\n",
	} {
		got, err := tableOf(text, "")
		if err != nil || !slices.Equal(got.header, []string{"a", "b", "class"}) ||
			!slices.Equal(got.parts[0].raw.flat(), []float64{1, -2.5, 300, 4}) || !slices.Equal(got.parts[0].Labels, []uint8{0, 1}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	odd, err := tableOf("\"a,;b\",\"say \"\"y\"\"\",class\n1,2,\"two\nlines\"\n", "")
	if err != nil || odd.header[0] != "a,;b" || odd.header[1] != `say "y"` || odd.words.words[0].text != "two\nlines" {
		t.Errorf("%+v, %v", odd, err)
	}
}

func TestLabelColumn(t *testing.T) {
	for _, c := range []struct {
		header, label string
		want          int
	}{
		{"a,label,class", "", 1},
		{"class,a,label", "", 2},
		{"Target,a,b", "", 0},
		{"a,Y,b", "", 1},
		{"a,b,species", "", 2},
		{"a,b,class", "b", 1},
	} {
		got, err := findLabel(strings.Split(c.header, ","), c.label)
		if err != nil || got != c.want {
			t.Errorf("%s, %q: %d, %v", c.header, c.label, got, err)
		}
	}
	_, err := findLabel([]string{"a", "b"}, "c")
	checkError(t, err, ErrOption, `no column "c"`, "a, b")
}

// TestTwoColumnsOfAName: they are refused, unless neither is read.
func TestTwoColumnsOfAName(t *testing.T) {
	for _, c := range []struct {
		header string
		o      Options
		want   string // of the error; none: there is none
	}{
		{"a,b,a,y", Options{}, `line 1: columns 1 and 3 are both called "a": rename one in the file, or leave both out with --ignore; the labels are in column "y"`},
		{"a, b ,b,y", Options{Label: "y"}, `columns 2 and 3 are both called "b"`},
		{"a,y,b,y", Options{}, `columns 2 and 4 are both called "y"`},
		{"a,y,b,y", Options{Label: "y"}, `columns 2 and 4 are both called "y"`},
		{"y,b,a,y", Options{Label: "y,a", Regression: true}, `columns 1 and 4 are both called "y"`},
		{"a,,column 2,y", Options{}, `columns 2 and 3 are both called "column 2"`},
		{"a,,,y", Options{}, ""}, // without names they are column 2 and column 3
		{"a,b,a,y", Options{Ignore: "a"}, ""},
		// Where the network knows its columns, others are not read.
		{"a,b,a,y", Options{FeatureNames: []string{"a", "b"}, Evaluate: true}, `columns 1 and 3 are both called "a"`},
		{"a,b,c,c", Options{FeatureNames: []string{"a", "b"}, Evaluate: true, unlabelled: true}, ""},
		{"a,b,c,c", Options{FeatureNames: []string{"a", "b"}, Evaluate: true}, `columns 3 and 4 are both called "c"`},
	} {
		err := newTable(c.o).setHeader(strings.Split(c.header, ","))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %q", c.header, err, c.want)
		}
	}
}

func TestClassNames(t *testing.T) {
	for _, c := range []struct {
		words  string
		given  []string
		names  []string
		labels []uint8
	}{
		{"b a c a", nil, []string{"a", "b", "c"}, []uint8{1, 0, 2, 0}},
		{"10 9 2 10", nil, []string{"2", "9", "10"}, []uint8{2, 1, 0, 2}},
		{"1 1.0 0 -0 +1", nil, []string{"0", "1"}, []uint8{1, 1, 0, 0, 1}},
		{"-1 1", nil, []string{"-1", "1"}, []uint8{0, 1}},
		{"1 1.0 x", nil, []string{"1", "1.0", "x"}, []uint8{0, 1, 2}},
		{"c a", []string{"a", "b", "c"}, []string{"a", "b", "c"}, []uint8{2, 0}},
		{"2.0 1", []string{"1", "2", "3"}, []string{"1", "2", "3"}, []uint8{1, 0}},
		// float64 holds no odd whole number above 2^53.
		{"9007199254740993 -9007199254740993 9007199254740992 +09007199254740993", nil,
			[]string{"-9007199254740993", "9007199254740992", "9007199254740993"}, []uint8{2, 0, 1, 2}},
		{"9007199254740992 9007199254740993", []string{"9007199254740993", "9007199254740992"}, []string{"9007199254740993", "9007199254740992"}, []uint8{1, 0}},
		{"2000000000 1000000000 1e9 1000000000.0", nil, []string{"1000000000", "2000000000"}, []uint8{1, 0, 0, 0}},
		{"inf big", nil, []string{"big", "inf"}, []uint8{1, 0}},
	} {
		table, err := tableOf("a,y\n0,"+strings.ReplaceAll(c.words, " ", "\n0,")+"\n", "")
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		names, err := table.words.nameClasses(c.given, table.parts...)
		if err != nil || !slices.Equal(names, c.names) || !slices.Equal(table.parts[0].Labels, c.labels) {
			t.Errorf("%s: %q %v, %v; want %q %v", c.words, names, table.parts[0].Labels, err, c.names, c.labels)
		}
	}
	table, err := tableOf("a,y\n0,b\n1,z\n", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = table.words.nameClasses([]string{"a", "b"}, table.parts...)
	checkError(t, err, ErrOption, `line 3, column "y"`, `the class "z"`, "a, b")
}

// Columns may be called by numbers: those of pandas, some of these, wavelengths.
func TestNumbersAsNames(t *testing.T) {
	for _, header := range []string{"0,1,2,y", "y,12,3,7", "400.5,402.5,404.5,y", "0.5,y"} {
		columns := strings.Count(header, ",")
		row := strings.Repeat("1,", columns) + "1\n"
		if err := (&table{options: Options{Label: "y"}}).read(strings.NewReader(header+"\n"+row+row), newBudget(0)); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestCSVErrors(t *testing.T) {
	many := "a,y\n"
	for i := range 257 {
		many += fmt.Sprintf("0,c%d\n", i)
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "it is empty"},
		{"mark alone", "\xef\xbb\xbf", "it is empty"},
		{"header alone", "a,b\n", "no row follows"},
		{"no header", "1,2,3\n4,5,6\n", "line 1 holds numbers alone"},
		{"no header, and words", "5.1,3.5,1.4,rose\n4.9,3.0,1.4,rose\n", `line 1 reads like a sample, "5.1, 3.5, 1.4, rose"`},
		{"no header, and whole numbers", "rose,1,0,1\nrose,2,0,1\n", "line 1 reads like a sample"},
		{"line ends of old", "a,b,y\r1,2,x\r3,4,z\r", "line 1, column 3: a carriage return is in its name"},
		{"one column", "a\n1\n", "line 1 names one column"},
		{"UTF-16", "\xff\xfea\x00,\x00b\x00\n\x00", "not UTF-8"},
		{"infinite", "a,b,y\n1,-inf,x\n", `line 2, column "b": invalid data: -Inf is more`},
		{"beyond float64", "a,b,y\n1,1e999,x\n", `line 2, column "b": invalid data: +Inf is more`},
		{"beyond float32", "a,b,y\n1,1e39,x\n", "1e+39 is more than float32 holds"},
		{"long row", "a,b,y\n1,2,x,4\n", "line 2 has 4 fields, and the header names 3"},
		{"short row after two lines in one", "a,b,y\n1,2,\"x\nx\"\n1,2\n", "line 4 has 2 fields"},
		{"quote", "a,b,y\n1,2,x\n1,2,x\"y\n", `line 3: bare "`},
		{"open quote", "a,b,y\n1,2,\"x\n", `extraneous or missing "`},
		{"no label", "a,b,y\n1,2,\n", `line 2, column "y": the label is missing`},
		{"257 labels", many, `line 258, column "y": "c256" is one label more than 256; is another column the labels'? Name it with --label; are they numbers`},
		{"long label", "a,y\n1," + strings.Repeat("x", 257) + "\n", "longer than 256 bytes"},
		{"label in Latin-1", "a,y\n1,\xe4\n", "not UTF-8"},
		{"one class", "a,y\n1,x\n2,x\n3,x\n", "are of class x; training needs two classes"},
		{"constant", "a,b,y\n1,2,x\n1,2,y\n1,2,x\n1,2,y\n", "every feature is the same"},
		{"a sample a class", "a,y\n1,x\n2,y\n", "no class has two samples"},
		{"gzip cut", "\x1f\x8b\x08", "truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(writeText(t, "file.csv", c.text), Options{})
			checkError(t, err, ErrInvalid, "file", c.want)
		})
	}
}

func TestOpenCSV(t *testing.T) {
	for name, path := range map[string]string{
		"plain": writeText(t, "flowers.csv", flowers()),
		"gzip":  writeText(t, "flowers.csv.gz", string(zipped([]byte(flowers())))),
		"tabs":  writeText(t, "flowers.tsv", strings.ReplaceAll(flowers(), ",", "\t")),
	} {
		d, err := Open(path, Options{Seed: 3, Validation: 0.25})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.Name != "csv:flowers" || d.Label != "class" || !slices.Equal(d.ClassNames, []string{"aster", "lily", "rose"}) ||
			d.Height != 1 || d.Width != 2 || d.Classes != 3 {
			t.Errorf("%s: %+v", name, d)
		}
		if d.Train.Len() != 18 || d.Validation.Len() != 6 || d.Test.Len() != 6 {
			t.Errorf("%s: %d, %d and %d samples", name, d.Train.Len(), d.Validation.Len(), d.Test.Len())
		}
		if !slices.Equal(d.Test.Labels, []uint8{2, 2, 0, 0, 1, 1}) {
			t.Errorf("%s: test labels %v, want two a class, as in the file", name, d.Test.Labels)
		}
		if slices.Compact(slices.Clone(d.Validation.Labels))[0] == d.Validation.Labels[5] && len(slices.Compact(slices.Clone(d.Validation.Labels))) == 1 {
			t.Errorf("%s: all validation samples are of one class", name)
		}
		checkStandard(t, d)
		same, err := Open(path, Options{Seed: 3, Validation: 0.25})
		if err != nil || !slices.Equal(same.Train.Values, d.Train.Values) || !slices.Equal(same.Test.Values, d.Test.Values) {
			t.Errorf("%s: the same seed divides otherwise (%v)", name, err)
		}
		other, err := Open(path, Options{Seed: 4, Validation: 0.25})
		if err != nil || slices.Equal(other.Test.Values, d.Test.Values) {
			t.Errorf("%s: another seed divides alike (%v)", name, err)
		}
	}
}

// checkStandard wants the training features to have mean 0 and deviation 1.
func checkStandard(t *testing.T, d *Dataset) {
	t.Helper()
	n := float64(d.Train.Len())
	for f := range d.Train.Features {
		var mean, square float64
		for i := range d.Train.Len() {
			x := float64(d.Train.Values[i*d.Train.Features+f])
			mean += x / n
			square += x * x / n
		}
		const tolerance = 1e-6 // a few roundings of float32
		if math.Abs(mean) > tolerance || math.Abs(square-1) > tolerance {
			t.Errorf("feature %d has mean %g and mean square %g", f, mean, square)
		}
	}
	if d.Mean != 0 || d.Deviation != 1 {
		t.Errorf("mean %v and deviation %v for the engines", d.Mean, d.Deviation)
	}
}

func TestTestFile(t *testing.T) {
	train := writeText(t, "train.csv", flowers())
	test := writeText(t, "test.csv", "length,class,width\n1,lily,2\n5,tulip,3\n")
	d, err := Open(train, Options{TestFile: test})
	if err != nil || d.Train.Len() != 30 || !slices.Equal(d.Test.Labels, []uint8{1, 3}) || d.ClassNames[3] != "tulip" {
		t.Errorf("%+v, %v", d, err)
	}
	other := writeText(t, "other.csv", "length,width,class\n1,2,lily\n")
	_, err = Open(train, Options{TestFile: other})
	checkError(t, err, ErrInvalid, "other.csv", "its header is not that of the training samples", "theirs stand in the order length, class, width")
	for text, words := range map[string]string{
		"length,width\n1,2\n":                       `it lacks the column "class"; there are length, width`,
		"length,kind,width\n1,lily,2\n":             `it lacks the column "class"; there are length, kind, width`,
		"length,class,width,height\n1,lily,2,3\n":   `they have no column "height"`,
		"length,class,width,length\n1,lily,2,3\n":   `they have no second column "length"`,
		"length,class,width,class\n1,lily,2,lily\n": `they have no second column "class"`,
	} {
		_, err = Open(train, Options{TestFile: writeText(t, "other.csv", text)})
		checkError(t, err, ErrInvalid, "other.csv", "its header is not that of the training samples", words)
	}
	_, err = Open(train, Options{TestFile: train + ".missing"})
	checkError(t, err, ErrNotFound, "no such file")
	_, err = Open(train, Options{TestFile: test, TestFraction: 0.5})
	checkError(t, err, ErrOption, "a test part of its own")
}

func TestOptionsThatDoNotFit(t *testing.T) {
	csvPath := writeText(t, "flowers.csv", flowers())
	for _, c := range []struct {
		name    string
		options Options
		want    string
	}{
		{"digits", Options{Label: "class"}, "only CSV files have columns"},
		{"digits", Options{TestFile: csvPath}, "only CSV files take one"},
		{"digits:train=10,test=10", Options{TestFraction: 0.1}, "a test part of its own"},
		{csvPath, Options{Label: "colour"}, `no column "colour"`},
		{csvPath, Options{TestFraction: 1}, "below 1"},
		{csvPath, Options{TestFraction: math.NaN()}, "NaN"},
		{csvPath, Options{Evaluate: true, Standard: &Standard{Means: make([]float64, 3)}}, "2 features, and the network was trained on 3"},
		{csvPath, Options{Evaluate: true, ClassNames: []string{"rose", "aster"}}, `does not know the class "lily"`},
	} {
		_, err := Open(c.name, c.options)
		checkError(t, err, ErrOption, c.want)
	}
}

// A network is evaluated with the means that it was trained with, on all samples of
// other data, be they of one class.
func TestJudge(t *testing.T) {
	path := writeText(t, "more.csv", "length,class,width\n3,lily,5\n7,lily,5\n")
	d, err := Open(path, Options{
		Evaluate: true, Whole: true, ClassNames: []string{"aster", "lily"},
		Standard: &Standard{Means: []float64{1, 5}, Deviations: []float64{2, 10}},
	})
	if err != nil || d.Train.Len() != 0 || d.Train.Features != 2 || !slices.Equal(d.Test.Values, []float32{1, 0, 3, 0}) || !slices.Equal(d.Test.Labels, []uint8{1, 1}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestStandardOf(t *testing.T) {
	for _, c := range []struct {
		name            string
		values          []float64
		mean, deviation float64
	}{
		{"one", []float64{7}, 7, 1},
		{"constant", []float64{0.1, 0.1, 0.1}, 0.1, 1},
		{"far away", []float64{1e15, 1e15 + 2}, 1e15 + 1, 1},
		{"tiny", []float64{1e-200, 3e-200}, 2e-200, 1e-200},
		{"largest", []float64{-maxMagnitude, maxMagnitude}, 0, maxMagnitude},
	} {
		s := standardOf(c.values, 1)
		if s.Means[0] != c.mean || math.Abs(s.Deviations[0]/c.deviation-1) > 1e-15 {
			t.Errorf("%s: mean %g, deviation %g", c.name, s.Means[0], s.Deviations[0])
		}
	}
}

// Every class is in the test part, and none but the rarest leaves the training.
func TestDrawTest(t *testing.T) {
	for _, c := range []struct {
		fraction float64
		counts   []int // samples of each class
		want     []int // of which are drawn
	}{
		{0.2, []int{10, 10}, []int{2, 2}},
		{0.2, []int{100, 3, 2, 1, 0, 7}, []int{20, 1, 1, 0, 0, 1}},
		{0.001, []int{50, 50}, []int{1, 1}},
		{0.999, []int{50, 2}, []int{49, 1}},
	} {
		d := &Dataset{Classes: len(c.counts), Train: Samples{Features: 1}}
		var numbers []float64
		for class, count := range c.counts {
			for range count {
				numbers = append(numbers, float64(len(numbers)))
				d.Train.Labels = append(d.Train.Labels, uint8(class))
			}
		}
		all := slices.Clone(numbers)
		d.Train.raw = matrixOf(numbers, 1)
		if err := d.drawTest(c.fraction, 1); err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		got := make([]int, len(c.counts))
		for _, label := range d.Test.Labels {
			got[label]++
		}
		together := append(d.Train.raw.flat(), d.Test.raw.flat()...)
		slices.Sort(together)
		if !slices.Equal(got, c.want) || !slices.Equal(together, all) || !slices.IsSorted(d.Test.raw.flat()) {
			t.Errorf("%v of %v: %v, want %v", c.fraction, c.counts, got, c.want)
		}
	}
}

// A row of half a million fields takes memory in proportion.
func TestHugeRow(t *testing.T) {
	header := "y" + strings.Repeat(",a", 1<<19)
	var err error
	used := memorytest.Allocated(func() { _, err = tableOf(header+"\n", "") })
	checkError(t, err, ErrInvalid, "line 1 names 524289 columns; at most 262145 are taken")
	if used > 200*uint64(len(header)) {
		t.Errorf("%d bytes are allocated for %d", used, len(header))
	}
	unnamed := strings.Repeat(",", 1<<17) + "\n"
	used = memorytest.Allocated(func() { _, err = tableOf(unnamed+unnamed, "") })
	checkError(t, err, ErrInvalid, "missing")
	if used > 2000*uint64(len(unnamed)) { // about 900 a column, more with the race detector; a square would be 10^10 in all
		t.Errorf("%d bytes are allocated for %d columns without names", used, len(unnamed))
	}
	path := writeText(t, "file.csv", "a,y\n1,x\n"+strings.Repeat("9", 1<<16))
	_, err = Open(path, Options{MaxBytes: 1 << 15})
	checkError(t, err, ErrInvalid, "more than the 32768 bytes")
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"", flowers(), "\xef\xbb\xbfa;b;class\r\n1;2;x\r\n3;4;y\r\n", "a,y\n1,\"two\nlines\"\n", "a,y\n1,1.0\n2,1\n", "a,b\n1\n", "y,a\n0,1e999\n", shapes, "a;b;y\n1,5;x;p\n2,5;;q\n", "a,y\n1,p\n\"1,234.5\",q\nword,p\n",
		"y" + strings.Repeat(",a", 1000) + "\n0" + strings.Repeat(",1", 1000),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, options := range []Options{{}, {Regression: true}, {Regression: true, Label: "b,a"}} {
			table := newTable(options)
			var err error
			// A field of two bytes has a header, a number and a place in the record.
			memorytest.Within(t, memorytest.Bound{PerByte: 400, Constant: 1 << 20}, func() int {
				err = table.read(bytes.NewReader(text), newBudget(1<<30))
				return len(text)
			})
			if err == nil {
				var names []string
				if !options.Regression {
					names, err = table.words.nameClasses(nil, table.parts...)
				}
				if err == nil {
					d := table.dataset("fuzzed", table.parts[0])
					d.Classes = len(names)
					checkSamples(t, d)
				}
			}
			kind := ErrInvalid
			if options.Label != "" && errors.Is(err, ErrOption) { // there may be no such columns
				kind = ErrOption
			}
			if err != nil && (!errors.Is(err, kind) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("error %q", err)
			}
		}
	})
}
