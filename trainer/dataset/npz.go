package dataset

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// npzNames are what the arrays of an NPZ file are called, in any case, the likeliest first. The
// test part may be missing.
var npzNames = [folderFiles][]string{
	trainImages: {"x_train", "train_images", "train_x", "trainx", "xtrain", "images_train", "x", "images", "features", "data"},
	trainLabels: {"y_train", "train_labels", "train_y", "trainy", "ytrain", "labels_train", "y", "labels", "targets", "label", "target"},
	testImages:  {"x_test", "test_images", "test_x", "testx", "xtest", "images_test"},
	testLabels:  {"y_test", "test_labels", "test_y", "testy", "ytest", "labels_test"},
}

// npzPlace returns which of the four arrays an entry is, by its name, and how likely the name
// is, from 0, the likeliest.
func npzPlace(name string) (place, rank int, found bool) {
	name = strings.ToLower(strings.TrimSuffix(name, ".npy"))
	for place, names := range npzNames {
		if rank := slices.Index(names, name); rank >= 0 {
			return place, rank, true
		}
	}
	return 0, 0, false
}

// The dimensions of the samples of an NPZ file, the samples themselves counted.
const (
	leastNPZDimensions = 2
	mostNPZDimensions  = 4
)

// The most features of a sample: what a model file takes. The means and
// deviations of floats stand in its header, which is bounded.
const (
	maxFeatures      = 1 << 24
	maxFloatFeatures = 1 << 18
)

// openNPZ reads a file of NumPy's savez or savez_compressed.
func openNPZ(path string, o Options, limit *budget) (*Dataset, error) {
	file, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	d, err := decodeNPZ(file, info.Size(), o, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.Name = "npz:" + stem(path)
	return d, nil
}

// openRegular opens a file that is neither a folder nor missing.
func openRegular(path string) (*os.File, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w: %s: no such file", ErrNotFound, path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s: not a file", ErrNotFound, path)
	}
	return os.Open(path)
}

