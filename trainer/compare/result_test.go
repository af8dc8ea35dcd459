package compare

import (
	"bytes"
	"encoding/csv"
	"math"
	"testing"
)

// TestPairedDifference holds intervals to the quantiles of Student's t distribution as
// tables print them: 12.706, 4.303 and 2.776 for 1, 2 and 4 degrees of freedom.
func TestPairedDifference(t *testing.T) {
	for _, c := range []struct {
		a, b       []float64
		mean, half float64
		zero       bool
	}{
		{[]float64{3, 5}, []float64{1, 1}, 3, 12.706, true},       // 2 and 4: sd sqrt 2, over sqrt 2
		{[]float64{4, 5, 6}, []float64{1, 1, 1}, 4, 2.484, false}, // 3, 4 and 5: sd 1
		{[]float64{-3, -4, -5}, []float64{0, 0, 0}, -4, 2.484, false},
		{[]float64{1, 2, 3, 4, 5}, []float64{3, 3, 3, 3, 3}, 0, 2.776 * math.Sqrt2 / 2, true}, // sd sqrt 2.5
		{[]float64{2, 3}, []float64{1, 2}, 1, 0, false},                                       // all differences alike
	} {
		d := PairedDifference(c.a, c.b)
		// The tables have three decimals.
		if math.Abs(d.Mean-c.mean) > 1e-12 || math.Abs(*d.High-*d.Low-2*c.half) > 2e-3 || math.Abs(*d.High+*d.Low-2*c.mean) > 1e-12 {
			t.Errorf("%v - %v: %g [%g, %g]", c.a, c.b, d.Mean, *d.Low, *d.High)
		}
		if d.IncludesZero() != c.zero {
			t.Errorf("%v - %v: includes zero %v", c.a, c.b, d.IncludesZero())
		}
	}
	if d := PairedDifference([]float64{5}, []float64{2}); d.Mean != 3 || d.Low != nil || !d.IncludesZero() {
		t.Errorf("one pair: %+v", d)
	}
}

func seedRuns(figures ...float64) []SeedRun {
	runs := make([]SeedRun, len(figures))
	for i, f := range figures {
		if !math.IsNaN(f) {
			runs[i].Figure = &f
		}
		runs[i].Seed, runs[i].Layers = uint64(i+1), []int{25, 13}
	}
	return runs
}

// TestSummary: mean and deviation with n-1; a run that diverged leaves none.
func TestSummary(t *testing.T) {
	if mean, deviation := Summary(seedRuns(1, 2, 6)); *mean != 3 || math.Abs(*deviation-math.Sqrt(7)) > 1e-15 {
		t.Errorf("%g, %g", *mean, *deviation)
	}
	if mean, deviation := Summary(seedRuns(4)); *mean != 4 || deviation != nil {
		t.Errorf("%g, %v", *mean, deviation)
	}
	if mean, deviation := Summary(seedRuns(1, math.NaN())); mean != nil || deviation != nil {
		t.Errorf("a diverged run has the mean %v and the deviation %v", mean, deviation)
	}
}

// TestDiffer: every method is compared with the market of the same number of players, and
// none with one that diverged.
func TestDiffer(t *testing.T) {
	r := Report{Entries: []Entry{
		{Method: "fisher", Shape: Free, Keep: 5, Runs: seedRuns(3, 5)},
		{Method: Reference, Shape: Equal, Keep: 5, Runs: seedRuns(1, 1)},
		{Method: Reference, Shape: Free, Keep: 5, Runs: seedRuns(2, 1)},
		{Method: "taylor", Shape: Equal, Keep: 5, Runs: seedRuns(2, math.NaN())},
		{Method: Reference, Shape: Equal, Keep: 9, Runs: seedRuns(math.NaN(), 8)},
		{Method: "fisher", Shape: Free, Keep: 9, Runs: seedRuns(9, 9)},
	}}
	r.differ()
	for i, want := range []float64{3, math.NaN(), 0.5, math.NaN(), math.NaN(), math.NaN()} {
		d := r.Entries[i].Difference
		if (d == nil) != math.IsNaN(want) || d != nil && d.Mean != want {
			t.Errorf("entry %d: %+v, want %g", i, d, want)
		}
	}
	var b bytes.Buffer
	r.Dense = seedRuns(9, 8)
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+2+12 || rows[1][0] != "dense" || rows[3][0] != "fisher" || rows[3][7] != "25-13" {
		t.Errorf("%v, %v", rows, err)
	}
}
