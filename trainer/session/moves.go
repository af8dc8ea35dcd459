package session

import (
	"context"

	"gonum.org/v1/gonum/floats"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Round is what a round of the market came to, before anyone is removed: a row or a number
// a gate.
type Round struct {
	game.Clearing
	Interactions []game.Interactions // that were played on
	Inputs       []backend.InputMoments
}

// A round asks its players to move so many times each before it looks where they are.
const sweeps = 4

// PlayRound plays a round of the market on an engine: it observes the players on the given
// training samples, looks for the prices that clear the market, and lets the players move
// at each price that it tries. A valuation that is false on purpose plays on the host, on
// interactions that it distorts with the numbers drawn for each player.
func PlayRound(ctx context.Context, e backend.Engine, observed []int32, v game.Valuation, drawn [][]float64, clear Clear) (r Round, err error) {
	observation, err := e.Observe(ctx, observed)
	if err != nil {
		return r, err
	}
	r.Interactions, r.Inputs = observation.Interactions, observation.Inputs
	play := game.Players(func(prices, from [][]float64) ([][]float64, error) {
		return e.Play(prices, from, sweeps)
	})
	if v.Null() {
		for g := range r.Interactions {
			r.Interactions[g] = v.Distort(r.Interactions[g], drawn[g])
		}
		play = game.PlayOn(r.Interactions, sweeps)
	}
	r.Clearing, err = clear(r.Interactions, play)
	return r, err
}

// Clear clears a market whose players play as they are asked.
type Clear func(h []game.Interactions, play game.Players) (game.Clearing, error)

// Settle enters the round in the ledgers and returns the positions of the players that stay.
func (r Round) Settle(ledgers []*game.Ledger) network.Survivors {
	var stay network.Survivors
	for g, ledger := range ledgers {
		stay = append(stay, ledger.Settle(r.Worths[g], r.Interactions[g].Own(), r.Interactions[g].Ceilings(), r.Participations[g], r.Prices[g], r.PlayerCosts.Of(g), r.Demands[g]))
	}
	return stay
}

// ascent returns by how much the potential of each gate rose from full participation.
func (r Round) ascent() []float64 {
	var rises []float64
	for g, h := range r.Interactions {
		prices := r.PlayerPrices(g)
		// With s = 1 the loss is zero and all pay.
		rises = append(rises, h.Potential(prices, r.Participations[g])+floats.Sum(prices))
	}
	return rises
}