// stem returns the last element of a path without what follows its first dot.
func stem(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

// decodeNPZ reads what openNPZ reads. The name is left open.
func decodeNPZ(r io.ReaderAt, size int64, o Options, limit *budget) (*Dataset, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, zipError(err)
	}
	var entries [folderFiles]*zip.File
	var ranks [folderFiles]int
	var held []string
	for _, entry := range archive.File {
		held = append(held, fmt.Sprintf("%.40q", entry.Name))
		place, rank, found := npzPlace(entry.Name)
		switch {
		case !found || entries[place] != nil && rank > ranks[place]:
			continue
		case entries[place] != nil && rank == ranks[place]:
			return nil, fmt.Errorf("%w: it holds %s twice", ErrInvalid, strings.TrimSuffix(entry.Name, ".npy"))
		}
		entries[place], ranks[place] = entry, rank
	}
	if o.unlabelled {
		// What is to be predicted is the test part, where there is one.
		if entries[testImages] != nil {
			entries[trainImages] = entries[testImages]
		}
		entries[trainLabels], entries[testImages], entries[testLabels] = nil, nil, nil
	}
	for i, needed := range [...]bool{true, !o.unlabelled, entries[testLabels] != nil, entries[testImages] != nil} {
		if needed && entries[i] == nil {
			return nil, fmt.Errorf("%w: it lacks %s; it holds %s", ErrInvalid, npzNames[i][0], someOf(held))
		}
	}
	var arrays [folderFiles]*ndarray
	var names files
	for i, entry := range entries {
		if entry == nil {
			continue
		}
		names[i] = strings.TrimSuffix(entry.Name, ".npy")
		if arrays[i], err = decodeEntry(entry, limit); err != nil {
			return nil, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	d := &Dataset{}
	if o.unlabelled {
		return d, d.setUnlabelled(arrays[trainImages], names[trainImages], o)
	}
	var images layout
	var words labelWords
	for i := trainImages; i < folderFiles && arrays[i] != nil; i += 2 {
		samples, shape, err := pairUp(arrays[i], arrays[i+1], names[i], names[i+1])
		if err == nil {
			if !o.Interleaved {
				shape.separate(samples.Pixels)
			}
			err = samples.answer(arrays[i+1], names[i+1], &words, o)
		}
		if err != nil {
			return nil, err
		}
		if i == trainImages {
			d.Train, images = samples, shape
			d.Channels, d.Height, d.Width = shape.channels, shape.height, shape.width
			d.Test.Features, d.Test.Outputs = samples.Features, samples.Outputs
		} else if d.Test = samples; shape != images || (samples.raw.matrix == nil) != (d.Train.raw.matrix == nil) {
			return nil, fmt.Errorf("%w: %s has samples of %v and %s of %v, or one has bytes and the other none",
				ErrInvalid, names[trainImages], arrays[trainImages].shape[1:], names[testImages], arrays[testImages].shape[1:])
		}
		if samples.Outputs != d.Train.Outputs {
			return nil, fmt.Errorf("%w: %s has %d targets a sample and %s %d", ErrInvalid, names[trainLabels], d.Train.Outputs, names[testLabels], samples.Outputs)
		}
	}
	if !o.Regression {
		if err := d.setClasses(&words, o); err != nil {
			return nil, err
		}
	}
	if o.Regression {
		if d.TargetNames = o.TargetNames; d.TargetNames == nil {
			d.TargetNames = numberedTargets(d.Train.Outputs)
		}
	}
	return d, nil
}

// someOf lists what a file holds, but not thousands of things.
func someOf(names []string) string {
	const most = 8
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func decodeEntry(entry *zip.File, limit *budget) (*ndarray, error) {
	const encrypted = 0x1
	if entry.Flags&encrypted != 0 {
		return nil, fmt.Errorf("%w: it is encrypted", ErrInvalid)
	}
	r, err := entry.Open()
	if err != nil {
		return nil, zipError(err)
	}
	defer r.Close()
	a, err := decodeNPY(r, limit)
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrChecksum), errors.As(err, &corrupt):
		return nil, fmt.Errorf("%w: the archive is corrupt", ErrInvalid)
	case err != nil && !errors.Is(err, ErrInvalid):
		return nil, zipError(err)
	}
	return &a, err
}

// zipError turns an error of package zip into one about the data.
func zipError(err error) error {
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		return fmt.Errorf("%w: compressed in another way than by deflate; save it with savez_compressed", ErrInvalid)
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: corrupt or not an NPZ file: %w", ErrInvalid, err)
	}
	return fmt.Errorf("%w: cannot read it: %w", ErrInvalid, err) // places outside the file, most likely
}

// pairUp makes samples of an array of features, of which there are as many as of
// labels.
func pairUp(x, y *ndarray, xName, yName string) (s Samples, shape layout, err error) {
	fail := func(format string, args ...any) (Samples, layout, error) {
		return Samples{}, layout{}, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
	}
	if n := len(x.shape); n < leastNPZDimensions || n > mostNPZDimensions {
		return fail("%s has shape %v; want samples and 1 to %d dimensions more", xName, x.shape, mostNPZDimensions-1)
	}
	if m, n := x.shape[0], y.shape[0]; m != n {
		return fail("%s holds %d samples, but %s %d labels", xName, m, yName, n)
	}
	if x.words != nil {
		return fail("%s holds strings; features are numbers", xName)
	}
	features := 1
	for _, size := range x.shape[1:] {
		features *= size
	}
	most := maxFeatures
	if x.bytes == nil {
		most = maxFloatFeatures
	}
	if features > most {
		return fail("%s has %d features; at most %d are taken", xName, features, most)
	}
	s = Samples{Features: features, Pixels: x.bytes}
	if x.bytes == nil {
		s.raw = matrixOf(x.floats, features)
	}
	for i, value := range x.floats {
		if err := checkNumber(value); err != nil {
			return Samples{}, layout{}, fmt.Errorf("%s, sample %d, feature %d: %w", xName, i/features, i%features, err)
		}
	}
	shape = layout{height: 1, width: features}
	if x.bytes != nil {
		shape = layoutOf(x.shape[1:])
	}
	return s, shape, nil
}

