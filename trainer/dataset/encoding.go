package dataset

import "math"

// encoding says how rows of numbers become rows of features: column k is number at[k] of a row: the
// number itself, or the place of its level from 0, below 0 of a level that is not known, and NaN
// where the value is missing. The zero value takes rows as they are.
type encoding struct {
	columns []Column
	at      []int
}

// leastSpread is the least deviation by which a level, or a mark that a value is missing, is
// standardised, of those that vary: a rarer one than one in a hundred would be a feature of far
// larger numbers than all others.
const leastSpread = 0.1

// standardOf returns the mean and the standard deviation of each feature of some rows, of numbers
// that are not missing.
func (e encoding) standardOf(r rows) *Standard {
	each := func(visit func(row []float64)) {
		for i := range r.n {
			visit(r.row(i))
		}
	}
	if e.columns == nil {
		return spreads(places(r.width), each)
	}
	var numbers []int
	counts := make([][]int, len(e.columns)) // of the levels, and of what is missing
	for k, c := range e.columns {
		counts[k] = make([]int, c.Features())
		if c.Levels == nil {
			numbers = append(numbers, e.at[k])
		}
	}
	each(func(row []float64) {
		for k, c := range e.columns {
			switch x := row[e.at[k]]; {
			case x != x && c.Marked:
				counts[k][len(counts[k])-1]++
			case c.Levels != nil && x >= 0:
				counts[k][int(x)]++
			}
		}
	})
	spread, s := spreads(numbers, each), &Standard{}
	next := 0
	for k, c := range e.columns {
		flags := counts[k]
		if c.Levels == nil {
			s.Means, s.Deviations = append(s.Means, spread.Means[next]), append(s.Deviations, spread.Deviations[next])
			flags = flags[1:]
			next++
		}
		for _, count := range flags {
			p := float64(count) / float64(r.n)
			deviation := 1.
			if count > 0 && count < r.n {
				deviation = max(math.Sqrt(p*(1-p)), leastSpread)
			}
			s.Means, s.Deviations = append(s.Means, p), append(s.Deviations, deviation)
		}
	}
	return s
}

// writer returns what writes the standardised features of a row. The error is about a feature that
// float32 does not hold.
func (e encoding) writer(s *Standard) (func(values []float32, row []float64) error, error) {
	number := func(values []float32, f int, x float64) (err error) {
		values[f], err = s.value(f, x, maxMagnitude, "feature")
		return err
	}
	if e.columns == nil {
		return func(values []float32, row []float64) error {
			for f, x := range row {
				if err := number(values, f, x); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	// What features are that are 0 or 1.
	zeros, ones := make([]float32, len(s.Means)), make([]float32, len(s.Means))
	var first []int // feature of each column
	f := 0
	for _, c := range e.columns {
		first = append(first, f)
		for i := range c.Features() {
			if c.Levels != nil || i > 0 {
				for x, values := range [][]float32{zeros, ones} {
					if err := number(values, f, float64(x)); err != nil {
						return nil, err
					}
				}
			}
			f++
		}
	}
	return func(values []float32, row []float64) error {
		copy(values, zeros)
		for k := range e.columns {
			c, f, x := &e.columns[k], first[k], row[e.at[k]]
			if c.Levels == nil {
				if err := number(values, f, x); err != nil {
					return err
				}
			} else if x >= 0 {
				values[f+int(x)] = ones[f+int(x)]
			}
			if c.Marked && x != x {
				last := f + c.Features() - 1
				values[last] = ones[last]
			}
		}
		return nil
	}, nil
}
