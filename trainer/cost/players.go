package cost

import (
	"fmt"
	"maps"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network"
)

// The least and the most that a player may cost: prices times these are float32.
const (
	leastOfPlayer = 1e-6
	mostOfPlayer  = 1e6
)

// OfPlayers returns what the players of a graph cost in the market of their gate, given the costs of
// some gates by their names. A player of another gate costs 1.
func OfPlayers(g *network.Graph, given map[string][]float64) (game.Costs, error) {
	if given == nil {
		return nil, nil
	}
	var costs game.Costs
	var names []string
	for _, gate := range g.Gates {
		row, ok := given[gate.Name]
		switch {
		case !ok:
			row = slices.Repeat([]float64{1}, gate.Players)
		case len(row) != gate.Players:
			return nil, fmt.Errorf("%d costs are given for the %d players of %q; give one a player", len(row), gate.Players, gate.Name)
		}
		for i, c := range row {
			if !(c >= leastOfPlayer && c <= mostOfPlayer) {
				return nil, fmt.Errorf("player %d of %q costs %v; it must be from %g to %g, beside 1 of other players", i, gate.Name, c, leastOfPlayer, mostOfPlayer)
			}
		}
		costs, names = append(costs, row), append(names, gate.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("costs are given for players of %q; the network has players of %q", name, names)
		}
	}
	return costs, nil
}
