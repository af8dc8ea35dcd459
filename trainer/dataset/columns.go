package dataset

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxNames bounds the names of the columns of a table, in bytes of JSON: they
// stand in model files, whose header is bounded, beside the means and deviations.
const maxNames = 2 << 20

// checkNames says whether a model file has room for the names of columns.
func checkNames(header []string) error {
	text, err := json.Marshal(header)
	if err != nil {
		return err // there is no string that JSON does not hold
	}
	if len(text) > maxNames {
		return fmt.Errorf("%w: line 1: the names of its %d columns take %d bytes, and at most %d are kept: shorten them", ErrInvalid, len(header), len(text), maxNames)
	}
	return nil
}

// columnsRead returns the names of the columns that hold features.
func (t *table) columnsRead() []string {
	var names []string
	for column, name := range t.header {
		if t.place[column] == featureColumn {
			names = append(names, name)
		}
	}
	return names
}

// othersIn returns the names in a header that are none of these, each of which stands
// for one column.
func othersIn(header, names []string) []string {
	left := map[string]int{}
	for _, name := range names {
		left[name]++
	}
	var others []string
	for _, name := range header {
		if left[name] > 0 {
			left[name]--
		} else {
			others = append(others, name)
		}
	}
	return others
}

// labelBeside returns the name of the column of the labels in a header with the features
// that a network was trained on, or "" where the names of columns that are none of these
// say which it is, as [findLabel] reads them.
func labelBeside(header, features []string) (string, error) {
	others := othersIn(header, features)
	switch len(others) {
	case 0:
		return "", fmt.Errorf("%w: no column is left for the labels: the network was trained on all of %.300s; add theirs, or name it with --label", ErrOption, someOf(header))
	case 1:
		return others[0], nil
	}
	if column, err := findLabel(header, ""); err == nil && slices.Contains(others, header[column]) {
		return "", nil
	}
	return "", fmt.Errorf("%w: which of the columns %.300s holds the labels? Name it with --label", ErrOption, someOf(others))
}

// unlike says in which way the header of a further file is not that of the training
// samples.
func (t *table) unlike(header []string) string {
	if missing := othersIn(t.header, header); missing != nil {
		return fmt.Sprintf("it lacks the column %.40q; there are %.300s", missing[0], someOf(header))
	}
	if more := othersIn(header, t.header); more != nil {
		second := ""
		if slices.Contains(t.header, more[0]) {
			second = "second "
		}
		return fmt.Sprintf("they have no %scolumn %.40q", second, more[0])
	}
	return fmt.Sprintf("theirs stand in the order %.300s", someOf(t.header))
}

// columnNames reads a list of names as a line of CSV names them.
func columnNames(list, option string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names, err := csv.NewReader(strings.NewReader(list)).Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %s %.40q is no list of columns with commas in between; put a name with a comma or a quote in double quotes", ErrOption, option, list)
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names, nil
}
