package network

import "slices"

// WithoutNorms returns the network in which a batch norm that alone reads a convolution or
// a dense layer is part of it: with scale = weight / sqrt(variance + epsilon),
//
//	W'[o] = scale[o] W[o], b'[o] = scale[o] (b[o] - mean[o]) + bias[o]
//
// in float64, rounded once. Other batch norms stay. The function that the network computes
// stays the same but for these roundings. Participations that are not one are an error.
func (n *Network) WithoutNorms() (*Network, error) {
	if err := n.CheckFolded(); err != nil {
		return nil, err
	}
	consumers := n.consumers()
	var nodes []Node
	var params [][]float32
	places := make([]int, len(n.Nodes)) // in nodes
	for at, node := range n.Nodes {
		if norm, from := n.normOf(consumers, at); norm != nil {
			places[at] = places[from] // which merged it
			continue
		}
		merged := node.Op
		own := Select(n.Parameters, node.Params)
		if len(consumers[at]) == 1 {
			if norm, _ := n.normOf(consumers, consumers[at][0]); norm != nil {
				merged, own = mergeNorm(node.Op, norm, own, Select(n.Parameters, n.Nodes[consumers[at][0]].Params))
			}
		}
		places[at] = len(nodes)
		nodes = append(nodes, Node{Name: node.Name, Op: merged, In: Select(places, node.In)})
		params = append(params, own...)
	}
	g, err := NewGraph(nodes, n.playerKinds())
	if err != nil {
		return nil, err
	}
	out := New(g)
	out.Parameters = clone(params)
	return out, nil
}

// DepthWithoutNorms returns the most layers with weights on a path from the input to the output of which no
// batch norm reads the outputs, alone.
func (g *Graph) DepthWithoutNorms() int {
	consumers := g.consumers()
	depths := make([]int, len(g.Nodes))
	for n, node := range g.Nodes {
		for _, in := range node.In {
			depths[n] = max(depths[n], depths[in])
		}
		normed := len(consumers[n]) == 1 && g.Nodes[consumers[n][0]].Op.Kind() == BatchNormKind
		if kind := node.Op.Kind(); !normed && (kind == DenseKind || kind == Conv2DKind) {
			depths[n]++
		}
	}
	return depths[len(depths)-1]
}

// normOf returns the operator of a batch norm that is alone in reading an affine node, and
// that node; nil: the node is none.
func (n *Network) normOf(consumers [][]int, at int) (*BatchNorm, int) {
	norm, is := n.Nodes[at].Op.(*BatchNorm)
	if !is || len(consumers[n.Nodes[at].In[0]]) != 1 {
		return nil, 0
	}
	from := n.Nodes[at].In[0]
	switch n.Nodes[from].Op.(type) {
	case *Dense, *Conv2D:
		return norm, from
	}
	return nil, 0
}

// mergeNorm returns an affine operator and its parameters with a batch norm after it.
func mergeNorm(op Op, norm *BatchNorm, params, of [][]float32) (Op, [][]float32) {
	if conv, is := op.(*Conv2D); is {
		biased := *conv
		biased.Bias = true
		op = &biased
	}
	wide, scales := widen(of), norm.Scales(of)
	weight, bias := slices.Clone(params[0]), make([]float32, len(of[NormBias]))
	for o, scale := range scales {
		row := weight[o*len(weight)/len(bias):][:len(weight)/len(bias)]
		for i, w := range row {
			row[i] = float32(scale * float64(w))
		}
		before := 0.
		if len(params) > 1 {
			before = float64(params[1][o])
		}
		bias[o] = float32(scale*(before-wide[NormMean][o]) + wide[NormBias][o])
	}
	return op, [][]float32{weight, bias}
}
