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
	network.BranchKind:     newBranch,

	network.Conv2DKind:      newConv2D,
	network.BatchNormKind:   newBatchNorm,
	network.MaxPoolKind:     newMaxPool,
	network.AveragePoolKind: newAveragePool,
	network.DropoutKind:     newDropout,
}

// place is where a stage belongs: its node in the graph, with the activation that is
// joined to it, the tensors that it reads and writes, and its gate, if it has one.
type place struct {
	network.Stage
	node   network.Node
	shapes []network.Shape // of the inputs
	in     []*tensor
	out    *tensor
	gate   *gate
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
	by             *layer // the dense layer that computes it; nil: another stage
	differentiated bool   // the inputs are so only where they are gated
	written        bool   // while a step is recorded: some reader has left its derivative
	observed       bool   // a node that reads players reads it, so that its moments are taken
	numbers        bool   // kernels read it as single numbers

	values, derivative compute.Buffer
	moments            compute.Buffer // as they were last observed, see momentRoom
}

func (t *tensor) stride() int { return padded(t.width) / 4 }

// gate is the players of one gate. Their matrix has shaders.PlayerRows rows and a column a
// player.
type gate struct {
	players int
	points  []*point
	owners  []*matrix // whose columns the players own

	rows          compute.Buffer // the matrix
	measured      compute.Buffer // likewise, of the last Measure
	sums          compute.Buffer // over blocks of samples, as Backward, Through and Tally leave them
	effects       compute.Buffer // a row a sample; of several points or numbers first contributions add up here
	interactions  compute.Buffer // as they were last observed, block by block
	participation compute.Buffer // of the players that play on them
	price         compute.Buffer // of full participation, of each of them
	asked         compute.Buffer // where the host leaves the participations and finds them
	charged       compute.Buffer // and the prices
	normSums      compute.Buffer // over blocks of rows of all points, see norms
	done          int            // while a step is recorded: points that are done
}

func (g *gate) stride() int { return padded(g.players) / 4 }

// lowered is a graph as stages, in the order of the forward pass, with the tensors between
// them. It has no memory until it is laid out.
type lowered struct {
	graph      *network.Graph
	rows       int        // of the largest batch that is trained
	input      inputStage // which leaves the inputs behind their gate
	output     *tensor
	tensors    []*tensor
	trained    []*matrix // of all nodes, in order
	statistics []*matrix
	summed     []*matrix // of trained: whose gradients Settle adds up
	points     []*point
	gates      []*gate
	stages     []stage
	first      stage // the first product of a step, which moves the cursor
	layers     []*layer
	convs      []*convStage
	norms      []*normStage
	pools      []*poolStage
	flattens   []*flattenStage
	gateStages []*gateStage
	readers    []reader

	matrixOf map[int]*matrix // by node
}

// newMatrix takes up the trained parameters of a node.
func (low *lowered) newMatrix(at place, m *matrix) *matrix {
	m.name, m.places, m.plays = at.node.Name, max(1, m.places), low.graph.Params[m.params[0]].Plays
	low.trained, low.matrixOf[at.Node] = append(low.trained, m), m
	return m
}

// isProduct takes note of a stage that is a product.
func (low *lowered) isProduct(s stage) {
	if low.first == nil {
		low.first = s
	}
}

// matrices returns the parameters and the statistics of all nodes.
func (low *lowered) matrices() []*matrix { return slices.Concat(low.trained, low.statistics) }

// reader is a node that reads players.
type reader struct {
	node  int
	input *tensor
}

// stage computes the output of some nodes.
type stage interface {
	forward(r *recorder, m mode)
	// backward turns the derivative of the output into those of inputs.
	backward(r *recorder, m mode)
}

// gatesItself reports whether the stage of an operator has its gate.
func gatesItself(op network.Op) bool {
	switch op.(type) {
	case *network.Input, *network.Dense, *network.Conv2D, *network.BatchNorm:
		return true
	}
	return false
}

// lower turns a graph into stages, for batches of so many rows at most in training.
func lower(g *network.Graph, rows int) *lowered {
	low := &lowered{graph: g, rows: rows, matrixOf: map[int]*matrix{}}
	for _, from := range g.Gates {
		low.gates = append(low.gates, &gate{players: from.Players})
	}
	byNode := make([]*tensor, len(g.Nodes))
	for _, s := range g.Stages() {
		node := g.Nodes[s.Node]
		at := place{Stage: s, node: node, in: network.Select(byNode, node.In)}
		at.in = slices.DeleteFunc(at.in, func(t *tensor) bool { return t == nil }) // of removed branches
		for _, from := range node.In {
			at.shapes = append(at.shapes, g.Nodes[from].Shape)
		}
		gated := g.GateAt(s.Node)
		if network.IsView(node.Op) && gated < 0 {
			byNode[s.Node] = at.in[0]
			continue
		}
		for _, t := range at.in {
			t.readers++
		}
		at.out = &tensor{name: g.Nodes[s.Out()].Name, width: node.Shape.Size(), differentiated: true}
		byNode[s.Out()] = at.out
		low.tensors = append(low.tensors, at.out)
		if gated >= 0 {
			at.gate = low.gates[gated]
		}
		if gated < 0 || gatesItself(node.Op) {
			low.stages = append(low.stages, makers[node.Op.Kind()](low, at))
			continue
		}
		gate := &gateStage{newPoint(low, at), &tensor{name: node.Name, width: node.Shape.Size(), readers: 1, differentiated: true}}
		at.Activation, at.out, at.gate = -1, gate.in, nil
		low.stages = append(low.stages, makers[node.Op.Kind()](low, at), gate)
		low.gateStages = append(low.gateStages, gate)
	}
	low.output = byNode[len(g.Nodes)-1]
	for i, gate := range low.gates {
		for _, p := range g.Owned(i) {
			if m := low.matrixOf[g.Params[p].Node]; !slices.Contains(gate.owners, m) {
				gate.owners = append(gate.owners, m)
			}
		}
	}
	for _, n := range g.Readers() {
		input := byNode[g.Nodes[n].In[0]]
		input.observed = true
		low.readers = append(low.readers, reader{n, input})
	}
	return low
}
