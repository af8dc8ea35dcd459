package dataset

import (
	"fmt"
	"slices"
)

// FromRows makes a data set of samples in memory, as [Open] makes one of a table: a row of features and
// a label each, in words. The options' fractions and seed say what becomes the test and the validation
// part. The rows are not changed, and NaN is a feature that is missing: the mean of the training part.
// Errors wrap [ErrInvalid], [ErrFraction] or [ErrOption].
func FromRows(name string, features [][]float64, labels []string, o Options) (*Dataset, error) {
	if len(features) == 0 || len(features) != len(labels) {
		return nil, fmt.Errorf("%s: %w: %d rows of features and %d labels; want as many, and one at least", name, ErrInvalid, len(features), len(labels))
	}
	width := len(features[0])
	raw, words := rows{matrix: newMatrix(width)}, labelWords{}
	d := &Dataset{Name: name, Height: 1, Width: width, Train: Samples{Features: width}, Test: Samples{Features: width}}
	for i, row := range features {
		if len(row) != width || width == 0 {
			return nil, fmt.Errorf("%s: %w: row %d has %d features; row 0 has %d, and they must be as many, and one at least", name, ErrInvalid, i, len(row), width)
		}
		if k := slices.IndexFunc(row, func(x float64) bool { return x == x && checkNumber(x) != nil }); k >= 0 {
			return nil, fmt.Errorf("%s: row %d, feature %d: %w", name, i, k, checkNumber(row[k]))
		}
		copy(raw.add(), row)
		place, err := words.place(labels[i], o, func() string { return fmt.Sprintf("label %d", i) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d.Train.Labels = append(d.Train.Labels, place)
	}
	d.Train.raw = raw
	names, err := words.nameClasses(o.ClassNames, d.Train)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.Classes, d.ClassNames = len(names), names
	return d, d.finish(o)
}
