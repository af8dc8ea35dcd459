package network

import (
	"fmt"
	"slices"
)

// PlayerKind is a kind of player, by the class whose units they are.
type PlayerKind string

const (
	// Neurons are the units of a dense layer's output.
	Neurons PlayerKind = "neurons"
	// Filters are the output channels of a convolution.
	Filters PlayerKind = "filters"
	// Channels are the units of a stream that several producers write to.
	Channels PlayerKind = "channels"
	// Inputs are the entries of a sample's first dimension.
	Inputs PlayerKind = "inputs"
	// Features are the numbers that a flatten makes of channels. They are removed with their
	// channel, and can be without it.
	Features PlayerKind = "features"
	// Branches are residual branches as a whole. The filters of one are removed with it, and
	// can be without it.
	Branches PlayerKind = "branches"
	// Weights are the entries of the weights of dense layers and convolutions. They have no
	// gate: each has its own participation, see [Network.Masks].
	Weights PlayerKind = "weights"
)

// PlayerKinds lists the kinds of player that have gates: all but [Weights].
var PlayerKinds = []PlayerKind{Neurons, Filters, Channels, Inputs, Features, Branches}

// DefaultPlayers are the kinds of player of a network unless others are named.
var DefaultPlayers = []PlayerKind{Neurons, Filters, Channels}

// Gate gives each unit of a class, a player, a participation s in [0, 1].
type Gate struct {
	Name    string // of the class
	Kind    PlayerKind
	Class   int
	Players int
	// Points are the nodes whose output u it multiplies: z = s u, entry by entry of the
	// first dimension. They are all producers of the class but those that a batch norm
	// alone reads: it is a producer itself, and undoes what is done before it.
	Points []int
}

// KindOf returns the kind of player that the units of a class can be. The error says
// why they can be none, and names the node that prevents it.
func (g *Graph) KindOf(c Class) (PlayerKind, error) {
	switch {
	case c.Fixed:
		return "", fmt.Errorf("the units of %s reach the output", c.Name)
	case len(c.Producers) == 0 && c.Parent >= 0:
		if g.splits(c) < 0 {
			return "", fmt.Errorf("the units of %s, which leave with those of %s, are only a part of what a flatten makes", c.Name, g.Classes[c.Parent].Name)
		}
		return Features, g.foldsForwards(c)
	case len(c.Producers) == 0:
		return "", fmt.Errorf("no operator produces the axis of %s", c.Name)
	case c.Parent >= 0 && !g.isBranchClass(c.Parent):
		return "", fmt.Errorf("features of another node add to %s, which cannot be scaled with it", c.Name)
	}
	for _, n := range c.Producers {
		if g.isAlone(c, n) {
			continue
		}
		if joins := g.joins(c); joins >= 0 {
			return "", fmt.Errorf("the groups of node %s, of kind %s, stay equal, so several channels of %s are one unit", g.Nodes[joins].Name, g.Nodes[joins].Op.Kind(), c.Name)
		}
		return "", fmt.Errorf("the units of %s are only a part of what node %s, of kind %s, produces", c.Name, g.Nodes[n].Name, g.Nodes[n].Op.Kind())
	}
	origins := g.origins(c)
	switch {
	case isEnd(g.Nodes[origins[0]]):
		return Branches, nil
	case origins[0] == 0 && len(origins) > 1:
		return "", fmt.Errorf("node %s adds to the inputs, which cannot be scaled with it", g.Nodes[origins[1]].Name)
	case origins[0] == 0:
		return Inputs, g.foldsForwards(c)
	case len(origins) > 1:
		return Channels, nil
	case len(g.Nodes[origins[0]].Shape) > 1:
		return Filters, nil
	default:
		return Neurons, nil
	}
}

// joins returns a node whose operator ties entries of one axis of a class to each other, or
// -1.
func (g *Graph) joins(c Class) int {
	for n, node := range g.Nodes {
		for _, t := range node.Op.Ties(g.shapesOf(node.In), node.Shape) {
			of := n
			if t.A.Tensor != Output {
				of = node.In[t.A.Tensor]
			}
			if t.A == t.B && t.A.Dim == 0 && g.isOn(c, of) {
				return n
			}
		}
	}
	return -1
}

// isOn reports whether units of a class lie on the first axis of a node.
func (g *Graph) isOn(c Class, n int) bool {
	return slices.ContainsFunc(g.firstAxis(n).units, func(u int) bool { return g.placeIn(c, u) >= 0 })
}

// origins returns the producers of a class that do not pass on what others produced, as a
// batch norm or a depthwise convolution does.
func (g *Graph) origins(c Class) []int {
	var origins []int
	for _, n := range c.Producers {
		if !g.passesOn(n) {
			origins = append(origins, n)
		}
	}
	return origins
}

// isBranchClass reports whether the unit of a class is a branch.
func (g *Graph) isBranchClass(c int) bool {
	return slices.ContainsFunc(g.Classes[c].Producers, func(n int) bool { return isEnd(g.Nodes[n]) })
}

// passesOn reports whether a node's operator ties the first dimension of its output to an input.
func (g *Graph) passesOn(n int) bool {
	node := g.Nodes[n]
	return slices.ContainsFunc(node.Op.Ties(g.shapesOf(node.In), node.Shape), func(t Tie) bool {
		return t.A == Axis{Output, 0} && t.B.Tensor != Output || t.B == Axis{Output, 0} && t.A.Tensor != Output
	})
}

