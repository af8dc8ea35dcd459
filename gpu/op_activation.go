//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// activationStage is an activation that no product joins.
type activationStage struct {
	in, out  *tensor
	function network.Activation
}

func newActivation(_ *lowered, at place) stage {
	return &activationStage{at.in[0], at.out, at.node.Op.(*network.Activate).Function}
}

func (s *activationStage) forward(r *recorder, _ mode) {
	r.pass(pass{source: s.in, target: s.out, width: padded(s.in.width), do: shaders.Apply, function: s.function})
}

func (s *activationStage) backward(r *recorder, _ mode) {
	r.send(pass{source: s.out, target: s.in, width: padded(s.in.width), do: shaders.Slope, function: s.function})
}
