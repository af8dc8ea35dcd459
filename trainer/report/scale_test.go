package report

import (
	"math"
	"slices"
	"testing"
)

func TestNiceStep(t *testing.T) {
	for _, c := range []struct {
		span float64
		most int
		want float64
	}{{20, 10, 2}, {20, 9, 5}, {100, 10, 10}, {0.6, 5, 0.2}, {3, 5, 1}, {0, 5, 1}, {100_000, 10, 10_000}} {
		if got := niceStep(c.span, c.most); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("niceStep(%v, %d) = %v, want %v", c.span, c.most, got, c.want)
		}
	}
}

func TestNiceFloor(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 4: 2, 5: 5, 13: 10, 49: 20, 500: 500, 999: 500, math.MaxInt: 5e17} {
		if got := niceFloor(n); got != want {
			t.Errorf("niceFloor(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestPowerTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{10, 550, []float64{10, 20, 50, 100, 200, 500}},
		{0, 64, []float64{0, 1, 5, 10, 20, 50}},
		{200, 550, []float64{200, 500}},
		{0, 1, []float64{0, 1}},
	} {
		s := scale{low: c.low, high: c.high, start: 140, end: 0, logarithmic: true}
		if got := s.powerTicks(); !slices.Equal(got, c.want) {
			t.Errorf("from %v to %v: %v, want %v", c.low, c.high, got, c.want)
		}
	}
}

func TestScaleOfOneNumber(t *testing.T) {
	if got := (scale{low: 3, high: 3, start: 7, end: 9}).at(3); got != 7 {
		t.Errorf("an empty scale put its number at %v, want 7", got)
	}
}

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		marks []float64
		want  []float64
	}{
		"apart":         {[]float64{20, 50, 80}, []float64{20, 50, 80}},
		"one place":     {[]float64{50, 50, 50}, []float64{40, 50, 60}},
		"upper edge":    {[]float64{0, 0, 50}, []float64{5, 15, 50}},
		"lower edge":    {[]float64{50, 100, 100}, []float64{50, 85, 95}},
		"pushed groups": {[]float64{40, 40, 52}, []float64{34, 44, 54}},
		"too many":      {slices.Repeat([]float64{50}, 12), []float64{5, 15, 25, 35, 45, 55, 65, 75, 85, 95}},
		"none":          {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var labels []label
			for _, mark := range c.marks {
				labels = append(labels, label{mark: mark, room: 10})
			}
			var got []float64
			for _, l := range spread(labels, 0, 100) {
				got = append(got, math.Round(l.at))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("labels of marks at %v stand at %v, want %v", c.marks, got, c.want)
			}
		})
	}
}

func TestThin(t *testing.T) {
	points := make([]point, 12345)
	for i := range points {
		points[i].x = float64(i)
	}
	thinned := thin(points)
	if len(thinned) != mostPoints || thinned[0] != points[0] || thinned[mostPoints-1] != points[len(points)-1] {
		t.Errorf("%d points from %v to %v", len(thinned), thinned[0], thinned[len(thinned)-1])
	}
}

func TestCoordinate(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 12.34: "12.3", -0.01: "0", math.Inf(1): "10000", math.Inf(-1): "-10000", 1e300: "10000",
	} {
		if got := coordinate(x); got != want {
			t.Errorf("coordinate(%v) = %s, want %s", x, got, want)
		}
	}
	if got := coordinate(math.NaN()); got != "0" {
		t.Errorf("coordinate(NaN) = %s, want 0", got)
	}
}
