package game_test

import (
	"fmt"

	"nashprune/game"
)

// A market of three players of whom two are rivals: the first two do nearly the same. With
// demand for two, one of the rivals leaves, though alone the first is worth more than nothing.
func ExampleClearLayers() {
	h := []game.Interactions{{{
		1.0, 0.9, 0.0,
		0.9, 0.9, 0.0,
		0.0, 0.0, 2.0,
	}}}
	c, err := game.ClearLayers(h, []int{2}, game.PlayOn(h, 10))
	if err != nil {
		panic(err)
	}
	for i, s := range c.Participations[0] {
		fmt.Printf("player %d participates with %.2f\n", i, s)
	}
	// Output:
	// player 0 participates with 0.44
	// player 1 participates with 0.00
	// player 2 participates with 0.27
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

// A ledger says why each player was removed.
func ExampleLedger() {
	ledger := game.NewLedger(3)
	ledger.Settle([]float64{3, 0.2, 1}, []float64{3, 0.2, 1}, []float64{3, 0.3, 2}, []float64{0.9, 0, 0.8}, 0.5, nil, 2)
	ledger.Settle([]float64{3, 1}, []float64{3, 1}, []float64{3, 1.5}, []float64{0.9, 0}, 1.2, nil, 1)
	for i, player := range ledger.Records {
		fmt.Printf("player %d: %s\n", i, player.Reason)
	}
	// Output:
	// player 0: kept
	// player 1: dominated
	// player 2: priced out
}
