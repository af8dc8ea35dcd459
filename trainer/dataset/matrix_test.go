package dataset

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"nashprune/trainer/random"
)

// flat returns the numbers of all rows.
func (r rows) flat() []float64 {
	numbers := []float64{}
	for i := range r.n {
		numbers = append(numbers, r.row(i)...)
	}
	return numbers
}

// featuresOf returns the features of a part before they are standardised, with NaN for numbers that
// are missing.
func featuresOf(d *Dataset, part Samples) []float64 {
	features := []float64{}
	if part.raw.n == 0 {
		return features
	}
	write, err := d.encoding.writer(rawStandard(part.Features))
	for i := range part.raw.n {
		row := make([]float32, part.Features)
		if err == nil {
			err = write(row, part.raw.row(i))
		}
		if err != nil {
			panic(err)
		}
		f := len(features)
		for _, x := range row {
			features = append(features, float64(x))
		}
		for k, c := range d.encoding.columns {
			if x := part.raw.row(i)[d.encoding.at[k]]; c.Levels == nil && x != x {
				features[f] = x
			}
			f += c.Features()
		}
	}
	return features
}

// TestMatrix: rows stand where they were added, whatever the blocks, may be brought into any order,
// and are visited once, in order, in parts.
func TestMatrix(t *testing.T) {
	for _, width := range []int{1, 3, blockNumbers/2 + 1, blockNumbers + 1} {
		n := 3*max(1, blockNumbers/width) + 2
		if width == 1 {
			n = blockNumbers + 7
		}
		r := rows{matrix: newMatrix(width)}
		for i := range n {
			r.add()[width-1] = float64(i)
		}
		order := random.New(3, random.Testing, 0, uint32(width)).Permutation(n)
		before := slices.Clone(order)
		permute(order, width, r.row)
		if !slices.Equal(order, before) {
			t.Errorf("width %d: the order has changed", width)
		}
		cut := n / 3
		visits := make([]atomic.Int32, n)
		for _, part := range []rows{r.part(0, cut), r.part(cut, cut), r.part(cut, n)} {
			err := part.consume(func(i int, row []float64) error {
				at := part.from + i
				visits[at].Add(1)
				if len(row) != width || row[width-1] != float64(order[at]) {
					t.Errorf("width %d: row %d is %v, want %d", width, at, row[width-1], order[at])
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for at := range visits {
			if got := visits[at].Load(); got != 1 {
				t.Errorf("width %d: row %d of %d is visited %d times", width, at, n, got)
			}
		}
	}
}

// TestConsumeFails: the error is that of the first row with one, whichever block is visited first.
func TestConsumeFails(t *testing.T) {
	const n = 5*blockNumbers + 3
	r := rows{matrix: newMatrix(1)}
	for range n {
		r.add()
	}
	for _, from := range []int{0, 2 * blockNumbers, n - 1} {
		err := r.part(0, n).consume(func(i int, _ []float64) error {
			if i < from {
				return nil
			}
			return fmt.Errorf("row %d", i)
		})
		if want := fmt.Sprintf("row %d", from); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		r = rows{matrix: newMatrix(1)}
		for range n {
			r.add()
		}
	}
}
