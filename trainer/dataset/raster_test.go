package dataset

import (
	"math"
	"testing"
)

func (a fixed) float() float64 { return float64(a) / float64(one) }

// resolution is what rounding down once or twice can cost.
const resolution = 3 / float64(one)

func TestRotationIsATurn(t *testing.T) {
	for _, tangent := range []fixed{0, 1, -1, one / 7, -one / 5, one / 2, one, -one} {
		sine, cosine := math.Sincos(2 * math.Atan(tangent.float()))
		m := rotation(tangent)
		for _, c := range []struct {
			name      string
			got, want float64
		}{
			{"xx", m.xx.float(), cosine}, {"xy", m.xy.float(), -sine},
			{"yx", m.yx.float(), sine}, {"yy", m.yy.float(), cosine},
		} {
			if math.Abs(c.got-c.want) > resolution {
				t.Errorf("tangent %v: %s = %v, want %v", tangent.float(), c.name, c.got, c.want)
			}
		}
	}
}

func TestAfterComposes(t *testing.T) {
	first := affine{xx: one / 2, xy: one / 3, yy: one}
	second := rotation(one / 5)
	p := point{7 * one, -3 * one}
	got, want := second.after(first).apply(p), second.apply(first.apply(p))
	// The rounding of a factor grows with the coordinate it multiplies.
	if math.Abs((got.x-want.x).float()) > 10*resolution || math.Abs((got.y-want.y).float()) > 10*resolution {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSplinePassesThroughItsPoints(t *testing.T) {
	a, b, c, d := -5*one, 2*one, 9*one, one
	for _, tc := range []struct {
		name    string
		t, want fixed
	}{
		{"start", 0, b},
		{"end", one, c},
		{"middle", one / 2, (9*(b+c) - a - d) / 16},
	} {
		if got := spline(a, b, c, d, tc.t); math.Abs((got - tc.want).float()) > resolution {
			t.Errorf("%s: %v, want %v", tc.name, got.float(), tc.want.float())
		}
	}
}

func TestPenLeavesADot(t *testing.T) {
	const row, column = 11, 17
	d := newDrawing(pen{radius: one * 3 / 2, softness: one / 4}, digitSide)
	d.touch(point{column*one + one/2, row*one + one/2})
	for _, tc := range []struct {
		name    string
		dx, dy  int
		low, up fixed
	}{
		{"centre", 0, 0, one, one},
		{"inside", 1, 0, one, one},
		{"edge", 1, -1, one / 2, one - 1}, // 1.41 pixels away, where the ramp is just above half
		{"outside", 0, 2, 0, 0},
	} {
		if got := d.ink((row+tc.dy)*digitSide + column + tc.dx); got < tc.low || got > tc.up {
			t.Errorf("%s: ink %v, want %v to %v", tc.name, got.float(), tc.low.float(), tc.up.float())
		}
	}
}

func TestPenMayLeaveTheSheet(t *testing.T) {
	for _, p := range []point{{-90 * one, 0}, {0, 90 * one}, {90 * one, -90 * one}, {-one, -one}, {28 * one, 28 * one}} {
		newDrawing(pen{radius: 2 * one, softness: one / 2}, digitSide).touch(p)
	}
}
