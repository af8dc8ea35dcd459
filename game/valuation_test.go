package game_test

import (
	"testing"

	"nashprune/game"
)

// TestFallenPlayersStayAway: the worth s^2 m falls with s, so a player that fell while
// the price was high does not come back when it is low again.
func TestFallenPlayersStayAway(t *testing.T) {
	const meanSquare, high, low = 1., 2., 0.1
	s := 1.
	for round := range 60 {
		market := game.Market{Price: low}
		if round < 3 {
			market.Price = high
		}
		s = market.Respond(game.Worth(s, meanSquare), s, 0.5)
	}
	if s > 1e-12 { // half of the rest goes in each round
		t.Errorf("the player ends at %g, want 0", s)
	}
}