// points returns the nodes whose output a gate of a class multiplies.
func (g *Graph) points(c Class) []int {
	if len(c.Producers) == 0 {
		return []int{g.splits(c)}
	}
	var points []int
	for _, n := range c.Producers {
		if g.NormOf(n) < 0 && !g.isGone(n) {
			points = append(points, n)
		}
	}
	return points
}

// NormOf returns the [Normaliser] that alone reads what a node computes, or -1.
func (g *Graph) NormOf(node int) int {
	norm := -1
	for n, reader := range g.Nodes {
		for _, in := range reader.In {
			if _, is := reader.Op.(Normaliser); in == node && (!is || norm >= 0) {
				return -1
			} else if in == node {
				norm = n
			}
		}
	}
	return norm
}

// splits returns the first node whose first axis has the units of a class, all in order; -1:
// there is none.
func (g *Graph) splits(c Class) int {
	for n := range g.Nodes {
		if g.isAlone(c, n) {
			return n
		}
	}
	return -1
}

// Parent returns the gate and the player with which a player of a gate is removed, if that
// has a gate.
func (g *Graph) Parent(gate, player int) (parentGate, parent int, ok bool) {
	u := g.units[g.Classes[g.Gates[gate].Class].first+player].parent
	if u < 0 {
		return 0, 0, false
	}
	class := g.units[u].class
	parentGate = slices.IndexFunc(g.Gates, func(other Gate) bool { return other.Class == class })
	return parentGate, u - g.Classes[class].first, parentGate >= 0
}

// Parts returns the gates whose players are parts of those of a gate.
func (g *Graph) Parts(gate int) []int {
	var parts []int
	for i, other := range g.Gates {
		if other.Players == 0 {
			continue
		}
		if parent, _, ok := g.Parent(i, 0); ok && parent == gate {
			parts = append(parts, i)
		}
	}
	return parts
}

// foldsForwards reports whether what scales a class can be moved into the columns of
// its consumers: whether nothing but copies lies in between.
func (g *Graph) foldsForwards(c Class) error {
	for _, a := range g.axes {
		if a.node == 0 || !slices.ContainsFunc(a.units, func(u int) bool { return g.placeIn(c, u) >= 0 }) {
			continue
		}
		node := g.Nodes[a.node]
		if _, copies := node.Op.(Copier); !copies {
			return fmt.Errorf("node %s, of kind %s, lies between %s and its consumers", node.Name, node.Op.Kind(), c.Name)
		}
	}
	return nil
}

// addGates gates the classes of the given kinds of player.
func (g *Graph) addGates(kinds []PlayerKind) error {
	for _, kind := range kinds {
		if all := append(slices.Clone(PlayerKinds), Weights); !slices.Contains(all, kind) {
			return fmt.Errorf("unknown kind of player %.40q; it must be one of %q", kind, all)
		}
	}
	if slices.Contains(kinds, Weights) {
		for p := range g.Params {
			g.Params[p].Plays = g.Params[p].Weight
		}
	}
	for c, class := range g.Classes {
		if p := class.Parent; p >= 0 && class.Units > 0 && g.Classes[p].Units == 0 && g.isBranchClass(p) {
			return fmt.Errorf("%s has %d units in the removed branch %s; it must have none", class.Name, class.Units, g.Classes[p].Name)
		}
		kind, err := g.KindOf(class)
		if err == nil && slices.Contains(kinds, kind) {
			g.Gates = append(g.Gates, Gate{class.Name, kind, c, class.Units, g.points(class)})
		}
	}
	return nil
}

// playerKinds lists the kinds of player that there are.
func (g *Graph) playerKinds() []PlayerKind {
	var kinds []PlayerKind
	if len(g.Masked()) > 0 {
		kinds = append(kinds, Weights)
	}
	for _, gate := range g.Gates {
		if !slices.Contains(kinds, gate.Kind) {
			kinds = append(kinds, gate.Kind)
		}
	}
	return kinds
}

// GateAt returns the place of the gate that multiplies a node's output, or -1.
func (g *Graph) GateAt(node int) int {
	return slices.IndexFunc(g.Gates, func(gate Gate) bool { return slices.Contains(gate.Points, node) })
}

// Masked lists the parameters whose entries are players.
func (g *Graph) Masked() []int {
	var masked []int
	for p, param := range g.Params {
		if param.Plays {
			masked = append(masked, p)
		}
	}
	return masked
}

// MarketWidths returns the number of players of each gate or, where single weights play, of
// each parameter of [Graph.Masked].
func (g *Graph) MarketWidths() []int {
	masked := g.Masked()
	if masked == nil {
		return g.Widths()
	}
	widths := make([]int, len(masked))
	for i, p := range masked {
		widths[i] = g.Params[p].Size()
	}
	return widths
}

// Players returns the number of players of all gates.
func (g *Graph) Players() int { return Sum(g.Widths()) }

// Widths returns the number of players of each gate.
func (g *Graph) Widths() []int {
	widths := make([]int, len(g.Gates))
	for i, gate := range g.Gates {
		widths[i] = gate.Players
	}
	return widths
}

// Owned lists, for a gate, the parameters a row of which each player owns: those of
// the producers, in order. Inputs and features own none.
func (g *Graph) Owned(gate int) []int { return g.rows(g.Classes[g.Gates[gate].Class].Producers) }

// rows lists the parameters of some nodes that have a row a unit of what they produce.
func (g *Graph) rows(nodes []int) []int {
	var rows []int
	for _, n := range nodes {
		for _, p := range g.Nodes[n].Params {
			if g.Params[p].Produces {
				rows = append(rows, p)
			}
		}
	}
	return rows
}
