//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// masked returns the matrices whose weights are players and are there.
func (low *lowered) masked() []*matrix {
	return slices.DeleteFunc(slices.Clone(low.trained), func(m *matrix) bool { return !m.plays || m.in == 0 || m.out == 0 })
}

func ofMask(m *matrix) compute.Buffer    { return m.mask }
func ofWeighed(m *matrix) compute.Buffer { return m.weighed }

// mask multiplies the gradients of weights with their participations.
func (r *recorder) mask() {
	for _, m := range r.masked() {
		r.dispatch(shaders.Mask, nil, m.outStride(), m.rows(),
			shaders.MatrixPush{Rows: uint32(m.rows()), Stride: uint32(m.outStride())}, m.mask, m.gradient)
	}
}

// pushMasks writes the participations of weights.
func (e *engine) pushMasks(masks [][]float32) error {
	for _, m := range e.masked() {
		tensors := network.Select(masks, m.params)
		if len(tensors) > 1 {
			tensors[1] = slices.Repeat([]float32{1}, m.out)
		}
		if err := e.device.Write(m.mask, bytesOf(m.lay(tensors...))); err != nil {
			return err
		}
	}
	return nil
}

// pullOfWeights returns what has a number a weight that is a player, by parameter; nil: there
// are no such players.
func (e *engine) pullOfWeights(of func(*matrix) compute.Buffer) ([][]float32, error) {
	if e.graph.Masked() == nil {
		return nil, nil
	}
	tensors, err := e.pullTensors(e.masked(), of)
	if err != nil {
		return nil, err
	}
	for p, param := range e.graph.Params {
		switch {
		case !param.Plays:
			tensors[p] = nil
		case tensors[p] == nil: // it has no numbers
			tensors[p] = []float32{}
		}
	}
	return tensors, nil
}

// weighedRows returns how many samples a step takes to weigh weights. Of a convolution there is
// room for the gradients of so many.
func (e *engine) weighedRows() int {
	rows := evaluationBatch
	for _, s := range e.convs {
		if s.plays && s.size() > 0 {
			rows = min(rows, s.room/s.size())
		}
	}
	return rows
}

func (e *engine) ObserveWeights(ctx context.Context, order []int32) (_ [][]float32, err error) {
	defer convert(&err)
	m := mode{kind: weighing, rows: e.weighedRows()}
	nothing := func(int, int, int) error { return nil }
	if err := e.evaluate(ctx, m, backend.TrainPart, order, planLength, nothing); err != nil {
		return nil, err
	}
	all, err := e.pullOfWeights(ofWeighed)
	return network.Select(all, e.graph.Masked()), err
}

// weigh takes the squares of the derivatives of single samples into their means: of a
// convolution from gradients of single samples, of a dense layer from the product of squared
// derivatives and squared inputs, which it leaves in their place.
func (r *recorder) weigh(m mode) {
	weigh := func(of *matrix, single bool, derivatives compute.Buffer) {
		r.dispatch(shaders.Weigh, []uint32{constant(single)}, of.outStride(), of.rows(),
			shaders.MatrixPush{Rows: uint32(of.rows()), Stride: uint32(of.outStride())}, r.state, derivatives, of.weighed)
	}
	masked := r.masked()
	for _, s := range r.convs {
		if slices.Contains(masked, s.matrix) {
			r.correlate(s, m, 1)
			weigh(s.matrix, true, s.partials)
		}
	}
	square := func(t *tensor, numbers compute.Buffer, derivatives bool) {
		r.dispatch(shaders.Squaring, []uint32{constant(derivatives)}, t.stride(), m.rows,
			shaders.SquarePush{Stride: uint32(t.stride())}, r.state, numbers)
	}
	var squared []*tensor
	for _, l := range r.wide() {
		if !slices.Contains(squared, l.from) {
			squared = append(squared, l.from)
			square(l.from, l.from.values, false)
		}
		square(l.to, l.to.derivative, true)
	}
	layerRuns, _, _ := r.schedule(ofRows)
	for _, run := range layerRuns {
		r.gradient(run, gateRun{}, learning{keep: true})
	}
	for _, l := range r.layers {
		if slices.Contains(masked, l.matrix) {
			weigh(l.matrix, false, l.gradient)
		}
	}
}
