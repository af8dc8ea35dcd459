package session

import (
	"context"
	"math"

	"nashprune/game"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
)

// rankOut is round k of a ranking: scores of all players, and the removal of those
// who rank last. The last round folds participations into the weights and starts
// the optimiser afresh, as the market's does.
func (t *Training) rankOut(k int) error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	scores, err := t.scores(state.Network)
	if err != nil {
		return err
	}
	demands := t.Plan.ranked(k, scores)
	line := record.RoundLine{Training: t.Name, Round: k, Epoch: t.Plan.EpochOf(t.Step), Step: t.Step, Demand: demands}
	var keep network.Survivors
	for l, ledger := range t.Ledgers {
		for position, i := range ledger.Live {
			ledger.Records[i].Participation = float64(state.Network.Layers[l].Participation[position])
		}
		stay, cut := ledger.RankOut(scores[l], demands[l])
		keep, line.Cuts = append(keep, stay), append(line.Cuts, cut)
	}
	line.Players = t.Players()
	if err := t.Engine.Compact(keep); err != nil {
		return err
	}
	if k == t.Plan.Config.Rounds {
		if err := t.Engine.Fold(); err != nil {
			return err
		}
		if err := t.Engine.RestartOptimiser(); err != nil {
			return err
		}
	}
	return t.Journal.RoundEnded(t, line)
}

// scores returns the scores of the players still there, one slice a hidden layer.
func (t *Training) scores(n *network.Network) ([][]float64, error) {
	var scores [][]float64
	switch criterion := t.Plan.Config.Criterion; criterion {
	case game.Random:
		for l, ledger := range t.Ledgers {
			draw := random.New(t.Plan.Config.Seed, random.Ranking, 0, uint32(l))
			all := make([]float64, len(ledger.Records)) // a player's number does not depend on who else is there
			for i := range all {
				all[i] = draw.Float64()
			}
			scores = append(scores, network.Select(all, ledger.Live))
		}
	case game.Magnitude, game.PathMagnitude:
		for l := range n.Hidden() {
			scores = append(scores, norms(n, l))
			if criterion == game.PathMagnitude {
				for i, outgoing := range outgoingNorms(n.Layers[l+1]) {
					scores[l][i] *= outgoing
				}
			}
		}
	case game.Participation:
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
		measured, err := t.Engine.Measure(context.Background())
		if err != nil {
			return nil, err
		}
		for _, statistics := range measured {
			if criterion == game.Fisher {
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
		if err := t.CheckFinite(row...); err != nil {
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