// setUnlabelled makes the training part of features alone.
func (d *Dataset) setUnlabelled(x *ndarray, name string, o Options) error {
	samples, shape, err := pairUp(x, &ndarray{npyHeader: npyHeader{shape: x.shape[:1]}}, name, name)
	if err != nil {
		return err
	}
	if !o.Interleaved {
		shape.separate(samples.Pixels)
	}
	if samples.Outputs = len(o.TargetNames); samples.Outputs > 0 {
		samples.rawTargets = make([]float64, x.shape[0]*samples.Outputs)
	} else {
		samples.Labels = make([]uint8, x.shape[0])
	}
	d.Train, d.Classes, d.ClassNames, d.TargetNames = samples, len(o.ClassNames), o.ClassNames, o.TargetNames
	d.Channels, d.Height, d.Width = shape.channels, shape.height, shape.width
	return nil
}

// answer takes what is to be predicted of samples from an array: labels, as places among the
// words, or targets in regression.
func (s *Samples) answer(y *ndarray, name string, words *labelWords, o Options) (err error) {
	if o.Regression {
		if y.words != nil {
			return fmt.Errorf("%w: %s holds strings, and %s needs numbers to predict", ErrInvalid, name, o.regression())
		}
		s.rawTargets, s.Outputs, err = y.targets(name)
		return err
	}
	s.Labels, err = y.labels(name, words, o)
	return err
}

// exactWhole is where float64 begins to leave out whole numbers.
const exactWhole = 1 << 53

// labels returns the places among the words of the labels of an array: one a sample, or rows
// with a one at the label's place and zeros elsewhere.
func (a *ndarray) labels(name string, words *labelWords, o Options) ([]uint8, error) {
	rows, width := a.shape[0], 1
	if len(a.shape) == 2 {
		width = a.shape[1]
	}
	if len(a.shape) > 2 || width > 1 && a.words != nil {
		return nil, fmt.Errorf("%w: %s has shape %v; want [samples], [samples 1] or one-hot rows", ErrInvalid, name, a.shape)
	}
	labels := make([]uint8, rows)
	places := map[float64]uint8{}
	for row := range rows {
		where := func() string { return fmt.Sprintf("%s[%d]", name, row) }
		if a.words != nil {
			place, err := words.place(strings.TrimSpace(a.words[row]), o, where)
			if err != nil {
				return nil, err
			}
			labels[row] = place
			continue
		}
		x := a.at(row)
		if width > 1 {
			column, err := a.hot(row, width)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, where(), err)
			}
			x = float64(column)
		}
		place, known := places[x]
		if !known {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("%w: %s is %g: the label is missing: leave the sample out", ErrInvalid, where(), x)
			}
			if (a.kind == 'i' || a.kind == 'u') && math.Abs(x) >= exactWhole {
				return nil, fmt.Errorf("%w: %s is about %.17g; whole numbers from 2^53 on are rounded: save the labels as words, by astype(str)", ErrInvalid, where(), x)
			}
			var err error
			if place, err = words.place(strconv.FormatFloat(x+0, 'f', -1, 64), o, where); err != nil {
				return nil, err
			}
			places[x] = place
		} else {
			words.words[place].samples++
		}
		labels[row] = place
	}
	return labels, nil
}

// at returns an element of an array of numbers.
func (a *ndarray) at(i int) float64 {
	if a.bytes != nil {
		return float64(a.bytes[i])
	}
	return a.floats[i]
}

// hot returns the column of the one in a row of zeros.
func (a *ndarray) hot(row, width int) (int, error) {
	column := -1
	for i := range width {
		switch x := a.at(row*width + i); {
		case x == 1 && column < 0:
			column = i
		case x != 0:
			return 0, fmt.Errorf("%g in column %d; a row of labels has a single 1 and zeros; to predict the numbers of a row, add --task regression", x, i)
		}
	}
	if column < 0 {
		return 0, errors.New("no 1 in the row; a row of labels has a single 1 and zeros")
	}
	return column, nil
}

// setClasses names the classes of labels that are places among words. Classes that are called
// 0, 1, 2 and so on need no names.
func (d *Dataset) setClasses(words *labelWords, o Options) error {
	if !o.Evaluate {
		if err := words.checkClasses(); err != nil {
			return err
		}
	}
	names, err := words.nameClasses(o.ClassNames, d.Train, d.Test)
	if err != nil {
		return err
	}
	if d.Classes = len(names); !areNumbered(names) {
		d.ClassNames = names
	}
	return nil
}
