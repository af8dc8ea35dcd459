package bench

import (
	"math"
	"testing"
)

// near allows for the rounding of a few dozen operations.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(a), math.Abs(b)) }

func TestFigure(t *testing.T) {
	for _, c := range []struct {
		each                 []float64
		median, lower, upper float64
	}{
		{nil, 0, 0, 0},
		{[]float64{7}, 7, 7, 7},
		{[]float64{4, 2}, 3, 2.5, 3.5},
		{[]float64{5, 1, 4, 2, 3}, 3, 2, 4},
		{[]float64{8, 1, 2, 4}, 3, 1.75, 5},
	} {
		f := NewFigure(c.each)
		if !near(f.Median, c.median) || !near(f.Lower, c.lower) || !near(f.Upper, c.upper) || f.Turns != len(c.each) {
			t.Errorf("%v: %+v", c.each, f)
		}
	}
	each := []float64{3, 1, 2}
	if f := NewFigure(each); f.Each()[0] != 3 || each[1] != 1 {
		t.Errorf("the turns are not in their order: %v", f.Each())
	}
}

// A machine that is ten times slower in one turn changes no ratio.
func TestRatioIsTakenTurnByTurn(t *testing.T) {
	f := ratio([]float64{2, 20, 2.2, 200}, []float64{1, 10, 1.1})
	if !near(f.Median, 2) || !near(f.Lower, 2) || !near(f.Upper, 2) || f.Turns != 3 {
		t.Errorf("%+v", f)
	}
}

func TestFit(t *testing.T) {
	sizes := []float64{64, 128, 256, 512, 1024}
	var times []float64
	for _, n := range sizes {
		times = append(times, 3e-6*math.Pow(n, 1.75))
	}
	g := fit(sizes, times)
	if !near(g.Exponent, 1.75) || !near(g.Factor, 3e-6) || g.From != 64 || g.To != 1024 {
		t.Errorf("%+v", g)
	}
	if g := fit(sizes[:1], times[:1]); g != nil {
		t.Errorf("one size grows as %+v", g)
	}
	// Of times that follow no law, no other law leaves a smaller sum of squares.
	times = []float64{1, 1.1, 1.5, 4, 15}
	squares := func(exponent, factor float64) float64 {
		sum := 0.
		for i, n := range sizes {
			d := math.Log(times[i]) - math.Log(factor) - exponent*math.Log(n)
			sum += d * d
		}
		return sum
	}
	g = fit(sizes, times)
	for _, d := range []float64{-1e-3, 1e-3} {
		if squares(g.Exponent+d, g.Factor) <= squares(g.Exponent, g.Factor) || squares(g.Exponent, g.Factor*(1+d)) <= squares(g.Exponent, g.Factor) {
			t.Errorf("%+v is not the best", g)
		}
	}
}

// A ceiling is the best of its turns. There is none where nothing was measured, and no
// fraction of one that was passed.
func TestCeiling(t *testing.T) {
	c := NewCeiling([]float64{3, 8, 5})
	if c.Best != 8 || c.Turns.Median != 5 {
		t.Errorf("%+v", c)
	}
	for _, none := range []*Ceiling{NewCeiling(nil), NewCeiling([]float64{0, 0})} {
		if none != nil || none.part(NewFigure([]float64{1})) != 0 {
			t.Errorf("%+v", none)
		}
	}
	for median, want := range map[float64]float64{2: 0.25, 8: 1, 8.1: 0} {
		if got := c.part(NewFigure([]float64{median})); got != want {
			t.Errorf("%v of 8 is %v, want %v", median, got, want)
		}
	}
}

// Only sizes at which the game's time differs from zero say how it grows.
func TestGrowthOfTheGame(t *testing.T) {
	game := func(rounds ...float64) *Game { return &Game{Round: NewFigure(rounds)} }
	s := Series{Points: []Point{
		{Size: 10, Step: NewFigure([]float64{1}), Game: game(-1, -1, 6)}, // of which nothing is known
		{Size: 100, Step: NewFigure([]float64{1}), Game: game(2, 2, 2)},
		{Size: 1000, Step: NewFigure([]float64{1}), Game: game(7, 8, 9)},
		{Size: 10000, Step: NewFigure([]float64{1})},
	}}
	s.fit()
	if s.Round == nil || !near(s.Round.Exponent, math.Log10(4)) || s.Round.From != 100 || s.Round.To != 1000 {
		t.Errorf("%+v", s.Round)
	}
	s.Points = s.Points[:2]
	if s.fit(); s.Round != nil {
		t.Errorf("one size grows as %+v", s.Round)
	}
}
