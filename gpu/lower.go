//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"

	"nashprune/gpu/internal/compute"
	"nashprune/trainer/network"
)

// Operators lists the kinds that this backend runs.
func (driver) Operators() []network.Kind {
	return []network.Kind{
		network.InputKind, network.DenseKind, network.ActivationKind, network.AddKind, network.ConcatKind, network.FlattenKind,
	}
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

	values, derivative compute.Buffer
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
	contributions compute.Buffer // a row a sample, where it has several points
	normSums      compute.Buffer // over blocks of rows of all points, see norms
	done          int            // while a step is recorded: points that are done
}

func (g *gate) stride() int { return padded(g.players) / 4 }

// lowered is a graph as stages, in the order of the forward pass, with the tensors between
// them. It has no memory until it is laid out.
type lowered struct {
	graph   *network.Graph
	input   *tensor // what the first stages read
	gated   *gate   // of the inputs; nil: they are not gated
	output  *tensor
	tensors []*tensor
	layers  []*layer
	gates   []*gate
	stages  []stage
	selects []*selectStage
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
		var in []*tensor
		for _, from := range node.In {
			in = append(in, byNode[from])
		}
		if isView(node) {
			byNode[s.Node] = in[0]
			continue
		}
		for _, t := range in {
			t.readers++
		}
		out := &tensor{name: g.Nodes[s.Out()].Name, width: node.Shape.Size(), differentiated: true}
		byNode[s.Out()] = out
		low.tensors = append(low.tensors, out)
		var of *gate
		if i := g.GateAt(s.Node); i >= 0 {
			of = low.gates[i]
			of.players, of.inner = g.Gates[i].Players, node.Shape[1:].Size()
		}
		switch op := node.Op.(type) {
		case *network.Input:
			low.input, low.gated, out.differentiated = out, of, of != nil
		case *network.Dense:
			l := &layer{in: in[0].width, out: out.width, from: in[0], to: out, gate: of, params: node.Params, name: node.Name}
			if s.Activation >= 0 {
				l.function = g.Nodes[s.Activation].Op.(*network.Activate).Function
			}
			if of != nil {
				of.layers = append(of.layers, l)
			}
			out.by = l
			low.layers, low.stages = append(low.layers, l), append(low.stages, l)
		case *network.Activate:
			low.stages = append(low.stages, &activationStage{in[0], out, op.Function})
		case *network.Add:
			low.stages = append(low.stages, &addStage{in, out})
		case *network.Concat:
			low.stages = append(low.stages, &concatStage{in, out})
		case *network.Flatten:
			stage := &selectStage{in: in[0], out: out, keep: op.Keep}
			low.stages, low.selects = append(low.stages, stage), append(low.selects, stage)
		default:
			panic(fmt.Sprintf("gpu: operator %s passed the check of operators", node.Op.Kind()))
		}
	}
	low.output = byNode[len(g.Nodes)-1]
	return low
}

// isView reports whether a node's output is the numbers of its input as they lie: those
// of a sample lie in one row in any shape.
func isView(node network.Node) bool {
	op, flat := node.Op.(*network.Flatten)
	return flat && op.Keep == nil
}

// adopt takes over what a step leaves from a graph of as many stages, whose tensors were
// no narrower. It reports whether it could.
func (low *lowered) adopt(old *lowered) bool {
	if len(low.tensors) != len(old.tensors) || len(low.stages) != len(old.stages) {
		return false // a flatten that was a view
	}
	for i, t := range low.tensors {
		t.values, t.derivative = old.tensors[i].values, old.tensors[i].derivative
	}
	for i, l := range low.layers {
		from := old.layers[i]
		l.affine, l.mixture, l.sums = from.affine, from.mixture, from.sums
	}
	for i, g := range low.gates {
		from := old.gates[i]
		g.sums, g.contributions, g.normSums = from.sums, from.contributions, from.normSums
	}
	for i, s := range low.selects {
		s.list = old.selects[i].list
	}
	return true
}
