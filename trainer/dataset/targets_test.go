package dataset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
)

// houses is a file of two features and two targets, one of them in the middle:
// row i has the price 1000 i and the rooms i % 4.
func houses(rows int) string {
	var b strings.Builder
	b.WriteString("area,price,age,rooms\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d.5,%d,%d,%d\n", 10*i, 1000*i, i*i%7, i%4)
	}
	return b.String()
}

func TestFindTargets(t *testing.T) {
	for _, c := range []struct {
		header, list string
		given        []string
		want         []int
	}{
		{"a|b|c", "", nil, []int{2}},
		{"a|target|c", "", nil, []int{1}},
		{"a|b|c", "b", nil, []int{1}},
		{"a|b|c", "c, a", nil, []int{2, 0}},
		{"a|b|c", `"c",a`, nil, []int{2, 0}},
		{"a|b,c|c", "b,c", nil, []int{1}},
		{"a|b,c|c", `"b,c",a`, nil, []int{1, 0}},
		{`a|say "y"|c`, `say "y"`, nil, []int{1}},
		{"a|b|c", "", []string{"b", "a"}, []int{1, 0}},
		{"a|b|c", "c", []string{"b"}, []int{2}},
	} {
		got, err := findTargets(strings.Split(c.header, "|"), c.list, c.given)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s of %s, %q: %v, %v; want %v", c.list, c.header, c.given, got, err, c.want)
		}
	}
	wide := strings.Split("x"+strings.Repeat(",x", 256), ",")
	for i := range wide {
		wide[i] += fmt.Sprint(i)
	}
	long := strings.Repeat("x", maxTargetLength+1)
	for _, c := range []struct {
		header []string
		list   string
		kind   error
		want   string
	}{
		{[]string{"a", "b"}, "c", ErrOption, `no column "c"`},
		{[]string{"a", "b"}, "a,c", ErrOption, `no column "c"`},
		{[]string{"a", "b"}, "a,a", ErrOption, `names the column "a" twice`},
		{[]string{"a", "b"}, "a,", ErrOption, "a column without a name"},
		{[]string{"a", "b"}, "b,a", ErrOption, "all 2 columns are to be predicted"},
		{[]string{"a", "b"}, `"a`, ErrOption, "no list of columns"},
		{[]string{"a", "b"}, "\n", ErrOption, "no list of columns"},
		{append([]string{"a"}, wide...), strings.Join(wide, ","), ErrOption, "257 columns are to be predicted; at most 256"},
		{[]string{"a", long}, "", ErrInvalid, "longer than the 256 bytes"},
	} {
		_, err := findTargets(c.header, c.list, nil)
		checkError(t, err, c.kind, c.want)
	}
}

