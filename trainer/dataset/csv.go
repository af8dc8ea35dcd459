package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// labelColumns are the names of the column that holds the labels, the likeliest first,
// where no option names it. Their case does not matter.
var labelColumns = []string{"label", "class", "target", "y"}

const (
	maxClasses     = math.MaxUint8 + 1
	maxLabelLength = 256     // bytes of a word; class names stand in model files
	headerPeek     = 1 << 16 // bytes in which the header's delimiter is looked for
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// table is what CSV files with the same header hold.
type table struct {
	options Options

	header []string
	labels []int // the column of the labels or, in regression, those of the targets
	place  []int // of each column, its place in labels, or -1 of a feature

	parts []Samples    // one a file; labels are places in words until they are named
	words []*labelWord // the labels, as they first came
	known map[string]uint8
}

func newTable(o Options) *table { return &table{options: o, known: map[string]uint8{}} }

// labelWord is a label with where it came first.
type labelWord struct{ text, where string }

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
	d := &Dataset{Name: "csv:" + stem(path), Height: 1, Width: t.parts[0].Features, Train: t.parts[0]}
	d.Test.Features, d.Test.Outputs = d.Train.Features, d.Train.Outputs
	if o.Regression {
		for _, column := range t.labels {
			d.TargetNames = append(d.TargetNames, t.header[column])
		}
	} else {
		names, err := t.nameClasses(o.ClassNames)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d.Classes, d.ClassNames, d.Label = len(names), names, t.header[t.labels[0]]
	}
	d.FeatureNames = t.featureNames()
	if o.FeatureNames != nil {
		d.FeatureNames = o.FeatureNames
		if err := t.arrange(o.FeatureNames); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if o.TestFile != "" {
		d.Test = t.parts[1]
	}
	return d, nil
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
	rows := csv.NewReader(buffered)
	rows.Comma = delimiter(start)
	rows.FieldsPerRecord = -1 // counted here, for a clearer message
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err == io.EOF {
		return fmt.Errorf("%w: it is empty; want a header and rows", ErrInvalid)
	}
	if err != nil {
		return csvError(err)
	}
	if err := t.setHeader(header); err != nil {
		return err
	}
	part := Samples{Features: len(t.header) - len(t.labels)}
	if t.options.Regression {
		part.Outputs = len(t.labels)
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return csvError(err)
		}
		line, _ := rows.FieldPos(0)
		if err := t.add(&part, row, line); err != nil {
			return err
		}
	}
	if part.Len() == 0 {
		return fmt.Errorf("%w: no row follows its header", ErrInvalid)
	}
	t.parts = append(t.parts, part)
	return nil
}

// csvError says what is wrong with the text, or that it could not be read.
func csvError(err error) error {
	if parse := new(csv.ParseError); errors.As(err, &parse) {
		return fmt.Errorf("%w: line %d: %w", ErrInvalid, parse.Line, parse.Err)
	}
	return readError(err, "rows")
}

// delimiter returns what most likely stands between the names of a header:
// comma, semicolon or tab, whichever there are most of outside quotes.
func delimiter(start []byte) rune {
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
	return rune(best)
}

// setHeader takes the names of the columns and finds the labels'. Those of a
// second file have to be the same.
func (t *table) setHeader(row []string) error {
	header := make([]string, len(row))
	numbers := 0
	for i, name := range row {
		header[i] = strings.TrimSpace(name)
		if _, err := strconv.ParseFloat(header[i], 64); err == nil {
			numbers++
		}
		if strings.ContainsRune(name, '\r') {
			return fmt.Errorf("%w: line 1, column %d: a carriage return is in its name: if lines end in one alone, save the file with the line ends of Unix or Windows", ErrInvalid, i+1)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("%w: line 1, column %d: its name is not UTF-8: save the file as UTF-8", ErrInvalid, i+1)
		}
		if header[i] == "" {
			return fmt.Errorf("%w: line 1: column %d has no name; name it or, if it numbers the rows, leave it out", ErrInvalid, i+1)
		}
	}
	if t.header != nil {
		if !slices.Equal(header, t.header) {
			return fmt.Errorf("%w: its header is not that of the training samples: %s", ErrInvalid, t.unlike(header))
		}
		return nil
	}
	switch {
	case numbers == len(header):
		return fmt.Errorf("%w: line 1 holds numbers alone; it has to name the columns", ErrInvalid)
	case isSample(header):
		return fmt.Errorf("%w: line 1 reads like a sample, %.80q; it has to name the columns", ErrInvalid, someOf(header))
	case len(header) < 2:
		return fmt.Errorf("%w: line 1 names one column; want features and a label, with a comma, semicolon or tab between", ErrInvalid)
	case len(header) > maxFloatFeatures+1:
		return fmt.Errorf("%w: line 1 names %d columns; at most %d are taken", ErrInvalid, len(header), maxFloatFeatures+1)
	}
	if err := checkNames(header); err != nil {
		return err
	}
	t.header = header
	return t.setLabels()
}

// isSample reports whether a header is most likely the first sample of a file without
// one: numbers but for the label, as features are. Columns may well be called by
// numbers, such as pandas' 0, 1, 2 or wavelengths; but these increase, or are whole
// and differ where columns were chosen among them.
func isSample(header []string) bool {
	var numbers []float64
	whole := true
	for _, name := range header {
		if x, err := strconv.ParseFloat(name, 64); err == nil {
			numbers, whole = append(numbers, x), whole && x >= 0 && x == math.Trunc(x)
		}
	}
	if len(numbers) != len(header)-1 || len(numbers) < 2 {
		return false
	}
	increase := slices.IsSorted(numbers)
	slices.Sort(numbers)
	differ := len(slices.Compact(numbers)) == len(header)-1
	return !differ || !whole && !increase
}

