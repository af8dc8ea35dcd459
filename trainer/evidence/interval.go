package evidence

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"nashprune/trainer/record"
)

// confidence returns the mean of differences d[r][b], of repeat r and sample b, and its
// two-sided confidence interval. The rows have one length, at least 1. With R repeats and n
// samples, the variance of the mean is taken as
//
//	v = var_r(mean_b d)/R + var_b(mean_r d)/n,
//
// so the interval is about other repeats on other samples. What depends on both is counted
// twice, which errs to the wide side. The quantile is that of Student's t with
// Satterthwaite's degrees of freedom, v^2 / (v_R^2/(R-1) + v_n^2/(n-1)). Where R or n is 1
// its term is left out, and where both are the interval is infinite. miss, between 0 and
// 1, is the probability that the interval misses.
func confidence(d [][]float64, miss float64) record.Interval {
	repeats, samples := make([]float64, len(d)), make([]float64, len(d[0]))
	for r, row := range d {
		repeats[r] = stat.Mean(row, nil)
		for b, x := range row {
			samples[b] += x / float64(len(d))
		}
	}
	mean := stat.Mean(repeats, nil)
	var terms, freedom []float64
	total := 0.
	for _, means := range [][]float64{repeats, samples} {
		if n := float64(len(means)); n > 1 {
			v := stat.Variance(means, nil) / n
			terms, freedom, total = append(terms, v), append(freedom, n-1), total+v
		}
	}
	half := 0.
	switch {
	case len(terms) == 0:
		half = math.Inf(1)
	case total > 0:
		inverse := 0. // of the degrees of freedom
		for k, v := range terms {
			inverse += v / total * (v / total) / freedom[k]
		}
		t := distuv.StudentsT{Sigma: 1, Nu: 1 / inverse}
		half = t.Quantile(1-miss/2) * math.Sqrt(total)
	}
	return record.Interval{Mean: mean, Low: mean - half, High: mean + half}
}
