package bench

import (
	"math"
	"slices"
)

// Figure is something that was measured in several turns: the middle of them, and
// where the middle half of them lies.
type Figure struct {
	Median float64 `json:"median"`
	Lower  float64 `json:"lower_quartile"`
	Upper  float64 `json:"upper_quartile"`
	Turns  int     `json:"turns"`

	each []float64 // turn by turn
}

// Each returns what was measured, turn by turn.
func (f Figure) Each() []float64 { return f.each }

// NewFigure returns the figure of what was measured turn by turn, which it keeps. The
// figure of nothing is zero.
func NewFigure(each []float64) Figure {
	if len(each) == 0 {
		return Figure{}
	}
	sorted := slices.Sorted(slices.Values(each))
	return Figure{
		Median: quantile(sorted, 0.5), Lower: quantile(sorted, 0.25), Upper: quantile(sorted, 0.75),
		Turns: len(each), each: each,
	}
}

// quantile returns what a fraction q of the sorted numbers lies below, in a
// straight line between the two that are nearest.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// combine returns the figure of f over numbers that were measured in the same
// turns.
func combine(f func(turn ...float64) float64, each ...[]float64) Figure {
	turns := len(each[0])
	for _, e := range each {
		turns = min(turns, len(e))
	}
	var combined []float64
	for t := range turns {
		var turn []float64
		for _, e := range each {
			turn = append(turn, e[t])
		}
		combined = append(combined, f(turn...))
	}
	return NewFigure(combined)
}

// ratio returns the figure of a / b, turn by turn.
func ratio(a, b []float64) Figure {
	return combine(func(v ...float64) float64 { return v[0] / v[1] }, a, b)
}

// Growth is a law that was fitted to measurements: time = Factor size^Exponent.
type Growth struct {
	Exponent float64 `json:"exponent"`
	Factor   float64 `json:"factor"` // seconds
	From     float64 `json:"from"`   // the sizes that it was fitted to
	To       float64 `json:"to"`
}

// fit returns the growth that deviates least from the times, in the sum of squares
// of logarithms. It takes two sizes at least.
func fit(sizes, times []float64) *Growth {
	if len(sizes) < 2 {
		return nil
	}
	var x, y, xx, xy float64
	for i := range sizes {
		u, v := math.Log(sizes[i]), math.Log(times[i])
		x, y, xx, xy = x+u, y+v, xx+u*u, xy+u*v
	}
	n := float64(len(sizes))
	exponent := (n*xy - x*y) / (n*xx - x*x)
	return &Growth{
		Exponent: exponent, Factor: math.Exp((y - exponent*x) / n),
		From: slices.Min(sizes), To: slices.Max(sizes),
	}
}
