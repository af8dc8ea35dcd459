//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// poolStage takes the largest numbers or the means of windows.
type poolStage struct {
	name     string // of the node
	from, to *tensor
	in, out  network.Shape // of a sample
	window   network.Window
	largest  bool
}

func newMaxPool(low *lowered, at place) stage {
	return newPool(low, at, at.node.Op.(*network.MaxPool).Window, true)
}

func newAveragePool(low *lowered, at place) stage {
	return newPool(low, at, at.node.Op.(*network.AveragePool).Over(at.shapes[0]), false)
}

func newPool(low *lowered, at place, w network.Window, largest bool) stage {
	s := &poolStage{at.node.Name, at.in[0], at.out, at.shapes[0], at.node.Shape, w, largest}
	s.from.numbers, s.to.numbers = true, true
	low.pools = append(low.pools, s)
	return s
}

// turns returns how often kernels go through a loop for a number of a sample.
func (s *poolStage) turns() int {
	k, most := s.window, 1
	for d := range k.Kernel {
		most *= k.Kernel[d] + 1
	}
	if s.largest { // backward, for each window that an input lies in
		most *= blocks(k.Kernel[0], k.Stride[0]) * blocks(k.Kernel[1], k.Stride[1])
	}
	return most
}

func (s *poolStage) push() shaders.PoolPush {
	w := s.window
	return shaders.PoolPush{
		InStride: uint32(padded(s.from.width)), InHeight: uint32(s.in[1]), InWidth: uint32(s.in[2]),
		OutStride: uint32(padded(s.to.width)), OutHeight: uint32(s.out[1]), OutWidth: uint32(s.out[2]),
		Channels: uint32(s.in[0]), KernelHeight: uint32(w.Kernel[0]), KernelWidth: uint32(w.Kernel[1]),
		StrideY: uint32(w.Stride[0]), StrideX: uint32(w.Stride[1]), PaddingY: uint32(w.Padding[0]), PaddingX: uint32(w.Padding[1]),
	}
}

// A workgroup takes one sample where windows are large: see maxTurns.
func (s *poolStage) rows(r *recorder, m mode) int {
	if s.turns()*r.grain.rows > maxTurns {
		return m.rows * r.grain.rows
	}
	return m.rows
}

func (s *poolStage) forward(r *recorder, m mode) {
	r.dispatch(shaders.Pool, []uint32{constant(s.largest)}, s.to.width, s.rows(r, m), s.push(), r.state, s.from.values, s.to.values)
}

func (s *poolStage) backward(r *recorder, m mode) {
	if !s.from.differentiated {
		return
	}
	r.dispatch(shaders.PoolBack, []uint32{constant(s.largest), constant(s.from.written)}, s.from.width, s.rows(r, m), s.push(),
		r.state, s.from.values, s.to.derivative, s.from.derivative)
	s.from.written = true
}