// Targets are standardised over the training part alone and keep to their rows,
// however those are divided.
func TestOpenTargets(t *testing.T) {
	path := writeText(t, "houses.csv", houses(101))
	for _, labels := range [][]string{{"price"}, {"price", "rooms"}, {"rooms", "price"}} {
		o := Options{Regression: true, Label: strings.Join(labels, ","), Seed: 3, Validation: 0.25}
		d, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Regression() || d.Outputs() != len(labels) || d.Classes != 0 || d.ClassNames != nil || d.Label != "" ||
			!slices.Equal(d.TargetNames, labels) || d.Width != 4-len(labels) || d.Train.Features != d.Width {
			t.Errorf("%v: %+v", labels, d)
		}
		if d.Train.Len() != 61 || d.Validation.Len() != 20 || d.Test.Len() != 20 {
			t.Errorf("%v: %d, %d and %d samples", labels, d.Train.Len(), d.Validation.Len(), d.Test.Len())
		}
		checkStandard(t, d)
		seen := map[int]bool{}
		for part, s := range map[string]Samples{"train": d.Train, "validation": d.Validation, "test": d.Test} {
			if s.Labels != nil || s.Outputs != len(labels) || len(s.Targets) != s.Len()*len(labels) {
				t.Fatalf("%v, %s: %+v", labels, part, s)
			}
			mean, square := make([]float64, len(labels)), make([]float64, len(labels))
			last := -1.
			for i := range s.Len() {
				// The area says which row it is: 10 i + 0.5. A target has float32's
				// 24 bits of at most two deviations, the area of its own likewise.
				area := float64(s.Values[i*s.Features])*d.Standard.Deviations[0] + d.Standard.Means[0]
				row := int(math.Round((area - 0.5) / 10))
				seen[row] = true
				for k, name := range labels {
					standardised := float64(s.Targets[i*len(labels)+k])
					mean[k] += standardised / float64(s.Len())
					square[k] += standardised * standardised / float64(s.Len())
					want := 1000 * float64(row)
					if name == "rooms" {
						want = float64(row % 4)
					}
					got := standardised*d.TargetStandard.Deviations[k] + d.TargetStandard.Means[k]
					if tolerance := 1e-6 * d.TargetStandard.Deviations[k]; math.Abs(got-want) > tolerance {
						t.Errorf("%v, %s: row %d has the %s %g, want %g", labels, part, row, name, got, want)
					}
				}
				if part == "test" && area < last {
					t.Errorf("%v: the test part is not in the order of the file", labels)
				}
				last = area
			}
			for k := range labels {
				const tolerance = 1e-6 // a few roundings of float32
				if part == "train" && (math.Abs(mean[k]) > tolerance || math.Abs(square[k]-1) > tolerance) {
					t.Errorf("%v: training targets with mean %g and mean square %g", labels, mean[k], square[k])
				}
			}
		}
		if len(seen) != 101 {
			t.Errorf("%v: %d of 101 rows are in a part", labels, len(seen))
		}
		same, err := Open(path, o)
		if err != nil || !slices.Equal(same.Train.Targets, d.Train.Targets) || !slices.Equal(same.Test.Targets, d.Test.Targets) {
			t.Errorf("%v: the same seed divides otherwise (%v)", labels, err)
		}
		o.Seed = 4
		if other, err := Open(path, o); err != nil || slices.Equal(other.Test.Targets, d.Test.Targets) {
			t.Errorf("%v: another seed divides alike (%v)", labels, err)
		}
	}
}

