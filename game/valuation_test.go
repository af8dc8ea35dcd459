package game_test

import (
	"math"
	"testing"

	"nashprune/game"
)

// TestPotentialWorthsLetPlayersComeBack: a player that fell while the price was high
// comes back to 1 - p/m when it is low again; with effective worths it is gone, since
// its worth fell with it. Feedbacks are the slopes of the best responses.
func TestPotentialWorthsLetPlayersComeBack(t *testing.T) {
	const meanSquare, high, low = 1., 2., 0.1
	for _, c := range []struct {
		valuation game.Valuation
		want      float64
	}{{game.Potential, 0.9}, {game.Effective, 0}, {"", 0}} {
		s := 1.
		for round := range 60 {
			price := low
			if round < 3 {
				price = high
			}
			market := game.Market{Price: price, Valuation: c.valuation}
			worth := c.valuation.Worth(s, meanSquare)
			const step = 1e-6
			slope := (market.BestResponse(c.valuation.Worth(s+step, meanSquare)) - market.BestResponse(c.valuation.Worth(s-step, meanSquare))) / (2 * step)
			feedback := market.Account(worth, s).Feedback
			if s > 0.4 && math.Abs(slope-feedback) > 1e-6*(1+feedback) { // step^2 of third derivatives below 1e3
				t.Errorf("%q at %g: the slope is %g, the feedback %g", c.valuation, s, slope, feedback)
			}
			s = market.Respond(worth, s, 0.5)
		}
		if math.Abs(s-c.want) > 1e-12 { // half of what is left in each of 57 rounds
			t.Errorf("%q ends at %g, want %g", c.valuation, s, c.want)
		}
	}
	if game.Valuation("other").Known() || !game.Potential.Known() || !game.Valuation("").Known() {
		t.Error("known valuations")
	}
}
