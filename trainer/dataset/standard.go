package dataset

import (
	"fmt"
	"math"
	"slices"
)

// Standard is how numbers are standardised: a network's input is
// (value - Means[f]) / Deviations[f] for feature f, and likewise what it is to
// predict for a target.
type Standard struct {
	Means      []float64 // one a feature or target
	Deviations []float64 // one a feature or target, above 0
}

// each returns a standard of so many columns, which one of a single column is for all.
func (s *Standard) each(columns int, what string) (*Standard, error) {
	switch len(s.Means) {
	case columns:
		return s, nil
	case 1:
		return &Standard{slices.Repeat(s.Means, columns), slices.Repeat(s.Deviations, columns)}, nil
	}
	return nil, fmt.Errorf("%d means and deviations %w: it has %d %s; give one of each, or as many", len(s.Means), ErrOption, columns, what)
}

// maxMagnitude bounds features and targets: float32 holds no larger ones.
const maxMagnitude = math.MaxFloat32

// standardOf returns the mean and the standard deviation of each column of rows
// of a width, in float64. A column of equal numbers has deviation 1. No number may
// exceed [maxMagnitude], so no sum overflows.
func standardOf(rows []float64, width int) *Standard {
	n := float64(len(rows) / width)
	means, largest, squares := make([]float64, width), make([]float64, width), make([]float64, width)
	// Differences to the first row keep the mean of equal numbers exact, and the
	// others as precise as the numbers are far apart.
	each := func(visit func(column int, x float64)) {
		for row := range slices.Chunk(rows, width) {
			for f, x := range row {
				visit(f, x)
			}
		}
	}
	each(func(f int, x float64) { means[f] += (x - rows[f]) / n })
	for f := range means {
		means[f] += rows[f]
	}
	each(func(f int, x float64) { largest[f] = max(largest[f], math.Abs(x-means[f])) })
	each(func(f int, x float64) {
		if largest[f] > 0 { // scaled, since squares of tiny differences would vanish
			d := (x - means[f]) / largest[f]
			squares[f] += d * d / n
		}
	})
	deviations := squares
	for f, square := range squares {
		if deviations[f] = largest[f] * math.Sqrt(square); deviations[f] == 0 {
			deviations[f] = 1
		}
	}
	return &Standard{means, deviations}
}

// apply returns rows standardised. The error is about the first number whose
// magnitude is then above most; what says what a column is.
func (s *Standard) apply(rows []float64, most float64, what string) ([]float32, error) {
	values := make([]float32, len(rows))
	for i, x := range rows {
		f := i % len(s.Means)
		values[i] = float32((x - s.Means[f]) / s.Deviations[f])
		if math.Abs(float64(values[i])) > most {
			return nil, fmt.Errorf("%w: %s %d of a sample is %g, too far from the mean %g of deviation %g for float32",
				ErrInvalid, what, f+1, x, s.Means[f], s.Deviations[f])
		}
	}
	return values, nil
}

// standardiseFeatures standardises all parts: by the standard given or, where
// there is none, by that of the training part.
func (d *Dataset) standardiseFeatures(given *Standard) error {
	d.Mean, d.Deviation = 0, 1
	d.Standard = given
	if given == nil {
		d.Standard = standardOf(d.Train.raw, d.Train.Features)
		if !varies(d.Train) {
			return fmt.Errorf("%s: %w: every feature is the same in all %d training samples; there is nothing to learn from", d.Name, ErrInvalid, d.Train.Len())
		}
	} else if features := d.Test.Features; features != len(given.Means) {
		return fmt.Errorf("%s: the network %w: it has %d features, and the network was trained on %d", d.Name, ErrOption, features, len(given.Means))
	}
	for _, part := range []*Samples{&d.Train, &d.Validation, &d.Test} {
		var err error
		if part.Values, err = d.Standard.apply(part.raw, maxMagnitude, "feature"); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		part.raw = nil
	}
	return nil
}

// varies reports whether any feature differs between two samples.
func varies(s Samples) bool {
	for i, x := range s.raw {
		if x != s.raw[i%s.Features] {
			return true
		}
	}
	return false
}

// checkNumber says why a number cannot be a feature or a target.
func checkNumber(x float64) error {
	switch {
	case math.IsNaN(x):
		return fmt.Errorf("%w: NaN is missing: fill it in or leave the sample out", ErrInvalid)
	case math.Abs(x) > maxMagnitude:
		return fmt.Errorf("%w: %g is more than float32 holds", ErrInvalid, x)
	}
	return nil
}
