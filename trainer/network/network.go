package network

import (
	"fmt"
	"slices"
)

// Network is a graph with its parameters and participations.
type Network struct {
	*Graph
	Parameters     [][]float32 // by parameter, row-major
	Participations [][]float32 // by gate, one number in [0, 1] a player
	// Masks holds, by parameter, the participations s of its entries where these are players;
	// nil elsewhere, and as a whole where none are. The network computes with s theta. In a
	// market s is 1, or 0 of an entry that is 0 itself, so that it is theta that is computed with.
	Masks [][]float32
}

// New returns a network whose weights are zero, whose other parameters are what they are
// before training, and whose participations are one.
func New(g *Graph) *Network {
	var parameters [][]float32
	for _, p := range g.Params {
		parameters = append(parameters, slices.Repeat([]float32{p.Initial}, p.Size()))
	}
	return With(g, parameters)
}

// With returns a network of these parameters, which it shares, whose participations are one.
func With(g *Graph, parameters [][]float32) *Network {
	n := &Network{Graph: g, Parameters: parameters}
	for _, gate := range g.Gates {
		n.Participations = append(n.Participations, slices.Repeat([]float32{1}, gate.Players))
	}
	if masked := g.Masked(); masked != nil {
		n.Masks = make([][]float32, len(g.Params))
		for _, p := range masked {
			n.Masks[p] = slices.Repeat([]float32{1}, g.Params[p].Size())
		}
	}
	return n
}

// Clone returns a copy that shares nothing but the graph with n.
func (n *Network) Clone() *Network {
	return &Network{n.Graph, clone(n.Parameters), clone(n.Participations), clone(n.Masks)}
}

func clone(tensors [][]float32) [][]float32 {
	if tensors == nil {
		return nil
	}
	copies := make([][]float32, len(tensors))
	for i, t := range tensors {
		copies[i] = slices.Clone(t)
	}
	return copies
}

// CheckFolded returns an error where a participation is not one.
func (n *Network) CheckFolded() error {
	for g, s := range n.Participations {
		for player, s := range s {
			if s != 1 {
				return fmt.Errorf("player %d of gate %s has participation %g; it must be 1: fold the network first", player, n.Gates[g].Name, s)
			}
		}
	}
	return nil
}

// Fold moves every participation into parameters and sets it to one; that of a single weight
// stays zero where it is zero. It goes into the weight or, of gates, into the rows of the nodes
// whose output it multiplies or, where these have no parameters, into the columns of the
// consumers; that of a branch into the rows of its last node. The network computes the same
// function, but that each number is rounded to float32 once.
func (n *Network) Fold() {
	for _, f := range n.Graph.Folds() {
		ApplyFold(f, n.Parameters[f.Param], n.Graph.Params[f.Param].Shape, n.Participations[f.Gate])
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = 1
		}
	}
	for p, s := range n.Masks {
		for i := range s {
			n.Parameters[p][i] *= s[i]
			if s[i] != 0 {
				s[i] = 1
			}
		}
	}
}

// Fold says that a parameter is multiplied with the participations of a gate along a
// dimension.
type Fold struct {
	Param, Dim, Gate int
	// Player is, for each entry of the dimension, the player with whose participation
	// it is multiplied, or -1.
	Player []int
}

// Folds lists what folding multiplies, in the order of the gates.
func (g *Graph) Folds() []Fold {
	var folds []Fold
	for i, gate := range g.Gates {
		rows := g.rows(gate.Points)
		for _, p := range rows {
			folds = append(folds, Fold{p, 0, i, Indices(gate.Players)})
		}
		if gate.Kind == Branches && gate.Players > 0 {
			rows = g.rows(g.Nodes[gate.Points[0]].In)
			for _, p := range rows {
				folds = append(folds, Fold{p, 0, i, make([]int, g.Params[p].Shape[0])})
			}
		}
		if len(rows) == 0 {
			folds = append(folds, g.Columns(i)...)
		}
	}
	return folds
}

// Columns lists the parameters that read what the players of a gate give, with the
// dimension along which they do and the player of each entry.
func (g *Graph) Columns(gate int) []Fold {
	if g.Gates[gate].Kind == Branches { // which are read in a sum alone
		return nil
	}
	class := g.Classes[g.Gates[gate].Class]
	var columns []Fold
	for p, param := range g.Params {
		for d, a := range param.axes {
			if param.Axes[d].Tensor == Output {
				continue
			}
			f, found := Fold{p, d, gate, make([]int, param.Shape[d])}, false
			for e, u := range g.axes[a].units {
				f.Player[e] = g.placeIn(class, u)
				found = found || f.Player[e] >= 0
			}
			if found {
				columns = append(columns, f)
			}
		}
	}
	return columns
}

// Readers lists the affine nodes that read what players of a gate give, in order.
func (g *Graph) Readers() []int {
	var readers []int
	for gate := range g.Gates {
		for _, c := range g.Columns(gate) {
			if n := g.Params[c.Param].Node; g.isAffine(n) {
				readers = append(readers, n)
			}
		}
	}
	slices.Sort(readers)
	return slices.Compact(readers)
}

// ApplyFold multiplies a parameter of the given shape in place.
func ApplyFold[T float32 | float64](f Fold, v []T, shape []int, participation []T) {
	inner := Shape(shape[f.Dim+1:]).Size()
	length := shape[f.Dim]
	for block := 0; block*inner < len(v); block++ {
		if player := f.Player[block%length]; player >= 0 {
			for i := range v[block*inner:][:inner] {
				v[block*inner+i] *= participation[player]
			}
		}
	}
}

// Keep returns the network that is left when all players but the survivors are
// removed. A player with participation zero adds exactly zero to every sum, so removing
// it changes an output only by the order in which the rest is added. The error is that
// of [Graph.Cut].
func (n *Network) Keep(keep Survivors) (*Network, error) {
	c, err := n.Graph.Cut(keep)
	if err != nil {
		return nil, err
	}
	return c.Of(n), nil
}

// Of returns what a cut keeps of a network.
func (c *Cut) Of(n *Network) *Network {
	small := &Network{Graph: c.Graph, Parameters: c.OfParams(n.Graph, n.Parameters), Masks: c.OfParams(n.Graph, n.Masks)}
	for i, s := range n.Participations {
		small.Participations = append(small.Participations, Select(s, c.Gates[i]))
	}
	return small
}

// OfParams returns what a cut keeps of numbers in the shape of a graph's parameters.
func (c *Cut) OfParams(g *Graph, tensors [][]float32) [][]float32 {
	var kept [][]float32
	if tensors == nil {
		return nil
	}
	for _, p := range c.kept() {
		kept = append(kept, SelectTensor(tensors[p], g.Params[p].Shape, c.Params[p]))
	}
	return kept
}

// Scatter is the inverse of Of: it writes the numbers of small, what the cut kept of
// whole, back to where they stood. Everything else in whole stays as it is.
func (c *Cut) Scatter(whole, small *Network) {
	kept := c.kept()
	for k, v := range small.Parameters {
		p, i := kept[k], 0
		eachPlace(whole.Graph.Params[p].Shape, c.Params[p], func(at int) {
			whole.Parameters[p][at] = v[i]
			i++
		})
	}
	for g, s := range small.Participations {
		for i, player := range c.Gates[g] {
			whole.Participations[g][player] = s[i]
		}
	}
}

// Sum returns the sum of numbers, such as those of the players of gates.
func Sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}
