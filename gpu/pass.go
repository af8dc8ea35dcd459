//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// pass is a dispatch of [shaders.Pass]: numbers of every sample from one buffer to another.
type pass struct {
	source, target *tensor
	backward       bool // between their derivatives, else between their values
	width          int
	clear          int // numbers behind them that become zero
	from, to       int // offsets in the rows
	add            bool
	do             uint32 // Copy, Apply or Slope
	function       network.Activation
	listed         uint32
	list           compute.Buffer
}

// pass records one. What is bound but not used is bound to a buffer of its own.
func (r *recorder) pass(p pass) {
	of := func(t *tensor) compute.Buffer {
		if p.backward {
			return t.derivative
		}
		return t.values
	}
	value, list := r.nothing, r.nothing
	if p.do == shaders.Slope {
		value = p.target.values
	}
	if p.listed != shaders.Unlisted {
		list = p.list
	}
	function := uint32(shaders.Identity)
	if p.function != "" {
		function = activations[p.function]
	}
	columns, fours := p.width+p.clear, p.listed == shaders.Unlisted && p.clear == 0 && p.width%4 == 0 && p.from%4 == 0 && p.to%4 == 0
	if fours {
		columns /= 4
	}
	r.dispatch(shaders.Pass, []uint32{constant(p.add), function, p.do, p.listed, constant(fours)}, columns, r.batchRows,
		shaders.PassPush{
			Width: uint32(p.width), Clear: uint32(p.clear),
			SourceStride: uint32(padded(p.source.width)), SourceOffset: uint32(p.from),
			TargetStride: uint32(padded(p.target.width)), TargetOffset: uint32(p.to), Inner: 1,
		},
		r.state, of(p.source), value, r.nothing, list, of(p.target))
}

// send passes a part of a derivative on to an input, or adds it to what other readers left.
func (r *recorder) send(p pass) {
	if !p.target.differentiated {
		return
	}
	p.backward, p.add = true, p.target.written
	p.target.written = true
	r.pass(p)
}
