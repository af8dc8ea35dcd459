package trainer

import (
	"context"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// Criterion names what players are ranked by where there is no market. The higher
// its score, the later a player is removed. Weights are taken times the
// participation.
type Criterion string

const (
	// Random ranks by random numbers that follow from the seed.
	Random Criterion = "random"
	// Magnitude is the norm of a player's weights and bias.
	Magnitude Criterion = "magnitude"
	// PathMagnitude is that times the norm of the weights by which the layer above
	// takes in what the player puts out.
	PathMagnitude Criterion = "path-magnitude"
	// Taylor is |s mean(c)|, to first order the change of the mean loss when the
	// player goes; c is the derivative of one sample's loss with respect to s, and
	// the mean is over the whole training part (Molchanov et al., arXiv:1611.06440,
	// for a mean instead of a batch).
	Taylor Criterion = "taylor"
	// Fisher is s^2 mean(c^2), the Fisher information along s, measured over the
	// whole training part: twice the rise of the loss to second order (Theis et al.,
	// arXiv:1801.05787).
	Fisher Criterion = "fisher"
	// Participation is s itself. The paper's game is played until the last removal,
	// with its own settings; gates under an L1 penalty are a case of it (Liu et al.,
	// arXiv:1708.06519).
	Participation Criterion = "participation"
)

// Criteria lists the criteria.
var Criteria = []Criterion{Random, Magnitude, PathMagnitude, Taylor, Fisher, Participation}

// Known tells whether there is such a criterion.
func (c Criterion) Known() bool { return slices.Contains(Criteria, c) }

// inRounds tells whether players leave in rounds between the warm-up and the tail.
func (g GameKind) inRounds() bool { return g == MarketGame || g == RankingGame }

// paperPlays tells whether the players of the paper's game move with the step that
// follows.
func (p plan) paperPlays(step int) bool {
	return p.game == PaperGame || p.game == RankingGame && p.config.Criterion == Participation && step < p.closes
}

// ranked returns how many players of each layer stay in round k of a ranking.
func (p plan) ranked(k int, scores [][]float64) []int {
	if p.config.Shape != "" {
		return p.demands(k)
	}
	costs := make([][]float64, len(scores)) // in a market in which all pay the same, the same players would win
	for l := range costs {
		costs[l] = slices.Repeat([]float64{1}, len(scores[l]))
	}
	return game.ClearTogether(scores, costs, p.fits(float64(k)/float64(p.config.Rounds))).Demands
}

// rankOut is round k of a ranking: scores of all players, and the removal of those
// who rank last. The last round folds participations into the weights and starts
// the optimiser afresh, as the market's does.
func (t *training) rankOut(k int) error {
	state, err := t.engine.Pull()
	if err != nil {
		return err
	}
	scores, err := t.scores(state.Network)
	if err != nil {
		return err
	}
	demands := t.plan.ranked(k, scores)
	line := RoundLine{Training: t.name, Round: k, Epoch: t.plan.epochOf(t.Step), Step: t.Step, Demand: demands}
	var keep network.Survivors
	for l, ledger := range t.Ledgers {
		for position, i := range ledger.Live {
			ledger.Records[i].Participation = float64(state.Network.Layers[l].Participation[position])
		}
		stay, cut := ledger.RankOut(scores[l], demands[l])
		keep, line.Cuts = append(keep, stay), append(line.Cuts, cut)
	}
	line.Players = t.players()
	if err := t.engine.Compact(keep); err != nil {
		return err
	}
	if k == t.plan.config.Rounds {
		if err := t.engine.Fold(); err != nil {
			return err
		}
		if err := t.engine.RestartOptimiser(); err != nil {
			return err
		}
	}
	return t.journal.roundEnded(t, line)
}

// scores returns the scores of the players still there, one slice a hidden layer.
func (t *training) scores(n *network.Network) ([][]float64, error) {
	var scores [][]float64
	switch criterion := t.plan.config.Criterion; criterion {
	case Random:
		for l, ledger := range t.Ledgers {
			draw := random.New(t.plan.config.Seed, random.Ranking, 0, uint32(l))
			all := make([]float64, len(ledger.Records)) // a player's number does not depend on who else is there
			for i := range all {
				all[i] = draw.Float64()
			}
			scores = append(scores, network.Select(all, ledger.Live))
		}
	case Magnitude, PathMagnitude:
		for l := range n.Hidden() {
			scores = append(scores, norms(n, l))
			if criterion == PathMagnitude {
				for i, outgoing := range outgoingNorms(n.Layers[l+1]) {
					scores[l][i] *= outgoing
				}
			}
		}
	case Participation:
		for _, layer := range n.Hidden() {
			var row []float64
			for _, s := range layer.Participation {
				row = append(row, float64(s))
			}
			scores = append(scores, row)
		}
	default:
		// It takes less than an epoch and is not interrupted, so that a round is
		// never left half done.
		measured, err := t.engine.Measure(context.Background())
		if err != nil {
			return nil, err
		}
		for _, statistics := range measured {
			if criterion == Fisher {
				scores = append(scores, statistics.Worths())
				continue
			}
			row := make([]float64, len(statistics.Participation))
			for i, s := range statistics.Participation {
				row[i] = math.Abs(s * statistics.MeanContribution[i])
			}
			scores = append(scores, row)
		}
	}
	for _, row := range scores {
		if err := t.finite(row...); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// norms returns |s theta| of the players of a hidden layer, weights and bias.
func norms(n *network.Network, l int) []float64 {
	layer := n.Layers[l]
	norms := make([]float64, layer.Out)
	for i := range norms {
		square := float64(layer.Bias[i]) * float64(layer.Bias[i])
		for _, w := range layer.Weight[i*layer.In : (i+1)*layer.In] {
			square += float64(w) * float64(w)
		}
		norms[i] = float64(layer.Participation[i]) * math.Sqrt(square)
	}
	return norms
}

// outgoingNorms returns the norms of the weights by which a layer takes in each of
// its inputs, those of its own players times their participation.
func outgoingNorms(above network.Linear) []float64 {
	norms := make([]float64, above.In)
	for k := range above.Out {
		s := 1.
		if above.Participation != nil {
			s = float64(above.Participation[k])
		}
		for i, w := range above.Weight[k*above.In : (k+1)*above.In] {
			norms[i] += s * s * float64(w) * float64(w)
		}
	}
	for i, square := range norms {
		norms[i] = math.Sqrt(square)
	}
	return norms
}
