package network

import (
	"encoding/binary"
	"slices"
)

// Class is a set of axes whose entries are the same: what is removed at a place of
// one is removed at that place of all.
type Class struct {
	Name  string // of the first node whose operator creates it
	Units int    // entries
	// Producers are the nodes whose operators create the class, in order.
	Producers []int
	// Fixed says that no unit can be removed: it lies on the output.
	Fixed bool
	// Parent is the class with whose units those of this one are removed, as flattened
	// features are with their channels; -1: none.
	Parent int
	first  int // its first unit
}

// sets is a union-find structure over entries.
type sets []int

func (s sets) find(x int) int {
	for s[x] != x {
		s[x] = s[s[x]]
		x = s[x]
	}
	return x
}

// union keeps the smaller root, so that a unit is named by its first entry.
func (s sets) union(x, y int) bool {
	x, y = s.find(x), s.find(y)
	s[max(x, y)] = min(x, y)
	return x != y
}

// link says that an entry is finer than another, its parent.
type link struct{ child, parent int }

// classify finds axes, units and classes. Entries are numbered axis by axis.
func (g *Graph) classify() {
	starts, locate := g.layAxes()
	roots, links := g.unite(starts, locate)
	unitOf := g.group(starts, roots, links)
	for a := range g.axes {
		for e := starts[a]; e < starts[a+1]; e++ {
			g.axes[a].units = append(g.axes[a].units, unitOf[roots.find(e)])
		}
	}
	for _, l := range links {
		child, parent := &g.units[unitOf[roots.find(l.child)]], unitOf[roots.find(l.parent)]
		child.parent, g.Classes[child.class].Parent = parent, g.units[parent].class
	}
	g.describeClasses()
	g.adopt()
}

// layAxes finds the axes, also those of parameters. It returns the first entry of each, with
// the number of all entries at the end, and the place of an axis that node n names.
func (g *Graph) layAxes() (starts []int, locate func(n int, a Axis) int) {
	axisOf, entries := make([][]int, len(g.Nodes)), 0
	for n, node := range g.Nodes {
		for dim, length := range node.Shape {
			axisOf[n] = append(axisOf[n], len(g.axes))
			g.axes = append(g.axes, axis{node: n, dim: dim})
			starts, entries = append(starts, entries), entries+length
		}
	}
	starts = append(starts, entries)
	locate = func(n int, a Axis) int {
		if a.Tensor == Output {
			return axisOf[n][a.Dim]
		}
		return axisOf[g.Nodes[n].In[a.Tensor]][a.Dim]
	}
	for p := range g.Params {
		param := &g.Params[p]
		for _, a := range param.Axes {
			param.axes = append(param.axes, locate(param.Node, a))
		}
	}
	return starts, locate
}

// unite makes entries that ties call the same one set, and returns the links between sets.
func (g *Graph) unite(starts []int, locate func(int, Axis) int) (roots sets, links []link) {
	roots = make(sets, starts[len(starts)-1])
	for e := range roots {
		roots[e] = e
	}
	for n, node := range g.Nodes {
		for _, t := range node.Op.Ties(g.shapesOf(node.In), node.Shape) {
			a, b := starts[locate(n, t.A)]+t.AFrom, starts[locate(n, t.B)]+t.BFrom
			for i := range t.Count {
				for j := range t.Block {
					if t.Child {
						links = append(links, link{b + i*t.Block + j, a + i})
					} else {
						roots.union(a+i, b+i*t.Block+j)
					}
				}
			}
		}
	}
	// Where children of two parents became one unit, the parents become one, too: the
	// child lives as long as either has something to give.
	for changed := len(links) > 0; changed; {
		changed = false
		parent := map[int]int{}
		for _, l := range links {
			child := roots.find(l.child)
			if other, known := parent[child]; known && roots.union(other, l.parent) {
				changed = true
			}
			parent[child] = l.parent
		}
	}
	return roots, links
}

