//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/shaders"
	"nashprune/trainer/dataset"
)

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
	moves, seed := r.options.Augmentation, r.options.Seed
	if m.kind != training {
		moves = dataset.Augmentation{}
	}
	plane := r.data.Train.Features
	if r.data.Channels > 1 {
		plane = r.data.Height * r.data.Width
	}
	width, stride := s.to.width, s.to.stride()
	r.dispatch(shaders.Gather, []uint32{constant(floats), uint32(shaders.StepWords), constant(listed), constant(moves != dataset.Augmentation{})}, max(stride, int(shaders.StepWords)), m.rows,
		shaders.GatherPush{
			Inputs: uint32(width), Stride: uint32(stride), SampleStride: uint32(padded(r.data.Train.Features) / 4),
			Plane: uint32(plane), Width: uint32(r.data.Width),
			Padding: uint32(moves.Padding), Flip: constant(moves.Flip), SeedLow: uint32(seed), SeedHigh: uint32(seed >> 32),
		},
		r.state, r.cursor, r.exchange.planned, r.exchange.ordered, r.samples.features.buffer, s.u(), r.features, r.normalisation)
	if s.gate != nil {
		r.open(s.point)
	}
}

func (s inputStage) backward(r *recorder, m mode) {
	if s.gate != nil {
		r.ungate(s.point, m)
	}
}

// normalisationOf returns what inputs are made with, by channel: a feature less the first
// number, times the second. Bytes count in steps of 1/255.
func (e *engine) normalisationOf() []float32 {
	var all []float32
	for channel := range max(1, e.data.Channels) {
		mean, deviation := e.data.Normalisation(channel)
		if e.data.Train.Values == nil {
			mean, deviation = 255*mean, 255*deviation
		}
		all = append(all, float32(mean), float32(1/deviation), 0, 0)
	}
	return all
}
