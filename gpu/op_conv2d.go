//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// convStage is a convolution. Its output goes through its gate in a stage of its own.
type convStage struct {
	*matrix
	*point
	from              *tensor
	in, out           network.Shape // of a sample
	window            network.Window
	groups            int
	channels, outputs int // of a group
}

// A gradient is cut into as many tiles of 64 x 64 as keep a GPU busy, as far as there are
// samples.
const (
	correlations   = 256
	correlatedSide = 64
)

func newConv2D(low *lowered, at place) stage {
	op, in, out := at.node.Op.(*network.Conv2D), at.shapes[0], at.node.Shape
	s := &convStage{from: at.in[0], in: in, out: out, window: op.Window, groups: max(1, op.Groups)}
	if op.Depthwise {
		s.groups = max(1, in[0])
	}
	s.channels, s.outputs = in[0]/s.groups, out[0]/s.groups
	places := op.Kernel[0] * op.Kernel[1]
	s.matrix = low.newMatrix(at, &matrix{in: s.channels * places, out: out[0], places: places, params: at.node.Params, decays: true})
	s.point = newPoint(low, at)
	tiles := s.groups * blocks(s.outputs, correlatedSide) * blocks(s.rows(), correlatedSide)
	most := max(1, maxTurns/(2*max(1, s.positions())))
	s.share = max(1, min(blocks(low.rows*tiles, correlations), most))
	// What removals leave may be cut into more blocks, of fewer numbers.
	s.room = min(low.rows*s.size(), max(correlations*correlatedSide*correlatedSide+s.size(), blocks(low.rows, most)*s.size()))
	s.from.numbers, s.to.numbers = true, true
	low.summed, low.convs = append(low.summed, s.matrix), append(low.convs, s)
	low.isProduct(s)
	return s
}

// positions returns how many the kernel has.
func (s *convStage) positions() int { return s.out[1] * s.out[2] }

// turns returns how often kernels go through loops for a number, and for a gradient of one
// sample.
func (s *convStage) turns() int {
	terms := s.places * padded(max(s.channels, s.outputs))
	return max(terms+terms/2, blocks(s.positions(), 4)+1)
}

func (s *convStage) forward(r *recorder, m mode) {
	first := r.first == stage(s)
	cursor := s.u()
	if first {
		cursor = r.cursor
	}
	r.convolve(s, false, false, first, m.rows, shaders.ConvolvePush{
		SourceStride: uint32(padded(s.from.width)), SourceHeight: uint32(s.in[1]), SourceWidth: uint32(s.in[2]), Channels: uint32(s.channels),
		TargetStride: uint32(padded(s.to.width)), TargetHeight: uint32(s.out[1]), TargetWidth: uint32(s.out[2]), Outputs: uint32(s.outputs),
	}, s.from.values, s.u(), cursor)
	if !s.plain() {
		r.open(s.point)
	}
}

func (s *convStage) backward(r *recorder, m mode) {
	if !s.plain() {
		r.ungate(s.point, m)
	}
	if !s.from.differentiated {
		return
	}
	r.convolve(s, true, s.from.written, false, m.rows, shaders.ConvolvePush{
		SourceStride: uint32(padded(s.to.width)), SourceHeight: uint32(s.out[1]), SourceWidth: uint32(s.out[2]), Channels: uint32(s.outputs),
		TargetStride: uint32(padded(s.from.width)), TargetHeight: uint32(s.in[1]), TargetWidth: uint32(s.in[2]), Outputs: uint32(s.channels),
	}, s.to.derivative, s.from.derivative, s.from.derivative)
	s.from.written = true
}

// convolve completes the push constants and computes a convolution, or its transpose.
func (r *recorder) convolve(s *convStage, back, add, first bool, rows int, push shaders.ConvolvePush, source, target, cursor compute.Buffer) {
	w := s.window
	push.KernelHeight, push.KernelWidth = uint32(w.Kernel[0]), uint32(w.Kernel[1])
	push.StrideY, push.StrideX = uint32(w.Stride[0]), uint32(w.Stride[1])
	push.PaddingY, push.PaddingX = uint32(w.Padding[0]), uint32(w.Padding[1])
	push.Stride, push.Biases = uint32(s.outStride()), uint32(s.rows()-1)
	positions := int(push.TargetHeight * push.TargetWidth)
	columns := blocks(rows*positions, 4)
	t := r.grain.ofImages(int(push.Outputs), columns)
	high := max(1, blocks(int(push.Outputs), t.down()*t.rows))
	push.High = uint32(high)
	wide := blocks(columns, t.across*t.columns)
	if push.Outputs == 0 && !first {
		return
	}
	r.dispatchShaped(shaders.Convolve, append(t.constants(), constant(back), constant(s.groups > 1), constant(add), constant(positions%4 == 0), constant(first)),
		[3]int{min(wide, maxGroups), blocks(wide, maxGroups), high * s.groups}, push,
		r.state, source, s.parameters, target, cursor)
}

// correlate sums up the gradient over blocks of so many samples.
func (r *recorder) correlate(s *convStage, m mode, share int) {
	w := s.window
	t := r.grain.ofImages(s.outputs, blocks(s.rows(), 4))
	if r.device.Info().Kind == compute.CPU && 2*s.positions() > maxTurns {
		t.step = 0 // since terms that are shared take a turn each
	}
	high := blocks(s.outputs, t.down()*t.rows)
	r.dispatchShaped(shaders.Correlate, append(t.constants(), constant(s.groups > 1), constant(s.positions()%4 == 0)),
		[3]int{blocks(blocks(s.rows(), 4), t.across*t.columns), high * s.groups, blocks(m.rows, share)},
		shaders.CorrelatePush{
			InStride: uint32(padded(s.from.width)), InHeight: uint32(s.in[1]), InWidth: uint32(s.in[2]), Channels: uint32(s.channels),
			OutStride: uint32(padded(s.to.width)), OutHeight: uint32(s.out[1]), OutWidth: uint32(s.out[2]), Outputs: uint32(s.outputs),
			KernelWidth: uint32(w.Kernel[1]), Terms: uint32(s.matrix.in),
			StrideY: uint32(w.Stride[0]), StrideX: uint32(w.Stride[1]), PaddingY: uint32(w.Padding[0]), PaddingX: uint32(w.Padding[1]),
			Stride: uint32(s.outStride()), Rows: uint32(s.rows()), Biased: constant(len(s.params) > 1), High: uint32(high), Share: uint32(share),
		},
		r.state, s.from.values, s.to.derivative, s.partials)
}
