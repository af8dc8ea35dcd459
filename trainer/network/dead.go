package network

import "slices"

// WithoutDead returns a network without the units that no output depends on, since all weights
// that read them are zero, or since all weights that make them are zero and what is left of
// them, a constant, is taken over by the biases of the dense layers that read them. Of each
// class one unit stays. Whole is the network in full width that computes the same: what was
// dead in it is zero. Participations are one.
func (n *Network) WithoutDead() (small, whole *Network, err error) {
	whole = n.Clone()
	alive := whole.Graph.used(whole.Parameters)
	for whole.foldConstants(alive) || whole.clearUnused(alive) {
		alive = whole.Graph.used(whole.Parameters)
	}
	for _, class := range n.Classes { // some operators do not run on nothing
		if units := alive[class.first:][:class.Units]; class.Units > 0 && !slices.Contains(units, true) {
			units[0] = true
			if parent := n.units[class.first].parent; parent >= 0 {
				alive[parent] = true
			}
		}
	}
	cut, err := n.Graph.cut(alive)
	if err != nil {
		return nil, nil, err
	}
	return cut.Of(whole), whole, nil
}

// used reports which units are read by weights that are not zero, or reach the output, by
// themselves or by their parts.
func (g *Graph) used(parameters [][]float32) []bool {
	used := make([]bool, len(g.units))
	for _, class := range g.Classes {
		for u := class.first; u < class.first+class.Units; u++ {
			used[u] = class.Fixed
		}
	}
	read := make([]bool, len(g.Classes))
	for p, param := range g.Params {
		for d, a := range param.axes {
			if param.Axes[d].Tensor == Output {
				continue
			}
			inner, length, units := Shape(param.Shape[d+1:]).Size(), param.Shape[d], g.axes[a].units
			for _, u := range units {
				read[g.units[u].class] = true
			}
			for at, w := range parameters[p] {
				if w != 0 {
					used[units[at/inner%length]] = true
				}
			}
		}
	}
	for u := len(g.units) - 1; u >= 0; u-- { // an inner class that no weights read, as of a depthwise convolution, stays
		class := g.units[u].class
		isParent := slices.ContainsFunc(g.Classes, func(c Class) bool { return c.Parent == class })
		used[u] = used[u] || !read[class] && !isParent
	}
	for u, unit := range g.units {
		if unit.parent >= 0 && used[u] {
			used[unit.parent] = true
		}
	}
	return used
}

// clearUnused sets to zero what makes units that are not used, and reports whether that
// changed anything. Inputs are made by nothing.
func (n *Network) clearUnused(used []bool) bool {
	changed := false
	for p, param := range n.Graph.Params {
		if !param.Produces || param.Statistic {
			continue
		}
		size := Shape(param.Shape[1:]).Size()
		for e, u := range n.axes[param.axes[0]].units {
			for i, w := range n.Parameters[p][e*size:][:size] {
				if w != 0 && !used[u] {
					n.Parameters[p][e*size+i], changed = 0, true
				}
			}
		}
	}
	return changed
}

// foldConstants moves the outputs of dense units that depend on nothing into the biases of the
// dense layers that read them, and reports whether there were any.
func (n *Network) foldConstants(used []bool) bool {
	changed := false
	for _, class := range n.Classes {
		if class.Fixed || len(class.Producers) != 1 || !n.isAffine(class.Producers[0]) {
			continue
		}
		weight, bias, _ := n.Affine(class.Producers[0])
		columns := n.Graph.Params[weight].Shape[1]
		for unit := range class.Units {
			row := n.Parameters[weight][unit*columns:][:columns]
			if !used[class.first+unit] || slices.ContainsFunc(row, func(w float32) bool { return w != 0 }) {
				continue
			}
			if n.takeConstant(class.Producers[0], unit, n.Parameters[bias][unit]) {
				changed = true
			}
		}
	}
	return changed
}

// takeConstant lets the readers of a unit of a node take over its constant output, if all of
// them are dense and nothing but activations lies in between.
func (n *Network) takeConstant(node, unit int, bias float32) bool {
	type reader struct {
		node  int
		value float64
	}
	var readers []reader
	consumers := n.consumers()
	var follow func(node int, value float64) bool
	follow = func(node int, value float64) bool {
		for _, c := range consumers[node] {
			switch op := n.Nodes[c].Op.(type) {
			case *Dense:
				readers = append(readers, reader{c, value})
			case *Activate:
				if !follow(c, op.Entry([][]float64{{value}}, 0)) {
					return false
				}
			default:
				return false
			}
		}
		return len(consumers[node]) > 0
	}
	if !follow(node, float64(bias)) {
		return false
	}
	for _, r := range readers {
		weight, bias, _ := n.Affine(r.node)
		columns := n.Graph.Params[weight].Shape[1]
		for out := range n.Parameters[bias] {
			w := &n.Parameters[weight][out*columns+unit]
			n.Parameters[bias][out] = float32(float64(n.Parameters[bias][out]) + float64(*w)*r.value)
			*w = 0
		}
	}
	return true
}
