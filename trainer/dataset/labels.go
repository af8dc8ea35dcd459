package dataset

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxClasses     = math.MaxUint8 + 1
	maxLabelLength = 256 // bytes of a word; class names stand in model files
)

// labelWords are the labels of a data set, as they first came. A sample has the place of
// its label among them until classes are named.
type labelWords struct {
	words  []*labelWord
	known  map[string]uint8
	advice string // where there are too many, a question and its space behind it
}

// labelWord is a label with where it came first, and how many samples have it.
type labelWord struct {
	text, where string
	samples     int
}

// missingWords are how programs write a value that is missing, in lower case.
var missingWords = []string{"", "?", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"}

// isMissing reports whether a field says that its value is missing.
func isMissing(field string) bool { return slices.Contains(missingWords, strings.ToLower(field)) }

// place returns the place of a label among the words. A word that says that a label is missing
// is an error, unless there is a class of that name.
func (l *labelWords) place(word string, o Options, where func() string) (uint8, error) {
	if place, ok := l.known[word]; ok {
		l.words[place].samples++
		return place, nil
	}
	switch {
	case word == "":
		return 0, fmt.Errorf("%w: %s: the label is missing: fill it in or leave the row out", ErrInvalid, where())
	case isMissing(word) && !o.MissingIsClass && !slices.Contains(o.ClassNames, word):
		return 0, fmt.Errorf("%w: %s: the label %q says that it is missing: fill it in or leave the row out; if a class is called so, add --missing-is-class", ErrInvalid, where(), word)
	case len(word) > maxLabelLength || !utf8.ValidString(word):
		return 0, fmt.Errorf("%w: %s: the label %.40q is longer than %d bytes or not UTF-8", ErrInvalid, where(), word, maxLabelLength)
	case len(l.words) == maxClasses:
		return 0, fmt.Errorf("%w: %s: %.40q is one label more than %d; %sare they numbers to predict? --task regression does that", ErrInvalid, where(), word, maxClasses, l.advice)
	}
	word = strings.Clone(word) // not the whole row
	place := uint8(len(l.words))
	if l.known == nil {
		l.known = map[string]uint8{}
	}
	l.words = append(l.words, &labelWord{word, where(), 1})
	l.known[word] = place
	return place, nil
}

// nameClasses turns the labels of some parts from places in words into classes, and returns
// the classes' names: those given, else all words in order. Where all are numbers they are
// compared and ordered as numbers: 1 and 1.0 are one class.
func (l *labelWords) nameClasses(given []string, parts ...Samples) ([]string, error) {
	names, numeric := given, true
	canonical := make([]string, len(l.words))
	for _, name := range given {
		_, ok := labelNumber(name)
		numeric = numeric && ok
	}
	for i, word := range l.words {
		number, ok := labelNumber(word.text)
		numeric = numeric && (ok || given != nil)
		canonical[i] = number
	}
	for i, word := range l.words {
		if !numeric || canonical[i] == "" {
			canonical[i] = word.text
		}
	}
	if given == nil {
		names = slices.Clone(canonical)
		compare := strings.Compare
		if numeric {
			compare = compareNumbers
		}
		slices.SortFunc(names, compare)
		names = slices.Compact(names)
	}
	classes := make([]uint8, len(l.words))
	for i, word := range l.words {
		class := slices.Index(names, canonical[i])
		if class < 0 {
			return nil, fmt.Errorf("%w: %s: the network does not know the class %.40q; it knows %.300s", ErrOption, word.where, word.text, someOf(names))
		}
		classes[i] = uint8(class)
	}
	for _, part := range parts {
		for i, place := range part.Labels {
			part.Labels[i] = classes[place]
		}
	}
	return names, nil
}

// Labels are taken for numbers to predict where there are more than mostPlainClasses of them
// and most have so few samples.
const (
	mostPlainClasses = 20
	fewOfAClass      = 2
)

// checkClasses says why the labels are most likely numbers to predict.
func (l *labelWords) checkClasses() error {
	few := 0
	var fraction *labelWord
	for _, word := range l.words {
		number, ok := asNumber(word.text)
		if !ok {
			return nil
		}
		if x, _ := strconv.ParseFloat(number, 64); x != math.Trunc(x) && fraction == nil {
			fraction = word
		}
		if word.samples <= fewOfAClass {
			few++
		}
	}
	const advice = ": predict them with --task regression; if they are classes, give these names that are no numbers"
	switch {
	case fraction != nil:
		return fmt.Errorf("%w: %s: %s is a fraction, so the labels look like numbers to predict%s", ErrInvalid, fraction.where, fraction.text, advice)
	case len(l.words) > mostPlainClasses && 2*few > len(l.words):
		return fmt.Errorf("%w: the labels look like numbers to predict, %d different ones, of which %d have at most %d samples%s", ErrInvalid, len(l.words), few, fewOfAClass, advice)
	}
	return nil
}

// renumber turns labels, which are the numbers of classes, into the places of these numbers among
// the names of a network's classes.
func (d *Dataset) renumber(names []string) error {
	if areNumbered(names) {
		return nil
	}
	for _, part := range []Samples{d.Train, d.Test} {
		for i, label := range part.Labels {
			class := slices.Index(names, strconv.Itoa(int(label)))
			if class < 0 {
				return fmt.Errorf("%s: %w: the network does not know the class %d; it knows %.300s", d.Name, ErrOption, label, someOf(names))
			}
			part.Labels[i] = uint8(class)
		}
	}
	d.Classes = len(names)
	return nil
}

// areNumbered reports whether class i is called i, for all of them.
func areNumbered(names []string) bool {
	for i, name := range names {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// labelNumber writes a finite number in the one way that names its class: of a whole number of
// decimal digits all of these, also where float64 does not hold it.
func labelNumber(word string) (string, bool) {
	if whole, ok := new(big.Int).SetString(word, 10); ok {
		return whole.String(), true
	}
	return asNumber(word)
}

// compareNumbers compares two results of [labelNumber]. Words of labels are short enough for whole
// numbers to be exact.
func compareNumbers(a, b string) int {
	const bits = 4 * maxLabelLength // of a digit, rounded up
	x, _, _ := big.ParseFloat(a, 10, bits, big.ToNearestEven)
	y, _, _ := big.ParseFloat(b, 10, bits, big.ToNearestEven)
	return x.Cmp(y)
}

// asNumber writes a finite number of float64 in the one way that names its level.
func asNumber(word string) (string, bool) {
	x, err := strconv.ParseFloat(word, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return "", false
	}
	return formatNumber(x), true
}
