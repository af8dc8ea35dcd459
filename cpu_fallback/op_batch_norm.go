package cpufallback

import (
	"math"

	"nashprune/trainer/network"
)

// batchNormStage is a batch norm: y = scale x + shift for each channel, with the mean and
// the variance of the batch in a training step, else with the running ones.
type batchNormStage[T real] struct {
	engine   *engine[T]
	in, out  *tensor[T]
	group    *group[T]
	op       *network.BatchNorm
	channels int
	inner    int // numbers of a channel

	mean, inverse []T // of the present batch, or running; the inverse of the deviation
}

func newBatchNorm[T real](e *engine[T], at place[T], take taker[T]) stage[T] {
	s := &batchNormStage[T]{
		engine: e, in: at.in[0], out: at.out, group: e.groupOf(at.Node), op: at.op.(*network.BatchNorm), channels: at.to[0], inner: at.to[1:].Size(),
	}
	s.mean, s.inverse = take(s.channels), take(s.channels)
	return s
}

func (s *batchNormStage[T]) output() *tensor[T] { return s.out }

// parameter returns a parameter of the batch norm, a number a channel.
func (s *batchNormStage[T]) parameter(which int) []T { return s.group.of(s.group.parameters, which) }

// channel returns the numbers of a channel of sample b.
func (s *batchNormStage[T]) channel(m matrix[T], b, c int) []T { return m.row(b)[c*s.inner:][:s.inner] }

// observe takes mean and variance of the batch, in float64, and moves the running ones.
func (s *batchNormStage[T]) observe(rows int) {
	n, v := rows*s.inner, s.engine.vectors
	running, variance := s.parameter(network.NormMean), s.parameter(network.NormVariance)
	inChunks(s.channels, 1, func(c, _, _ int) {
		sum, squares := 0., 0.
		for b := range rows {
			sum += v.sum(s.channel(s.in.values, b, c))
		}
		mean := sum / float64(n)
		for b := range rows {
			squares += v.spread(s.channel(s.in.values, b, c), mean)
		}
		s.mean[c], s.inverse[c] = T(mean), T(1/math.Sqrt(squares/float64(n)+s.op.Epsilon))
		move := func(v *T, to float64) { *v = T(float64(*v) + s.op.Momentum*(to-float64(*v))) }
		move(&running[c], mean)
		move(&variance[c], squares/float64(max(1, n-1)))
	})
}

func (s *batchNormStage[T]) forward(rows int) {
	if s.engine.training {
		s.observe(rows)
	} else {
		copy(s.mean, s.parameter(network.NormMean))
		for c, v := range s.parameter(network.NormVariance) {
			s.inverse[c] = T(1 / math.Sqrt(float64(v)+s.op.Epsilon))
		}
	}
	weight, bias := s.parameter(network.NormWeight), s.parameter(network.NormBias)
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			for c := range s.channels {
				scale := weight[c] * s.inverse[c]
				shift := bias[c] - T(s.mean[c]*scale)
				s.engine.vectors.affine(s.channel(s.out.values, b, c), s.channel(s.in.values, b, c), scale, shift)
			}
		}
	})
}

// backward takes the derivative through the statistics of the batch in a training step: see
// [network.BatchNorm.BackwardBatch]. At other times they are constants.
func (s *batchNormStage[T]) backward(rows int, ask ask) {
	v, weight, add := s.engine.vectors, s.parameter(network.NormWeight), s.in.written
	s.in.written = true
	ofWeight, ofBias := s.group.of(s.group.gradient, network.NormWeight), s.group.of(s.group.gradient, network.NormBias)
	inChunks(s.channels, 1, func(c, _, _ int) {
		scale, mean, inverse := weight[c]*s.inverse[c], s.mean[c], s.inverse[c]
		sum, product := 0., 0. // of d, and of d times the standardised input
		if ask.weights {
			for b := range rows {
				ofD, ofProducts := v.joint(s.channel(s.out.derivative, b, c), s.channel(s.in.values, b, c), mean, inverse)
				sum, product = sum+ofD, product+ofProducts
			}
			ofBias[c], ofWeight[c] = T(sum), T(product)
		}
		if s.in.derivative.rows == 0 {
			return
		}
		var first, second T
		if s.engine.training {
			n := float64(rows * s.inner)
			first, second = T(sum/n), T(product/n)
		}
		for b := range rows {
			v.throughNorm(s.channel(s.in.derivative, b, c), s.channel(s.out.derivative, b, c), s.channel(s.in.values, b, c),
				scale, mean, inverse, first, second, add)
		}
	})
}
