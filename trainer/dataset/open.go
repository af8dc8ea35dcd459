package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What can go wrong, for callers that decide on it. The errors of this package
// wrap one of these, or the operating system's error for a file that cannot be
// read.
var (
	ErrUnknown  = errors.New("unknown data set")       // no such name
	ErrNotFound = errors.New("data set not found")     // its files are nowhere
	ErrInvalid  = errors.New("invalid data")           // files damaged, at odds or of no use
	ErrFraction = errors.New("validation fraction")    // Options.Validation out of range
	ErrOption   = errors.New("does not fit this data") // another option
)

// The names of the data sets known by name.
const (
	digitsName  = "digits"
	mnistName   = "mnist"
	fashionName = "fashion"
	cifarName   = "cifar10"

	cifar100Name = "cifar100"
	coarseName   = "cifar100:coarse" // the same with its coarse labels
)

// Options says where data is and how it is divided. The zero value looks in the
// usual places and holds nothing out.
type Options struct {
	// Dir is the folder to look for data sets in before $NASHPRUNE_DATA and the
	// user's cache; none when empty.
	Dir string

	// MaxBytes is the most that is read of the files of a data set, unpacked;
	// DefaultMaxBytes when 0.
	MaxBytes int64

	// Regression reads numbers to predict, the targets, instead of classes. CSV and
	// NPZ files have them.
	Regression bool

	// Label is the column of a CSV file that holds the labels. When empty it is
	// the one called label, class, target or y, in this order and any case, else
	// the last. In regression several may be named, as a line of CSV names them:
	// with commas in between, and a name that has a comma in quotes or alone.
	Label string

	// NoHeader says that the first line of a CSV file is a sample. Its columns are then
	// called column 1, column 2 and so on.
	NoHeader bool

	// Ignore names columns of a CSV file that are not read, as Label names several.
	Ignore string

	// DecimalComma reads 1.234,5 as a number, with a comma before the decimals.
	DecimalComma bool

	// MissingIsClass takes labels such as NA or None, which mean that a label is missing,
	// for a class of that name.
	MissingIsClass bool

	// TestFile is a CSV file to take as the test part of another one with the same
	// header; none when empty.
	TestFile string

	// TestFraction is how much of each class, or of all samples in regression, is
	// drawn to be the test part of data that has none, 0 < F < 1;
	// DefaultTestFraction when 0. Seed decides which samples, and the order of the
	// others.
	TestFraction float64
	Seed         uint64

	// Validation is the part of the training set held out of it, 0 <= F < 1: about
	// that part of each class, or of all samples in regression. Seed decides which.
	Validation float64

	// Trained is how the data was divided that a network was trained on: parts are drawn so again,
	// with its seed in place of Seed, and with its fraction of test samples. Another fraction is
	// an error, since samples of training would be tested on. It holds for the data of the name
	// TrainedOn alone. Nil: there is no such network.
	Trained   *Division
	TrainedOn string

	// Evaluate opens data to evaluate a finished network on: with the Standard, the
	// ClassNames and the FeatureNames of the network, which may be nil. Labels are places
	// among ClassNames; where they are nil, among those that the data has. Columns of a
	// CSV file are taken by FeatureNames, in whichever order they stand, and the one
	// without such a name holds the labels. It need not be worth training on.
	Evaluate     bool
	Standard     *Standard
	ClassNames   []string
	FeatureNames []string

	// Columns are those that the features of the network come from, where it knows them; they stand
	// before FeatureNames.
	Columns []Column

	// LabelName is the column that held the labels that the network was trained on. It is
	// taken where there is one of that name and Label is empty.
	LabelName string

	// Normalise and NormaliseBytes are how floats and bytes are scaled in place of what follows
	// from the training part: one number for all, or one a feature of floats or a channel of bytes.
	Normalise, NormaliseBytes *Standard

	// TargetStandard and TargetNames are those of a network to be evaluated in
	// regression, which needs them. Label may be empty if the columns of a CSV file
	// have these names.
	TargetStandard *Standard
	TargetNames    []string

	// ImageHeight and ImageWidth are the size that images in folders are brought to, by
	// the cubic filter of Catmull and Rom, which is widened where images shrink; their
	// ratio is not kept. All must have one size where these are 0. ImageChannels is the
	// least number of channels, 1 or 3: images that are all grey have one if it is 0.
	ImageHeight, ImageWidth, ImageChannels int

	// Interleaved leaves the channels of images in an NPZ file side by side, as networks
	// that know nothing of channels have read them. It goes with Evaluate.
	Interleaved bool

	// unlabelled reads samples without what is to be predicted, see [Unlabelled].
	unlabelled bool

	// Whole makes all samples of data that has no test part the test part, and
	// leaves none to train on. It goes with Evaluate.
	Whole bool
}

