package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Column says how a column of a table becomes features. Its first is the number, or there is one a
// level, which is 1 where the column has that level and else 0. With Marked a last one is 1 where
// the value is missing. A number that is missing is the mean of the training part, a level that is
// missing or unknown is none of them.
type Column struct {
	Name   string   `json:"name"`
	Levels []string `json:"levels,omitempty"` // in their order; none of a column of numbers
	Marked bool     `json:"marked,omitempty"`
}

// Features returns how many features a column has.
func (c Column) Features() int {
	n := max(1, len(c.Levels))
	if c.Marked {
		n++
	}
	return n
}

// features returns the names of the features of a column.
func (c Column) features() []string {
	names := []string{c.Name}
	if c.Levels != nil {
		names = names[:0]
		for _, level := range c.Levels {
			names = append(names, c.Name+"="+level)
		}
	}
	if c.Marked {
		names = append(names, c.Name+" is missing")
	}
	return names
}

// ArePlain reports whether each column is a feature as it stands.
func ArePlain(columns []Column) bool {
	return !slices.ContainsFunc(columns, func(c Column) bool { return c.Levels != nil || c.Marked })
}

// plainColumns returns columns of numbers, a feature each.
func plainColumns(names []string) []Column {
	var columns []Column
	for _, name := range names {
		columns = append(columns, Column{Name: name})
	}
	return columns
}

// FeatureNames returns the names of the features of some columns, in their order.
func FeatureNames(columns []Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.features()...)
	}
	return names
}

// sortLevels orders levels, as numbers where all are, and returns the place of each in that order.
func sortLevels(levels []string) (sorted []string, places []float64) {
	numeric := !slices.ContainsFunc(levels, func(s string) bool { _, ok := asNumber(s); return !ok })
	order := make([]int, len(levels))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if numeric {
			x, _ := strconv.ParseFloat(levels[a], 64)
			y, _ := strconv.ParseFloat(levels[b], 64)
			return cmp.Compare(x, y)
		}
		return strings.Compare(levels[a], levels[b])
	})
	places = make([]float64, len(levels))
	for place, i := range order {
		sorted = append(sorted, levels[i])
		places[i] = float64(place)
	}
	return sorted, places
}

// ColumnUse says what a column of a table became, for its owner.
type ColumnUse struct {
	Name string `json:"name"`
	Use  string `json:"use"`
}

// PlainUse is the use of a column whose numbers are a feature as they stand.
const PlainUse = "number"

// use says what became of a column that was read.
func (c *columnState) use(column Column, rows int) string {
	words := PlainUse
	switch {
	case column.Levels != nil:
		words = fmt.Sprintf("%d levels: %s", len(column.Levels), quotedSome(column.Levels))
		if len(column.Levels) == 1 {
			words = "1 level: " + quotedSome(column.Levels)
		}
	case c.truths > 0 && c.truths == c.numbers:
		words = "true or false, as 1 or 0"
	case c.commas > 0:
		words = "number with a comma before its decimals"
	case c.grouped > 0:
		words = "number with commas between thousands"
	}
	if column.Marked {
		rule := "is their mean"
		if column.Levels != nil {
			rule = "is no level"
		}
		words += fmt.Sprintf("; %d of %d missing: it %s, and a further feature says so", c.missing, rows, rule)
	}
	return words
}

// quotedSome lists the first of some words, shortened.
func quotedSome(words []string) string {
	const shown = 6
	var parts []string
	for _, word := range words[:min(shown, len(words))] {
		parts = append(parts, fmt.Sprintf("%.20q", word))
	}
	if len(words) > shown {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}
