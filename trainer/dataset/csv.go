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

	columns []columnState
	notes   []string

	// emit, where it is not nil, takes parts of most rows while a file is read.
	emit func(part Samples) error
	most int
}

// What a column holds besides labels and targets.
const (
	featureColumn = -1
	ignoredColumn = -2
)

// columnState is what was seen in a column of features.
type columnState struct {
	words, missing int // rows that hold no number, or nothing
	// Where the first of each is and what it holds.
	firstWord, firstMissing string
	counts                  bool // each number so far is the one before plus one
	last                    float64
}

// openCSV reads a CSV file and, where the options name one, a second as its test part.
func openCSV(path string, o Options, limit *budget) (*Dataset, error) {
	t := &table{options: o}
	if err := t.readFile(path, limit); err != nil {
		return nil, err
	}
	if o.TestFile != "" {
		if err := t.readFile(o.TestFile, limit); err != nil {
			return nil, err
		}
	}
	d := &Dataset{Name: "csv:" + stem(path), Height: 1, Width: t.parts[0].Features, Train: t.parts[0], Notes: t.notes}
	d.Test.Features, d.Test.Outputs = d.Train.Features, d.Train.Outputs
	if o.Regression {
		for _, column := range t.labels {
			d.TargetNames = append(d.TargetNames, t.header[column])
		}
	} else {
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
	names := header
	if t.options.NoHeader {
		names = numberedColumns(len(header))
	}
	if err := t.setHeader(names); err != nil {
		return err
	}
	part := Samples{Features: len(t.featureNames())}
	if t.options.Regression {
		part.Outputs = max(len(t.labels), len(t.options.TargetNames))
	}
	empty, emitted := part, false
	flush := func() error {
		if err := t.checkColumns(part.Len()); err != nil {
			return err
		}
		err := t.emit(part)
		part = empty
		return err
	}
	t.columns = make([]columnState, len(t.header))
	if t.options.NoHeader {
		if err := t.add(&part, header, 1); err != nil {
			return err
		}
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
		if t.emit != nil && part.Len() == t.most {
			if err := flush(); err != nil {
				return err
			}
			emitted = true
		}
	}
	if emitted && part.Len() == 0 {
		return nil
	}
	if part.Len() == 0 {
		return fmt.Errorf("%w: no row follows its header", ErrInvalid)
	}
	if t.emit != nil {
		return flush()
	}
	if err := t.checkColumns(part.Len()); err != nil {
		return err
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
	var unnamed []string
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
			header[i] = numberedColumns(i + 1)[i]
			unnamed = append(unnamed, header[i])
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
	case isSample(header):
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
	for _, name := range unnamed {
		if i := slices.Index(header, name); t.place[i] == featureColumn {
			t.notes = append(t.notes, fmt.Sprintf("%s has no name and is taken for a feature; --ignore %q leaves it out", name, name))
		}
	}
	return nil
}

// numberedColumns returns the names of columns that have none: column 1, and so on.
func numberedColumns(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "column " + strconv.Itoa(i+1)
	}
	return names
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
		if t.place[i] == ignoredColumn {
			continue
		}
		field = strings.TrimSpace(field)
		where := func() string { return fmt.Sprintf("line %d, column %.40q", line, t.header[i]) }
		if t.place[i] >= 0 && !t.options.Regression {
			class, err := t.words.place(field, t.options, where)
			if err != nil {
				return fmt.Errorf("%w%s", err, t.choice())
			}
			part.Labels = append(part.Labels, class)
			continue
		}
		x, isNumber := t.number(field)
		if t.place[i] == featureColumn && !isNumber {
			t.columns[i].note(field, where)
			part.raw = append(part.raw, 0)
			continue
		}
		switch {
		case !isNumber && isMissing(field):
			return fmt.Errorf("%w: %s: %q is missing: fill it in or leave the row out", ErrInvalid, where(), field)
		case !isNumber:
			return fmt.Errorf("%w: %s: %.40q is not a number%s%s", ErrInvalid, where(), field, t.reason(i), t.choice())
		}
		if err := checkNumber(x); err != nil {
			return fmt.Errorf("%s: %w", where(), err)
		}
		if place := t.place[i]; place >= 0 {
			targets[place] = x
			continue
		}
		c := &t.columns[i]
		c.counts = len(part.raw) < part.Features || c.counts && x == c.last+1
		c.last = x
		part.raw = append(part.raw, x)
	}
	part.rawTargets = append(part.rawTargets, targets...)
	if t.options.unlabelled && !t.options.Regression {
		part.Labels = append(part.Labels, 0)
	}
	return nil
}

