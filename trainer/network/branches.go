package network

import (
	"fmt"
	"slices"
	"strings"
)

// WithBranches returns nodes in which a [Branch] ends each residual branch: what is computed
// for one input of a sum alone, where another input gives the sum its shape without it. Of a
// sum all inputs of which are computed for it alone, the one of fewest nodes, of equal ones the
// last, is no branch: a projection of the stream. A branch ends with a node that can take its participation over (a
// convolution, a dense layer or a batch norm), and has neither a sum nor a flatten in it.
func WithBranches(nodes []Node) []Node {
	g := &Graph{Nodes: nodes}
	ends := map[int]string{} // the names of branches, by their last node
	taken := map[string]bool{}
	for _, node := range nodes {
		taken[node.Name] = true
	}
	for n, node := range nodes {
		if _, is := node.Op.(*Add); !is {
			continue
		}
		name := node.Name + ".branch"
		if block, found := strings.CutSuffix(node.Name, ".add"); found {
			name = block + ".branch"
		}
		for _, end := range g.branchesOf(n) {
			free := name
			for k := 1; taken[free]; k++ {
				free = fmt.Sprint(name, k)
			}
			ends[end], taken[free] = free, true
		}
	}
	g.spare(ends)
	var with []Node
	place, branch := make([]int, len(nodes)), map[int]int{}
	for n, node := range nodes {
		if n > 0 {
			node.In = Select(place, node.In)
		}
		if _, is := node.Op.(*Add); is {
			for k, from := range nodes[n].In {
				if b, ends := branch[from]; ends {
					node.In[k] = b
				}
			}
		}
		place[n] = len(with)
		with = append(with, node)
		if name, is := ends[n]; is {
			branch[n] = len(with)
			with = append(with, Node{Name: name, Op: &Branch{}, In: []int{place[n]}})
		}
	}
	return with
}

// WithoutBranches returns the network without the nodes of branches that were removed, and
// without those that end the others. It computes the same. Participations that are not one are
// an error.
func (n *Network) WithoutBranches() (*Network, error) {
	if !slices.ContainsFunc(n.Nodes, isEnd) {
		return n, nil
	}
	if err := n.CheckFolded(); err != nil {
		return nil, err
	}
	var nodes []Node
	var params []int
	places := make([]int, len(n.Nodes)) // in nodes; -1: nowhere
	for at, node := range n.Nodes {
		var in []int
		for _, from := range node.In {
			if places[from] >= 0 {
				in = append(in, places[from])
			}
		}
		_, sum := node.Op.(*Add)
		switch {
		case n.isGone(at):
			places[at] = -1
		case isEnd(node) || sum && len(in) == 1:
			places[at] = in[0]
		default:
			places[at] = len(nodes)
			nodes = append(nodes, Node{Name: node.Name, Op: node.Op, In: in})
			params = append(params, node.Params...)
		}
	}
	g, err := NewGraph(nodes, slices.DeleteFunc(n.playerKinds(), func(kind PlayerKind) bool { return kind == Branches }))
	if err != nil {
		return nil, err
	}
	small := With(g, clone(Select(n.Parameters, params)))
	if n.Masks != nil {
		small.Masks = clone(Select(n.Masks, params))
	}
	return small, nil
}

// spare takes branches out of ends, given by their last nodes, that alone read a node which is in
// none of them: it would be left without readers.
func (g *Graph) spare(ends map[int]string) {
	consumers := g.consumers()
	for changed := true; changed; {
		changed = false
		in := map[int]int{} // by node, the last node of its branch
		for end := range ends {
			for _, n := range g.within(consumers, end, consumers[end][0]) {
				in[n] = end
			}
		}
		for n := range g.Nodes[:len(g.Nodes)-1] {
			_, inside := in[n]
			if inside || slices.ContainsFunc(consumers[n], func(c int) bool { _, is := in[c]; return !is }) {
				continue
			}
			for _, c := range consumers[n] {
				delete(ends, in[c])
			}
			changed = true
			break
		}
	}
}

// branchesOf returns the last nodes of the branches of a sum.
func (g *Graph) branchesOf(sum int) []int {
	consumers := g.consumers()
	shortest, least := -1, 0
	var regions [][]int
	for k, end := range g.Nodes[sum].In {
		region := g.within(consumers, end, sum)
		regions = append(regions, region)
		if shortest < 0 || len(region) <= least {
			shortest, least = k, len(region)
		}
	}
	var ends []int
	for k, region := range regions {
		if k != shortest && g.isBranch(region) && count(g.Nodes[sum].In, region[0]) == 1 {
			ends = append(ends, g.Nodes[sum].In[k])
		}
	}
	return ends
}

// within returns the nodes that are computed for one input of a node alone, in falling order.
func (g *Graph) within(consumers [][]int, end, reader int) []int {
	var region []int
	inside := map[int]bool{reader: true}
	for n := end; n > 0; n-- {
		if (n == end || len(region) > 0) && !slices.ContainsFunc(consumers[n], func(c int) bool { return !inside[c] }) &&
			(n == end || !slices.Contains(consumers[n], reader)) {
			region, inside[n] = append(region, n), true
		}
	}
	return region
}

// isEnd reports whether a node ends a branch.
func isEnd(n Node) bool {
	_, is := n.Op.(*Branch)
	return is
}

// count returns how often a number is among some.
func count(all []int, one int) int {
	n := 0
	for _, x := range all {
		if x == one {
			n++
		}
	}
	return n
}

// findBranches finds the branches that nodes are in. The error names a [Branch] that ends none.
func (g *Graph) findBranches() error {
	g.ends = slices.Repeat([]int{-1}, len(g.Nodes))
	consumers := g.consumers()
	for n, node := range g.Nodes {
		if !isEnd(node) {
			continue
		}
		fail := func(what string) error { return fmt.Errorf("node %d, %.40q: a branch %s", n, node.Name, what) }
		if len(node.In) != 1 || len(consumers[n]) != 1 {
			return fail("has one input and is read by one node")
		}
		sum := g.Nodes[consumers[n][0]]
		if _, is := sum.Op.(*Add); !is || !slices.ContainsFunc(sum.In, func(from int) bool { return !isEnd(g.Nodes[from]) }) {
			return fail("is read by an add that reads something else, too")
		}
		region := g.within(consumers, node.In[0], n)
		if !g.isBranch(region) {
			return fail("ends with a convolution, a dense layer or a batch norm that nothing else reads, and has no sum, flatten or branch in it")
		}
		for _, inside := range append(region, n) {
			g.ends[inside] = n
		}
	}
	return nil
}

// isGone reports whether a node is in a branch that was removed.
func (g *Graph) isGone(n int) bool {
	end := g.ends[n]
	return end >= 0 && g.Nodes[end].Op.(*Branch).Removed
}

// classOf returns the class of the branch that ends with a node.
func (g *Graph) classOf(end int) int { return g.firstAxis(end).terms[0].class }

// isBranch reports whether some nodes, the last first, are a branch.
func (g *Graph) isBranch(region []int) bool {
	if len(region) == 0 {
		return false
	}
	switch g.Nodes[region[0]].Op.(type) {
	case *Conv2D, *Dense, *BatchNorm:
	default:
		return false
	}
	return !slices.ContainsFunc(region, func(n int) bool {
		switch g.Nodes[n].Op.(type) {
		case *Add, *Flatten, *Branch:
			return true
		}
		return false
	})
}