// A deviation that is lost in float32 beside the mean is none in float64.
func TestTargetsFarFromZero(t *testing.T) {
	d, err := Open(writeText(t, "far.csv", "a,y\n1,1000000000\n2,1000000001\n3,1000000002\n4,1000000003\n5,1000000004\n"),
		Options{Regression: true, TestFraction: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	for i, z := range d.Train.Targets {
		want := 1e9 - 1 + (float64(d.Train.Values[i])*d.Standard.Deviations[0] + d.Standard.Means[0])
		got := float64(z)*d.TargetStandard.Deviations[0] + d.TargetStandard.Means[0]
		if math.Abs(got-want) > 1e-6 { // two deviations in float32, and 1e9 in float64
			t.Errorf("%.9g, want %.9g", got, want)
		}
	}
}

func TestTargetFile(t *testing.T) {
	test := writeText(t, "test.csv", "area,price,age,rooms\n1,2000,3,4\n5,50000,7,8\n")
	d, err := Open(writeText(t, "train.csv", houses(30)), Options{Regression: true, Label: "price", TestFile: test})
	if err != nil || d.Train.Len() != 30 || d.Test.Len() != 2 || d.Test.Outputs != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if price := float64(d.Test.Targets[1])*d.TargetStandard.Deviations[0] + d.TargetStandard.Means[0]; math.Abs(price-50000) > 0.01 {
		t.Errorf("the price of the second test sample is %g", price)
	}
}

// A network is evaluated with the standard of the targets that it was trained on, and
// finds their columns by name; the data may be a single sample.
func TestTargetsOfAFile(t *testing.T) {
	path := writeText(t, "more.csv", "rooms,height,area,price\n3,9,5,70\n")
	o := Options{
		Regression: true, Evaluate: true, Whole: true, TargetNames: []string{"price", "rooms"},
		Standard:       &Standard{Means: []float64{1, 5}, Deviations: []float64{2, 10}},
		TargetStandard: &Standard{Means: []float64{50, 1}, Deviations: []float64{10, 4}},
	}
	d, err := Open(path, o)
	if err != nil || d.Train.Len() != 0 || !d.Regression() || !slices.Equal(d.Test.Values, []float32{4, 0}) || !slices.Equal(d.Test.Targets, []float32{2, 0.5}) {
		t.Errorf("%+v, %v", d, err)
	}
	// Columns named in another order are not exchanged in predictions.
	o.Label = "rooms,price"
	if d, err = Open(path, o); err != nil || !slices.Equal(d.Test.Targets, []float32{2, 0.5}) || !slices.Equal(d.TargetNames, o.TargetNames) {
		t.Errorf("%+v, %v", d, err)
	}
	// Columns with names of their own are taken in the order of the list.
	o.Label, o.TargetNames = "rooms,price", []string{"cost", "rooms"}
	if d, err = Open(path, o); err != nil || !slices.Equal(d.Test.Targets, []float32{-4.7, 17.25}) {
		t.Errorf("%+v, %v", d, err)
	}
	o.TargetNames = []string{"price", "rooms"}
	o.Label = "height"
	_, err = Open(path, o)
	checkError(t, err, ErrOption, "1 targets, and the network predicts 2")
	o.Label, o.TargetNames = "", []string{"weight", "rooms"}
	_, err = Open(path, o)
	checkError(t, err, ErrOption, `no column "weight" to predict; there are`, "--label")
	o.TargetNames[0] = "price"
	_, err = Open("digits", o)
	checkError(t, err, ErrOption, "digits: the network, which predicts numbers, does not fit this data")
	_, err = Open(writeText(t, "words.csv", "rooms,height,area,price\n3,9,5,high\n"), o)
	checkError(t, err, ErrInvalid, `line 2, column "price": "high" is not a number, and the network, which predicts numbers, needs`)
	_, err = openedNPZ(t, npz(zip.Deflate, "x_train.npy", arrayOf("<f4", []int{2, 1}, []float32{1, 2}), "y_train.npy", arrayOf("<f4", []int{2}, []float32{1, 2.5})),
		Options{Evaluate: true, Whole: true, ClassNames: []string{"0", "1", "2"}, Standard: &Standard{Means: []float64{0}, Deviations: []float64{1}}})
	checkError(t, err, ErrOption, `y_train[1]: the network does not know the class "2.5"`)
}

// numbersNPZ returns the arrays of 4 training and 2 test samples of 3 floats, with
// two numbers to predict of each.
func numbersNPZ() []any {
	entries := smallNPZ()
	entries[3] = arrayOf("<f8", []int{4, 2}, []float64{-1, 10, 1, 10, -1, 10, 1, 50})
	entries[7] = arrayOf("<i2", []int{2, 2}, []int16{3, 20, 0, -20})
	return entries
}

func TestOpenNPZTargets(t *testing.T) {
	d, err := openedNPZ(t, npz(zip.Deflate, numbersNPZ()...), Options{Regression: true})
	if err != nil {
		t.Fatal(err)
	}
	deviation := math.Sqrt(300) // of 10, 10, 10, 50 around 20
	want := []float32{3, 0, 0, float32(-40 / deviation)}
	if !slices.Equal(d.TargetNames, []string{"target 0", "target 1"}) || d.Classes != 0 || !slices.Equal(d.Test.Targets, want) {
		t.Errorf("%+v, want %v", d, want)
	}
	// Bytes and columns are targets, too.
	bytesOf := arrayOf("|u1", []int{4, 1}, []uint8{0, 255, 0, 255})
	entries := append(smallNPZ()[:2], "y_train.npy", bytesOf)
	d, err = openedNPZ(t, npz(zip.Deflate, entries...), Options{Regression: true, TestFraction: 0.5})
	if err != nil || !slices.Equal(d.TargetNames, []string{"target"}) || d.Train.Len() != 2 || d.Test.Len() != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestTargetErrors(t *testing.T) {
	with := func(name string, file []byte) string {
		entries := numbersNPZ()
		entries[slices.Index(entries, any(name+".npy"))+1] = file
		return writeText(t, "numbers.npz", string(npz(zip.Store, entries...)))
	}
	for _, c := range []struct{ name, path, label, want string }{
		{"missing", writeText(t, "f.csv", "a,y\n1,2\n2,\n"), "", `line 3, column "y": "" is missing`},
		{"NA", writeText(t, "f.csv", "a,y\n1,NA\n"), "", `line 2, column "y": "NA" is missing`},
		{"word", writeText(t, "f.csv", "a,y\n1,2\n2,tall\n"), "", `line 3, column "y": "tall" is not a number, and --task regression needs`},
		{"beyond float32", writeText(t, "f.csv", "y,a\n1e39,2\n"), "", `column "y": invalid data: 1e+39 is more than float32 holds`},
		{"constant", writeText(t, "f.csv", "a,b,y\n1,2,3\n2,3,3\n4,5,3\n"), "b,y", `the target "y" is 3 in all 2 training samples`},
		{"a single sample", writeText(t, "f.csv", "a,y\n1,2\n"), "", "a single sample"},
		{"constant features", writeText(t, "f.csv", "a,y\n1,2\n1,3\n1,4\n"), "", "every feature is the same"},
		{"three dimensions", with("y_train", arrayOf("<f4", []int{4, 1, 1}, make([]float32, 4))), "", "y_train has shape [4 1 1]; want [samples] or [samples targets]"},
		{"257 targets", with("y_train", arrayOf("<f4", []int{4, 257}, make([]float32, 4*257))), "", "257 targets a sample"},
		{"other targets", with("y_test", arrayOf("<f4", []int{2, 3}, make([]float32, 6))), "", "2 targets a sample and y_test 3"},
		{"other lengths", with("y_test", arrayOf("<f4", []int{3, 2}, make([]float32, 6))), "", "2 samples, but y_test 3"},
		{"NaN", with("y_train", arrayOf("<f8", []int{4, 2}, []float64{0, 1, 2, 3, 4, 5, 6, math.NaN()})), "", "y_train, sample 3, target 1: invalid data: NaN"},
		{"far from the others", with("y_test", arrayOf("<f8", []int{2, 2}, []float64{0, 0, 1e20, 0})), "", "target 1 of a sample is 1e+20, too far from the mean"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.path, Options{Regression: true, Label: c.label})
			checkError(t, err, ErrInvalid, c.want)
		})
	}
	for _, name := range []string{"digits", "mnist", "cifar10", "./folder"} {
		_, err := Open(name, Options{Regression: true})
		checkError(t, err, ErrOption, name, "--task regression", "come from CSV and NPZ files")
	}
}

// Numbers to predict without --task regression get a message that names it.
func TestRegressionIsNamed(t *testing.T) {
	many := "a,y\n"
	for i := range 300 {
		many += fmt.Sprintf("%d,%d.5\n", i, i)
	}
	for _, path := range []string{
		writeText(t, "f.csv", "a,y\n1,0.5\n2,0.6\n3,0.7\n"), writeText(t, "f.csv", many),
		writeText(t, "f.npz", string(npz(zip.Store, "x_train.npy", arrayOf("<f4", []int{2, 1}, []float32{1, 2}), "y_train.npy", arrayOf("<f4", []int{2}, []float32{1, 2})))),
	} {
		_, err := Open(path, Options{})
		checkError(t, err, ErrInvalid, "--task regression")
	}
}

// Many targets are bounded by what is read, as everything is.
func TestTargetBudget(t *testing.T) {
	zeros := arrayOf("|u1", []int{1 << 16, 256}, make([]uint8, 1<<24))
	x := arrayOf("|u1", []int{1 << 16, 1}, make([]uint8, 1<<16))
	file := npz(zip.Deflate, "x_train.npy", x, "y_train.npy", zeros)
	var err error
	used := memorytest.Allocated(func() {
		_, err = decodeNPZ(bytes.NewReader(file), int64(len(file)), Options{Regression: true}, newBudget(1<<20))
	})
	checkError(t, err, ErrInvalid, "more than the 1048576 bytes")
	if used > 4<<20 {
		t.Errorf("%d bytes are allocated", used)
	}
}

func TestConstant(t *testing.T) {
	for _, c := range []struct {
		rows  []float64
		width int
		want  int
	}{
		{[]float64{3, 2, 1}, 1, -1},
		{[]float64{1, 2, 3}, 1, -1},
		{[]float64{3, 1, 3}, 1, -1},
		{[]float64{3, 3, 3}, 1, 0},
		{[]float64{1, 5, 2, 5}, 2, 1},
		{[]float64{1, 5, 1, 5}, 2, 0},
		{[]float64{1, 5, 2, 4}, 2, -1},
		{[]float64{7}, 1, 0},
	} {
		if got := constant(c.rows, c.width); got != c.want {
			t.Errorf("%v in rows of %d: %d, want %d", c.rows, c.width, got, c.want)
		}
	}
}
