//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"maps"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/network"
)

// makers make the stages of each kind of operator. A new operator is a line here and a
// file op_KIND.go.
var makers = map[network.Kind]func(low *lowered, at place) stage{
	network.InputKind:      newInput,
	network.DenseKind:      newDense,
	network.ActivationKind: newActivation,
	network.AddKind:        newAdd,
	network.ConcatKind:     newConcat,
	network.FlattenKind:    newFlatten,
}

// place is where a stage belongs: its node in the graph, with the activation that is
// joined to it, the tensors that it reads and writes, and its gate, if it has one.
type place struct {
	network.Stage
	node network.Node
	in   []*tensor
	out  *tensor
	gate *gate
}

// Operators lists the kinds that this backend runs.
func (driver) Operators() []network.Kind {
	return slices.Collect(maps.Keys(makers))
}

// tensor is the output of a stage for a batch, a row a sample, padded with zeros, with the
// derivative of the mean loss with respect to it.
type tensor struct {
	name           string // of the node
	width          int    // numbers of a sample
	readers        int    // stages that read it
	by             *layer // that computes it; nil: another stage
	differentiated bool   // the inputs are so only where they are gated
	written        bool   // while a step is recorded: some reader has left its derivative
	observed       bool   // a node that reads players reads it, so that its moments are taken

	values, derivative compute.Buffer
	moments            compute.Buffer // as they were last observed, see momentRoom
}

func (t *tensor) stride() int { return padded(t.width) / 4 }

// gate is the players of one gate. Their matrix has shaders.PlayerRows rows and a column a
// player.
type gate struct {
	players int
	inner   int      // numbers that each multiplies
	layers  []*layer // its points; none where it is on the inputs

	rows          compute.Buffer // the matrix
	measured      compute.Buffer // likewise, of the last Measure
	sums          compute.Buffer // over blocks of samples, as Backward and Through leave them
	effects       compute.Buffer // a row a sample; of several points first contributions add up here
	interactions  compute.Buffer // as they were last observed, block by block
	participation compute.Buffer // of the players that play on them
	normSums      compute.Buffer // over blocks of rows of all points, see norms
	done          int            // while a step is recorded: points that are done
}

func (g *gate) stride() int { return padded(g.players) / 4 }

// lowered is a graph as stages, in the order of the forward pass, with the tensors between
// them. It has no memory until it is laid out.
type lowered struct {
	graph    *network.Graph
	input    *tensor // the inputs behind their gate
	gated    *gate   // of the inputs; nil: they are not gated
	output   *tensor
	tensors  []*tensor
	layers   []*layer
	gates    []*gate
	stages   []stage
	flattens []*flattenStage
	readers  []reader
}

// reader is a node that reads players.
type reader struct {
	node  int
	input *tensor
}

// stage computes the output of some nodes.
type stage interface {
	forward(r *recorder, m mode)
	// backward turns the derivative of the output into those of inputs.
	backward(r *recorder, rows int)
}

// lower turns a graph into stages.
func lower(g *network.Graph) *lowered {
	low := &lowered{graph: g}
	for range g.Gates {
		low.gates = append(low.gates, &gate{})
	}
	byNode := make([]*tensor, len(g.Nodes))
	for _, s := range g.Stages() {
		node := g.Nodes[s.Node]
		at := place{Stage: s, node: node, in: network.Select(byNode, node.In)}
		if network.IsView(node.Op) {
			byNode[s.Node] = at.in[0]
			continue
		}
		for _, t := range at.in {
			t.readers++
		}
		at.out = &tensor{name: g.Nodes[s.Out()].Name, width: node.Shape.Size(), differentiated: true}
		byNode[s.Out()] = at.out
		low.tensors = append(low.tensors, at.out)
		if i := g.GateAt(s.Node); i >= 0 {
			at.gate = low.gates[i]
			at.gate.players, at.gate.inner = g.Gates[i].Players, node.Shape[1:].Size()
		}
		low.stages = append(low.stages, makers[node.Op.Kind()](low, at))
	}
	low.output = byNode[len(g.Nodes)-1]
	for _, n := range g.Readers() {
		input := byNode[g.Nodes[n].In[0]]
		input.observed = true
		low.readers = append(low.readers, reader{n, input})
	}
	return low
}
