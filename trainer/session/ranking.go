package session

import (
	"context"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// rankOut is round k of a ranking: scores of all players, and the removal of those
// that rank last. The last round folds participations into the weights and starts
// the optimiser afresh.
func (t *Training) rankOut(k int) error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	if t.Plan.drawsGates() {
		if err := t.endNoise(state); err != nil {
			return err
		}
	}
	// It takes less than an epoch and is not interrupted, so that a round is never left
	// half done.
	observation := &backend.Observation{}
	if c := t.Plan.Config; c.Criterion.Observes() || c.Compensate.Observes() {
		if observation, err = t.Engine.Observe(context.Background(), t.Plan.observed(k)); err != nil {
			return err
		}
	}
	scores, err := t.scores(state, observation)
	if err != nil {
		return err
	}
	demands := t.Plan.ranked(k, t.Live(), scores)
	line := record.RoundLine{Training: t.Name, Round: k, Epoch: t.Plan.EpochOf(t.Step), Step: t.Step, Demand: demands}
	var keep network.Survivors
	had := t.Live()
	for l, ledger := range t.Ledgers {
		for position, i := range ledger.Live {
			ledger.Records[i].Participation = float64(state.Network.Participations[l][position])
		}
		stay, cut := ledger.RankOut(scores[l], demands[l])
		keep, line.Cuts = append(keep, stay), append(line.Cuts, cut)
	}
	if err := t.removeLosers(had, keep, observation.Inputs); err != nil {
		return err
	}
	line.Players = t.Players()
	if k == t.Plan.Config.Rounds && t.Plan.Config.Criterion == game.Participation {
		if err := t.fold(); err != nil {
			return err
		}
	}
	return t.endRound(k, line)
}

// fold multiplies participations into the weights. The optimiser's moments start afresh.
func (t *Training) fold() error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	state.Network.Fold()
	return t.Engine.Push(&backend.State{Network: state.Network})
}

// scores returns the scores of the players still there, one slice a gate.
func (t *Training) scores(state *backend.State, observed *backend.Observation) ([][]float64, error) {
	var scores [][]float64
	n := state.Network
	switch criterion := t.Plan.Config.Criterion; criterion {
	case game.Random:
		return t.draws(), nil
	case game.Magnitude, game.PathMagnitude:
		n = scaledByNorms(n)
		for gate := range n.Gates {
			scores = append(scores, norms(n, gate))
			if criterion == game.PathMagnitude || len(n.Owned(gate)) == 0 {
				for i, outgoing := range outgoingNorms(n, gate) {
					scores[gate][i] *= outgoing
				}
			}
		}
	case game.Participation:
		if t.Plan.drawsGates() {
			scores = openness(state.Slopes)
			break
		}
		for _, participation := range n.Participations {
			var row []float64
			for _, s := range participation {
				row = append(row, float64(s))
			}
			scores = append(scores, row)
		}
	case game.OutputSquare:
		for _, h := range observed.Interactions {
			scores = append(scores, h.Own())
		}
	case game.OBS:
		for _, m := range observed.Inputs {
			if err := t.CheckFinite(slices.Concat(m.Mean, m.Square)...); err != nil {
				return nil, err
			}
		}
		for gate := range n.Gates {
			scores = append(scores, compensation.Eliminate(n, gate, observed.Inputs))
		}
	default:
		measured, err := t.Engine.Measure(context.Background())
		if err != nil {
			return nil, err
		}
		for _, statistics := range measured {
			if criterion == game.Fisher {
				scores = append(scores, statistics.Fisher())
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

// scaledByNorms returns a network in which the norms of weights say what they do. A batch norm undoes
// any scale and shift of what it alone reads. So that is multiplied by the scale of the batch
// norm and has no bias, and the batch norm has its bias only.
func scaledByNorms(n *network.Network) *network.Network {
	folded := n.Clone()
	for node := range n.Nodes {
		norm := n.NormOf(node)
		if norm < 0 {
			continue
		}
		var of [][]float32
		for _, p := range n.Nodes[norm].Params {
			of = append(of, n.Parameters[p])
		}
		scales := n.Nodes[norm].Op.(network.Normaliser).Scales(of)
		for _, p := range n.Nodes[node].Params {
			v := folded.Parameters[p]
			for i := range v {
				if len(n.Params[p].Shape) == 1 {
					v[i] = 0
				} else {
					v[i] *= float32(scales[i/(len(v)/len(scales))])
				}
			}
		}
		clear(folded.Parameters[n.Nodes[norm].Params[network.NormWeight]])
	}
	return folded
}

// norms returns |s theta| of the players of a gate, over all that each owns. Inputs own
// nothing and count as 1.
func norms(n *network.Network, gate int) []float64 {
	owned := n.Owned(gate)
	norms := make([]float64, n.Gates[gate].Players)
	for k := len(owned) - 1; k >= 0; k-- { // biases before weights
		v := n.Parameters[owned[k]]
		for i := range norms {
			width := len(v) / len(norms)
			for _, w := range v[i*width:][:width] {
				norms[i] += float64(w) * float64(w)
			}
		}
	}
	for i, s := range n.Participations[gate] {
		if len(owned) == 0 {
			norms[i] = 1
		}
		norms[i] = float64(s) * math.Sqrt(norms[i])
	}
	return norms
}

// outgoingNorms returns the norms of the weights that read what each player of a gate
// gives, those of other players times their participation.
func outgoingNorms(n *network.Network, gate int) []float64 {
	norms := make([]float64, n.Gates[gate].Players)
	for _, c := range n.Columns(gate) {
		param, v := n.Graph.Params[c.Param], n.Parameters[c.Param]
		inner := network.Shape(param.Shape[c.Dim+1:]).Size()
		rowSize := network.Shape(param.Shape[1:]).Size()
		reader := n.GateAt(param.Node)
		for at, w := range v {
			player := c.Player[at/inner%param.Shape[c.Dim]]
			if player < 0 {
				continue
			}
			s := 1.
			if reader >= 0 && param.Produces {
				s = float64(n.Participations[reader][at/rowSize])
			}
			norms[player] += s * s * float64(w) * float64(w)
		}
	}
	for i, square := range norms {
		norms[i] = math.Sqrt(square)
	}
	return norms
}