// Open returns the data set of a name: digits, which is drawn (see [ParseDrawing]
// for its variants), mnist, fashion, cifar10, cifar100 or cifar100:coarse, whose files are
// looked for and verified, or the path of data of one's own: a table (.csv, .tsv, .data
// or .txt, each with or without .gz), an NPZ file (.npz), a folder of IDX files under MNIST's file names, or
// a folder or an archive (.zip, .tar, .tar.gz, .tgz) of images in folders of classes. A
// path of a folder is anything with a separator in it, or a folder that exists.
//
// Mean and Deviation, or Standard, and TargetStandard are those of the training
// part that remains after Options.Validation. Errors wrap [ErrUnknown], [ErrNotFound],
// [ErrInvalid], [ErrFraction] or [ErrOption].
func Open(name string, options Options) (*Dataset, error) {
	if f := options.Validation; !(f >= 0 && f < 1) { // the negation catches NaN
		return nil, fmt.Errorf("%w is %v; it must be at least 0 and below 1", ErrFraction, f)
	}
	if f := options.TestFraction; !(f >= 0 && f < 1) {
		return nil, fmt.Errorf("%w: a test fraction of %v; it must be above 0 and below 1", ErrOption, f)
	}
	d, err := load(name, options)
	if err != nil {
		return nil, err
	}
	if options.ImageHeight > 0 && !d.folders && !options.Evaluate {
		return nil, fmt.Errorf("%s: an image size of %dx%d %w: it is for images in folders", name, options.ImageHeight, options.ImageWidth, ErrOption)
	}
	if err := d.finish(options); err != nil {
		return nil, err
	}
	if !IsPath(name) { // classes of a data set with a name have none
		if err := d.renumber(options.ClassNames); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// finish divides and standardises what was read.
func (d *Dataset) finish(o Options) error {
	if !o.Evaluate {
		d.Digest = d.digest()
	}
	if d.Name != o.TrainedOn {
		o.Trained = nil
	}
	if o.Trained != nil {
		o.Seed = o.Trained.Seed
	}
	d.Division = Division{Seed: o.Seed, Validation: o.Validation}
	if err := d.addTest(o); err != nil {
		return err
	}
	if err := d.holdOut(o.Validation, o.Seed); err != nil {
		return err
	}
	if !o.Evaluate {
		d.noteMissingClasses()
	}
	return d.standardise(o)
}

func load(name string, o Options) (*Dataset, error) {
	limit := newBudget(o.MaxBytes)
	kind := fileKind(name)
	switch {
	case kind != csvFile && kind != npzFile && o.Regression:
		return nil, fmt.Errorf("%s: %s %w: numbers to predict come from CSV and NPZ files", name, o.regression(), ErrOption)
	case kind != csvFile && o.Label != "":
		return nil, fmt.Errorf("%s: a label column %.40q %w: only CSV files have columns", name, o.Label, ErrOption)
	case kind != csvFile && o.TestFile != "":
		return nil, fmt.Errorf("%s: a test file %w: only CSV files take one", name, ErrOption)
	case kind != csvFile && (o.Ignore != "" || o.NoHeader || o.DecimalComma):
		return nil, fmt.Errorf("%s: --ignore, --header=false and --decimal-comma %w: they are for tables", name, ErrOption)
	case kind == csvFile:
		return openCSV(name, o, limit)
	case kind == npzFile:
		return openNPZ(name, o, limit)
	case kind == imageArchive:
		return openImages(name, o, limit)
	case name == mnistName:
		return openMNIST(o.Dir, limit)
	case name == fashionName:
		return openFashion(o.Dir, limit)
	case name == cifarName:
		return cifar10.open(o.Dir, limit)
	case name == cifar100Name:
		return cifar100.open(o.Dir, limit)
	case name == coarseName:
		d, err := cifar100.coarse().open(o.Dir, limit)
		if err == nil {
			d.Name = coarseName
		}
		return d, err
	case isPath(name):
		return openFolder(name, o, limit)
	}
	if family, words, _ := strings.Cut(name, ":"); family == digitsName {
		drawing, err := ParseDrawing(words)
		if err != nil {
			return nil, fmt.Errorf("%w %q: %w", ErrUnknown, name, err)
		}
		if _, err := limit.declared(uint64(drawing.channels()*drawing.Side*drawing.Side), uint64(drawing.Train+drawing.Test)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return drawing.Draw(), nil
	}
	return nil, fmt.Errorf("%w %q: known are %s, %s, %s, %s, %s and paths: of a table (.csv, .tsv, .data, .txt) or a .npz file, of a folder of IDX files or images, such as ./folder, or of an archive of images",
		ErrUnknown, name, digitsName, mnistName, fashionName, cifarName, cifar100Name)
}

// The kinds of files that hold a data set each.
const (
	csvFile      = "csv"
	npzFile      = "npz"
	imageArchive = "images"
)

// fileKind returns what a file holds, by its name; "" where it is no file of data.
func fileKind(name string) string {
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".gz"))) {
	case ".csv", ".tsv", ".data", ".txt":
		return csvFile
	case ".npz":
		return npzFile
	case ".zip", ".tar", ".tgz":
		return imageArchive
	}
	return ""
}

