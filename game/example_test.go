package game_test

import (
	"fmt"

	"nashprune/game"
)

// A market of four players with demand for two: the third worth sets the
// price, and moves towards the best responses end at the equilibrium.
func ExampleMarket() {
	worths := []float64{0.8, 0.1, 0.4, 0.2}
	market := game.Market{Price: game.ClearingPrice(worths, 2)}
	s := []float64{1, 1, 1, 1}
	for range 50 {
		for i := range s {
			s[i] = market.Respond(worths[i], s[i], 0.5)
		}
	}
	var certificate game.Certificate
	certificate.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 2)}, worths, s)
	fmt.Printf("price %.1f, participation %.3f, relative gap %.3f\n", market.Price, s, certificate.RelativeGap())
	// Output: price 0.2, participation [0.750 0.000 0.500 0.000], relative gap 0.000
}

// The paper's game for a layer of two neurons, played to its equilibrium by
// projected gradient ascent.
func ExamplePaper() {
	theta := []float64{
		1.0, 0.5, // player 0
		0.4, 1.2, // player 1
	}
	g := game.Paper{Benefit: game.Absolute, Alpha: 1, Beta: 0.5, Gamma: 0.1, Eta: 0.2}
	s := []float64{1, 1}
	f := game.Field{Gradient: []float64{0.8, -0.05}, SquaredNorm: []float64{1.25, 1.6}}
	for range 200 {
		f.Competition = game.Competition(theta, s)
		g.Ascend(f, s, 0.1)
	}
	fmt.Printf("s = %.2f, player 1 dominated: %v\n", s, g.Dominated(f, 1))
	// Output: s = [0.56 0.00], player 1 dominated: true
}

// A ledger runs a layer's market and says why each player was removed.
func ExampleLedger() {
	ledger := game.NewLedger(3)
	ledger.Quote([]float64{3, 0.2, 1}, 2)
	ledger.Settle([]float64{0.9, 0.005, 0.8}, 2)
	ledger.Quote([]float64{3, 1}, 1)
	ledger.Close([]float64{0.8, 0.4}, 1)
	for i, player := range ledger.Records {
		fmt.Printf("player %d: %s\n", i, player.Reason)
	}
	// Output:
	// player 0: kept
	// player 1: dominated
	// player 2: forced
}
