package session

import (
	"math"

	"nashprune/trainer/network"
)

// shrinkEvery is after how many steps groups shrink, by the thresholds of all of them: for
// that the network goes to the host and back.
const shrinkEvery = 16

// shrinkage returns the threshold of the group lasso after a step, for a group of one
// number: its weight times the learning rates since groups shrank last. It is 0 where they
// do not shrink.
func (p Plan) shrinkage(step int) float64 {
	if p.Config.GroupLasso == 0 || step <= p.opens || step > p.closes {
		return 0
	}
	since := (step-p.opens-1)%shrinkEvery + 1
	if since < shrinkEvery && step < p.closes {
		return 0
	}
	rates := 0.
	for s := step - since; s < step; s++ {
		rates += p.learningRate(s)
	}
	return p.Config.GroupLasso * rates
}

// shrinkGroups takes the proximal step of the group lasso to the network of the engine.
func (t *Training) shrinkGroups(threshold float64) error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	shrinkGroups(state.Network, threshold)
	return t.Engine.Push(state)
}

// shrinkGroups takes the proximal step of a penalty threshold sqrt(d) |theta| on each
// player's d weights and biases theta (Yuan and Lin, JRSS B 68, 2006):
//
//	theta <- max(0, 1 - threshold sqrt(d) / |theta|) theta.
//
// Inputs own nothing that shrinks, and of what a batch norm reads it shrinks the scale and
// shift, since it undoes any other shrinking.
func shrinkGroups(n *network.Network, threshold float64) {
	for gate, players := range n.Widths() {
		for i := range players {
			var rows [][]float32
			size, square := 0, 0.
			for _, p := range n.Owned(gate) {
				if n.NormOf(n.Params[p].Node) >= 0 {
					continue
				}
				width := len(n.Parameters[p]) / players
				row := n.Parameters[p][i*width:][:width]
				rows, size = append(rows, row), size+width
				for _, w := range row {
					square += float64(w) * float64(w)
				}
			}
			if square == 0 {
				continue
			}
			factor := max(0, 1-threshold*math.Sqrt(float64(size)/square))
			for _, row := range rows {
				for k, w := range row {
					row[k] = float32(factor * float64(w))
				}
			}
		}
	}
}
