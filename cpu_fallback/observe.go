package cpufallback

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/blas"

	"nashprune/game"
	"nashprune/trainer/backend"
)

// reading is the inputs of a node that reads players.
type reading[T real] struct {
	node  int
	input *tensor[T]

	mean, square []T
}

// squared reports whether second moments are taken.
func (r reading[T]) squared() bool { return r.input.values.columns <= backend.LargestMoments }

// layObservation lays out what Observe needs.
func (e *engine[T]) layObservation(take taker[T]) {
	widest, largest := 0, 0
	for _, g := range e.graph.Gates {
		widest = max(widest, g.Players)
		largest = max(largest, min(g.Players, game.BlockSize))
	}
	for i := range e.readings {
		r := &e.readings[i]
		width := r.input.values.columns
		squared := min(width, backend.LargestMoments) // a removal may make it so narrow
		r.mean, r.square = take(width), take(squared*squared)
		largest = max(largest, squared)
	}
	e.effects, e.product = take(e.batchRows*widest), take(largest*largest)
}

func (e *engine[T]) Observe(ctx context.Context, order []int32) (*backend.Observation, error) {
	for _, g := range e.gates {
		clear(g.interactions)
	}
	for _, r := range e.readings {
		clear(r.mean)
		clear(r.square)
	}
	share := 1 / T(len(order))
	err := e.eachBatch(ctx, backend.TrainPart, order, func(first, rows int) {
		e.target(first, rows)
		e.backward(rows, ask{})
		for _, g := range e.gates {
			e.interact(g, rows, share)
		}
		for _, r := range e.readings {
			e.read(r, rows, share)
		}
	})
	if err != nil {
		return nil, err
	}
	o := &backend.Observation{}
	for _, g := range e.gates {
		o.Interactions = append(o.Interactions, g.observed())
	}
	e.observed = slices.Clone(o.Interactions)
	for _, r := range e.readings {
		m := backend.InputMoments{Node: r.node, Mean: convert[float64](r.mean)}
		if r.squared() {
			m.Square = convert[float64](r.square)
		}
		o.Inputs = append(o.Inputs, m)
	}
	return o, nil
}

// interact adds a part of the products of the effects of a gate's players in a batch.
func (e *engine[T]) interact(g *gate[T], rows int, share T) {
	players := len(g.participation)
	effects := matrix[T]{rows, players, e.effects[:rows*players]}
	clear(effects.data)
	for _, s := range e.stages {
		if a, ok := s.(acting[T]); ok && a.gated() == g {
			a.act(rows, effects)
		}
	}
	into, first := g.interactions, 0
	for _, n := range game.Blocks(players) {
		e.addSquare(into[:n*n], effects, first, n, share)
		into, first = into[n*n:], first+n
	}
}

// read adds a part of the moments of the inputs of a node in a batch.
func (e *engine[T]) read(r reading[T], rows int, share T) {
	x := r.input.values.top(rows)
	for b := range rows {
		for i, v := range x.row(b) {
			r.mean[i] += share * v
		}
	}
	if r.squared() {
		e.addSquare(r.square, x, 0, x.columns, share)
	}
}

// addSquare adds share x^T x of n columns of x from a first on.
func (e *engine[T]) addSquare(into []T, x matrix[T], first, n int, share T) {
	if n == 0 || x.rows == 0 {
		return
	}
	product, columns := e.product[:n*n], x.data[first:]
	e.products.gemm(blas.Trans, blas.NoTrans, n, n, x.rows, columns, x.columns, columns, x.columns, 0, product, n)
	for i, v := range product {
		into[i] += share * v
	}
}

// observed returns the interactions of a gate's players.
func (g *gate[T]) observed() game.Interactions {
	var h game.Interactions
	v := g.interactions
	for _, n := range game.Blocks(len(g.participation)) {
		h, v = append(h, convert[float64](v[:n*n])), v[n*n:]
	}
	return h
}

func (e *engine[T]) Play(prices, from [][]float64, sweeps int) ([][]float64, error) {
	return game.PlayOn(e.observed, sweeps)(prices, from)
}
