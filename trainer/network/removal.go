package network

import (
	"fmt"
	"slices"
)

// Survivors lists, for each gate, the players that stay, in increasing order; nil: all.
type Survivors [][]int

// Cut says what stays of a graph when units are removed.
type Cut struct {
	Graph *Graph // what is left

	Gates  [][]int   // by gate, the players that stay
	Nodes  [][]int   // by node, the entries of the first dimension of its output that stay
	Params [][][]int // by parameter and dimension, the entries that stay; nil: it is in a removed branch
}

// Cut works out what stays when all players but the survivors are removed, with the
// units that are finer than theirs. It knows ties alone and no operator.
func (g *Graph) Cut(keep Survivors) (*Cut, error) {
	if len(keep) != len(g.Gates) {
		return nil, fmt.Errorf("survivors of %d gates are named and there are %d", len(keep), len(g.Gates))
	}
	alive := make([]bool, len(g.units))
	for u := range alive {
		alive[u] = true
	}
	for i, gate := range g.Gates {
		if keep[i] == nil {
			continue
		}
		class := g.Classes[gate.Class]
		units := alive[class.first:][:class.Units]
		clear(units)
		last := -1
		for _, place := range keep[i] {
			if place <= last || place >= class.Units {
				return nil, fmt.Errorf("gate %s: player %d of %d is out of order or range", gate.Name, place, class.Units)
			}
			units[place], last = true, place
		}
	}
	for u, unit := range g.units { // a parent has no parent
		alive[u] = alive[u] && (unit.parent < 0 || alive[unit.parent])
	}
	return g.cut(alive)
}

// cut makes the graph of the units that are alive.
func (g *Graph) cut(alive []bool) (*Cut, error) {
	c := &Cut{Graph: &Graph{Nodes: slices.Clone(g.Nodes), Classes: slices.Clone(g.Classes), Gates: slices.Clone(g.Gates), ends: g.ends}}
	small := c.Graph
	number := make([]int, len(g.units)) // of a unit in what is left
	for i := range small.Classes {
		class := &small.Classes[i]
		first := len(small.units)
		for u := class.first; u < class.first+class.Units; u++ {
			if alive[u] {
				number[u] = len(small.units)
				small.units = append(small.units, unit{i, -1})
			}
		}
		class.first, class.Units = first, len(small.units)-first
	}
	for u, unit := range g.units {
		if alive[u] && unit.parent >= 0 {
			small.units[number[u]].parent = number[unit.parent]
		}
	}
	kept := make([][]int, len(g.axes)) // by axis, the entries that stay
	for a, from := range g.axes {
		to := axis{node: from.node, dim: from.dim, units: []int{}, terms: from.terms}
		kept[a] = []int{}
		for e, u := range from.units {
			if alive[u] {
				kept[a], to.units = append(kept[a], e), append(to.units, number[u])
			}
		}
		small.axes = append(small.axes, to)
		if from.dim == 0 {
			c.Nodes = append(c.Nodes, kept[a])
		}
	}
	for n := range small.Nodes {
		node := &small.Nodes[n]
		in := make([][]int, len(node.In))
		for k, from := range node.In {
			in[k] = c.Nodes[from]
		}
		node.Op = node.Op.Cut(g.shapesOf(node.In), in, c.Nodes[n])
	}
	for i := range small.Gates {
		gate, class := &small.Gates[i], g.Classes[g.Gates[i].Class]
		players := []int{}
		for place := range class.Units {
			if alive[class.first+place] {
				players = append(players, place)
			}
		}
		gate.Players = len(players)
		gate.Points = slices.DeleteFunc(slices.Clone(gate.Points), func(n int) bool { return small.isGone(n) })
		c.Gates = append(c.Gates, players)
	}
	for _, param := range g.Params {
		if small.isGone(param.Node) {
			c.Params = append(c.Params, nil)
			continue
		}
		stay := Select(kept, param.axes)
		for _, length := range param.Shape[len(stay):] {
			stay = append(stay, Indices(length))
		}
		c.Params = append(c.Params, stay)
	}
	if err := small.infer(); err != nil {
		return nil, err
	}
	for p, from := range c.kept() {
		small.Params[p].axes, small.Params[p].Plays = g.Params[from].axes, g.Params[from].Plays
	}
	return c, nil
}

// kept returns the places of the parameters that are left.
func (c *Cut) kept() []int {
	var kept []int
	for p, stay := range c.Params {
		if stay != nil {
			kept = append(kept, p)
		}
	}
	return kept
}

// Indices returns 0 to n-1.
func Indices(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// Select returns the chosen entries of v; nil stays nil.
func Select[T any](v []T, chosen []int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, len(chosen))
	for i, c := range chosen {
		out[i] = v[c]
	}
	return out
}

// SelectTensor returns the chosen entries of each dimension of a row-major tensor of
// the given shape; nil stays nil.
func SelectTensor[T any](v []T, shape []int, chosen [][]int) []T {
	if v == nil {
		return nil
	}
	size := 1
	for _, c := range chosen {
		size *= len(c)
	}
	out := make([]T, 0, size)
	eachPlace(shape, chosen, func(at int) { out = append(out, v[at]) })
	return out
}

// eachPlace calls visit with the place of each chosen entry, row-major.
func eachPlace(shape []int, chosen [][]int, visit func(at int)) {
	if len(shape) == 0 {
		visit(0)
		return
	}
	stride := Shape(shape[1:]).Size()
	for _, c := range chosen[0] {
		if len(shape) == 1 {
			visit(c)
			continue
		}
		eachPlace(shape[1:], chosen[1:], func(at int) { visit(c*stride + at) })
	}
}
