package compare

import (
	"math"
	"slices"
	"testing"
)

// entrants returns a comparison of two sizes with hand-made figures.
func entrants() *comparison {
	of := func(method string, shape Shape, keep int, figures ...float64) *entrant {
		return &entrant{method: Method{follows: method == "scratch"}, Entry: Entry{Method: method, Shape: shape, Keep: keep, Null: method == "market-lottery", Runs: seedRuns(figures...)}}
	}
	return &comparison{Options: Options{Seeds: 2}, sizes: []int{5, 9}, entrants: []*entrant{
		of(Reference, Free, 5, 80, 82),
		of("fisher", Free, 5, 90, 92, 10), // a third seed has no part in what follows
		of("taylor", Free, 5, 90, 90),
		of("random", Free, 5, 89.9, 90, 99),
		of("lost", Free, 5, 99, math.NaN()),
		of("scratch", Free, 5, 91, 90.5),
		of("market-lottery", Free, 5, 91, 91),
		of(Reference, Free, 9, 70, 70),
		of("fisher", Free, 9, 70, 70),
		of(Reference, Equal, 5, 95, 95),
		of("fisher", Equal, 5, 93.9, 94),
	}}
}

// TestWinner: the best mean over the seeds that all have wins, of equals the first, and
// none that diverged, that finds no shape or that is null.
func TestWinner(t *testing.T) {
	c := entrants()
	for keep, want := range map[int]string{5: "fisher", 9: Reference} {
		if got := c.winner(Free, keep); got == nil || got.Method != want {
			t.Errorf("%d: %+v wins, want %s", keep, got, want)
		}
	}
	if got := c.winner(Equal, 9); got != nil {
		t.Errorf("%+v wins, and nobody is there", got)
	}
}

// TestClose: methods within a point of the best of their size and shape get more seeds, the
// point itself included, and always the market.
func TestClose(t *testing.T) {
	c := entrants()
	for shape, want := range map[Shape][]string{
		Free:  {Reference, "fisher", "taylor", "scratch", "market-lottery", Reference, "fisher"}, // 91 is the best of the first
		Equal: {Reference},
	} {
		var got []string
		for _, e := range c.close(shape) {
			got = append(got, e.Method)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v are close, want %v", shape, got, want)
		}
	}
}
