package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxLevels is the most levels that a column of words may have to be read.
	maxLevels = 100
	// rowsPerLevel is how many rows there are for each level at least, on average, of a column
	// with more than two levels: names and tickets are no levels.
	rowsPerLevel = 2
)

// columnState is what was seen in a column of features.
type columnState struct {
	Column
	known bool // what the column becomes is decided

	levels map[string]int // of a column of words the place of each; nil of one of numbers
	words  []string       // the levels in the order in which they came
	tooFew bool           // rows for its levels: the column is left out

	numbers, truths, commas, grouped, missing, strange int // how many rows hold what
	firstWord, firstMissing, firstStrange              string
	// The first number with a point and the first with a comma before its decimals.
	point, comma sighting

	counts bool // each number so far is the one before plus one
	last   float64
}

// know decides what the column becomes before any of it is read.
func (c *columnState) know(column Column) {
	c.Column, c.known = column, true
	if column.Levels != nil {
		c.levels = map[string]int{}
		for place, level := range column.Levels {
			c.levels[level] = place
		}
	}
}

// first notes where something was seen for the first time.
func (t *cell) first(note *string, count *int, field []byte) {
	if *count++; *count == 1 {
		*note = fmt.Sprintf("%s: %.40q", t.where(), field)
	}
}

// take returns the number that a row of the matrix holds for a field: the number that it is, or
// the place of its level. It is NaN of a missing value, and below 0 of a level that is not known.
// The rows before it are read.
func (t *cell) take(before rows, field []byte) (float64, error) {
	c := &t.columns[t.column]
	if c.tooFew {
		return math.NaN(), nil
	}
	if c.levels == nil {
		x, isNumber := t.number(c, field)
		switch {
		case isNumber:
			if !(math.Abs(x) <= maxMagnitude) {
				return 0, fmt.Errorf("%s: %w", t.where(), checkNumber(x))
			}
			c.counts = c.numbers == 0 || c.counts && x == c.last+1
			c.last = x
			c.numbers++
			return x, nil
		case isMissing(string(field)):
			c.counts = false
			t.first(&c.firstMissing, &c.missing, field)
			return math.NaN(), nil
		case c.known:
			t.first(&c.firstWord, &c.strange, field)
			return math.NaN(), nil
		}
		c.firstWord = fmt.Sprintf("%s: %.40q", t.where(), field)
		c.becomeLevels(before, t.at[t.column])
	}
	if place, ok := c.levels[string(field)]; ok {
		return float64(place), nil
	}
	word := string(field)
	if isMissing(word) {
		t.first(&c.firstMissing, &c.missing, field)
		return math.NaN(), nil
	}
	if number, ok := asNumber(word); ok {
		word = number
	}
	if lower := strings.ToLower(word); lower == "true" || lower == "false" {
		word = lower
	}
	place, ok := c.levels[word]
	switch {
	case ok:
	case c.known:
		t.first(&c.firstStrange, &c.strange, field)
		return -1, nil
	default:
		place = c.addLevel(word)
	}
	return float64(place), nil
}

// addLevel adds a level, or leaves the column out, and returns the place of the level.
func (c *columnState) addLevel(word string) int {
	if len(c.words) == maxLevels || len(word) > maxLabelLength || !utf8.ValidString(word) {
		c.tooFew = true
		return 0
	}
	place, ok := c.levels[word]
	if !ok {
		place = len(c.words)
		c.levels[word] = place
		c.words = append(c.words, word)
	}
	return place
}

// becomeLevels makes a column of numbers, which are at a place of some rows, one of words.
func (c *columnState) becomeLevels(read rows, at int) {
	c.levels, c.counts = map[string]int{}, false
	for i := range read.n {
		x := &read.row(i)[at]
		switch {
		case math.IsNaN(*x):
		case c.truths == c.numbers:
			*x = float64(c.addLevel([]string{"false", "true"}[int(*x)]))
		default:
			*x = float64(c.addLevel(formatNumber(*x)))
		}
	}
}

// decide decides what a column becomes once all of its rows are read, and returns why it is left
// out instead; else the rows have the places of sorted levels.
func (c *columnState) decide(name string, read rows, at int) (leftOut string) {
	column := Column{Name: name, Marked: c.missing > 0}
	there := read.n - c.missing
	switch {
	case there == 0:
		return "left out: it has no value"
	case c.tooFew:
		return fmt.Sprintf("left out: more than %d different words, or long ones", maxLevels)
	case len(c.words) > 2 && there < rowsPerLevel*len(c.words):
		return fmt.Sprintf("left out: %d different words in %d rows", len(c.words), there)
	case c.levels != nil:
		sorted, places := sortLevels(c.words)
		column.Levels = sorted
		for i := range read.n {
			if x := &read.row(i)[at]; !math.IsNaN(*x) {
				*x = places[int(*x)]
			}
		}
	}
	c.know(column)
	return ""
}