// group makes units of the sets, and classes of units with the same number of entries on
// each axis, whose parents are of one class. It returns the unit of each root.
func (g *Graph) group(starts []int, roots sets, links []link) (unitOf []int) {
	signatures := make([][]byte, len(roots)) // of the roots
	for a := range g.axes {
		for e := starts[a]; e < starts[a+1]; e++ {
			root := roots.find(e)
			signatures[root] = binary.AppendUvarint(signatures[root], uint64(a)+1) // with no byte of 0
		}
	}
	for _, l := range links { // a parent has no parent, and a child has one
		child, parent := roots.find(l.child), roots.find(l.parent)
		if !slices.Contains(signatures[child], 0) { // of a link before
			signatures[child] = append(append(signatures[child], 0), signatures[parent]...)
		}
	}
	classes := map[string]int{}
	var members [][]int // roots by class
	for a := range g.axes {
		if starts[a] == starts[a+1] && g.creates(g.axes[a]) && !g.passesOn(g.axes[a].node) { // an empty layer
			g.axes[a].terms = []term{{len(members), 1}}
			members = append(members, nil)
			n := g.axes[a].node
			g.Classes = append(g.Classes, Class{Name: g.Nodes[n].Name, Producers: []int{n}, Fixed: n == len(g.Nodes)-1, Parent: -1})
		}
		for e := starts[a]; e < starts[a+1]; e++ {
			if root := roots.find(e); root == e {
				c, known := classes[string(signatures[e])]
				if !known {
					c = len(members)
					classes[string(signatures[e])] = c
					members = append(members, nil)
					g.Classes = append(g.Classes, Class{Name: g.Nodes[g.axes[a].node].Name, Parent: -1})
				}
				members[c] = append(members[c], e)
			}
		}
	}
	unitOf = make([]int, len(roots))
	for c, roots := range members {
		g.Classes[c].Units, g.Classes[c].first = len(roots), len(g.units)
		for _, root := range roots {
			unitOf[root] = len(g.units)
			g.units = append(g.units, unit{c, -1})
		}
	}
	return unitOf
}

// creates reports whether an axis is made by its node's operator and not passed on.
func (g *Graph) creates(a axis) bool {
	if a.dim != 0 {
		return false
	}
	node := g.Nodes[a.node]
	return a.node == 0 || node.produces || isEnd(node)
}

// describeClasses fills in producers, terms and whether a class is fixed.
func (g *Graph) describeClasses() {
	for i := range g.axes {
		a := &g.axes[i]
		last := -1
		for _, u := range a.units {
			c := g.units[u].class
			a.count(c)
			if c == last {
				continue
			}
			last = c
			class := &g.Classes[c]
			if a.node == len(g.Nodes)-1 {
				class.Fixed = true
			}
			if g.creates(*a) && !slices.Contains(class.Producers, a.node) {
				if len(class.Producers) == 0 {
					class.Name = g.Nodes[a.node].Name
				}
				class.Producers = append(class.Producers, a.node)
			}
		}
		for t := range a.terms {
			if units := g.Classes[a.terms[t].class].Units; units > 0 {
				a.terms[t].entries /= units
			}
		}
	}
}

// adopt makes the units that are in one branch alone the children of that of the branch.
func (g *Graph) adopt() {
	const nowhere, anywhere = -2, -1
	in := slices.Repeat([]int{nowhere}, len(g.Classes)) // by class, the end of its branch
	for _, a := range g.axes {
		for _, t := range a.terms {
			if end := g.ends[a.node]; in[t.class] == nowhere {
				in[t.class] = end
			} else if in[t.class] != end {
				in[t.class] = anywhere
			}
		}
	}
	for c := range g.Classes {
		class := &g.Classes[c]
		if in[c] < 0 || len(class.Producers) == 0 {
			continue
		}
		b := g.classOf(in[c])
		if b == c {
			continue
		}
		class.Parent = b
		for u := class.first; u < class.first+class.Units && g.Classes[b].Units > 0; u++ {
			g.units[u].parent = g.Classes[b].first
		}
	}
}

// count counts an entry of a class.
func (a *axis) count(class int) {
	for t := range a.terms {
		if a.terms[t].class == class {
			a.terms[t].entries++
			return
		}
	}
	a.terms = append(a.terms, term{class, 1})
}

// isAlone reports whether the entries of a node's first axis are the units of a class in
// order.
func (g *Graph) isAlone(c Class, n int) bool {
	units := g.firstAxis(n).units
	for place, u := range units {
		if u != c.first+place {
			return false
		}
	}
	return len(units) == c.Units
}

// placeIn returns the place in a class of a unit, or of the coarser one with which it is
// removed; -1 where neither belongs to the class.
func (g *Graph) placeIn(c Class, u int) int {
	for ; u >= 0; u = g.units[u].parent {
		if u >= c.first && u < c.first+c.Units {
			return u - c.first
		}
	}
	return -1
}
