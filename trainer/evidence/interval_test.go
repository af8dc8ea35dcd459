package evidence

import (
	"math"
	"testing"

	"nashprune/trainer/random"
)

// TestConfidence compares with intervals worked out by hand, with quantiles of Student's t
// from tables: 12.7062 for one degree of freedom, 4.30265 for two, 3.18245 for three.
func TestConfidence(t *testing.T) {
	near := func(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-5*b } // tables have six digits
	for name, c := range map[string]struct {
		d          [][]float64
		mean, half float64
	}{
		// One repeat: the variance of 1, 2, 3 is 1.
		"samples alone": {[][]float64{{1, 2, 3}}, 2, 4.30265 / math.Sqrt(3)},
		// One sample: the variance of 0, 4 is 8.
		"repeats alone": {[][]float64{{0}, {4}}, 2, 12.7062 * 2},
		"one number":    {[][]float64{{7}}, 7, math.Inf(1)},
		"no variance":   {[][]float64{{3, 3}, {3, 3}, {3, 3}}, 3, 0},
		// Means by repeat 1, 3 and by sample 2, 2: all the variance is of repeats, 2/2.
		"repeats differ": {[][]float64{{1, 1}, {3, 3}}, 2, 12.7062},
		// Means by repeat 1, 3 and by sample 1, 3: v = 1 + 1, 4/(1 + 1) degrees of freedom.
		"both differ": {[][]float64{{0, 2}, {2, 4}}, 2, 4.30265 * math.Sqrt2},
		// Means by repeat -1, 1 and by sample all 0: samples add nothing to v = 1.
		"four samples": {[][]float64{{-1, -1, -1, -1}, {1, 1, 1, 1}}, 0, 12.7062},
		// Means by sample 0, 0, 4, 4: the variance 16/3 over 4 samples, three degrees.
		"repeats agree": {[][]float64{{0, 0, 4, 4}, {0, 0, 4, 4}}, 2, 3.18245 * math.Sqrt(4./3)},
	} {
		got := confidence(c.d, 0.05)
		if got.Mean != c.mean || !near(got.High-got.Mean, c.half) || !near(got.Mean-got.Low, c.half) {
			t.Errorf("%s: %+v, want %g +- %g", name, got, c.mean, c.half)
		}
	}
	// Large degrees of freedom: the quantile is the normal one, 1.959964.
	many := make([]float64, 20000)
	for i := range many {
		many[i] = float64(i%2*2 - 1)
	}
	if got, want := confidence([][]float64{many}, 0.05), 1.959964/math.Sqrt(20000); math.Abs(got.High-want) > 2e-4*want {
		t.Errorf("20000 samples: +- %g, want %g", got.High, want)
	}
	// A smaller probability to miss is a wider interval.
	d := [][]float64{{0, 2}, {2, 4}}
	if wide, narrow := confidence(d, 0.01), confidence(d, 0.05); wide.Low >= narrow.Low {
		t.Errorf("99 %%: %+v, 95 %%: %+v", wide, narrow)
	}
}

// TestConfidenceCovers draws differences with known means and variances of repeats, of
// samples and of both: the interval holds the mean in 95 % of the trials, or more where the
// variance of both counts twice.
func TestConfidenceCovers(t *testing.T) {
	const repeats, samples, trials = 3, 20, 2000
	for name, deviation := range map[string][3]float64{
		"repeats": {1, 0, 0.1}, "samples": {0, 1, 0.1}, "both alike": {0.3, 1, 0.5}, "noise alone": {0, 0, 1},
	} {
		draw := random.New(3, random.Testing, 0, 0)
		covered := 0
		for range trials {
			d, ofSample := make([][]float64, repeats), make([]float64, samples)
			for b := range ofSample {
				ofSample[b] = deviation[1] * draw.Normal()
			}
			for r := range d {
				ofRepeat := deviation[0] * draw.Normal()
				for b := range samples {
					d[r] = append(d[r], 5+ofRepeat+ofSample[b]+deviation[2]*draw.Normal())
				}
			}
			if i := confidence(d, 0.05); i.Low <= 5 && 5 <= i.High {
				covered++
			}
		}
		// Three deviations of the count of 2000 trials are 0.015; Satterthwaite's degrees
		// of freedom are an approximation.
		if share := float64(covered) / trials; share < 0.93 {
			t.Errorf("%s: %.3f of the intervals hold the mean", name, share)
		}
	}
}
