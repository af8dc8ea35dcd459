package cpufallback

import (
	"slices"

	"nashprune/trainer/network"
)

// layStages turns the graph into stages, with the tensors between them.
func (e *engine[T]) layStages(take taker[T]) {
	widest, shared := 0, false
	tensors := make([]*tensor[T], len(e.graph.Nodes)) // by node
	readers, maker := map[*tensor[T]]int{}, makers[T]()
	e.images = images[T]{}
	for _, s := range e.graph.Stages() {
		node := e.graph.Nodes[s.Node]
		at := place[T]{Stage: s, op: node.Op, to: node.Shape, in: network.Select(tensors, node.In)}
		at.in = slices.DeleteFunc(at.in, func(t *tensor[T]) bool { return t == nil }) // of removed branches
		for _, from := range node.In {
			at.from = append(at.from, e.graph.Nodes[from].Shape)
		}
		if network.IsView(node.Op) && e.graph.GateAt(s.Node) < 0 {
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
		lay := func(name string) *tensor[T] {
			t := &tensor[T]{name: name, values: take.matrix(e.batchRows, width)}
			if s.Node > 0 {
				t.derivative = take.matrix(e.batchRows, width)
			}
			return t
		}
		out := lay(e.graph.Nodes[s.Out()].Name)
		tensors[s.Out()] = out
		_, input := node.Op.(*network.Input)
		_, dense := node.Op.(*network.Dense)
		if at.gate == nil || input || dense { // these two gate what they compute themselves
			at.out = out
			e.stages = append(e.stages, maker[node.Op.Kind()](e, at, take))
			continue
		}
		affine := lay(node.Name)
		affine.inner = true
		gated := place[T]{Stage: s, to: node.Shape, in: []*tensor[T]{affine}, out: out, gate: at.gate}
		at.out, at.gate = affine, nil
		e.stages = append(e.stages, maker[node.Op.Kind()](e, at, take), newGate(e, gated, take))
	}
	e.images.lay(take)
	e.output = tensors[len(tensors)-1]
	e.readings = nil
	for _, n := range e.graph.Readers() {
		e.readings = append(e.readings, reading[T]{node: n, input: tensors[e.graph.Nodes[n].In[0]]})
	}
	if e.graph.Masked() != nil {
		e.squared = take(e.batchRows * widest)
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
