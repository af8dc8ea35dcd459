package game_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/game"
)

// marketMap is a round of the market without damping: the map that a device plays
// with the mean squares that it holds.
func marketMap(meanSquares, participations []float64, demand int) []float64 {
	worths := worthsOf(meanSquares, participations)
	market := game.Market{Price: game.ClearingPrice(worths, demand)}
	responses := make([]float64, len(worths))
	for i, worth := range worths {
		responses[i] = market.Respond(worth, participations[i], 1)
	}
	return responses
}

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

// TestMarketFeedback compares the derivatives, of which the feedbacks are the diagonal,
// with differences of the map that is played. Worths are far enough apart that no step changes their order.
func TestMarketFeedback(t *testing.T) {
	for _, demand := range []int{0, 1, 5, 11, 12, 13, 20} {
		meanSquares, participations := trade(uint64(demand), 13)
		meanSquares[3], meanSquares[10] = 0.3, 0.02 // no worth is zero: there the order depends on the index
		worths := worthsOf(meanSquares, participations)
		jacobian := make([]float64, 13*13)
		third, moving := 0., 0
		market := game.Market{Price: game.ClearingPrice(worths, demand)}
		loser := slices.Index(worths, market.Price) // the player that sets the price; none if all win
		for i, worth := range worths {
			if a := market.Account(worth, participations[i]); a.BestResponse > 0 {
				// The third derivative of p/h, where h = s^2 m, a step further down.
				s := slices.Min(participations) - 1e-6
				third = max(third, 24*market.Price/worth/(s*s*s))
				moving++
				jacobian[i*13+i] = a.Feedback
				if loser >= 0 {
					jacobian[i*13+loser] = -a.Feedback * participations[i] / participations[loser]
				}
			}
		}
		if moving != min(demand, 13) {
			t.Errorf("demand %d: %d players want to stay", demand, moving)
		}
		central(t, "market", participations, jacobian, third, 1e-15, func(s []float64) []float64 { return marketMap(meanSquares, s, demand) })
	}
}

// TestTippingPoint: at a fixed point of one player's map the feedback is 2(1-s)/s,
// so the fixed point above 2/3 attracts, the one below it repels, and there is
// none where p/m exceeds 4/27, the largest value of s^2 (1-s).
func TestTippingPoint(t *testing.T) {
	for _, s := range []float64{0.5, 0.6, 0.7, 0.9} {
		m := 1.
		market := game.Market{Price: s * s * (1 - s) * m}
		if got := market.BestResponse(game.Worth(s, m)); math.Abs(got-s) > 1e-14 {
			t.Fatalf("s = %g is no fixed point: %g", s, got)
		}
		feedback := market.Account(game.Worth(s, m), s).Feedback
		if want := 2 * (1 - s) / s; math.Abs(feedback-want) > 1e-14*want {
			t.Errorf("s = %g: feedback %g, want %g", s, feedback, want)
		}
		for _, damping := range []float64{0.5, 1} {
			moved := s - 0.01
			for range 200 {
				moved = market.Respond(game.Worth(moved, m), moved, damping)
			}
			if back := math.Abs(moved-s) < 1e-6; back != (feedback < 1) || !back && moved != 0 && moved > 1e-12 {
				t.Errorf("s = %g, feedback %g, damping %g: a little less leads to %g", s, feedback, damping, moved)
			}
		}
	}
	market := game.Market{Price: 4./27 + 1e-6}
	s := 1.
	for range 100_000 {
		s = market.Respond(game.Worth(s, 1), s, 1)
	}
	if s != 0 {
		t.Errorf("above 4/27 of the mean square a player stays at %g", s)
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

func TestSupply(t *testing.T) {
	if got := (game.Market{Price: 1}).Supply([]float64{4, 2, 1, 0.5, 0}); got != 0.75+0.5 {
		t.Errorf("supply %g, want 1.25", got)
	}
	if got := (game.Market{}).Supply([]float64{4, 0}); got != 1 {
		t.Errorf("at no price, all but the worthless take part: %g", got)
	}
}
