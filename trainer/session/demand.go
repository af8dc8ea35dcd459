package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// ranked returns how many players of each layer stay in round k of a ranking: where no
// shape is given, those who would win one market with their scores for worths.
func (p Plan) ranked(k int, live network.Survivors, scores [][]float64) []int {
	if p.Config.Shape != "" {
		return p.demands(k)
	}
	return game.Allocate(scores, p.budget(k, live))
}

// budget returns the demand of one market for the players that are still there, when the
// demand has fallen for so many rounds.
func (p Plan) budget(fallen int, live network.Survivors) game.Budget {
	return game.Budget{
		Costs: inSteps(cmp.Or(p.Config.Cost, cost.Players).Costs(p.Graph, counts(live), p.Latency), p.Config.RoundTo),
		Fits:  p.fits(float64(fallen) / float64(p.Config.Rounds)), FitsLast: p.fits(1),
		Least: p.least(),
		Parent: func(gate, position int) (int, int, bool) {
			parentGate, parent, ok := p.Graph.Parent(gate, live[gate][position])
			if !ok {
				return 0, 0, false
			}
			place, _ := slices.BinarySearch(live[parentGate], parent)
			return parentGate, place, true
		},
	}
}

// least returns how many players of each gate stay at least where a market decides.
func (p Plan) least() []int {
	least := make([]int, len(p.Graph.Gates))
	for g, gate := range p.Graph.Gates {
		if gate.Kind != network.Branches {
			least[g] = min(game.LeastPerLayer, gate.Players)
		}
	}
	return least
}

// caution is the part of the allowed drop at which the demand is held. The difference of
// the networks grows a little until the end of the training; found on MNIST's validation
// part (testdata/mnist).
const caution = 0.75

// holdDemand looks at the accuracy on the validation part before a round, where the
// target is how far it may fall, and holds the demand for this round where it is too
// far below the best that was seen since the market opened. Both are of the same
// learning rate, so they compare.
func (t *Training) holdDemand(line *record.RoundLine) error {
	if t.Plan.Target.AccuracyDrop == 0 {
		return nil
	}
	accuracy, err := t.ValidationAccuracy(context.Background())
	if err != nil {
		return err
	}
	line.ValidationAccuracy = accuracy
	t.BestAccuracy = max(t.BestAccuracy, *accuracy)
	if t.BestAccuracy-*accuracy > caution*t.Plan.Target.AccuracyDrop {
		t.Held++
	}
	line.Held = t.Held
	return nil
}

// ValidationAccuracy evaluates the network as it is, with its participations, on
// the validation part.
func (t *Training) ValidationAccuracy(ctx context.Context) (*float64, error) {
	evaluation, err := t.Engine.Evaluate(ctx, backend.ValidationPart, backend.Want{})
	if err != nil {
		return nil, err
	}
	accuracy := evaluation.Accuracy()
	return &accuracy, t.CheckFinite(evaluation.Loss)
}

// demands returns how many players the market of each gate asks for in round k, if the
// demand fell in every round before.
func (p Plan) demands(k int) []int {
	demands, players := make([]int, len(p.shares)), p.Graph.Widths()
	for l, keep := range p.shares {
		demands[l] = game.Demand(players[l], keep, float64(k)/float64(p.Config.Rounds))
	}
	return demands
}

// aim fits the plan to its target. It is an error of the kind [backend.ErrUsage] when not
// even the least network meets it.
func (p *Plan) aim() error {
	players := p.Graph.Widths()
	p.Target = p.Config.Target(len(players))
	if p.Latency == nil && p.Config.NeedsLatency() {
		return nil // nothing can be said before it is measured
	}
	p.Target = p.Target.Of(p.amount(players))
	if p.Target.Resource == cost.Players {
		var err error
		p.shares, err = p.Config.Shares(players)
		return err
	}
	p.shares = p.least()
	if !p.fits(1)(p.shares) {
		least := p.amount(p.shares)
		_, flags := p.Config.Targets()
		with := fmt.Sprintf("with %d players a layer", game.LeastPerLayer)
		if slices.ContainsFunc(p.Graph.Gates, func(g network.Gate) bool { return g.Kind == network.Branches }) {
			with += " and no removable branch"
		}
		if p.Target.Resource == cost.Latency {
			return backend.Usagef("%s %v is less than the least network takes, %s, %.4g us by the model of %s",
				flags[0], p.Target.Given(), with, least, p.Latency.Device)
		}
		return backend.Usagef("%s %s is less than the least network has, %s: %.0f", flags[0], p.Target.Given(), with, least)
	}
	// How many players each gate will keep is not known. Progress expects that all
	// shrink alike.
	for part := 1.; part > 0.001; part *= 0.99 {
		like := make([]int, len(players))
		for l, width := range players {
			like[l] = max(p.shares[l], int(part*float64(width)))
		}
		if p.fits(1)(like) {
			p.shares = like
			break
		}
	}
	return nil
}

// fits returns whether a network with so many players a layer is within what the
// target leaves when a fraction of the game has passed.
func (p Plan) fits(fraction float64) func(players []int) bool {
	budget := p.Target.Budget(p.amount(p.Graph.Widths()), fraction)
	return func(players []int) bool { return p.amount(players) <= budget }
}

// amount returns what a network takes of the target's resource that keeps so many players, or
// the next number that it may keep.
func (p Plan) amount(players []int) float64 {
	rounded, to := p.Graph.Widths(), p.Config.RoundTo
	for l, n := range players {
		rounded[l] = min(rounded[l], (n+to-1)/to*to)
	}
	return p.Target.Resource.Amount(p.Graph, rounded, p.Latency)
}

// inSteps lets the first of so many players pay for all of them, so that they stay together.
func inSteps(costs [][]float64, size int) [][]float64 {
	for _, row := range costs {
		for n := range row {
			if first := n / size * size; n > first {
				row[first] += row[n]
				row[n] = 0
			}
		}
	}
	return costs
}

// clearing returns how the market of the players that are still there clears when the demand
// has fallen for so many rounds.
func (p Plan) clearing(fallen int, live network.Survivors) Clear {
	if p.Config.Cost == "" {
		return func(h []game.Interactions, play game.Players) (game.Clearing, error) {
			return game.ClearAtCosts(h, p.costsOf(live), p.demands(fallen), play)
		}
	}
	return func(h []game.Interactions, play game.Players) (game.Clearing, error) {
		return game.ClearTogether(h, p.budget(fallen, live), play)
	}
}

// costsOf returns what the players cost that are still there.
func (p Plan) costsOf(live network.Survivors) game.Costs {
	if p.PlayerCosts == nil {
		return nil
	}
	var costs game.Costs
	for g, row := range p.PlayerCosts {
		costs = append(costs, network.Select(row, live[g]))
	}
	return costs
}

// satisfied reports whether all players of a market may stay when the demand has fallen for
// so many rounds.
func (p Plan) satisfied(players []int, fallen int) bool {
	if p.Config.Cost == "" {
		return network.Sum(p.demands(fallen)) >= network.Sum(players)
	}
	return p.fits(float64(fallen) / float64(p.Config.Rounds))(players)
}
