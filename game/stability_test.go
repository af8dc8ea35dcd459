package game_test

import (
	"math"
	"slices"
	"testing"
)

// central holds a Jacobian to central differences of the map it is of: within
// step^2/6 times a bound on the third derivative, and the rounding error of
// responses over the step.
func central(t *testing.T, name string, at, jacobian []float64, third, rounding float64, f func(s []float64) []float64) {
	t.Helper()
	const step = 1e-6
	n := len(at)
	for j := range n {
		plus, minus := slices.Clone(at), slices.Clone(at)
		plus[j] += step
		minus[j] -= step
		high, low := f(plus), f(minus)
		for i := range n {
			numeric := (high[i] - low[i]) / (plus[j] - minus[j])
			if bound := step*step/6*third + rounding/step; math.Abs(jacobian[i*n+j]-numeric) > bound {
				t.Errorf("%s: ds*_%d/ds_%d is %g, the difference says %g within %g", name, i, j, jacobian[i*n+j], numeric, bound)
			}
		}
	}
}

// TestPaperJacobian compares the derivatives of eq. 14 with differences of the
// map that is played, in which the competition follows the participations.
func TestPaperJacobian(t *testing.T) {
	const players, width = 41, 6
	l := randomLayer(11, players, width)
	products := make([]float64, players*players)
	for i := range players {
		for j := range players {
			products[i*players+j] = l.dot(i, j)
		}
	}
	for _, g := range games() {
		f := l.field()
		inside := 0
		for i := range players {
			s := g.BestResponse(f, i)
			if s > 0 && s < 1 {
				inside++
			}
			if s > 0 && s < 1e-4 || s < 1 && s > 1-1e-4 {
				t.Fatalf("player %d is too near to an end for differences", i)
			}
		}
		if g.Beta > 0 && inside < 3 {
			t.Errorf("%+v: %d best responses inside, the test shows little", g, inside)
		}
		// The responses are linear where they are not clipped. They round as a sum of
		// some hundred products does, each at most about 10, over 2 beta |theta|^2.
		central(t, "paper", l.participation, g.Jacobian(f, products), 0, 1e-13, func(s []float64) []float64 {
			moved := l
			moved.participation = slices.Clone(s)
			responses := slices.Clone(s)
			g.Respond(moved.field(), responses, 1)
			return responses
		})
	}
}
