//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// layer is one dense layer on the device, with its gate and the activation that follows it,
// where it has them.
//
// The parameters and everything in their shape are one matrix with a row for
// each input, padded, and the biases as its last; a column is one output. All
// columns are padded with zeros, which every kernel leaves zero.
type layer struct {
	name     string // of the node
	in, out  int
	from, to *tensor
	gate     *gate              // or nil
	function network.Activation // or empty
	params   []int              // places of the weights and the biases in the graph

	parameters, first, second compute.Buffer // without a second moment, second is first again
	affine                    compute.Buffer // a row a sample; nothing where the output is the affine part
	sums                      compute.Buffer // over blocks of samples, where there is no gate for them
	mixture                   compute.Buffer // sum of s theta over the players, a number a row
	gradient                  compute.Buffer // where gradients are clipped, and while a step is probed
	through                   bool           // while a step is recorded: the derivative is that of the affine part
}

func newDense(low *lowered, at place) stage {
	l := &layer{in: at.in[0].width, out: at.out.width, from: at.in[0], to: at.out, gate: at.gate, params: at.node.Params, name: at.node.Name}
	if at.Activation >= 0 {
		l.function = low.graph.Nodes[at.Activation].Op.(*network.Activate).Function
	}
	if at.gate != nil {
		at.gate.layers = append(at.gate.layers, l)
	}
	at.out.by = l
	low.layers = append(low.layers, l)
	return l
}

func (l *layer) inStride() int  { return padded(l.in) / 4 }
func (l *layer) outStride() int { return padded(l.out) / 4 }

// plain reports whether the layer has neither gate nor activation.
func (l *layer) plain() bool { return l.gate == nil && l.function == "" }

// rows returns the number of rows of the parameters.
func (l *layer) rows() int { return padded(l.in) + 1 }

// size returns the number of numbers in the shape of the parameters.
func (l *layer) size() int { return l.rows() * padded(l.out) }

// lay returns host tensors, weights of [out, in], in the device's shape.
func (l *layer) lay(weight, bias []float32) []float32 {
	v := make([]float32, l.size())
	width := padded(l.out)
	for o := range l.out {
		for i, w := range weight[o*l.in : (o+1)*l.in] {
			v[i*width+o] = w
		}
	}
	copy(v[(l.rows()-1)*width:], bias)
	return v
}

// lift is the inverse of lay.
func (l *layer) lift(v []float32) (weight, bias []float32) {
	width := padded(l.out)
	weight = make([]float32, l.out*l.in)
	for o := range l.out {
		row := weight[o*l.in : (o+1)*l.in]
		for i := range row {
			row[i] = v[i*width+o]
		}
	}
	return weight, append([]float32{}, v[(l.rows()-1)*width:][:l.out]...)
}

// activate returns the specialisation constant of what a layer does to its affine part.
func (l *layer) activate() uint32 {
	switch {
	case l.plain():
		return shaders.Logits
	case l.function == "":
		return shaders.Identity
	default:
		return activations[l.function]
	}
}

// playersOf returns the participations of a layer that is not plain.
func (e *engine) playersOf(l *layer) compute.Buffer {
	if l.gate != nil {
		return l.gate.rows
	}
	return e.ones
}

// sumsOf returns where the sums over blocks of samples of such a layer go.
func (l *layer) sumsOf() compute.Buffer {
	if l.gate != nil {
		return l.gate.sums
	}
	return l.sums
}

// forward computes a layer. The first of a step moves the cursor.
func (l *layer) forward(r *recorder, m mode) {
	first := l == r.layers[0]
	cursor, columns, players, affine := r.nothing, l.outStride(), r.nothing, r.nothing
	if first {
		cursor, columns = r.cursor, max(1, columns)
	}
	if !l.plain() {
		players, affine = r.playersOf(l), l.affine
	}
	r.dispatchTiles(shaders.Forward, r.grain.forward, m.rows, columns, []uint32{l.activate(), constant(first)},
		shaders.LayerPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride())},
		r.state, l.from.values, l.parameters, players, affine, l.to.values, cursor)
}

// fusedOutputs is how many outputs a network has at most whose loss the last product
// computes. One invocation goes through all outputs of a sample.
const fusedOutputs = 32

// fusesLoss says whether the last product computes the loss, too: where it is a plain layer
// and one workgroup has all outputs of its samples. The first product of a step does not:
// it moves the cursor.
func (e *engine) fusesLoss() bool {
	last := e.output.by
	if last == nil || !last.plain() || last == e.layers[0] {
		return false
	}
	t := e.grain.forward.narrowed(last.outStride())
	return last.out <= fusedOutputs && last.outStride() <= t.across*t.columns
}

// outputAndLoss computes the last layer and the loss.
func (r *recorder) outputAndLoss(m mode) {
	l := r.output.by
	r.dispatchTiles(shaders.Output, r.grain.forward, m.rows, l.outStride(), r.lossConstants(m),
		shaders.OutputPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()), Outputs: uint32(l.out)},
		r.state, l.from.values, l.parameters, l.to.values,
		r.exchange.ordered, r.samples.answers.buffer, r.samples.weights, l.to.derivative, r.exchange.observed)
}

// joins reports whether the product that reads a layer's output takes the derivative to
// its affine part on its way: where nothing else reads it and the gate has no other point.
func (l *layer) joins() bool {
	return l != nil && !l.plain() && l.to.readers == 1 && (l.gate == nil || len(l.gate.layers) == 1)
}

func (l *layer) backward(r *recorder, rows int) {
	if !l.through {
		r.through(l.gate, l.to, l.affine, r.playersOf(l), l.sumsOf(), l.activate())
		l.through = true
	}
	if !l.from.differentiated {
		return
	}
	activation, affine, players, sums := uint32(shaders.Logits), r.nothing, r.nothing, r.nothing
	below := l.from.by
	if below.joins() {
		activation, affine, players, sums = below.activate(), below.affine, r.playersOf(below), below.sumsOf()
		below.through = true
	}
	r.dispatchTiles(shaders.Backward, r.grain.backward, rows, l.inStride(), []uint32{shaders.BackwardRows, activation, constant(l.from.written)},
		shaders.BackwardPush{
			InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()), Blocks: uint32(r.sumBlocks()),
		},
		r.state, l.to.derivative, l.parameters, affine, players, l.from.derivative, sums)
	l.from.written = true
}
