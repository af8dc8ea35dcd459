package cpufallback

import (
	"slices"

	"nashprune/trainer/network"
)

// layStages turns the graph into stages, with the tensors between them. What backward passes
// need besides is taken apart.
func (e *engine[T]) layStages(take, learning taker[T]) {
	widest, shared := 0, false
	stages := e.graph.Stages()
	tensors := make([]*tensor[T], len(e.graph.Nodes)) // by node
	readers, maker, last := map[*tensor[T]]int{}, makers[T](), e.lastReaders(stages)
	memory := recycler[T]{take: take, recycles: e.options.Inference}
	e.images = images[T]{}
	for i, s := range stages {
		node := e.graph.Nodes[s.Node]
		at := place[T]{Stage: s, op: node.Op, to: node.Shape, in: network.Select(tensors, node.In), learning: learning}
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
			t := &tensor[T]{name: name}
			t.values, t.memory = memory.matrix(e.batchRows, width)
			if s.Node > 0 {
				t.derivative = learning.matrix(e.batchRows, width)
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
		} else {
			affine := lay(node.Name)
			affine.inner = true
			gated := place[T]{Stage: s, to: node.Shape, in: []*tensor[T]{affine}, out: out, gate: at.gate}
			at.out, at.gate = affine, nil
			e.stages = append(e.stages, maker[node.Op.Kind()](e, at, take), newGate(e, gated, take))
			memory.free(affine.memory)
		}
		for _, read := range last[i] {
			memory.free(tensors[read].memory)
		}
	}
	e.images.lay(take, learning)
	e.output = tensors[len(tensors)-1]
	if e.options.Inference { // evaluations leave the derivative of the loss
		e.output.derivative = take.matrix(e.batchRows, e.output.values.columns)
	}
	e.readings = nil
	for _, n := range e.graph.Readers() {
		e.readings = append(e.readings, reading[T]{node: n, input: tensors[e.graph.Nodes[n].In[0]]})
	}
	if e.graph.Masked() != nil {
		e.squared = learning(e.batchRows * widest)
	}
	if shared {
		e.scratch = learning(e.batchRows * widest)
	}
}

// lastReaders returns, by stage, the nodes whose outputs no later stage reads.
func (e *engine[T]) lastReaders(stages []network.Stage) [][]int {
	of, last := slices.Repeat([]int{-1}, len(e.graph.Nodes)), map[int]int{} // the node whose tensor holds the output of a node; -1: removed
	for i, s := range stages {
		node := e.graph.Nodes[s.Node]
		for _, from := range node.In {
			if of[from] >= 0 {
				last[of[from]] = i
			}
		}
		of[s.Out()] = s.Out()
		if network.IsView(node.Op) && e.graph.GateAt(s.Node) < 0 {
			of[s.Node] = of[node.In[0]]
		}
	}
	delete(last, of[len(of)-1]) // the output of the network
	readers := make([][]int, len(stages))
	for node, i := range last {
		readers[i] = append(readers[i], node)
	}
	return readers
}

// block is memory for so many numbers; where it is only counted it has none.
type block[T real] struct {
	size int
	data []T
}

// recycler hands out memory for tensors. Where none is read after a forward pass it hands out
// again what was freed.
type recycler[T real] struct {
	take     taker[T]
	recycles bool
	spare    []block[T]
}

// matrix returns a matrix and its memory: the least that is spare, or else new memory.
func (r *recycler[T]) matrix(rows, columns int) (matrix[T], block[T]) {
	n, best := rows*columns, -1
	for i, b := range r.spare {
		if b.size >= n && (best < 0 || b.size < r.spare[best].size) {
			best = i
		}
	}
	b := block[T]{size: n}
	if best >= 0 {
		b = r.spare[best]
		r.spare = slices.Delete(r.spare, best, best+1)
	} else {
		b.data = r.take(n)
	}
	return matrix[T]{rows, columns, b.data[:min(n, len(b.data))]}, b
}

func (r *recycler[T]) free(b block[T]) {
	if r.recycles {
		r.spare = append(r.spare, b)
	}
}

// filled sets all numbers to one.
func filled[T real](v []T) []T {
	for i := range v {
		v[i] = 1
	}
	return v
}
