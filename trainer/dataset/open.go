package dataset

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// What can go wrong, for callers that decide on it. The errors of this package
// wrap one of these, or the operating system's error for a file that cannot be
// read.
var (
	ErrUnknown  = errors.New("unknown data set")    // no such name
	ErrNotFound = errors.New("data set not found")  // its files are nowhere
	ErrInvalid  = errors.New("invalid data")        // files damaged, at odds or of no use
	ErrFraction = errors.New("validation fraction") // Options.Validation out of range
)

// The names of the data sets known by name.
const (
	digitsName = "digits"
	mnistName  = "mnist"
)

// Options says where data is and how it is divided. The zero value looks in the
// usual places and holds nothing out.
type Options struct {
	// Dir is the folder to look for data sets in before $NASHPRUNE_DATA and the
	// user's cache; none when empty.
	Dir string

	// Validation is the part of the training set held out of it, 0 <= F < 1:
	// its last round(F n) samples, in the order of the files.
	Validation float64
}

// Open returns the data set of a name: digits, which is drawn (see [Digits]),
// mnist, whose files are looked for and verified, or the path of a folder of
// IDX files under MNIST's file names. A path is anything with a separator in
// it, or a folder that exists.
//
// Mean and Deviation are those of the training part that remains after
// Options.Validation. Errors wrap [ErrUnknown], [ErrNotFound], [ErrInvalid] or
// [ErrFraction].
func Open(name string, options Options) (*Dataset, error) {
	if f := options.Validation; !(f >= 0 && f < 1) { // the negation catches NaN
		return nil, fmt.Errorf("%w is %v; it has to be at least 0 and below 1", ErrFraction, f)
	}
	d, err := load(name, options.Dir)
	if err != nil {
		return nil, err
	}
	if err := d.holdOut(options.Validation); err != nil {
		return nil, err
	}
	if err := d.standardise(); err != nil {
		return nil, err
	}
	return d, nil
}

func load(name, dir string) (*Dataset, error) {
	switch {
	case name == digitsName:
		return Digits(0), nil
	case name == mnistName:
		return openMNIST(dir)
	case isPath(name):
		return openFolder(name)
	}
	return nil, fmt.Errorf("%w %q: known are %s, %s and the path of a folder of IDX files, such as ./folder",
		ErrUnknown, name, digitsName, mnistName)
}

func isPath(name string) bool {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// holdOut moves the last part of the training set to the validation set.
func (d *Dataset) holdOut(fraction float64) error {
	n := d.Train.Len()
	kept := n - int(math.Round(fraction*float64(n)))
	if kept == 0 {
		return fmt.Errorf("%w %v of %d samples leaves none to train on; choose a smaller one", ErrFraction, fraction, n)
	}
	if fraction > 0 && kept == n {
		return fmt.Errorf("%w %v of %d samples holds none out; choose a larger one, or 0", ErrFraction, fraction, n)
	}
	d.Train, d.Validation = d.Train.part(0, kept), d.Train.part(kept, n)
	return nil
}

// part returns the samples from start up to end, in the same memory.
func (s Samples) part(start, end int) Samples {
	from, to := start*s.Features, end*s.Features
	part := Samples{Features: s.Features, Labels: s.Labels[start:end:end]}
	if s.Values != nil {
		part.Values = s.Values[from:to:to]
	} else {
		part.Pixels = s.Pixels[from:to:to]
	}
	return part
}

// standardise sets the mean and the deviation, once the training part is known
// to be worth learning: two classes and two pixel values at least.
func (d *Dataset) standardise() error {
	first, several := d.Train.Labels[0], false
	for _, label := range d.Train.Labels {
		several = several || label != first
	}
	if !several {
		return fmt.Errorf("%s: %w: all %d training samples are of class %d; training needs two classes",
			d.Name, ErrInvalid, d.Train.Len(), first)
	}
	d.Mean, d.Deviation = d.Train.moments()
	if d.Deviation == 0 {
		return fmt.Errorf("%s: %w: all pixels of the training images are %d; there is nothing to learn from",
			d.Name, ErrInvalid, d.Train.Pixels[0])
	}
	return nil
}
