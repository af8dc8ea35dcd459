package session

import (
	"context"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Moves is what the players of a round of the market have done: a row or a number a gate.
type Moves struct {
	game.Clearing
	Supply         []float64   // the best responses at the prices, added
	Participations [][]float64 // after the move
}

// Move plays a round of the market on an engine, up to the removal of players: it estimates
// contributions on the observed training samples, or takes the moving averages where there
// are none, clears the market for the worths, quotes the prices and lets all players make a
// move with a damping. When ctx ends on the way the round is left half played.
func Move(ctx context.Context, e backend.Engine, ledgers []*game.Ledger, observed []int32, clear func(worths [][]float64) (game.Clearing, error), damping float64) (m Moves, err error) {
	if observed != nil {
		if err := e.EstimateContributions(ctx, observed); err != nil {
			return m, err
		}
	}
	statistics, err := e.Statistics()
	if err != nil {
		return m, err
	}
	worths := make([][]float64, len(statistics))
	for l := range statistics {
		worths[l] = statistics[l].Worths()
	}
	if m.Clearing, err = clear(worths); err != nil {
		return m, err
	}
	for l, ledger := range ledgers {
		ledger.QuoteAt(worths[l], m.Prices[l])
		m.Supply = append(m.Supply, game.Market{Price: m.Prices[l]}.Supply(worths[l]))
	}
	m.Participations, err = e.Move(m.Prices, damping)
	return m, err
}

// Settle ends the round in the ledgers and returns the positions of the players that stay.
// The last round keeps exactly as many as the market demands.
func (m Moves) Settle(ledgers []*game.Ledger, last bool) network.Survivors {
	var stay network.Survivors
	for l, ledger := range ledgers {
		settle := ledger.Settle
		if last {
			settle = ledger.Close
		}
		stay = append(stay, settle(m.Participations[l], m.Demands[l]))
	}
	return stay
}
