//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// layer is one dense layer on the device, with its gate and the activation that follows it,
// where it has them.
type layer struct {
	*matrix
	*point
	from *tensor

	sparse sparseRows

	sums  compute.Buffer // over blocks of samples, where there is no gate for them
	taken bool           // while a step is recorded: the derivative is that of the affine part
}

func newDense(low *lowered, at place) stage {
	l := &layer{
		matrix: low.newMatrix(at, &matrix{in: at.in[0].width, out: at.out.width, params: at.node.Params, decays: true}),
		point:  newPoint(low, at), from: at.in[0],
	}
	at.out.by = l
	low.layers = append(low.layers, l)
	low.isProduct(l)
	return l
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

// forward computes a layer. The first product of a step moves the cursor.
func (l *layer) forward(r *recorder, m mode) {
	first := r.first == stage(l)
	cursor, columns, players, affine := r.nothing, l.outStride(), r.nothing, r.nothing
	if first {
		cursor, columns = r.cursor, max(1, columns)
	}
	if !l.plain() {
		players, affine = r.playersOf(l), l.affine
	}
	if m.sparse && l.sparse.usable {
		l.forwardSparse(r, m, first, players, cursor)
		return
	}
	r.dispatchTiles(shaders.Forward, r.grain.forward.spread(m.rows, columns, r.grain.busy), m.rows, columns, []uint32{l.activate(), constant(first)},
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
	if last == nil || !last.plain() || e.first == stage(last) {
		return false
	}
	t := e.grain.forward.narrowed(last.outStride())
	return last.out <= fusedOutputs && last.outStride() <= t.across*t.columns
}

// outputAndLoss computes the last layer and the loss.
func (r *recorder) outputAndLoss(m mode) {
	l := r.output.by
	r.dispatchTiles(shaders.Output, r.grain.forward.spread(m.rows, l.outStride(), r.grain.busy), m.rows, l.outStride(), r.lossConstants(m),
		shaders.OutputPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()), Outputs: uint32(l.out)},
		r.state, l.from.values, l.parameters, l.to.values,
		r.exchange.ordered, r.samples.answers.buffer, r.samples.weights, l.to.derivative, r.exchange.observed)
}

// joins reports whether the product that reads a layer's output takes the derivative to
// its affine part on its way: where nothing else reads it and the gate has no other point.
func (l *layer) joins() bool {
	return l != nil && !l.plain() && l.to.readers == 1 && (l.gate == nil || l.gate.single())
}

func (l *layer) backward(r *recorder, m mode) {
	switch {
	case l.taken:
	case l.gate != nil:
		r.ungate(l.point, m)
	default:
		r.through(l.point, shaders.OnlyPoint, r.ones, l.sums, r.nothing)
	}
	l.taken = true
	if !l.from.differentiated {
		return
	}
	activation, affine, players, sums := uint32(shaders.Logits), r.nothing, r.nothing, r.nothing
	below := l.from.by
	if below.joins() {
		activation, affine, players, sums = below.activate(), below.affine, r.playersOf(below), below.sumsOf()
		below.taken = true
	}
	r.dispatchTiles(shaders.Backward, r.grain.backward, m.rows, l.inStride(), []uint32{shaders.BackwardRows, activation, constant(l.from.written)},
		shaders.BackwardPush{
			InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()), Blocks: uint32(r.sumBlocks()),
		},
		r.state, l.to.derivative, l.parameters, affine, players, l.from.derivative, sums)
	l.from.written = true
}
