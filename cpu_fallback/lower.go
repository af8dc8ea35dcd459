package cpufallback

import "nashprune/trainer/network"

// layStages turns the graph into stages, with the tensors between them.
func (e *engine[T]) layStages(take taker[T]) {
	widest, shared := 0, false
	tensors := make([]*tensor[T], len(e.graph.Nodes)) // by node
	readers, maker := map[*tensor[T]]int{}, makers[T]()
	for _, s := range e.graph.Stages() {
		node := e.graph.Nodes[s.Node]
		at := place[T]{Stage: s, op: node.Op, in: network.Select(tensors, node.In)}
		if network.IsView(node.Op) {
			tensors[s.Node] = at.in[0]
			continue
		}
		for _, in := range at.in {
			readers[in]++
			shared = shared || readers[in] > 1
		}
		if i := e.graph.GateAt(s.Node); i >= 0 {
			at.gate = e.gates[i]
		}
		width := node.Shape.Size()
		widest = max(widest, width)
		at.out = &tensor[T]{name: e.graph.Nodes[s.Out()].Name, values: take.matrix(e.batchRows, width)}
		if s.Node > 0 {
			at.out.derivative = take.matrix(e.batchRows, width)
		}
		e.stages = append(e.stages, maker[node.Op.Kind()](e, at, take))
		tensors[s.Out()] = at.out
	}
	e.output = tensors[len(tensors)-1]
	e.readings = nil
	for _, n := range e.graph.Readers() {
		e.readings = append(e.readings, reading[T]{node: n, input: tensors[e.graph.Nodes[n].In[0]]})
	}
	if shared {
		e.scratch = take(e.batchRows * widest)
	}
}

// filled sets all numbers to one.
func filled[T real](v []T) []T {
	for i := range v {
		v[i] = 1
	}
	return v
}
