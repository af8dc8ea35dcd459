package network

import "fmt"

// Sizes are numbers of units, by class. What a network takes is a function of them.
type Sizes []int

// Sizes returns how many units each class has.
func (g *Graph) Sizes() Sizes {
	sizes := make(Sizes, len(g.Classes))
	for c, class := range g.Classes {
		sizes[c] = class.Units
	}
	return sizes
}

// SizesWith returns the sizes when the gates have so many players. Units that are
// finer than a player's, and have no gate of their own, go with it in proportion.
func (g *Graph) SizesWith(players []int) Sizes {
	sizes := g.Sizes()
	gated := make([]bool, len(sizes))
	for i, gate := range g.Gates {
		sizes[gate.Class], gated[gate.Class] = players[i], true
	}
	for c, class := range g.Classes {
		if p := class.Parent; p >= 0 && !gated[c] && class.Units > 0 {
			sizes[c] = class.Units * sizes[p] / g.Classes[p].Units
		}
	}
	return sizes
}

// length returns how many entries an axis has at some sizes: of each class its part.
func (g *Graph) length(a axis, sizes Sizes) int {
	length := 0
	for _, t := range a.terms {
		length += t.entries * sizes[t.class]
	}
	return length
}

// ParametersAt returns the number of trained parameters at some sizes.
func (g *Graph) ParametersAt(sizes Sizes) int {
	parameters := 0
	for _, p := range g.Params {
		if p.Statistic || g.goneAt(p.Node, sizes) {
			continue
		}
		size := Shape(p.Shape[len(p.axes):]).Size()
		for _, a := range p.axes {
			size *= g.length(g.axes[a], sizes)
		}
		parameters += size
	}
	return parameters
}

// goneAt reports whether a node is in a branch that is gone at some sizes.
func (g *Graph) goneAt(n int, sizes Sizes) bool {
	return g.ends[n] >= 0 && sizes[g.classOf(g.ends[n])] == 0
}

// shapesAt returns the shape of each node's output at some sizes.
func (g *Graph) shapesAt(sizes Sizes) []Shape {
	shapes := make([]Shape, len(g.Nodes))
	for _, a := range g.axes {
		shapes[a.node] = append(shapes[a.node], g.length(a, sizes))
	}
	return shapes
}

// Load is what a node does for one sample.
type Load struct {
	Node          int
	MACs, Outputs int // multiply-accumulates, and numbers of its output
	Units         int // of the output's first dimension: neurons, or channels
}

// Loads returns what the nodes with parameters do at some sizes.
func (g *Graph) Loads(sizes Sizes) []Load {
	shapes := g.shapesAt(sizes)
	var loads []Load
	for n, node := range g.Nodes {
		switch {
		case !node.produces:
		case g.goneAt(n, sizes):
			loads = append(loads, Load{Node: n})
		default:
			loads = append(loads, Load{n, node.Op.MACs(Select(shapes, node.In), shapes[n]), shapes[n].Size(), shapes[n][0]})
		}
	}
	return loads
}

// Alike numbers the nodes that [Graph.Loads] lists: two have one number where their
// operators and the shapes of what they read and give are the same, so that they take
// equally long. Numbers count from 0.
func (g *Graph) Alike() []int {
	numbers := map[string]int{}
	var alike []int
	for _, node := range g.Nodes {
		if !node.produces {
			continue
		}
		key := fmt.Sprint(Words(node.Op), g.shapesOf(node.In), node.Shape)
		if _, known := numbers[key]; !known {
			numbers[key] = len(numbers)
		}
		alike = append(alike, numbers[key])
	}
	return alike
}

// MACsAt returns the multiply-accumulates of one sample at some sizes. Nodes without
// parameters have none.
func (g *Graph) MACsAt(sizes Sizes) int {
	macs := 0
	for _, load := range g.Loads(sizes) {
		macs += load.MACs
	}
	return macs
}

// ParameterCount returns the number of trained parameters.
func (g *Graph) ParameterCount() int { return g.ParametersAt(g.Sizes()) }

// MACs returns the multiply-accumulates of one sample.
func (g *Graph) MACs() int { return g.MACsAt(g.Sizes()) }

// Bytes returns the memory that the trained parameters take in float32.
func (g *Graph) Bytes() int { return 4 * g.ParameterCount() }
