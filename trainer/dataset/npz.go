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
	"strings"
)

// The arrays of an NPZ file. The test part may be missing.
var npzNames = [...]string{trainImages: "x_train", trainLabels: "y_train", testImages: "x_test", testLabels: "y_test"}

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
	var arrays [folderFiles]*ndarray
	var held []string
	for _, entry := range archive.File {
		held = append(held, fmt.Sprintf("%.40q", entry.Name))
		i := slices.Index(npzNames[:], strings.TrimSuffix(entry.Name, ".npy"))
		if i < 0 {
			continue
		}
		if arrays[i] != nil {
			return nil, fmt.Errorf("%w: it holds %s twice", ErrInvalid, npzNames[i])
		}
		if arrays[i], err = decodeEntry(entry, limit); err != nil {
			return nil, fmt.Errorf("%s: %w", npzNames[i], err)
		}
	}
	for i, needed := range [...]bool{true, true, arrays[testLabels] != nil, arrays[testImages] != nil} {
		if needed && arrays[i] == nil {
			return nil, fmt.Errorf("%w: it lacks %s; it holds %s", ErrInvalid, npzNames[i], someOf(held))
		}
	}
	d := &Dataset{}
	var images layout
	for i := trainImages; i < folderFiles && arrays[i] != nil; i += 2 {
		samples, shape, err := pairUp(arrays[i], arrays[i+1], npzNames[i], npzNames[i+1])
		if err == nil {
			if !o.Interleaved {
				shape.separate(samples.Pixels)
			}
			err = samples.answer(arrays[i+1], npzNames[i+1], o)
		}
		if err != nil {
			return nil, err
		}
		if i == trainImages {
			d.Train, images = samples, shape
			d.Channels, d.Height, d.Width = shape.channels, shape.height, shape.width
			d.Test.Features, d.Test.Outputs = samples.Features, samples.Outputs
		} else if d.Test = samples; shape != images || (samples.raw == nil) != (d.Train.raw == nil) {
			return nil, fmt.Errorf("%w: x_train has samples of %v and x_test of %v, or one has bytes and the other none",
				ErrInvalid, arrays[trainImages].shape[1:], arrays[testImages].shape[1:])
		}
		if samples.Outputs != d.Train.Outputs {
			return nil, fmt.Errorf("%w: y_train has %d targets a sample and y_test %d", ErrInvalid, d.Train.Outputs, samples.Outputs)
		}
		if !o.Regression {
			d.Classes = max(d.Classes, 1+int(slices.Max(samples.Labels)))
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
	s = Samples{Features: features, Pixels: x.bytes, raw: x.floats}
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

// answer takes what is to be predicted of samples from an array: classes, or
// targets in regression.
func (s *Samples) answer(y *ndarray, name string, o Options) (err error) {
	if o.Regression {
		s.rawTargets, s.Outputs, err = y.targets(name)
		return err
	}
	if y.kind == 'f' && o.Evaluate {
		return fmt.Errorf("%s %w: it holds floats, and the network knows classes", name, ErrOption)
	}
	s.Labels, err = y.labels(name)
	return err
}

// labels returns an array of whole numbers as classes.
func (a *ndarray) labels(name string) ([]uint8, error) {
	if len(a.shape) > 2 || len(a.shape) == 2 && a.shape[1] != 1 {
		return nil, fmt.Errorf("%w: %s has shape %v; want [samples] or [samples 1] with a class each, no one-hot rows", ErrInvalid, name, a.shape)
	}
	if a.bytes != nil {
		return a.bytes, nil
	}
	if a.kind == 'f' {
		return nil, fmt.Errorf("%w: %s holds floats; classes are whole numbers: save it with astype(\"uint8\"), or predict numbers with --task regression", ErrInvalid, name)
	}
	labels := make([]uint8, len(a.floats))
	for i, x := range a.floats {
		if x < 0 || x > math.MaxUint8 {
			return nil, fmt.Errorf("%w: %s[%d] is %g; classes are 0 to %d", ErrInvalid, name, i, x, math.MaxUint8)
		}
		labels[i] = uint8(x)
	}
	return labels, nil
}