// setLabels finds the columns of what is to be predicted.
func (t *table) setLabels() (err error) {
	if t.options.Regression {
		given := t.options.TargetNames
		t.labels, err = findTargets(t.header, t.options.Label, given)
		switch {
		case err != nil || given == nil:
		case len(given) != len(t.labels):
			err = fmt.Errorf("the network %w: it has %d targets, and the network predicts %d", ErrOption, len(t.labels), len(given))
		default:
			t.labels = inOrder(t.header, t.labels, given)
		}
	} else {
		label := t.options.Label
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
	t.place = slices.Repeat([]int{-1}, len(t.header))
	for place, column := range t.labels {
		t.place[column] = place
	}
	return nil
}

// findLabel returns the column of the labels: that of the name, else the first
// of labelColumns that there is, else the last.
func findLabel(header []string, name string) (int, error) {
	if name != "" {
		i := slices.Index(header, name)
		switch {
		case i < 0:
			return 0, fmt.Errorf("%w: there is no column %.40q to predict; there are %.300q: name another with --label", ErrOption, name, someOf(header))
		case slices.Contains(header[i+1:], name):
			return 0, fmt.Errorf("%w: two columns are called %.40q; the labels' needs a name of its own", ErrOption, name)
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

// add adds a row, which begins in a line of the file, to a part.
func (t *table) add(part *Samples, row []string, line int) error {
	if len(row) != len(t.header) {
		return fmt.Errorf("%w: line %d has %d fields, and the header names %d", ErrInvalid, line, len(row), len(t.header))
	}
	targets := make([]float64, part.Outputs)
	for i, field := range row {
		field = strings.TrimSpace(field)
		where := func() string { return fmt.Sprintf("line %d, column %.40q", line, t.header[i]) }
		if t.place[i] >= 0 && !t.options.Regression {
			class, err := t.class(field, where)
			if err != nil {
				return err
			}
			part.Labels = append(part.Labels, class)
			continue
		}
		x, err := strconv.ParseFloat(field, 64)
		switch {
		case field == "" || field == "?" || field == "NA" || math.IsNaN(x):
			return fmt.Errorf("%w: %s: %q is missing: fill it in or leave the row out", ErrInvalid, where(), field)
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return fmt.Errorf("%w: %s: %.40q is not a number%s", ErrInvalid, where(), field, t.reason(i))
		}
		if err := checkNumber(x); err != nil {
			return fmt.Errorf("%s: %w", where(), err)
		}
		if place := t.place[i]; place >= 0 {
			targets[place] = x
		} else {
			part.raw = append(part.raw, x)
		}
	}
	part.rawTargets = append(part.rawTargets, targets...)
	return nil
}

// reason says why a column has to hold numbers, where that is not plain.
func (t *table) reason(column int) string {
	if t.place[column] < 0 {
		return ""
	}
	return ", and " + t.options.regression() + " needs numbers to predict"
}

// class returns the place of a label in words.
func (t *table) class(word string, where func() string) (uint8, error) {
	if class, ok := t.known[word]; ok {
		return class, nil
	}
	switch {
	case word == "":
		return 0, fmt.Errorf("%w: %s: the label is missing", ErrInvalid, where())
	case len(word) > maxLabelLength || !utf8.ValidString(word):
		return 0, fmt.Errorf("%w: %s: the label %.40q is longer than %d bytes or not UTF-8", ErrInvalid, where(), word, maxLabelLength)
	case len(t.words) == maxClasses:
		return 0, fmt.Errorf("%w: %s: %.40q is one label more than %d; is another column the labels'? Name it with --label. Are they numbers to predict? --task regression does that", ErrInvalid, where(), word, maxClasses)
	}
	word = strings.Clone(word) // not the whole row
	class := uint8(len(t.words))
	t.words = append(t.words, &labelWord{word, where()})
	t.known[word] = class
	return class, nil
}

// nameClasses turns labels from places in words into classes, and returns the classes'
// names: those given, else all words in order. Where all are numbers they are compared
// and ordered as numbers: 1 and 1.0 are one class.
func (t *table) nameClasses(given []string) ([]string, error) {
	names, numeric := given, true
	canonical := make([]string, len(t.words))
	for _, name := range given {
		_, ok := asNumber(name)
		numeric = numeric && ok
	}
	for i, word := range t.words {
		number, ok := asNumber(word.text)
		numeric = numeric && (ok || given != nil)
		canonical[i] = number
	}
	for i, word := range t.words {
		if !numeric || canonical[i] == "" {
			canonical[i] = word.text
		}
	}
	if given == nil {
		names = slices.Clone(canonical)
		slices.SortFunc(names, func(a, b string) int {
			if numeric {
				x, _ := strconv.ParseFloat(a, 64)
				y, _ := strconv.ParseFloat(b, 64)
				return cmp.Compare(x, y)
			}
			return strings.Compare(a, b)
		})
		names = slices.Compact(names)
	}
	classes := make([]uint8, len(t.words))
	for i, word := range t.words {
		class := slices.Index(names, canonical[i])
		if class < 0 {
			return nil, fmt.Errorf("%w: %s: the network does not know the class %.40q; it knows %.300s", ErrOption, word.where, word.text, someOf(names))
		}
		classes[i] = uint8(class)
	}
	for _, part := range t.parts {
		for i, place := range part.Labels {
			part.Labels[i] = classes[place]
		}
	}
	return names, nil
}

// asNumber writes a finite number in the one way that names its class.
func asNumber(word string) (string, bool) {
	x, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return "", false
	}
	return strconv.FormatFloat(x+0, 'g', -1, 64), true // -0 + 0 is 0
}
