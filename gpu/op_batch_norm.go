//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// normStage is a batch norm, with its gate and the activation that follows it, where it has
// them. Sums over a batch go by channels and blocks of samples.
type normStage struct {
	*matrix // its scale, and its shift in the place of biases
	*point
	statistics *matrix // running means, and variances in the place of biases
	from       *tensor
	op         *network.BatchNorm
	moments    compute.Buffer // a row each: means, inverse deviations, means of d h and of d; see normback.comp
}

func newBatchNorm(low *lowered, at place) stage {
	channels, params := at.node.Shape[0], at.node.Params
	s := &normStage{
		matrix:     low.newMatrix(at, &matrix{in: 1, out: channels, params: params[network.NormWeight : network.NormBias+1]}),
		point:      newPoint(low, at),
		statistics: &matrix{name: at.node.Name, in: 1, out: channels, places: 1, params: params[network.NormMean : network.NormVariance+1]},
		from:       at.in[0], op: at.node.Op.(*network.BatchNorm),
	}
	s.share = max(1, min(shaders.BackwardRows, maxTurns*leastLocal/max(1, s.inner)))
	s.room = blocks(low.rows, s.share) * s.size()
	s.from.numbers, s.to.numbers = true, true
	low.summed, low.statistics, low.norms = append(low.summed, s.matrix), append(low.statistics, s.statistics), append(low.norms, s)
	return s
}

// sums adds up numbers of each channel by blocks of samples.
func (s *normStage) sums(r *recorder, m mode, what uint32, derivative compute.Buffer) {
	r.dispatchGrid(shaders.NormSums, []uint32{what}, s.matrix.out, blocks(m.rows, s.share),
		shaders.NormSumsPush{
			Stride: uint32(padded(s.from.width)), Inner: uint32(s.inner), Channels: uint32(padded(s.matrix.out)), Biases: uint32(s.rows() - 1), Share: uint32(s.share),
		},
		r.state, s.from.values, derivative, s.moments, s.partials)
}

// stats finds what the norm computes with.
func (s *normStage) stats(r *recorder, what uint32) {
	partials := s.partials
	if what == shaders.OfSquares { // and nothing was summed up
		partials = r.nothing
	}
	r.dispatch(shaders.NormStats, []uint32{what}, s.matrix.out, 1,
		shaders.NormStatsPush{
			Count: uint32(s.matrix.out), Channels: uint32(padded(s.matrix.out)), Biases: uint32(s.rows() - 1), Inner: uint32(s.inner), Share: uint32(s.share),
			Epsilon: float32(s.op.Epsilon), Momentum: float32(s.op.Momentum),
		},
		r.state, partials, s.statistics.parameters, s.moments)
}

func (s *normStage) forward(r *recorder, m mode) {
	if m.kind == training {
		s.sums(r, m, shaders.OfInputs, r.nothing)
		s.sums(r, m, shaders.OfSquares, r.nothing)
		s.stats(r, shaders.OfInputs)
	} else {
		s.stats(r, shaders.OfSquares)
	}
	r.pointwise(s.point, s.from.values, true, s.moments, s.matrix)
}

func (s *normStage) backward(r *recorder, m mode) {
	if !s.plain() {
		r.ungate(s.point, m)
	}
	if m.kind == training {
		s.sums(r, m, shaders.OfDerivatives, s.to.derivative)
	}
	if !s.from.differentiated {
		return
	}
	if m.kind == training {
		s.stats(r, shaders.OfDerivatives)
	}
	r.dispatch(shaders.NormBack, []uint32{constant(m.kind == training), constant(s.from.written)}, s.from.stride(), m.rows,
		shaders.NormBackPush{
			Width: uint32(s.from.width), Stride: uint32(s.from.stride()), Inner: uint32(s.inner), Channels: uint32(padded(s.matrix.out)),
		},
		r.state, s.from.values, s.to.derivative, s.moments, s.parameters, s.from.derivative)
	s.from.written = true
}
