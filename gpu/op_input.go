//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import "nashprune/shaders"

// inputStage is the samples of the present batch, and their gate where inputs are players.
type inputStage struct{ out *tensor }

// newInput lowers the inputs. They have a derivative only where they are gated.
func newInput(low *lowered, at place) stage {
	low.input, low.gated, at.out.differentiated = at.out, at.gate, at.gate != nil
	return inputStage{at.out}
}

// forward turns to the next step of the plan and copies its samples.
func (s inputStage) forward(r *recorder, m mode) {
	floats, listed := r.data.Train.Values != nil, r.graph.Input().Keep != nil
	mean, scale := r.data.Mean, 1/r.data.Deviation
	if !floats { // bytes count in steps of 1/255
		mean, scale = 255*mean, scale/255
	}
	width, stride := s.out.width, s.out.stride()
	r.dispatch(shaders.Gather, []uint32{constant(floats), uint32(shaders.StepWords), constant(listed)}, max(stride, int(shaders.StepWords)), m.rows,
		shaders.GatherPush{
			Inputs: uint32(width), Stride: uint32(stride), SampleStride: uint32(padded(r.data.Train.Features) / 4),
			Mean: float32(mean), Scale: float32(scale),
		},
		r.state, r.cursor, r.exchange.planned, r.exchange.ordered, r.samples.features.buffer, r.batch, r.features)
	if r.gated == nil {
		return
	}
	r.dispatch(shaders.Pass, []uint32{constant(false), shaders.Identity, shaders.Multiply, shaders.Unlisted}, 4*stride, r.batchRows,
		shaders.PassPush{
			Width: uint32(width), Clear: uint32(4*stride - width),
			SourceStride: uint32(4 * stride), TargetStride: uint32(4 * stride), Inner: uint32(r.gated.inner),
		},
		r.state, r.batch, r.nothing, r.gated.rows, r.nothing, s.out.values)
}

func (s inputStage) backward(r *recorder, _ int) {
	if r.gated != nil {
		r.through(r.gated, s.out, r.batch, r.gated.rows, r.gated.sums, shaders.Identity)
	}
}
