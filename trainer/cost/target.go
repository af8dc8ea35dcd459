package cost

import (
	"slices"
	"strconv"

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
	Latency    Resource = "latency"    // microseconds for a batch, by a LatencyModel
)

// Amount returns how much of a resource a network of the given widths takes, from
// the inputs to the logits. The model is for latencies alone.
func (r Resource) Amount(widths []int, model *Model) float64 {
	switch r {
	case Parameters:
		return float64(network.ParametersOf(widths))
	case MACs:
		return float64(network.MACsOf(widths))
	case Latency:
		return model.Time(widths)
	default:
		return float64(network.Sum(widths[1 : len(widths)-1]))
	}
}

// leastCost is the least that the players of a layer cost on average, as a part of what
// those of the most expensive layer do: a measured model of latencies cannot distinguish
// a hundredth from zero.
const leastCost = 0.01

// Costs returns for each hidden layer of a network of the given widths what it takes up
// more with one player more, for each number of players that are there before, from 0:
// for all of them the same but of latencies, where a model may have steps.
func (r Resource) Costs(widths []int, model *Model) [][]float64 {
	part := slices.Clone(widths)
	costs, whole, most := make([][]float64, len(widths)-2), make([]float64, len(widths)-2), 0.
	for l := range costs {
		part[l+1] = 0
		before := r.Amount(part, model)
		for n := range widths[l+1] {
			part[l+1] = n + 1
			amount := r.Amount(part, model)
			costs[l] = append(costs[l], amount-before)
			whole[l] += amount - before
			before = amount
		}
		most = max(most, whole[l]/float64(widths[l+1]))
	}
	if most == 0 { // players that cost nothing all cost the same
		most = 1 / leastCost
	}
	for l := range costs {
		if least := leastCost * most; whole[l] < least*float64(widths[l+1]) {
			costs[l] = slices.Repeat([]float64{least}, widths[l+1])
		}
	}
	return costs
}

// Target is what drives the market: a resource, and how much of it the network
// may take in the end.
type Target struct {
	Resource Resource `json:"resource"`
	Limit    float64  `json:"limit"`
	// AccuracyDrop is by how many points the validation accuracy may fall, where the
	// demand falls only as long as it does not; the limit is then the least network.
	AccuracyDrop float64 `json:"accuracy_drop,omitempty"`
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

// Words says what is asked for: at most 20000 parameters.
func (t Target) Words() string {
	switch {
	case t.AccuracyDrop > 0:
		return "at most " + strconv.FormatFloat(t.AccuracyDrop, 'g', -1, 64) + " points less on the validation part"
	case t.Resource == Players:
		return strconv.Itoa(int(t.Limit)) + " players"
	case t.Resource == Latency:
		return "at most " + strconv.FormatFloat(t.Limit, 'g', -1, 64) + " us for a batch"
	default:
		return "at most " + strconv.Itoa(int(t.Limit)) + " " + string(t.Resource)
	}
}
