package cpufallback

import (
	"context"

	"gonum.org/v1/gonum/blas"

	"nashprune/trainer/backend"
)

// squaring is a stage whose weights can be players.
type squaring[T real] interface {
	// addSquares adds to the squares of its group, for the first rows samples, share times the
	// squares of scale g, with g the derivatives of a sample with respect to the weights. It
	// overwrites the derivative of its output and its gradient.
	addSquares(rows int, scale, share T)
}

func (e *engine[T]) ObserveWeights(ctx context.Context, order []int32) ([][]float32, error) {
	for _, g := range e.groups {
		clear(g.measured)
	}
	share := 1 / T(len(order))
	err := e.eachBatch(ctx, backend.TrainPart, order, func(first, rows int) {
		e.target(first, rows)
		e.backward(rows, ask{})
		for _, s := range e.stages {
			if s, ok := s.(squaring[T]); ok {
				s.addSquares(rows, T(rows), share)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var all [][]float32
	for _, g := range e.masked() {
		all = append(all, convert[float32](g.measured))
	}
	return all, nil
}

// addSquares adds (delta^2)^T (x^2): a derivative is a product of one delta and one x.
func (s *denseStage[T]) addSquares(rows int, scale, share T) {
	if len(s.group.measured) == 0 {
		return
	}
	deltas, x := s.out.derivative.top(rows), s.in.values.top(rows)
	inputs := matrix[T]{rows, x.columns, s.engine.squared[:len(x.data)]}
	square(deltas.data, deltas.data, scale)
	square(inputs.data, x.data, 1)
	product := s.group.weight(s.group.gradient)
	s.engine.multiply(blas.Trans, blas.NoTrans, deltas, inputs, product)
	for i, v := range product.data {
		s.group.measured[i] += share * v
	}
}

// square writes the squares of scale v.
func square[T real](to, v []T, scale T) {
	for i, x := range v {
		x *= scale
		to[i] = x * x
	}
}

// addSquares takes the derivatives of each sample, sums over its positions, and their squares.
func (s *conv2DStage[T]) addSquares(rows int, scale, share T) {
	if s.empty() || len(s.group.measured) == 0 {
		return
	}
	e, positions, perGroup := s.engine, s.positions(), s.to[0]/s.groups
	memory := <-e.images.free
	defer func() { e.images.free <- memory }()
	gradient := s.group.of(s.group.gradient, 0)
	for b := range rows {
		columns, d := s.columnsOf(s.in.values.row(b), memory[0]), s.out.derivative.row(b)
		for g := range s.groups {
			e.products.gemm(blas.NoTrans, blas.Trans, perGroup, s.terms, positions, d[g*perGroup*positions:], positions,
				columns[g*s.terms*positions:], positions, 0, gradient[g*perGroup*s.terms:], s.terms)
		}
		for i, v := range gradient {
			v *= scale
			s.group.measured[i] += share * v * v
		}
	}
}
