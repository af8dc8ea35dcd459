//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import "nashprune/shaders"

// inputStage is the samples of the present batch, and their gate where inputs are players.
// What a gate multiplies is the batch.
type inputStage struct{ *point }

// newInput lowers the inputs. They have a derivative only where they are gated.
func newInput(low *lowered, at place) stage {
	at.out.differentiated = at.gate != nil
	low.input = inputStage{newPoint(low, at)}
	return low.input
}

// forward turns to the next step of the plan and copies its samples.
func (s inputStage) forward(r *recorder, m mode) {
	floats, listed := r.data.Train.Values != nil, r.graph.Input().Keep != nil
	mean, scale := r.data.Mean, 1/r.data.Deviation
	if !floats { // bytes count in steps of 1/255
		mean, scale = 255*mean, scale/255
	}
	width, stride := s.to.width, s.to.stride()
	r.dispatch(shaders.Gather, []uint32{constant(floats), uint32(shaders.StepWords), constant(listed)}, max(stride, int(shaders.StepWords)), m.rows,
		shaders.GatherPush{
			Inputs: uint32(width), Stride: uint32(stride), SampleStride: uint32(padded(r.data.Train.Features) / 4),
			Mean: float32(mean), Scale: float32(scale),
		},
		r.state, r.cursor, r.exchange.planned, r.exchange.ordered, r.samples.features.buffer, s.u(), r.features)
	if s.gate != nil {
		r.open(s.point)
	}
}

func (s inputStage) backward(r *recorder, m mode) {
	if s.gate != nil {
		r.ungate(s.point, m)
	}
}
