package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// smallFiles returns the four files of a data set of 7 training and 2 test
// images of 3x2 pixels, in three classes.
func smallFiles() [folderFiles][]byte {
	pixels := make([]byte, 7*6)
	for i := range pixels {
		pixels[i] = byte(i * 5)
	}
	return [folderFiles][]byte{
		trainImages: idx(idxUnsignedByte, []uint32{7, 3, 2}, pixels...),
		trainLabels: idx(idxUnsignedByte, []uint32{7}, 0, 1, 0, 1, 1, 0, 1),
		testImages:  idx(idxUnsignedByte, []uint32{2, 3, 2}, pixels[:12]...),
		testLabels:  idx(idxUnsignedByte, []uint32{2}, 2, 0),
	}
}

// writeFolder writes the four files, leaving out those that are nil.
func writeFolder(t *testing.T, dir string, names [folderFiles]string, contents [folderFiles][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, content := range contents {
		if content == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, names[i]), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// noUsualPlaces empties the places in which data is looked for.
func noUsualPlaces(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	t.Setenv(DirVariable, "")
	for _, variable := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(variable, home)
	}
}

func TestOpenFolder(t *testing.T) {
	hyphens := [folderFiles]string(fileNames)
	dots := [folderFiles]string{"train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"}
	suffixed, mixed := hyphens, dots
	for i := range suffixed {
		suffixed[i] += ".gz"
	}
	mixed[testImages] += ".gz"
	mixed[testLabels] = hyphens[testLabels]

	raw, packed := smallFiles(), smallFiles()
	for i := range packed {
		packed[i] = zipped(packed[i])
	}
	for _, tc := range []struct {
		name     string
		names    [folderFiles]string
		contents [folderFiles][]byte
	}{
		{"raw", hyphens, raw},
		{"dots", dots, raw},
		{"gzip", suffixed, packed},
		{"mixed names", mixed, raw},
		{"gzip under raw names", hyphens, packed},
		{"raw under gzip names", suffixed, raw},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "small")
			writeFolder(t, dir, tc.names, tc.contents)
			d, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d.Name != "idx:small" || d.Height != 3 || d.Width != 2 || d.Classes != 3 {
				t.Errorf("got %q of %dx%d, %d classes", d.Name, d.Height, d.Width, d.Classes)
			}
			if !bytes.Equal(d.Train.Pixels, raw[trainImages][16:]) || !bytes.Equal(d.Train.Labels, raw[trainLabels][8:]) {
				t.Error("the training samples differ from the files")
			}
			if !bytes.Equal(d.Test.Pixels, raw[testImages][16:]) || !bytes.Equal(d.Test.Labels, raw[testLabels][8:]) {
				t.Error("the test samples differ from the files")
			}
			if d.Train.Features != 6 || d.Test.Features != 6 || d.Validation.Len() != 0 {
				t.Errorf("%d and %d features, %d validation samples", d.Train.Features, d.Test.Features, d.Validation.Len())
			}
		})
	}
}

