package compensation

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// Check says why [Apply] cannot make up for all players of a graph: a reader is no dense layer.
func Check(g *network.Graph) error {
	for gate := range g.Gates {
		for _, c := range g.Columns(gate) {
			if node := g.Params[c.Param].Node; !slices.Contains(g.Readers(), node) {
				return fmt.Errorf("node %s, of kind %s, reads players, and only dense layers take over what removed players gave", g.Nodes[node].Name, g.Nodes[node].Op.Kind())
			}
		}
	}
	return nil
}

// CheckElimination says why [Eliminate] cannot score the players of a graph: a reader is not
// affine, has no second moments, or reads a player more than once.
func CheckElimination(g *network.Graph) error {
	if err := Check(g); err != nil {
		return err
	}
	for gate := range g.Gates {
		for _, c := range g.Columns(gate) {
			node := g.Nodes[g.Params[c.Param].Node]
			if width := len(c.Player); width > backend.LargestMoments {
				return fmt.Errorf("node %s has %d inputs; second moments are taken of at most %d", node.Name, width, backend.LargestMoments)
			}
			seen := make([]bool, g.Gates[gate].Players)
			for _, player := range c.Player {
				if player >= 0 && seen[player] {
					return fmt.Errorf("node %s reads players of %s by several inputs each; it must have one a player", node.Name, g.Gates[gate].Name)
				}
				if player >= 0 {
					seen[player] = true
				}
			}
		}
	}
	return nil
}

// Eliminate scores the players of a gate by backward elimination: the one that its readers
// miss least goes first, they take over what it gave, and so on until none is left. A reader
// with the weights W misses player i by
//
//	|W_i|^2 / P_ii,  P = (cov + r I)^-1,
//
// the mean square of what its outputs lose after the refit of [Full], with the ridge r of
// all inputs of the round. Then W_j becomes W_j - W_i P_ij / P_ii, and P becomes
// P - P_i P_i^T / P_ii (the optimal brain surgeon: Hassibi and Stork, NIPS 1992; by units,
// Frantar and Alistarh, arXiv:2208.11580). Costs of several readers are added. Where no input
// of a reader varies, its biases take over all, and it misses nothing.
//
// The score is the cost in the player's turn, or the next larger number after the score of
// the player before it, where that is more: so the players of the lowest scores are those
// that go first, however many. The graph is one that [CheckElimination] passes, and inputs
// are the moments of [backend.Observation]; what readers give has the participation 1. It
// takes O(n^2 (n + m)) operations for n inputs and m outputs of a reader.
func Eliminate(n *network.Network, gate int, inputs []backend.InputMoments) []float64 {
	var readers []*reader
	for _, c := range n.Columns(gate) {
		at := slices.IndexFunc(inputs, func(m backend.InputMoments) bool { return m.Node == n.Graph.Params[c.Param].Node })
		if r := newReader(n, c, inputs[at]); r != nil {
			readers = append(readers, r)
		}
	}
	left := network.Indices(n.Gates[gate].Players)
	scores, least := make([]float64, len(left)), 0.
	for len(left) > 0 {
		costs := make([]float64, len(left))
		for at, player := range left {
			for _, r := range readers {
				costs[at] += r.cost(player)
			}
		}
		at := floats.MinIdx(costs)
		player := left[at]
		scores[player] = max(costs[at], least)
		least = math.Nextafter(scores[player], math.Inf(1))
		for _, r := range readers {
			r.eliminate(player)
		}
		left = slices.Delete(left, at, at+1)
	}
	return scores
}

// reader is an affine node some of whose inputs are eliminated.
type reader struct {
	column  []int       // of each player; -1: the node does not read it
	weights [][]float64 // by input, for all outputs
	inverse [][]float64 // P of the inputs that are left; rows and columns of the others are zero
}

// newReader returns nil where no input varies.
func newReader(n *network.Network, c network.Fold, m backend.InputMoments) *reader {
	width := len(m.Mean)
	factor := factorise(m, network.Indices(width))
	var inverse mat.SymDense
	if factor == nil || factor.InverseTo(&inverse) != nil { // or singular to working precision
		return nil
	}
	r := &reader{column: slices.Repeat([]int{-1}, n.Gates[c.Gate].Players)}
	for e, player := range c.Player {
		if player >= 0 {
			r.column[player] = e
		}
	}
	weight := n.Parameters[c.Param]
	for i := range width {
		column, row := make([]float64, len(weight)/width), make([]float64, width)
		for o := range column {
			column[o] = float64(weight[o*width+i])
		}
		for j := range row {
			row[j] = inverse.At(i, j)
		}
		r.weights, r.inverse = append(r.weights, column), append(r.inverse, row)
	}
	return r
}

// cost returns the mean square, with the ridge, of what the outputs lose with a player, after
// the refit.
func (r *reader) cost(player int) float64 {
	i := r.column[player]
	if i < 0 {
		return 0
	}
	return floats.Dot(r.weights[i], r.weights[i]) / r.inverse[i][i]
}

// eliminate lets the inputs that are left take over what a player gives.
func (r *reader) eliminate(player int) {
	i := r.column[player]
	if i < 0 {
		return
	}
	gone, pivot := r.inverse[i], r.inverse[i][i]
	for j, row := range r.inverse {
		if j == i || row[i] == 0 {
			continue
		}
		part := row[i] / pivot
		floats.AddScaled(r.weights[j], -part, r.weights[i])
		floats.AddScaled(row, -part, gone)
		row[i] = 0
	}
	clear(gone)
}
