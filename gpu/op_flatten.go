//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// flattenStage keeps some features of a tensor, or all where they have a gate: without one it
// is a view.
type flattenStage struct {
	in, out *tensor
	keep    []int
	list    compute.Buffer
}

func newFlatten(low *lowered, at place) stage {
	s := &flattenStage{in: at.in[0], out: at.out, keep: at.node.Op.(*network.Flatten).Keep}
	if s.keep != nil {
		low.flattens = append(low.flattens, s)
	}
	return s
}

// newBranch makes the stage of a branch that has a gate: without one it is a view.
func newBranch(_ *lowered, at place) stage { return &flattenStage{in: at.in[0], out: at.out} }

func (s *flattenStage) forward(r *recorder, _ mode) {
	if s.keep == nil {
		r.pass(pass{source: s.in, target: s.out, width: padded(s.in.width)})
		return
	}
	r.pass(pass{
		source: s.in, target: s.out, width: s.out.width, clear: padded(s.out.width) - s.out.width,
		listed: shaders.ListedSource, list: s.list,
	})
}

func (s *flattenStage) backward(r *recorder, _ mode) {
	if s.keep == nil {
		r.send(pass{source: s.out, target: s.in, width: padded(s.in.width)})
		return
	}
	if !s.in.differentiated {
		return
	}
	if !s.in.written {
		r.fill(s.in.derivative)
	}
	s.in.written = true
	r.send(pass{source: s.out, target: s.in, width: s.out.width, listed: shaders.ListedTarget, list: s.list})
}