// TestNamesOfFolders: files with the names and in the folders that other collections have.
func TestNamesOfFolders(t *testing.T) {
	contents := smallFiles()
	rows := []byte{}
	for _, label := range contents[trainLabels][8:] {
		rows = append(rows, 0, 0, 0, label)
		rows = append(rows, make([]byte, 7*4)...)
	}
	wide := contents
	wide[trainLabels] = idx(idxInt32, []uint32{7, 8}, rows...)
	emnist := contents
	emnist[trainLabels] = idx(idxUnsignedByte, []uint32{7}, 1, 2, 1, 3, 2, 1, 2) // letters from 1
	emnist[testLabels] = idx(idxUnsignedByte, []uint32{2}, 3, 1)
	for name, c := range map[string]struct {
		names    [folderFiles]string
		contents [folderFiles][]byte
		classes  []string
	}{
		"torchvision": {[folderFiles]string{"MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte", "MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte"}, contents, nil},
		"Kaggle": {[folderFiles]string{"train-images-idx3-ubyte/train-images-idx3-ubyte", "train-labels-idx1-ubyte/train-labels-idx1-ubyte",
			"t10k-images-idx3-ubyte/t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte"}, contents, nil},
		"EMNIST": {[folderFiles]string{"emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte",
			"emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"}, emnist, []string{"1", "2", "3"}},
		"QMNIST": {[folderFiles]string{"qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", "qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx1-ubyte"}, wide, nil},
	} {
		dir := t.TempDir()
		for i, name := range c.names {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.contents[i], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Open(dir, Options{})
		if err != nil || d.Classes != 3 || !slices.Equal(d.ClassNames, c.classes) || !bytes.Equal(d.Train.Pixels, contents[trainImages][16:]) {
			t.Errorf("%s: %+v, %v", name, d, err)
			continue
		}
		if want := contents[trainLabels][8:]; name != "EMNIST" && !bytes.Equal(d.Train.Labels, want) {
			t.Errorf("%s: labels %v, want %v", name, d.Train.Labels, want)
		}
	}
	dir := t.TempDir()
	writeFolder(t, dir, fileNames, contents)
	writeFolder(t, dir, [folderFiles]string{"other-train-images-idx3-ubyte", "", "", ""}, [folderFiles][]byte{contents[testImages], nil, nil, nil})
	if d, err := Open(dir, Options{}); err != nil || d.Train.Len() != 7 {
		t.Errorf("beside another: %+v, %v", d, err)
	}
	if err := os.Remove(filepath.Join(dir, fileNames[trainImages])); err != nil {
		t.Fatal(err)
	}
	writeFolder(t, dir, [folderFiles]string{"third-train-images-idx3-ubyte", "", "", ""}, [folderFiles][]byte{contents[trainImages], nil, nil, nil})
	_, err := Open(dir, Options{})
	checkError(t, err, ErrNotFound, "holds other-train-images-idx3-ubyte and third-train-images-idx3-ubyte, and one of them is needed")
	rows[3] = 1
	rows[2] = 1
	_, err = decodeIDX(bytes.NewReader(idx(idxInt32, []uint32{7, 8}, rows...)), labelDimensions, newBudget(0))
	checkError(t, err, ErrInvalid, "label 0 is 257")
}

func TestOpenFolderByItsBareName(t *testing.T) {
	parent := t.TempDir()
	writeFolder(t, filepath.Join(parent, "small"), fileNames, smallFiles())
	t.Chdir(parent)
	for _, name := range []string{"small", "./small", "small/", "./small/../small"} {
		if d, err := Open(name, Options{}); err != nil || d.Name != "idx:small" {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
}

func TestOpenFolderErrors(t *testing.T) {
	const side = idxUnsignedByte
	for _, tc := range []struct {
		name   string
		file   int
		become []byte // nil removes the file
		target error
		want   string
	}{
		{"a file is missing", testLabels, nil, ErrNotFound, "lacks t10k-labels-idx1-ubyte[.gz]"},
		{"fewer labels", trainLabels, idx(side, []uint32{6}, 0, 1, 0, 1, 0, 1), ErrInvalid, "train-images-idx3-ubyte holds 7 images, but "},
		{"more test labels", testLabels, idx(side, []uint32{3}, 0, 1, 2), ErrInvalid, "holds 3 labels"},
		{"other test size", testImages, idx(side, []uint32{2, 2, 3}, make([]byte, 12)...), ErrInvalid, "are 3x2 pixels, but those of "},
		{"other test width", testImages, idx(side, []uint32{2, 3, 3}, make([]byte, 18)...), ErrInvalid, "are 3x2 pixels, but those of "},
		{"one class", trainLabels, idx(side, []uint32{7}, 4, 4, 4, 4, 4, 4, 4), ErrInvalid, "all 7 training samples are of class 4"},
		{"constant images", trainImages, idx(side, []uint32{7, 3, 2}, bytes.Repeat([]byte{77}, 42)...), ErrInvalid, "all pixels of the training images are 77"},
		{"a damaged file", testImages, []byte{0, 0}, ErrInvalid, "t10k-images-idx3-ubyte: invalid data: truncated"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			contents := smallFiles()
			contents[tc.file] = tc.become
			dir := t.TempDir()
			writeFolder(t, dir, fileNames, contents)
			_, err := Open(dir, Options{})
			checkError(t, err, tc.target, tc.want)
		})
	}
}

func TestOpenErrors(t *testing.T) {
	noUsualPlaces(t)
	t.Chdir(t.TempDir())
	writeFolder(t, ".", [folderFiles]string{"plain"}, [folderFiles][]byte{{1}})
	for _, tc := range []struct {
		name    string
		options Options
		target  error
		want    string
	}{
		{"cifar", Options{}, ErrUnknown, `unknown data set "cifar": known are digits, mnist`},
		{"", Options{}, ErrUnknown, `unknown data set ""`},
		{"plain", Options{}, ErrUnknown, `"plain"`},
		{"./plain", Options{}, ErrNotFound, "./plain: not a folder"},
		{"no/such", Options{}, ErrNotFound, "no/such: no such folder"},
		{"digits", Options{Validation: -0.1}, ErrFraction, "-0.1"},
		{"digits", Options{Validation: 1}, ErrFraction, "below 1"},
		{"digits", Options{Validation: math.NaN()}, ErrFraction, "NaN"},
		{"digits", Options{Validation: math.Inf(1)}, ErrFraction, "+Inf"},
	} {
		_, err := Open(tc.name, tc.options)
		checkError(t, err, tc.target, tc.want)
	}
}

// TestValidation: about the same part of each class is held out, every sample is in one part, in
// the order of the files, and the seed decides.
func TestValidation(t *testing.T) {
	dir := t.TempDir()
	files := smallFiles()
	writeFolder(t, dir, fileNames, files)
	for _, tc := range []struct {
		fraction float64
		held     int
	}{
		{0, 0}, {0.1, 1}, {0.2, 1}, {2.0 / 7, 2}, {0.5, 4}, {0.6, 4},
	} {
		d, err := Open(dir, Options{Validation: tc.fraction, Seed: 5})
		if err != nil {
			t.Errorf("%v: %v", tc.fraction, err)
			continue
		}
		kept := 7 - tc.held
		if d.Train.Len() != kept || d.Validation.Len() != tc.held || d.Validation.Features != 6 {
			t.Errorf("%v: %d training and %d validation samples, want %d and %d", tc.fraction, d.Train.Len(), d.Validation.Len(), kept, tc.held)
			continue
		}
		var all []string
		for _, part := range []Samples{d.Train, d.Validation} {
			for i := range part.Len() {
				all = append(all, fmt.Sprint(part.Labels[i], part.Pixels[i*6:(i+1)*6]))
			}
		}
		var want []string
		for i := range 7 {
			want = append(want, fmt.Sprint(files[trainLabels][8+i], files[trainImages][16+i*6:16+(i+1)*6]))
		}
		if slices.Sort(all); !slices.Equal(all, slices.Sorted(slices.Values(want))) {
			t.Errorf("%v: the parts hold %v together, want %v", tc.fraction, all, want)
		}
		checkMoments(t, d)
	}
	_, err := Open(dir, Options{Validation: 0.95})
	checkError(t, err, ErrFraction, "of 7 samples leaves none to train on")
	_, err = Open(dir, Options{Validation: 0.05})
	checkError(t, err, ErrFraction, "of 7 samples holds none out")
}

// TestHeldOutByClass: files that are sorted by class lose no class. Samples keep their order.
func TestHeldOutByClass(t *testing.T) {
	const classes, each, features = 5, 20, 2
	sorted := func() *Dataset {
		d := &Dataset{Name: "sorted", Classes: classes}
		d.Train.Features = features
		var numbers []float64
		for i := range classes * each {
			d.Train.Labels = append(d.Train.Labels, uint8(i/each))
			numbers = append(numbers, float64(i), -float64(i))
		}
		d.Train.raw = matrixOf(numbers, features)
		return d
	}
	held := map[uint64][]float64{}
	for _, seed := range []uint64{1, 2} {
		for _, fraction := range []float64{0.05, 0.1, 0.33, 0.9} {
			d := sorted()
			if err := d.holdOut(fraction, seed); err != nil {
				t.Fatal(err)
			}
			counts := make([]int, classes)
			for _, label := range d.Validation.Labels {
				counts[label]++
			}
			for class, n := range counts {
				if math.Abs(float64(n)-fraction*each) > 1 {
					t.Errorf("%g of class %d: %d of %d samples", fraction, class, n, each)
				}
			}
			if got, want := d.Validation.Len(), int(math.Round(fraction*classes*each)); got != want {
				t.Errorf("%g: %d samples are held out, want %d", fraction, got, want)
			}
			for _, part := range []Samples{d.Train, d.Validation} {
				for i := range part.Len() {
					row := part.raw.row(i)
					if row[1] != -row[0] || int(part.Labels[i]) != int(row[0])/each || i > 0 && row[0] <= part.raw.row(i - 1)[0] {
						t.Fatalf("%g: sample %d is %v of class %d", fraction, i, row, part.Labels[i])
					}
				}
			}
			held[seed] = append(held[seed], d.Validation.raw.flat()...)
		}
	}
	if slices.Equal(held[1], held[2]) {
		t.Error("two seeds hold out the same samples")
	}
	d := sorted()
	d.Train.Labels = func() (labels []uint8) {
		for i := range classes * each {
			labels = append(labels, uint8(i))
		}
		return labels
	}()
	d.Classes = classes * each
	if err := d.holdOut(0.1, 1); !errors.Is(err, ErrFraction) {
		t.Errorf("classes of one sample: %v", err)
	}
}

// TestNamedDataByAnotherNetwork: labels of a data set with a name are numbers, which a network may
// know by others.
func TestNamedDataByAnotherNetwork(t *testing.T) {
	names := []string{"9", "8", "7", "6", "5", "4", "3", "2", "1", "0"}
	d, err := Open("digits:train=40,test=20", Options{Evaluate: true, ClassNames: names})
	if err != nil {
		t.Fatal(err)
	}
	own, err := Open("digits:train=40,test=20", Options{Evaluate: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range own.Test.Labels {
		if d.Test.Labels[i] != 9-label {
			t.Fatalf("label %d is %d for a network that counts down", label, d.Test.Labels[i])
		}
	}
	_, err = Open("digits:train=40,test=20", Options{Evaluate: true, ClassNames: []string{"cat", "dog"}})
	checkError(t, err, ErrOption, "the network does not know the class", "cat, dog")
	_, err = Open("digits:train=40,test=20", Options{Ignore: "a"})
	checkError(t, err, ErrOption, "they are for tables")
}

// checkMoments compares the mean and deviation with those of the textbook.
func checkMoments(t *testing.T, d *Dataset) {
	t.Helper()
	var mean, variance float64
	n := float64(len(d.Train.Pixels))
	for _, pixel := range d.Train.Pixels {
		mean += float64(pixel) / 255 / n
	}
	for _, pixel := range d.Train.Pixels {
		variance += (float64(pixel)/255 - mean) * (float64(pixel)/255 - mean) / n
	}
	// The textbook's sum of up to 47 million terms below 1 loses 2^-53 a term.
	const tolerance = 1e-9
	if math.Abs(d.Mean-mean) > tolerance || math.Abs(d.Deviation-math.Sqrt(variance)) > tolerance {
		t.Errorf("mean %v, deviation %v; want %v, %v", d.Mean, d.Deviation, mean, math.Sqrt(variance))
	}
}

func TestMoments(t *testing.T) {
	almost := bytes.Repeat([]byte{255}, 10001)
	almost[77] = 254
	for _, tc := range []struct {
		name            string
		pixels          []byte
		mean, deviation float64
	}{
		{"none", nil, 0, 0},
		{"black", make([]byte, 13), 0, 0},
		{"white", bytes.Repeat([]byte{255}, 13), 1, 0},
		{"half", []byte{0, 255, 255, 0}, 0.5, 0.5},
		{"one off", almost, 1 - 1.0/255/10001, math.Sqrt(10000) / 10001 / 255},
	} {
		mean, deviation := Samples{Pixels: tc.pixels}.moments()
		const tolerance = 1e-15 // a few roundings of numbers up to 1
		if math.Abs(mean-tc.mean) > tolerance || math.Abs(deviation-tc.deviation) > tolerance {
			t.Errorf("%s: mean %v, deviation %v; want %v, %v", tc.name, mean, deviation, tc.mean, tc.deviation)
		}
	}
}

func TestOpenDigits(t *testing.T) {
	d, err := Open("digits", Options{Validation: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 18000 || d.Validation.Len() != 2000 || d.Test.Len() != 4000 {
		t.Errorf("%d, %d and %d samples", d.Train.Len(), d.Validation.Len(), d.Test.Len())
	}
	if !slices.Equal(slices.Sorted(slices.Values(append(d.Train.Labels, d.Validation.Labels...))), slices.Sorted(slices.Values(digits().Train.Labels))) {
		t.Error("the data set digits is not that of seed 0")
	}
	checkMoments(t, d)
	checkMoments(t, digits())
}
