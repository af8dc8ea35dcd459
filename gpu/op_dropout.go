//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// dropoutStage drops numbers in training steps.
type dropoutStage struct {
	in, out *tensor
	op      *network.Dropout
	node    int
}

func newDropout(_ *lowered, at place) stage {
	return &dropoutStage{at.in[0], at.out, at.node.Op.(*network.Dropout), at.Node}
}

func (s *dropoutStage) forward(r *recorder, m mode) {
	if m.kind != training {
		r.pass(pass{source: s.in, target: s.out, width: padded(s.in.width)})
		return
	}
	s.drop(r, s.in.values, s.out.values, false)
}

func (s *dropoutStage) backward(r *recorder, m mode) {
	switch {
	case m.kind != training:
		r.send(pass{source: s.out, target: s.in, width: padded(s.in.width)})
	case s.in.differentiated:
		s.drop(r, s.out.derivative, s.in.derivative, s.in.written)
		s.in.written = true
	}
}

func (s *dropoutStage) drop(r *recorder, source, target compute.Buffer, add bool) {
	seed := r.options.Seed
	r.dispatch(shaders.Dropout, []uint32{constant(add)}, s.in.stride(), r.batchRows,
		shaders.DropoutPush{
			Width: uint32(s.in.width), Stride: uint32(s.in.stride()), Node: uint32(s.node),
			Threshold: s.op.Threshold(), Scale: float32(s.op.Scale()), SeedLow: uint32(seed), SeedHigh: uint32(seed >> 32),
		},
		r.state, source, target)
}
