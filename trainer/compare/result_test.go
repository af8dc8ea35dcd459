package compare

import (
	"bytes"
	"encoding/csv"
	"math"
	"testing"

	"nashprune/trainer/random"
)

// TestPairedDifference holds intervals to the quantiles of Student's t distribution that have
// closed forms: with one degree of freedom tan(pi (q - 1/2)), with two
// (2q-1) / sqrt(2 q (1-q)), with q = 1 - 0.05 / (2 m).
func TestPairedDifference(t *testing.T) {
	for _, m := range []int{1, 2, 13, 100} {
		q := 1 - 0.05/float64(2*m)
		one, two := math.Tan(math.Pi*(q-0.5)), (2*q-1)/math.Sqrt(2*q*(1-q))
		for _, c := range []struct {
			a, b       []float64
			mean, half float64
		}{
			{[]float64{3, 5}, []float64{1, 1}, 3, one},                          // 2 and 4: sd sqrt 2, over sqrt 2
			{[]float64{4, 5, 6}, []float64{1, 1, 1}, 4, two / math.Sqrt(3)},     // 3, 4 and 5: sd 1
			{[]float64{-3, -4, -5}, []float64{0, 0, 0}, -4, two / math.Sqrt(3)}, // the same below zero
			{[]float64{1, 2, 6}, []float64{1, 1, 1}, 2, two * math.Sqrt(7./3)},
		} {
			d := PairedDifference(c.a, c.b, m)
			// The quantiles are found by iteration, to some 1e-12.
			if math.Abs(d.Mean-c.mean) > 1e-12 || d.Pairs != len(c.a) ||
				math.Abs(*d.Low-(c.mean-c.half)) > 1e-9*(1+c.half) || math.Abs(*d.High-(c.mean+c.half)) > 1e-9*(1+c.half) {
				t.Errorf("%v - %v, one of %d: %g [%g, %g], want +- %g", c.a, c.b, m, d.Mean, *d.Low, *d.High, c.half)
			}
			if d.ExcludesZero() != (math.Abs(c.mean) > c.half) {
				t.Errorf("%v - %v, one of %d: excludes zero %v", c.a, c.b, m, d.ExcludesZero())
			}
		}
	}
	// A table of Bonferroni's t prints 6.205, 3.495 and 3.499 for 2, 4 and 7 degrees of
	// freedom and 2, 2 and 5 comparisons.
	for _, c := range []struct {
		n, m int
		t    float64
	}{{3, 2, 6.205}, {5, 2, 3.495}, {8, 5, 3.499}} {
		a, square := make([]float64, c.n), 0.
		for i := range a {
			a[i] = float64(i) - float64(c.n-1)/2
			square += a[i] * a[i]
		}
		d := PairedDifference(a, make([]float64, c.n), c.m)
		if got := *d.High / math.Sqrt(square/float64(c.n-1)/float64(c.n)); math.Abs(got-c.t) > 5e-4 {
			t.Errorf("t of %d seeds and %d comparisons is %g, want %g", c.n, c.m, got, c.t)
		}
	}
	for _, c := range [][2][]float64{{{5}, {2}}, {{5, 6}, {2, 3}}, {{84.8, 85.2, 85.9}, {81.8, 82.2, 82.9}}} { // one pair, no spread
		if d := PairedDifference(c[0], c[1], 3); math.Abs(d.Mean-3) > 1e-12 || d.Pairs != len(c[0]) || d.Low != nil || d.High != nil || d.ExcludesZero() {
			t.Errorf("%v: %+v", c, d)
		}
	}
}

// TestIntervalsHoldTogether: of many tables in which no method differs, at most one in
// twenty marks one, and without the correction many more would.
func TestIntervalsHoldTogether(t *testing.T) {
	const tables, methods, seeds = 2000, 12, 8
	draw := random.New(1, random.Testing, 0, 0)
	figures := func() []float64 {
		all := make([]float64, seeds)
		for i := range all {
			all[i] = draw.Normal()
		}
		return all
	}
	marked := map[int]int{}
	for range tables {
		reference, excluded := figures(), map[int]bool{}
		for range methods {
			figures := figures()
			for _, m := range []int{1, methods} {
				excluded[m] = excluded[m] || PairedDifference(figures, reference, m).ExcludesZero()
			}
		}
		for m, some := range excluded {
			if some {
				marked[m]++
			}
		}
	}
	// Four deviations of a binomial count above one in twenty.
	if most := 0.05*tables + 4*math.Sqrt(0.05*0.95*tables); float64(marked[methods]) > most || float64(marked[1]) < 2*most {
		t.Errorf("%d of %d tables are marked, and %d without the correction", marked[methods], tables, marked[1])
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

// TestDiffer: every method is compared with the market of the same size and shape, over the
// seeds that both have, none with one that diverged, and the intervals of a table are for
// as many comparisons as it has.
func TestDiffer(t *testing.T) {
	r := Report{Entries: []Entry{
		{Method: Reference, Shape: Free, Keep: 5, Runs: seedRuns(1, 1, 7)},
		{Method: "fisher", Shape: Free, Keep: 5, Runs: seedRuns(3, 5)},
		{Method: "magnitude", Shape: Free, Keep: 5, Runs: seedRuns(2, 2, 7)},
		{Method: "taylor", Shape: Free, Keep: 5, Runs: seedRuns(2, math.NaN())},
		{Method: Reference, Shape: Equal, Keep: 5, Runs: seedRuns(2, 1)},
		{Method: "fisher", Shape: Equal, Keep: 5, Runs: seedRuns(3, 5)},
		{Method: Reference, Shape: Equal, Keep: 9, Runs: seedRuns(math.NaN(), 8)},
		{Method: "fisher", Shape: Equal, Keep: 9, Runs: seedRuns(9, 9)},
	}}
	for _, shape := range []Shape{Free, Equal, Parameters} {
		for _, keep := range []int{5, 9} {
			r.differ(shape, keep)
		}
	}
	none := math.NaN()
	for i, want := range []float64{none, 3, 2. / 3, none, none, 2.5, none, none} {
		d := r.Entries[i].Difference
		if (d == nil) != math.IsNaN(want) || d != nil && math.Abs(d.Mean-want) > 1e-15 {
			t.Errorf("entry %d: %+v, want %g", i, d, want)
		}
	}
	for i, want := range map[int]Difference{
		1: PairedDifference([]float64{3, 5}, []float64{1, 1}, 2), 2: PairedDifference([]float64{2, 2, 7}, []float64{1, 1, 7}, 2),
		5: PairedDifference([]float64{3, 5}, []float64{2, 1}, 1),
	} {
		if d := r.Entries[i].Difference; *d.Low != *want.Low || *d.High != *want.High || d.Pairs != want.Pairs {
			t.Errorf("entry %d: [%g, %g] of %d pairs, want [%g, %g] of %d", i, *d.Low, *d.High, d.Pairs, *want.Low, *want.High, want.Pairs)
		}
	}
	var b bytes.Buffer
	r.Dense = seedRuns(9, 8)
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+2+18 || rows[1][0] != "dense" || rows[6][0] != "fisher" || rows[6][7] != "25-13" {
		t.Errorf("%v, %v", rows, err)
	}
}
