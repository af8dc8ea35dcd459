package session

import (
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Multipliers are Lagrange's, of the term lambda_1 (t - target) + lambda_2 (t - target)^2 that
// is added to the loss, where t is the expected sparsity (Xia, Zhong and Chen,
// arXiv:2204.00408).
type Multipliers struct{ First, Second float64 }

// priceEvery is after how many steps gates get other prices: for that the state goes to the
// host and back.
const priceEvery = 16

// warmedAfter is the part of the steps until the last removal in which the target of the
// sparsity rises linearly from zero.
const warmedAfter = 0.5

// pricesGates reports whether gates get other prices after a step.
func (p Plan) pricesGates(step int) bool {
	return p.Config.MultiplierRate > 0 && p.drawsGates() && step%priceEvery == 0 && step < p.closes
}

// sparsities lists the gates that have a target of the sparsity in common, and the target at
// the end: each gate has its own where a shape is given, else all have one.
func (p Plan) sparsities() (gates [][]int, targets []float64) {
	widths := p.Graph.Widths()
	if p.Config.Shape == "" {
		all := make([]int, len(widths))
		for g := range all {
			all[g] = g
		}
		return [][]int{all}, []float64{1 - float64(network.Sum(p.shares))/float64(network.Sum(widths))}
	}
	for g, share := range p.shares {
		gates, targets = append(gates, []int{g}), append(targets, 1-float64(share)/float64(widths[g]))
	}
	return gates, targets
}

// priceGates moves the multipliers by gradient ascent, for the steps since they last moved,
// and sets the price of each gate to the derivative of their term with respect to
// the probability that the gate is open. With n gates of a common target at the start, t is
// 1 - (sum of these probabilities) / n, and the price is
//
//	-(lambda_1 + 2 lambda_2 (t - target)) / n.
func (t *Training) priceGates() error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	common, targets := t.Plan.sparsities()
	widths := t.Plan.Graph.Widths()
	if t.Multipliers == nil {
		t.Multipliers = make([]Multipliers, len(common))
	}
	warmed := min(1, float64(t.Step)/(warmedAfter*float64(t.Plan.closes)))
	for i, gates := range common {
		open, players := 0., 0
		for _, g := range gates {
			for _, a := range state.Slopes[g].First {
				open += game.LogAlpha(a).Open()
			}
			players += widths[g] // those that have left are closed
		}
		excess := 1 - open/float64(players) - warmed*targets[i]
		price := t.Multipliers[i].ascend(excess, priceEvery*t.Plan.Config.MultiplierRate) / float64(players)
		if err := t.CheckFinite(price); err != nil {
			return err
		}
		for _, g := range gates {
			for i := range state.Slopes[g].Second {
				state.Slopes[g].Second[i] = float32(price)
			}
		}
	}
	return t.Engine.Push(state)
}

// ascend moves the multipliers by a rate, and returns by how much their term falls with the
// sparsity.
func (m *Multipliers) ascend(excess, rate float64) float64 {
	m.First += rate * excess
	m.Second += rate * excess * excess
	return -(m.First + 2*m.Second*excess)
}

// endNoise sets participations to the gates without noise, of a state and of the engine.
func (t *Training) endNoise(state *backend.State) error {
	for g, gates := range state.Slopes {
		for i, a := range gates.First {
			state.Network.Participations[g][i] = float32(game.LogAlpha(a).TestGate())
		}
	}
	return t.Engine.Push(state)
}

// openness returns the probability of each gate to be open. It orders gates as those without
// noise are ordered, which may be equal.
func openness(slopes []backend.SlopeMoments) [][]float64 {
	var scores [][]float64
	for _, gates := range slopes {
		row := make([]float64, len(gates.First))
		for i, a := range gates.First {
			row[i] = game.LogAlpha(a).Open()
		}
		scores = append(scores, row)
	}
	return scores
}
