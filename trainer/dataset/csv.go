package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// labelColumns are the names of the column that holds the labels, the likeliest first,
// where no option names it. Their case does not matter.
var labelColumns = []string{"label", "class", "target", "y"}

const headerPeek = 1 << 16 // bytes in which the header's delimiter is looked for

var byteOrderMark = []byte("\xef\xbb\xbf")

// table is what CSV files with the same header hold.
type table struct {
	options Options

	header []string
	labels []int // the column of the labels or, in regression, those of the targets
	place  []int // of each column, its place in labels, or one of the two below

	parts []Samples // one a file; labels are places in words until they are named
	words labelWords

	columns []columnState // one a column of the header
	at      []int         // of each column of features its place in a row; of others -1
	known   encoding      // how rows become features, once that is decided
	uses    []ColumnUse   // what became of the columns, where that is not plain
	notes   []string

	comma byte // between fields

	// emit, where it is not nil, takes parts of most rows while a file is read.
	emit func(part Samples) error
	most int
}

// What a column holds besides labels and targets.
const (
	featureColumn = -1
	ignoredColumn = -2
)

// openCSV reads a CSV file and, where the options name one, a second as its test part.
func openCSV(path string, o Options, limit *budget) (*Dataset, error) {
	t := newTable(o)
	if err := t.readFile(path, limit); err != nil {
		return nil, err
	}
	if o.TestFile != "" {
		if err := t.readFile(o.TestFile, limit); err != nil {
			return nil, err
		}
	}
	t.noteStrange()
	d := t.dataset(path, t.parts[0])
	if o.TestFile != "" {
		d.Test = t.parts[1]
	}
	d.Notes, d.Uses = t.notes, t.uses
	if !ArePlain(d.Columns) { // else a feature takes no more than its number in the file
		for _, part := range t.parts {
			if err := limit.take(4 * part.Len() * part.Features); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if o.Regression {
		for _, column := range t.labels {
			d.TargetNames = append(d.TargetNames, t.header[column])
		}
		return d, nil
	}
	if !o.Evaluate {
		if err := t.words.checkClasses(); err != nil {
			return nil, fmt.Errorf("%s: %w%s", path, err, t.choice())
		}
	}
	names, err := t.words.nameClasses(o.ClassNames, t.parts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d.Classes, d.ClassNames, d.Label = len(names), names, t.header[t.labels[0]]
	return d, nil
}

// newTable returns a table of which nothing is read. Of data for a network whose features have
// names alone, these are columns of numbers.
func newTable(o Options) *table {
	if o.Columns == nil {
		o.Columns = plainColumns(o.FeatureNames)
	}
	o.FeatureNames = nil
	if o.Columns != nil {
		o.FeatureNames = namesOf(o.Columns)
	}
	t := &table{options: o}
	t.words.advice = "is another column the labels'? Name it with --label; "
	return t
}

// dataset returns a data set of the features of a part.
func (t *table) dataset(path string, part Samples) *Dataset {
	return &Dataset{
		Name: "csv:" + stem(path), Height: 1, Width: part.Features, Train: part,
		Test:    Samples{Features: part.Features, Outputs: part.Outputs},
		Columns: t.known.columns, FeatureNames: FeatureNames(t.known.columns), encoding: t.known,
	}
}

// readFile reads one file, compressed with gzip or not. Its errors name it.
func (t *table) readFile(path string, limit *budget) error {
	file, err := openRegular(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := inflated(file)
	if err != nil {
		err = readError(err, "gzip header")
	} else {
		err = t.read(r, limit)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// read reads one file as a further part.
func (t *table) read(r io.Reader, limit *budget) error {
	buffered := bufio.NewReaderSize(limit.reader(r), headerPeek)
	start, _ := buffered.Peek(headerPeek) // an error here comes again on the next read
	if bytes.HasPrefix(start, byteOrderMark) {
		start = start[len(byteOrderMark):]
		if _, err := buffered.Discard(len(byteOrderMark)); err != nil {
			return err // it was peeked at
		}
	}
	t.comma = delimiter(start)
	records := newRecords(buffered, t.comma)
	header, err := records.read()
	if err == io.EOF {
		return fmt.Errorf("%w: it is empty; want a header and rows", ErrInvalid)
	}
	if err != nil {
		return csvError(err)
	}
	names := make([]string, len(header))
	for i, name := range header {
		if names[i] = string(name); t.options.NoHeader {
			names[i] = columnNumber(i)
		}
	}
	if err := t.setHeader(names); err != nil {
		return err
	}
	if err := t.beginPart(); err != nil {
		return err
	}
	part, emitted, most := t.emptyPart(), false, batchRecords
	if t.emit != nil {
		most = min(most, t.most)
	}
	now, next := &batch{width: len(t.header)}, &batch{width: len(t.header)}
	if t.options.NoHeader {
		now.add(header, records.line)
	} else {
		now.fill(records, most)
	}
	for ; ; now, next = next, now {
		err := t.addBatch(&part, now, func() {
			if now.err == nil {
				next.fill(records, most)
			}
		})
		switch {
		case err != nil:
			return err
		case now.err == io.EOF:
			return t.endPart(part, emitted)
		case now.err != nil:
			return now.err
		case t.emit != nil && part.raw.n+most > t.most:
			if err := t.give(part); err != nil {
				return err
			}
			part, emitted = t.emptyPart(), true
		}
	}
}

// endPart keeps or gives away a part that has its last row.
func (t *table) endPart(part Samples, emitted bool) (err error) {
	switch {
	case part.raw.n == 0 && emitted:
		return nil
	case part.raw.n == 0:
		return fmt.Errorf("%w: no row follows its header", ErrInvalid)
	case t.emit != nil:
		return t.give(part)
	case t.known.columns == nil:
		err = t.decideColumns(&part)
	default:
		err = t.checkKnown(part.raw.n)
	}
	if err != nil {
		return err
	}
	part.Features = len(FeatureNames(t.known.columns))
	t.parts = append(t.parts, part)
	return nil
}

// beginPart prepares the columns for a further file.
func (t *table) beginPart() error {
	if t.columns != nil {
		return nil
	}
	t.columns, t.at = make([]columnState, len(t.header)), make([]int, len(t.header))
	features := 0
	for i, place := range t.place {
		t.at[i] = -1
		if place == featureColumn {
			t.at[i] = features
			features++
		}
	}
	switch {
	case t.options.Columns != nil:
		return t.knowColumns(t.options.Columns)
	case t.options.Evaluate: // for a network that knows no names
		return t.knowColumns(plainColumns(t.columnsRead()))
	}
	return nil
}

// emptyPart returns a part without rows.
func (t *table) emptyPart() Samples {
	part := Samples{raw: rows{matrix: newMatrix(len(t.columnsRead()))}}
	if t.options.Regression {
		part.Outputs = max(len(t.labels), len(t.options.TargetNames))
	}
	return part
}

// give gives a part of known columns away.
func (t *table) give(part Samples) error {
	if err := t.checkKnown(part.raw.n); err != nil {
		return err
	}
	part.Features = len(FeatureNames(t.known.columns))
	return t.emit(part)
}

// csvError says what is wrong with the text, or that it could not be read.
func csvError(err error) error {
	if err == io.EOF {
		return err
	}
	if parse := new(csv.ParseError); errors.As(err, &parse) {
		return fmt.Errorf("%w: line %d: %w", ErrInvalid, parse.Line, parse.Err)
	}
	return readError(err, "rows")
}

// delimiter returns what most likely stands between the names of a header:
// comma, semicolon or tab, whichever there are most of outside quotes.
func delimiter(start []byte) byte {
	counts := map[byte]int{}
	quoted := false
	for _, b := range start {
		if b == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[b]++
		}
		if b == '\n' && !quoted {
			break
		}
	}
	best := byte(',')
	for _, other := range []byte{';', '\t'} {
		if counts[other] > counts[best] {
			best = other
		}
	}
	return best
}

// setHeader takes the names of the columns and finds the labels'. Those of a
// second file have to be the same.
func (t *table) setHeader(row []string) error {
	header := make([]string, len(row))
	numbers := 0
	var unnamed []int
	for i, name := range row {
		header[i] = strings.TrimSpace(name)
		if header[i] != "" { // an error of strconv takes much memory
			if _, err := strconv.ParseFloat(header[i], 64); err == nil {
				numbers++
			}
		}
		if strings.ContainsRune(name, '\r') {
			return fmt.Errorf("%w: line 1, column %d: a carriage return is in its name: if lines end in one alone, save the file with the line ends of Unix or Windows", ErrInvalid, i+1)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("%w: line 1, column %d: its name is not UTF-8: save the file as UTF-8", ErrInvalid, i+1)
		}
		if header[i] == "" {
			header[i] = columnNumber(i)
			unnamed = append(unnamed, i)
		}
	}
	if t.header != nil {
		if !slices.Equal(header, t.header) {
			return fmt.Errorf("%w: its header is not that of the training samples: %s", ErrInvalid, t.unlike(header))
		}
		return nil
	}
	switch {
	case t.options.NoHeader: // there are no names that could be odd
	case numbers == len(header):
		return fmt.Errorf("%w: line 1 holds numbers alone; it has to name the columns, or add --header=false", ErrInvalid)
	case numbers == len(header)-1 && isSample(header):
		return fmt.Errorf("%w: line 1 reads like a sample, %.80q; it has to name the columns, or add --header=false", ErrInvalid, someOf(header))
	}
	switch {
	case len(header) < 2 && !t.options.unlabelled:
		return fmt.Errorf("%w: line 1 names one column; want features and a label, with a comma, semicolon or tab between", ErrInvalid)
	case len(header) > maxFloatFeatures+1:
		return fmt.Errorf("%w: line 1 names %d columns; at most %d are taken", ErrInvalid, len(header), maxFloatFeatures+1)
	}
	if err := checkNames(header); err != nil {
		return err
	}
	t.header = header
	if err := t.setLabels(); err != nil {
		return err
	}
	if err := t.checkTwice(); err != nil {
		return err
	}
	const noted = 5
	for k, i := range slices.DeleteFunc(unnamed, func(i int) bool { return t.place[i] != featureColumn }) {
		if k == noted {
			t.notes = append(t.notes, "further columns have no names and are taken for features, too")
			break
		}
		t.notes = append(t.notes, fmt.Sprintf("%s has no name and is taken for a feature; --ignore %q leaves it out", header[i], header[i]))
	}
	return nil
}

// columnNumber returns the name of a column that has none: column 1, and so on.
func columnNumber(i int) string { return "column " + strconv.Itoa(i+1) }

// isSample reports whether a header, of which all names but one are numbers, is most likely the
// first sample of a file without one: numbers but for the label, as features are. Columns may well
// be called by numbers, such as pandas' 0, 1, 2 or wavelengths; but these increase, or are whole
// and differ where columns were chosen among them.
func isSample(header []string) bool {
	var numbers []float64
	whole := true
	for _, name := range header {
		if x, err := strconv.ParseFloat(name, 64); err == nil {
			numbers, whole = append(numbers, x), whole && x >= 0 && x == math.Trunc(x)
		}
	}
	if len(numbers) < 2 {
		return false
	}
	increase := slices.IsSorted(numbers)
	slices.Sort(numbers)
	differ := len(slices.Compact(numbers)) == len(header)-1
	return !differ || !whole && !increase
}

// setLabels finds the columns of what is to be predicted.
func (t *table) setLabels() (err error) {
	switch {
	case t.options.unlabelled:
	case t.options.Regression:
		given := t.options.TargetNames
		t.labels, err = findTargets(t.header, t.options.Label, given)
		switch {
		case err != nil || given == nil:
		case len(given) != len(t.labels):
			err = fmt.Errorf("the network %w: it has %d targets, and the network predicts %d", ErrOption, len(t.labels), len(given))
		default:
			t.labels = inOrder(t.header, t.labels, given)
		}
	default:
		label := t.options.Label
		if named := t.options.LabelName; label == "" && named != "" && slices.Contains(othersIn(t.header, t.options.FeatureNames), named) {
			label = named
		}
		if label == "" && t.options.FeatureNames != nil {
			if label, err = labelBeside(t.header, t.options.FeatureNames); err != nil {
				return err
			}
		}
		t.labels = make([]int, 1)
		t.labels[0], err = findLabel(t.header, label)
	}
	if err != nil {
		return err
	}
	t.place = slices.Repeat([]int{featureColumn}, len(t.header))
	for place, column := range t.labels {
		t.place[column] = place
	}
	return t.ignore()
}

// ignore leaves out the columns that the options name and, of data to evaluate on, those that
// the network does not know.
func (t *table) ignore() error {
	names, err := columnNames(t.options.Ignore, "--ignore")
	if err != nil {
		return err
	}
	for _, name := range names {
		found := false
		for i, column := range t.header {
			if column != name {
				continue
			}
			if t.place[i] >= 0 {
				return fmt.Errorf("%w: --ignore names the column %.40q, which is to be predicted%s", ErrOption, name, t.choice())
			}
			found, t.place[i] = true, ignoredColumn
		}
		if !found && !t.options.Evaluate {
			return fmt.Errorf("%w: --ignore names the column %.40q; there are %.300q", ErrOption, name, someOf(t.header))
		}
	}
	if t.options.FeatureNames != nil {
		left := map[string]int{}
		for _, name := range t.options.FeatureNames {
			left[name]++
		}
		for i, name := range t.header {
			if t.place[i] != featureColumn {
				continue
			}
			if left[name]--; left[name] < 0 {
				t.place[i] = ignoredColumn
				if !t.options.unlabelled { // else labels may be among them, and no one asks for these
					t.notes = append(t.notes, fmt.Sprintf("the column %.40q is not read: the network does not know it", name))
				}
			}
		}
	}
	if names != nil && !slices.Contains(t.place, featureColumn) {
		return fmt.Errorf("%w: --ignore leaves no column to predict from", ErrOption)
	}
	return nil
}

// checkTwice refuses columns of one name, of which one is read.
func (t *table) checkTwice() error {
	first := map[string]int{}
	for i, name := range t.header {
		k, twice := first[name]
		if !twice {
			first[name] = i
		} else if t.place[k] != ignoredColumn || t.place[i] != ignoredColumn {
			return fmt.Errorf("%w: line 1: columns %d and %d are both called %.40q: rename one in the file, or leave both out with --ignore%s", ErrInvalid, k+1, i+1, name, t.choice())
		}
	}
	return nil
}

// choice says in an error which column was taken for that of the labels, and why, where no
// option names it.
func (t *table) choice() string {
	if t.options.Label != "" || t.labels == nil {
		return ""
	}
	name, why := t.header[t.labels[0]], "it is the last"
	if slices.ContainsFunc(labelColumns, func(s string) bool { return strings.EqualFold(s, name) }) {
		why = "it is called so"
	}
	if t.options.FeatureNames != nil {
		why = "the network knows the others"
	}
	return fmt.Sprintf("; the labels are in column %.40q, since %s: --label names another", name, why)
}

// findLabel returns the column of the labels: that of the name, else the first
// of labelColumns that there is, else the last.
func findLabel(header []string, name string) (int, error) {
	if name != "" {
		i := slices.Index(header, name)
		if i < 0 {
			return 0, fmt.Errorf("%w: there is no column %.40q to predict; there are %.300q: name another with --label", ErrOption, name, someOf(header))
		}
		return i, nil
	}
	for _, known := range labelColumns {
		if i := slices.IndexFunc(header, func(s string) bool { return strings.EqualFold(s, known) }); i >= 0 {
			return i, nil
		}
	}
	return len(header) - 1, nil
}

// target reads a number to predict.
func (t *cell) target(field []byte) (float64, error) {
	x, isNumber := t.number(&t.columns[t.column], field)
	switch {
	case !isNumber && isMissing(string(field)):
		return 0, fmt.Errorf("%w: %s: %q is missing: fill it in or leave the row out", ErrInvalid, t.where(), field)
	case !isNumber:
		return 0, fmt.Errorf("%w: %s: %.40q is not a number, and %s needs numbers to predict%s", ErrInvalid, t.where(), field, t.options.regression(), t.choice())
	}
	if err := checkNumber(x); err != nil {
		return 0, fmt.Errorf("%s: %w", t.where(), err)
	}
	return x, nil
}

// leastCounted is of how many rows a column is noted that counts them.
const leastCounted = 10

// commaNumber is the end of [columnState.firstWord] where it is a number with a comma.
var commaNumber = regexp.MustCompile(`: "[-+]?[0-9. ]*,[0-9]+"$`)
