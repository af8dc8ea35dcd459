//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
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
	places   compute.Buffer // of the largest numbers in their channels, a row a sample
}

func newMaxPool(low *lowered, at place) stage {
	return newPool(low, at, at.node.Op.(*network.MaxPool).Window, true)
}

func newAveragePool(low *lowered, at place) stage {
	return newPool(low, at, at.node.Op.(*network.AveragePool).Over(at.shapes[0]), false)
}

func newPool(low *lowered, at place, w network.Window, largest bool) stage {
	s := &poolStage{name: at.node.Name, from: at.in[0], to: at.out, in: at.shapes[0], out: at.node.Shape, window: w, largest: largest}
	s.from.numbers, s.to.numbers = true, true
	low.pools = append(low.pools, s)
	return s
}

// turns returns how often kernels go through a loop for a number of a sample.
func (s *poolStage) turns() int {
	return (s.window.Kernel[0] + 1) * (s.window.Kernel[1] + 1)
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

// placesOr returns the places, or what is bound where there are none.
func (s *poolStage) placesOr(other compute.Buffer) compute.Buffer {
	if s.largest {
		return s.places
	}
	return other
}

// A workgroup takes one sample where windows are large: see maxTurns.
func (s *poolStage) rows(r *recorder, m mode) int {
	if s.turns()*r.grain.rows > maxTurns {
		return m.rows * r.grain.rows
	}
	return m.rows
}

func (s *poolStage) forward(r *recorder, m mode) {
	r.dispatch(shaders.Pool, []uint32{constant(s.largest)}, s.to.width, s.rows(r, m), s.push(),
		r.state, s.from.values, s.to.values, s.placesOr(s.to.values))
}

func (s *poolStage) backward(r *recorder, m mode) {
	if !s.from.differentiated {
		return
	}
	windows := func(d int) uint32 {
		return uint32(min(blocks(s.window.Kernel[d], s.window.Stride[d]), s.out[d+1]))
	}
	r.dispatch(shaders.PoolBack, []uint32{constant(s.largest), constant(s.from.written), windows(0), windows(1)}, s.from.width, s.rows(r, m), s.push(),
		r.state, s.placesOr(s.to.derivative), s.to.derivative, s.from.derivative)
	s.from.written = true
}
