package cost

import (
	"fmt"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network"
)

// Resource names something that a network takes up: what a target of the market
// bounds, and what a player pays for.
type Resource string

const (
	Players    Resource = "players"
	Parameters Resource = "parameters" // weights and biases
	MACs       Resource = "macs"       // multiply-accumulates a sample
	Latency    Resource = "latency"    // microseconds for a batch, by a [Model]
	Bytes      Resource = "bytes"      // of the file with the network; a target alone, of single weights
)

// Amount returns how much of a resource a network takes whose gates have so many
// players. The model is for latencies alone.
func (r Resource) Amount(g *network.Graph, players []int, model *Model) float64 {
	switch r {
	case Parameters:
		return float64(g.ParametersAt(g.SizesWith(players)))
	case MACs:
		return float64(g.MACsAt(g.SizesWith(players)))
	case Latency:
		return model.Time(g, players)
	default:
		return float64(network.Sum(players))
	}
}

// leastCost is the least that the players of a gate cost on average, as a part of what
// those of the most expensive layer do, branches apart: a measured model of latencies cannot separate a
// hundredth from zero.
const leastCost = 0.01

// Costs returns for each gate of a network with so many players what the network takes
// more with one player more, for each number of players that are there before, from 0.
func (r Resource) Costs(g *network.Graph, players []int, model *Model) [][]float64 {
	part := slices.Clone(players)
	costs, whole, most := make([][]float64, len(players)), make([]float64, len(players)), 0.
	for l, count := range players {
		amount := func(n int) float64 {
			part[l] = n
			return r.Amount(g, part, model)
		}
		if parts := g.Parts(l); len(parts) > 0 && r != Players {
			// Parts go in proportion, which is no polynomial: the mean has to do.
			for _, gate := range parts {
				part[gate] = 0
			}
			none := amount(0)
			copy(part, players)
			costs[l] = slices.Repeat([]float64{(r.Amount(g, part, model) - none) / float64(count)}, count)
		} else {
			costs[l] = r.marginal(count, amount)
		}
		part[l] = count
		for _, cost := range costs[l] {
			whole[l] += cost
		}
		if count > 0 && g.Gates[l].Kind != network.Branches {
			most = max(most, whole[l]/float64(count))
		}
	}
	if most == 0 { // players that cost nothing all cost the same
		most = 1 / leastCost
	}
	for l := range costs {
		if least := leastCost * most; whole[l] < least*float64(players[l]) {
			costs[l] = slices.Repeat([]float64{least}, players[l])
		}
	}
	return costs
}

// marginal returns the differences between the amounts for 0, 1, ..., count players.
// Players, parameters and multiplications are polynomials of the number of players of a
// gate, of the second degree at most, since a weight has two sides: three amounts give
// them all. Latencies may have steps.
func (r Resource) marginal(count int, amount func(players int) float64) []float64 {
	costs := make([]float64, count)
	if r == Latency {
		before := amount(0)
		for n := range costs {
			after := amount(n + 1)
			costs[n], before = after-before, after
		}
		return costs
	}
	none, one, two := amount(0), amount(1), amount(2)
	for n := range costs {
		costs[n] = one - none + float64(n)*(two-2*one+none)
	}
	return costs
}

// Target is what drives the market: a resource, and how much of it the network
// may take in the end.
type Target struct {
	Resource Resource `json:"resource"`
	Limit    float64  `json:"limit"` // of a percentage 0, until [Target.Of] knows the dense network
	// Percent is the percentage of Dense, what the dense network takes, where the limit was given
	// as one.
	Percent float64 `json:"percent,omitempty"`
	Dense   float64 `json:"dense,omitempty"`
	// AccuracyDrop is by how many points the validation accuracy may fall, where the
	// demand falls only as long as it does not; the limit is then the least network.
	AccuracyDrop float64 `json:"accuracy_drop,omitempty"`
}

// NewTarget returns the target of a limit.
func NewTarget(r Resource, l Limit) Target {
	return Target{Resource: r, Limit: max(0, float64(l)), Percent: l.Percent()}
}

// Of returns the target with the limit that a percentage comes to if the dense network takes so
// much; of what is counted it is a whole number.
func (t Target) Of(dense float64) Target {
	if t.Percent == 0 {
		return t
	}
	t.Dense, t.Limit = dense, dense*t.Percent/100
	if t.Resource != Latency {
		t.Limit = math.Floor(t.Limit)
	}
	return t
}

// Given writes the limit as it was given, and what a percentage comes to, to a tenth of a
// microsecond: 50% (20000).
func (t Target) Given() string {
	if t.Percent > 0 {
		return fmt.Sprintf("%v (%v)", Limit(-t.Percent), Limit(math.Round(t.Limit*10)/10))
	}
	return Limit(t.Limit).String()
}

// Budget returns how much of its resource the network may take when the fraction t
// of the game has passed, B + (A-B)(1-t)^3, where A is what it takes at the start and B
// the limit. Of players it is a whole number, as [game.Demand] has it.
func (t Target) Budget(start, fraction float64) float64 {
	if t.Resource == Players {
		return float64(game.Demand(int(start), int(t.Limit), fraction))
	}
	if start <= t.Limit {
		return t.Limit
	}
	rest := 1 - min(max(fraction, 0), 1)
	return t.Limit + (start-t.Limit)*rest*rest*rest
}