// IsCSV reports whether [Open] takes a name for that of a CSV file.
func IsCSV(name string) bool { return fileKind(name) == csvFile }

// IsPath reports whether [Open] takes a name for the path of data of one's own.
func IsPath(name string) bool { return fileKind(name) != "" || isPath(name) }

// IsTable reports whether [Open] takes a name for that of a file with a table or arrays.
func IsTable(name string) bool {
	kind := fileKind(name)
	return kind == csvFile || kind == npzFile
}

// IsImages reports whether [Open] takes a name for that of images in folders or in an archive.
func IsImages(name string) bool {
	if kind := fileKind(name); kind != "" || !isPath(name) {
		return kind == imageArchive
	}
	paths, _ := findFiles(name)
	return paths == (files{})
}

func isPath(name string) bool {
	if strings.ContainsRune(name, '/') || strings.ContainsRune(name, filepath.Separator) {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// addTest gives data without a test part one. Where the test part is a file of its own, or
// a folder of images, the training samples are shuffled.
func (d *Dataset) addTest(o Options) error {
	switch {
	case d.Test.Len() > 0 && o.TestFraction != 0:
		return fmt.Errorf("%s: a test fraction of %v %w: it has a test part of its own", d.Name, o.TestFraction, ErrOption)
	case o.TestFile != "", d.folders && d.Test.Len() > 0 && !o.Evaluate:
		all := make([]int32, d.Train.Len())
		for i := range all {
			all[i] = int32(i)
		}
		d.Train = d.Train.arranged(shuffled(all, o.Seed))
		return nil
	case d.Test.Len() > 0:
		return nil
	case o.Whole:
		d.Train, d.Test = d.Train.part(0, 0), d.Train
		return nil
	}
	fraction := cmp.Or(o.TestFraction, DefaultTestFraction)
	if o.Trained != nil && o.Trained.Test == 0 {
		return fmt.Errorf("%s: a drawn test part %w: the network was trained on all these samples and tested on others; name those", d.Name, ErrOption)
	}
	if o.Trained != nil {
		if o.TestFraction != 0 && o.TestFraction != o.Trained.Test {
			return fmt.Errorf("%s: a test fraction of %v %w: the network was trained on what a fraction of %v left, so it would be tested on samples of its training; leave it out",
				d.Name, o.TestFraction, ErrOption, o.Trained.Test)
		}
		fraction = o.Trained.Test
	}
	d.Division.Test = fraction
	return d.drawTest(fraction, o.Seed)
}

// part returns the samples from start up to end, in the same memory.
func (s Samples) part(start, end int) Samples {
	return Samples{
		Features: s.Features,
		Pixels:   rowsBetween(s.Pixels, s.Features, start, end), raw: s.raw.part(start, end),
		Labels:  rowsBetween(s.Labels, 1, start, end),
		Outputs: s.Outputs, rawTargets: rowsBetween(s.rawTargets, s.Outputs, start, end),
	}
}

// rowsBetween returns the rows of a width from start up to end; nil where there
// are none at all.
func rowsBetween[T any](data []T, width, start, end int) []T {
	if data == nil {
		return nil
	}
	return data[start*width : end*width : end*width]
}

// standardise sets the mean and the deviation, or standardises floats, and
// standardises targets. It makes sure that the training part is worth learning,
// unless the data is to evaluate on alone: two classes, or two values of each target,
// and two values of a feature at least.
func (d *Dataset) standardise(o Options) error {
	floats := d.Test.raw.matrix != nil || d.Train.raw.matrix != nil
	switch {
	case o.Evaluate && floats != (o.Standard != nil):
		kinds := map[bool]string{false: "bytes", true: "floats"}
		return fmt.Errorf("%s: the network %w: its features are %s, and it was trained on %s", d.Name, ErrOption, kinds[floats], kinds[!floats])
	case d.Regression():
		if err := d.standardiseTargets(o.TargetStandard); err != nil {
			return err
		}
	case !o.Evaluate:
		if err := d.checkClasses(); err != nil {
			return err
		}
	}
	if floats {
		standard := o.Standard
		if o.Normalise != nil {
			var err error
			if standard, err = o.Normalise.each(d.Test.Features, "features"); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
		return d.standardiseFeatures(standard)
	}
	d.normalise()
	if o.NormaliseBytes != nil {
		standard, err := o.NormaliseBytes.each(len(d.Means), "channels")
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		d.Means, d.Deviations = standard.Means, standard.Deviations
		if len(d.Means) == 1 {
			d.Mean, d.Deviation = d.Means[0], d.Deviations[0]
		}
	}
	if d.Deviation == 0 && !o.Evaluate {
		return fmt.Errorf("%s: %w: all pixels of the training images are %d; there is nothing to learn from",
			d.Name, ErrInvalid, d.Train.Pixels[0])
	}
	return nil
}

// checkClasses wants two classes in the training part.
func (d *Dataset) checkClasses() error {
	for _, label := range d.Train.Labels {
		if label != d.Train.Labels[0] {
			return nil
		}
	}
	return fmt.Errorf("%s: %w: all %d training samples are of class %s; training needs two classes",
		d.Name, ErrInvalid, d.Train.Len(), d.ClassName(int(d.Train.Labels[0])))
}

// ClassName returns the name of a class, which is its number where it has no other.
func (d *Dataset) ClassName(class int) string {
	if d.ClassNames == nil {
		return strconv.Itoa(class)
	}
	return d.ClassNames[class]
}
