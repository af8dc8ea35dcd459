package network

import "slices"

// Alternative computes outputs when one player of a gate participates otherwise than
// in a pass and everything else stays as it is. It computes nothing anew that the
// player does not reach, and it is used by one goroutine at a time.
type Alternative struct {
	pass    *Pass
	gate    int
	reached []int // nodes that depend on the gate, its points included, in order

	player  int
	entries [][]int // by node, the numbers that the player alone changes; nil: it may change all

	values  [][]float64 // by node, of the present sample: those in entries alone, or all where these are nil
	changed []bool      // of the present sample
}

// Alternative returns alternatives for the players of a gate.
func (p *Pass) Alternative(gate int) *Alternative {
	a := &Alternative{
		pass: p, gate: gate, reached: p.reached(gate), player: -1,
		entries: make([][]int, len(p.Nodes)), values: make([][]float64, len(p.Nodes)), changed: make([]bool, len(p.Nodes)),
	}
	for _, n := range a.reached {
		a.values[n] = make([]float64, p.Nodes[n].Shape.Size())
	}
	return a
}

// reached returns the nodes that depend on a gate, its points included, in order.
func (g *Graph) reached(gate int) []int {
	reached := slices.Clone(g.Gates[gate].Points)
	for n := range g.Nodes {
		if !slices.Contains(reached, n) && g.reads(n, reached) && !g.isGone(n) {
			reached = append(reached, n)
		}
	}
	slices.Sort(reached)
	return reached
}

// reads reports whether a node reads one of some nodes.
func (g *Graph) reads(n int, nodes []int) bool {
	return slices.ContainsFunc(g.Nodes[n].In, func(from int) bool { return slices.Contains(nodes, from) })
}

// depends reports whether a node's output depends on the gate.
func (a *Alternative) depends(n int) bool { return a.values[n] != nil }

// choose works out which numbers a player changes: those of its unit, and of finer ones,
// at the gate's points and after them as long as operators are elementwise.
func (a *Alternative) choose(player int) {
	if a.player == player {
		return
	}
	a.player = player
	p := a.pass
	class := p.Classes[p.Graph.Gates[a.gate].Class]
	of := func(n int) []int {
		entries, inner := []int{}, p.inner(n)
		for e, u := range p.firstAxis(n).units {
			if p.placeIn(class, u) == player {
				for i := range inner {
					entries = append(entries, e*inner+i)
				}
			}
		}
		return entries
	}
	for _, n := range a.reached {
		_, elementwise := p.Nodes[n].Op.(Elementwise)
		a.entries[n] = nil
		if p.isOn(class, n) && (elementwise && a.few(n) || !slices.ContainsFunc(p.Nodes[n].In, a.depends)) {
			a.entries[n] = of(n)
		}
	}
}

// few reports whether the player changes only some known numbers of a node's inputs.
func (a *Alternative) few(n int) bool {
	for _, from := range a.pass.Nodes[n].In {
		if a.depends(from) && a.entries[from] == nil {
			return false
		}
	}
	return true
}

// Outputs returns the outputs of a sample when a player participates with s, valid
// until the next call. The numbers are those of a Forward with another order of sums.
func (a *Alternative) Outputs(player int, s float64, row int) []float64 {
	a.choose(player)
	p := a.pass
	clear(a.changed)
	for _, n := range a.reached {
		if slices.ContainsFunc(p.Nodes[n].In, func(from int) bool { return a.changed[from] }) {
			a.compute(n, s, row)
		} else if p.gates[n] == a.gate {
			u, z := p.row(p.Before, n, row), p.row(p.After, n, row)
			if a.entries[n] == nil {
				copy(a.values[n], z)
			}
			inner := p.inner(n)
			for e := player * inner; e < (player+1)*inner; e++ {
				a.values[n][e] = s * u[e]
				a.changed[n] = a.changed[n] || a.values[n][e] != z[e]
			}
		}
	}
	return a.complete(len(p.Nodes)-1, row)
}

// row returns the present values of a node for a sample, of a changed one with entries
// these alone.
func (a *Alternative) row(n, row int) []float64 {
	if a.changed[n] {
		return a.values[n]
	}
	return a.pass.row(a.pass.After, n, row)
}

// complete returns all present values of a node for a sample.
func (a *Alternative) complete(n, row int) []float64 {
	v := a.row(n, row)
	if a.changed[n] && a.entries[n] != nil {
		own := Select(v, a.entries[n])
		copy(v, a.pass.row(a.pass.After, n, row))
		for i, e := range a.entries[n] {
			v[e] = own[i]
		}
	}
	return v
}

// compute computes a node some of whose inputs changed, where the player participates
// with s.
func (a *Alternative) compute(n int, s float64, row int) {
	p, node, v := a.pass, a.pass.Nodes[n], a.values[n]
	x := Operands{Params: p.params(n), Out: v, InShapes: p.shapesOf(node.In), OutShape: node.Shape}
	for _, from := range node.In {
		x.In = append(x.In, a.row(from, row))
	}
	if op, ok := node.Op.(Elementwise); ok && a.entries[n] != nil {
		z := p.row(p.After, n, row)
		for _, e := range a.entries[n] {
			v[e] = a.scale(n, e, s) * op.Entry(x.In, e)
			a.changed[n] = a.changed[n] || v[e] != z[e]
		}
		return
	}
	a.changed[n] = true
	if op, ok := node.Op.(Linear); ok && a.few(n) {
		from := node.In[0]
		before := p.row(p.After, from, row)
		copy(v, p.row(p.Before, n, row))
		for _, e := range a.entries[from] {
			if delta := x.In[0][e] - before[e]; delta != 0 {
				op.AddEntry(x.Params, e, delta, v)
			}
		}
	} else {
		for i, from := range node.In {
			x.In[i] = a.complete(from, row)
		}
		node.Op.Forward(x)
	}
	if p.gates[n] >= 0 {
		for e := range v {
			v[e] *= a.scale(n, e, s)
		}
	}
}

// scale returns what number e of a node's output is multiplied with, where the player
// participates with s.
func (a *Alternative) scale(n, e int, s float64) float64 {
	p, gate := a.pass, a.pass.gates[n]
	switch player := e / p.inner(n); {
	case gate < 0:
		return 1
	case gate == a.gate && player == a.player:
		return s
	default:
		return p.Participations[gate][player]
	}
}
