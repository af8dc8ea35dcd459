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

func ofFirstSlope(m *matrix) compute.Buffer  { return m.firstSlope }
func ofSecondSlope(m *matrix) compute.Buffer { return m.secondSlope }

// mask multiplies the gradients of weights with their participations.
func (r *recorder) mask() {
	for _, m := range r.masked() {
		r.dispatch(shaders.Mask, nil, m.outStride(), m.rows(),
			shaders.MatrixPush{Rows: uint32(m.rows()), Stride: uint32(m.outStride())}, m.mask, m.gradient, m.gradient)
	}
}

// pushWeights writes the participations of weights and, in the paper's game, the moments of
// their slopes, and computes s theta.
func (e *engine) pushWeights(s *backend.State) error {
	for _, m := range e.masked() {
		tensors := network.Select(s.Network.Masks, m.params)
		if len(tensors) > 1 {
			tensors[1] = slices.Repeat([]float32{1}, m.out)
		}
		if err := e.device.Write(m.mask, bytesOf(m.lay(tensors...))); err != nil {
			return err
		}
	}
	if !e.options.SoftWeights {
		return nil
	}
	for i, p := range e.graph.Masked() {
		m := e.matrixOf[e.graph.Params[p].Node]
		if s.Slopes == nil || m.firstSlope.Size() == 0 {
			continue
		}
		slopes := s.Slopes[len(e.gates)+i]
		if err := e.device.Write(m.firstSlope, bytesOf(m.lay(slopes.First))); err != nil {
			return err
		}
		if err := e.device.Write(m.secondSlope, bytesOf(m.lay(slopes.Second))); err != nil {
			return err
		}
	}
	r := e.newRecorder()
	r.participate()
	return r.runOnce()
}

// pullSlopes adds to a state the moments of the slopes of weights.
func (e *engine) pullSlopes(s *backend.State) error {
	if !e.options.SoftWeights {
		return nil
	}
	first, err := e.pullOfWeights(ofFirstSlope)
	if err != nil {
		return err
	}
	second, err := e.pullOfWeights(ofSecondSlope)
	for _, p := range e.graph.Masked() {
		s.Slopes = append(s.Slopes, backend.SlopeMoments{First: first[p], Second: second[p]})
	}
	return err
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
	masked := r.masked()
	for _, s := range r.convs {
		if slices.Contains(masked, s.matrix) {
			r.correlate(s, m, 1)
			r.average(s.matrix, shaders.SquaresSingle, s.partials)
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
			r.average(l.matrix, shaders.SumOfSquares, l.gradient)
		}
	}
}

// average takes derivatives of a batch into the means of a pass.
func (r *recorder) average(m *matrix, sum uint32, derivatives compute.Buffer) {
	r.dispatch(shaders.Weigh, []uint32{sum}, m.outStride(), m.rows(),
		shaders.MatrixPush{Rows: uint32(m.rows()), Stride: uint32(m.outStride())}, r.state, derivatives, m.weighed)
}