// grouped is a number whose digits before the comma stand in threes.
var grouped = regexp.MustCompile(`^[-+]?[1-9][0-9]{0,2}([. \x{a0}][0-9]{3})+(,[0-9]*)?$`)

// number reads a field: a number, or true or false for 1 and 0.
func (t *table) number(field string) (float64, bool) {
	switch strings.ToLower(field) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	if t.options.DecimalComma {
		if grouped.MatchString(field) {
			field = strings.NewReplacer(".", "", " ", "", "\u00a0", "").Replace(field)
		} else if strings.Contains(field, ".") {
			return 0, false // 1.5 is no number with a comma, and not 15
		}
		field = strings.Replace(field, ",", ".", 1)
	}
	x, err := strconv.ParseFloat(field, 64)
	return x, (err == nil || errors.Is(err, strconv.ErrRange)) && !math.IsNaN(x)
}

// note takes in a field of the column that is no number.
func (c *columnState) note(field string, where func() string) {
	first, count := &c.firstWord, &c.words
	if isMissing(field) {
		first, count = &c.firstMissing, &c.missing
	}
	if *count++; *count == 1 {
		*first = fmt.Sprintf("%s: %.40q", where(), field)
	}
}

// leastCounted is of how many rows a column is noted that counts them.
const leastCounted = 10

// checkColumns says which columns hold what is no number, all of them, and notes those that
// count the rows.
func (t *table) checkColumns(rows int) error {
	var words, missing, names []string
	for i, c := range t.columns {
		switch {
		case t.place[i] != featureColumn:
			continue
		case c.words > 0:
			words = append(words, fmt.Sprintf("%s is not a number (%d of %d rows)", c.firstWord, c.words, rows))
		case c.missing > 0:
			missing = append(missing, fmt.Sprintf("%s is missing (%d of %d rows)", c.firstMissing, c.missing, rows))
		case c.counts && rows >= leastCounted && len(t.parts) == 0 && !t.options.Evaluate:
			t.notes = append(t.notes, fmt.Sprintf("the column %.40q counts the rows; if it is no feature, leave it out with --ignore %q", t.header[i], t.header[i]))
			continue
		default:
			continue
		}
		names = append(names, t.header[i])
	}
	if names == nil {
		return nil
	}
	advice := "leave these columns out with --ignore " + quotedList(names)
	switch {
	case t.options.FeatureNames != nil:
		advice = "the network reads these columns: they have to hold a number in each row"
	case len(missing) > 0:
		advice = "fill in what is missing, or " + advice
	}
	if len(words) > 0 && slices.ContainsFunc(t.columns, func(c columnState) bool { return commaNumber.MatchString(c.firstWord) }) && !t.options.DecimalComma {
		advice += "; if a comma is the decimal point, add --decimal-comma"
	}
	if len(words) > 0 {
		advice += t.choice()
	}
	return fmt.Errorf("%w: %s: %s", ErrInvalid, strings.Join(append(words, missing...), "; "), advice)
}

// commaNumber is the end of [columnState.firstWord] where it is a number with a comma.
var commaNumber = regexp.MustCompile(`: "[-+]?[0-9. ]*,[0-9]+"$`)

// quotedList writes names as --ignore takes them: with commas in between, quoted for a shell
// where that is needed.
func quotedList(names []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(names) // a strings.Builder takes everything
	w.Flush()
	list := strings.TrimSuffix(b.String(), "\n")
	if strings.ContainsAny(list, " '\"$`\\*?()[]{}|&;<>#~!") {
		return "'" + strings.ReplaceAll(list, "'", `'\''`) + "'"
	}
	return list
}

// reason says why a column has to hold numbers, where that is not plain.
func (t *table) reason(column int) string {
	if t.place[column] < 0 {
		return ""
	}
	return ", and " + t.options.regression() + " needs numbers to predict"
}