// decideColumns decides what columns become that no network knows, and says so.
func (t *table) decideColumns(part *Samples) error {
	if err := t.checkCommas(); err != nil {
		return err
	}
	if err := t.checkWords(); err != nil {
		return err
	}
	leftOut := make([]string, len(t.header))
	together(len(t.header), func(i int) {
		if t.place[i] == featureColumn {
			leftOut[i] = t.columns[i].decide(t.header[i], part.raw, t.at[i])
		}
	})
	plain := true
	for i, name := range t.header {
		c := &t.columns[i]
		use := ""
		switch {
		case t.place[i] == ignoredColumn:
			use = "left out by --ignore"
		case t.place[i] >= 0 && t.options.Regression:
			use = "to be predicted"
		case t.place[i] >= 0:
			use = "label"
		default:
			if use = leftOut[i]; use == "" {
				t.known.columns, t.known.at = append(t.known.columns, c.Column), append(t.known.at, t.at[i])
				use = c.use(c.Column, part.raw.n)
			}
			plain = plain && use == PlainUse
			if c.counts && c.numbers == part.raw.n && part.raw.n >= leastCounted {
				t.notes = append(t.notes, fmt.Sprintf("the column %.40q counts the rows; if it is no feature, leave it out with --ignore %q", name, name))
			}
		}
		t.uses = append(t.uses, ColumnUse{Name: name, Use: use})
	}
	if plain {
		t.uses = nil
	}
	if t.known.columns == nil {
		var why []string
		for _, u := range t.uses {
			why = append(why, fmt.Sprintf("%.40q is %s", u.Name, u.Use))
		}
		return fmt.Errorf("%w: no column is left to predict from: %s%s", ErrInvalid, someOf(why), t.choice())
	}
	names := FeatureNames(t.known.columns)
	if len(names) > maxFloatFeatures {
		return fmt.Errorf("%w: its columns become %d features; at most %d are taken: leave some out with --ignore", ErrInvalid, len(names), maxFloatFeatures)
	}
	return checkNames(names)
}

// checkWords says which columns of words are most likely of numbers: because of their decimals, or
// since most of their many levels are numbers.
func (t *table) checkWords() error {
	var decimals, numbers []string
	for i := range t.columns {
		c := &t.columns[i]
		if t.place[i] != featureColumn || c.levels == nil {
			continue
		}
		plain := 0
		for _, word := range c.words {
			if _, ok := asNumber(word); ok {
				plain++
			}
		}
		switch {
		case commaNumber.MatchString(c.firstWord), t.options.DecimalComma && plain == len(c.words):
			decimals = append(decimals, c.firstWord+" is not a number")
		case len(c.words) > maxLevels/2 && 2*plain > len(c.words):
			numbers = append(numbers, fmt.Sprintf("%s is not a number, and most others are", c.firstWord))
		}
	}
	switch {
	case decimals != nil && t.options.DecimalComma:
		return fmt.Errorf("%w: %s: --decimal-comma is for numbers with a comma before their decimals; --ignore leaves columns out", ErrInvalid, strings.Join(decimals, "; "))
	case decimals != nil:
		return fmt.Errorf("%w: %s: if a comma is the decimal point, add --decimal-comma; --ignore leaves columns out", ErrInvalid, strings.Join(decimals, "; "))
	case numbers != nil:
		return fmt.Errorf("%w: %s: mend it, write NA where a number is missing, or leave the column out with --ignore%s", ErrInvalid, strings.Join(numbers, "; "), t.choice())
	}
	return nil
}

// checkKnown says which columns of numbers that are known hold words, all of them.
func (t *table) checkKnown(rows int) error {
	if err := t.checkCommas(); err != nil {
		return err
	}
	var words []string
	commas := false
	for i, c := range t.columns {
		if t.place[i] == featureColumn && c.Levels == nil && c.strange > 0 {
			words = append(words, fmt.Sprintf("%s is not a number (%d of %d rows)", c.firstWord, c.strange, rows))
			commas = commas || commaNumber.MatchString(c.firstWord)
		}
	}
	if words == nil {
		return nil
	}
	advice := "the network reads these columns: they have to hold numbers"
	if !t.options.Evaluate {
		advice = "the training samples have numbers there"
	}
	if commas && !t.options.DecimalComma {
		advice += "; if a comma is the decimal point, add --decimal-comma"
	}
	return fmt.Errorf("%w: %s: %s%s", ErrInvalid, strings.Join(words, "; "), advice, t.choice())
}

// noteStrange notes what columns hold that the training samples did not.
func (t *table) noteStrange() {
	for i, c := range t.columns {
		if t.place[i] != featureColumn || !c.known {
			continue
		}
		if c.Levels != nil && c.strange > 0 {
			t.notes = append(t.notes, fmt.Sprintf("%s is not among the levels of training and is taken for none of them; rows with such a level: %d", c.firstStrange, c.strange))
		}
		if c.missing > 0 && !c.Marked {
			rule := "the mean"
			if c.Levels != nil {
				rule = "none of the levels"
			}
			t.notes = append(t.notes, fmt.Sprintf("%s is missing, as it was nowhere in training, and is taken for %s; rows where it is: %d", c.firstMissing, rule, c.missing))
		}
	}
}

// knowColumns finds the columns that a network knows in the header, each by its name; of columns with
// the same name the first is the first.
func (t *table) knowColumns(columns []Column) error {
	t.known = encoding{columns: columns}
	places := map[string][]int{}
	for i, name := range t.header {
		if t.place[i] == featureColumn {
			places[name] = append(places[name], i)
		}
	}
	for _, column := range columns {
		there := places[column.Name]
		if len(there) == 0 {
			return fmt.Errorf("the network %w: it was trained on a feature %.40q, and no column is called so; there are %.300s", ErrOption, column.Name, someOf(t.header))
		}
		t.columns[there[0]].know(column)
		t.known.at = append(t.known.at, t.at[there[0]])
		places[column.Name] = there[1:]
	}
	return nil
}

// namesOf returns the names of columns.
func namesOf(columns []Column) []string {
	names := make([]string, 0, len(columns))
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return slices.Clip(names)
}
