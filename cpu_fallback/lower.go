package cpufallback

import (
	"fmt"

	"nashprune/trainer/network"
)

// Operators lists the kinds that this backend runs.
func (driver) Operators() []network.Kind {
	return []network.Kind{
		network.InputKind, network.DenseKind, network.ActivationKind, network.AddKind, network.ConcatKind, network.FlattenKind,
	}
}

// layStages turns the graph into stages, with the tensors between them.
func (e *engine[T]) layStages(take taker[T]) {
	e.stages = nil
	group, widest, shared := 0, 0, false
	tensors := make([]*tensor[T], len(e.graph.Nodes)) // by node
	consumers := e.graph.Consumers()
	newTensor := func(n int, values matrix[T], differentiated bool) *tensor[T] {
		t := &tensor[T]{values: values}
		if differentiated {
			t.derivative = take.matrix(e.batchRows, values.columns)
			shared = shared || len(consumers[n]) > 1
			widest = max(widest, values.columns)
		}
		tensors[n] = t
		return t
	}
	for _, s := range e.graph.Stages() {
		node := e.graph.Nodes[s.Node]
		var in []*tensor[T]
		for _, from := range node.In {
			in = append(in, tensors[from])
		}
		var gate *gate[T]
		if i := e.graph.GateAt(s.Node); i >= 0 {
			gate = e.gates[i]
		}
		width := node.Shape.Size()
		if e.isView(s.Node) {
			tensors[s.Node] = in[0]
			shared = shared || len(consumers[s.Node]) > 1 || len(consumers[node.In[0]]) > 1
			continue
		}
		values := take.matrix(e.batchRows, width)
		if s.Node == 0 {
			e.input = &inputStage[T]{engine: e, batch: values, gate: gate, inner: node.Shape[1:].Size()}
			if gate != nil {
				values = take.matrix(e.batchRows, width)
			}
			e.input.out = newTensor(0, values, gate != nil)
			continue
		}
		out := newTensor(s.Out(), values, true)
		switch op := node.Op.(type) {
		case *network.Dense:
			d := &denseStage[T]{engine: e, in: in[0], out: out, group: e.groups[group], gate: gate, function: identity}
			group++
			if s.Activation >= 0 {
				d.function = e.graph.Nodes[s.Activation].Op.(*network.Activate).Function
			}
			d.biasPartial = take.matrix(chunksOf(e.batchRows), width)
			if !d.plain() {
				d.affine = take.matrix(e.batchRows, width)
			}
			if gate == nil && !d.plain() {
				d.ones = filled(take(width))
			}
			e.stages = append(e.stages, d)
		case *network.Activate:
			e.stages = append(e.stages, &activationStage[T]{e, in[0], out, op.Function, filled(take(width))})
		case *network.Add:
			e.stages = append(e.stages, &addStage[T]{e, in, out})
		case *network.Concat:
			e.stages = append(e.stages, &concatStage[T]{addStage[T]{e, in, out}})
		case *network.Flatten:
			e.stages = append(e.stages, &selectStage[T]{in[0], out, op.Keep})
		default:
			panic(fmt.Sprintf("cpufallback: operator %s passed the check of operators", node.Op.Kind()))
		}
	}
	e.output = tensors[len(tensors)-1]
	if shared {
		e.scratch = take(e.batchRows * widest)
	}
}

// isView reports whether a node's output is the numbers of its input as they lie: those
// of a sample lie in one row in any shape.
func (e *engine[T]) isView(n int) bool {
	op, flat := e.graph.Nodes[n].Op.(*network.Flatten)
	return flat && op.Keep == nil
}

// filled sets all numbers to one.
func filled[T real](v []T) []T {
	for i := range v {
		v[i] = 1
	}
	return v
}
