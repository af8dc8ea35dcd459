package dataset

import (
	"fmt"
	"math"
	"runtime"
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

// standardOf returns the mean and the standard deviation of each column of rows of a width.
func standardOf(numbers []float64, width int) *Standard {
	return spreads(places(width), func(visit func(row []float64)) {
		for row := range slices.Chunk(numbers, width) {
			visit(row)
		}
	})
}

// places returns the numbers below n.
func places(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// spreads returns the mean and the standard deviation of the numbers at some places of rows, in
// float64, of those that are not NaN. Equal numbers have deviation 1, and where there are none the
// mean is 0. No number may exceed [maxMagnitude], so no sum overflows. Sums have the order of the rows.
func spreads(at []int, each func(visit func(row []float64))) *Standard {
	s := &Standard{make([]float64, len(at)), make([]float64, len(at))}
	pieces := runtime.GOMAXPROCS(0)
	together(pieces, func(i int) {
		start, end := i*len(at)/pieces, (i+1)*len(at)/pieces
		if start == end {
			return
		}
		some := spreadsOf(at[start:end], each)
		copy(s.Means[start:end], some.Means)
		copy(s.Deviations[start:end], some.Deviations)
	})
	return s
}

// spreadsOf does what [spreads] does on one processor.
func spreadsOf(at []int, each func(visit func(row []float64))) *Standard {
	width := len(at)
	means, largest, squares := make([]float64, width), make([]float64, width), make([]float64, width)
	first, count := make([]float64, width), make([]float64, width)
	each(func(row []float64) {
		for f, place := range at {
			if x := row[place]; x == x {
				if count[f] == 0 {
					first[f] = x
				}
				count[f]++
			}
		}
	})
	// Differences to the first row keep the mean of equal numbers exact, and the
	// others as precise as the numbers are far apart.
	each(func(row []float64) {
		for f, place := range at {
			if x := row[place]; x == x {
				means[f] += (x - first[f]) / count[f]
			}
		}
	})
	for f := range means {
		means[f] += first[f]
	}
	each(func(row []float64) {
		for f, place := range at {
			if d := math.Abs(row[place] - means[f]); d > largest[f] {
				largest[f] = d
			}
		}
	})
	each(func(row []float64) {
		for f, place := range at {
			if x := row[place]; x == x && largest[f] > 0 { // scaled, since squares of tiny differences would vanish
				d := (x - means[f]) / largest[f]
				squares[f] += d * d / count[f]
			}
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
func (s *Standard) apply(numbers []float64, most float64, what string) ([]float32, error) {
	values := make([]float32, len(numbers))
	for i, x := range numbers {
		var err error
		if values[i], err = s.value(i%len(s.Means), x, most, what); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// value returns a number of a column standardised; one that is missing is the mean.
func (s *Standard) value(f int, x, most float64, what string) (float32, error) {
	if x != x {
		return 0, nil
	}
	z := float32((x - s.Means[f]) / s.Deviations[f])
	if math.Abs(float64(z)) > most {
		return 0, fmt.Errorf("%w: %s %d of a sample is %g, too far from the mean %g of deviation %g for float32",
			ErrInvalid, what, f+1, x, s.Means[f], s.Deviations[f])
	}
	return z, nil
}

// standardiseFeatures makes features of the numbers of all parts and standardises them: by the
// standard given or, where there is none, by that of the training part.
func (d *Dataset) standardiseFeatures(given *Standard) error {
	d.Mean, d.Deviation = 0, 1
	d.Standard = given
	if given == nil {
		if !d.Train.raw.varies() {
			return fmt.Errorf("%s: %w: every feature is the same in all %d training samples; there is nothing to learn from", d.Name, ErrInvalid, d.Train.Len())
		}
		d.Standard = d.encoding.standardOf(d.Train.raw)
	} else if features := d.Test.Features; features != len(given.Means) {
		return fmt.Errorf("%s: the network %w: it has %d features, and the network was trained on %d", d.Name, ErrOption, features, len(given.Means))
	}
	write, err := d.encoding.writer(d.Standard)
	for _, part := range []*Samples{&d.Train, &d.Validation, &d.Test} {
		if err == nil {
			part.Values = make([]float32, part.raw.n*part.Features)
			err = part.raw.consume(func(i int, row []float64) error {
				return write(part.Values[i*part.Features:(i+1)*part.Features], row)
			})
		}
		part.raw = rows{}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	return nil
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
