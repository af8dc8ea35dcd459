//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"math"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// widen returns float32 numbers of the device in the host's float64, nil if there
// are none.
func widen(v []float32) []float64 {
	if v == nil {
		return nil
	}
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func (e *engine) Statistics() (_ []backend.Statistics, err error) {
	defer convert(&err)
	return e.statistics(training, shaders.Square+1)
}

// statistics reads the first rows of the matrix of each layer's players that a kind of
// step moves. What stands in no row that was read is nil.
func (e *engine) statistics(k kind, rows int) ([]backend.Statistics, error) {
	var all []backend.Statistics
	for _, l := range e.hidden() {
		players, err := e.readPlayers(l, k.players(l), rows)
		if err != nil {
			return nil, err
		}
		all = append(all, backend.Statistics{
			Participation:    widen(players[shaders.Participation]),
			MeanContribution: widen(players[shaders.Mean]),
			MeanSquare:       widen(players[shaders.Square]),
			SquaredNorm:      widen(players[shaders.Norm]),
			Competition:      widen(players[shaders.Competition]),
		})
	}
	return all, nil
}

func (e *engine) Measure(ctx context.Context) (_ []backend.Statistics, err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, l := range e.hidden() {
		r.commands.Copy(l.players, measuring.players(l))
	}
	r.norms(measuring)
	for _, l := range e.hidden() {
		r.paper(l, measuring.players(l), backend.PaperMove{})
	}
	if err := r.runOnce(); err != nil {
		return nil, err
	}
	if err := e.observe(ctx, measuring, backend.InOrder(e.data.Train.Len())); err != nil {
		return nil, err
	}
	return e.statistics(measuring, shaders.Competition+1)
}

func (e *engine) EstimateContributions(ctx context.Context, order []int32) (err error) {
	defer convert(&err)
	return e.observe(ctx, observing, order)
}

// observe takes the means of the contributions over the given training samples into the
// matrix that the kind of step moves.
func (e *engine) observe(ctx context.Context, k kind, order []int32) error {
	m := mode{kind: k, rows: evaluationBatch}
	return e.evaluate(ctx, m, backend.TrainPart, order, planLength, func(int, int, int) error { return nil })
}

func (e *engine) Move(prices []float64, damping float64) (_ [][]float64, err error) {
	defer convert(&err)
	r := e.newRecorder()
	for i, l := range e.hidden() {
		r.dispatch(shaders.Market, nil, padded(l.out), 1,
			shaders.MarketPush{Stride: uint32(l.outStride()), Price: float32(prices[i]), Damping: float32(damping)},
			l.players)
	}
	if err := r.runOnce(); err != nil {
		return nil, err
	}
	var moved [][]float64
	for _, l := range e.hidden() {
		players, err := e.readPlayers(l, l.players, shaders.Participation+1)
		if err != nil {
			return nil, err
		}
		moved = append(moved, widen(players[shaders.Participation]))
	}
	return moved, nil
}

func (e *engine) Fold() (err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, l := range e.hidden() {
		r.dispatch(shaders.Fold, nil, l.outStride(), l.rows(),
			shaders.MatrixPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride())},
			l.parameters, l.players)
	}
	for _, l := range e.hidden() {
		r.commands.Fill(l.players.Part(4*shaders.Participation*padded(l.out), 4*padded(l.out)), math.Float32bits(1))
	}
	return r.runOnce()
}

func (e *engine) RestartOptimiser() (err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, l := range e.layers {
		r.commands.Fill(l.first, 0)
		if e.options.Optimiser.Kind.HasSecond() {
			r.commands.Fill(l.second, 0)
		}
		if l.gated {
			row := 4 * padded(l.out)
			r.commands.Fill(l.players.Part(shaders.FirstSlope*row, 2*row), 0)
		}
	}
	e.steps = 0
	return r.runOnce()
}

// none stands for a row or column of zeros in the lists of the select kernel.
const none = math.MaxUint32

// places returns the places of the kept ones followed by padding.
func places(kept []int) []uint32 {
	list := make([]uint32, padded(len(kept)))
	for i := range list {
		list[i] = none
		if i < len(kept) {
			list[i] = uint32(kept[i])
		}
	}
	return list
}

func (e *engine) Compact(keep network.Survivors) (err error) {
	defer convert(&err)
	type removal struct {
		from, to      *layer
		rows, columns []uint32
	}
	var removals []removal
	var layers []*layer
	bytes := 0
	for i, from := range e.layers {
		in, out := network.Indices(from.in), network.Indices(from.out)
		if i > 0 {
			in = keep[i-1]
		}
		if from.gated {
			out = keep[i]
		}
		to := *from // what a step leaves behind stays where it is, in narrower rows
		to.in, to.out = len(in), len(out)
		layers = append(layers, &to)
		c := removal{from, &to, append(places(in), uint32(from.rows()-1)), places(out)}
		bytes += e.device.Round(4*len(c.rows)) + e.device.Round(4*len(c.columns))
		removals = append(removals, c)
	}
	bytes += e.device.Round(4 * shaders.PlayerRows)
	lists, err := e.device.NewArena(compute.Host, bytes)
	if err != nil {
		return err
	}
	defer lists.Free()
	parameters, err := e.newParameters(layers)
	if err != nil {
		return err
	}
	list := func(numbers []uint32) compute.Buffer {
		b := lists.Take(4 * len(numbers))
		copy(view[uint32](b.Bytes()), numbers)
		return b
	}
	everyRow := list(places(network.Indices(shaders.PlayerRows)))
	r := e.newRecorder()
	for _, c := range removals {
		rows, columns := list(c.rows), list(c.columns)
		cut := func(rows compute.Buffer, height int, from, to compute.Buffer) {
			r.dispatch(shaders.Select, nil, c.to.outStride(), height,
				shaders.SelectPush{Height: uint32(height), Stride: uint32(c.to.outStride()), SourceWidth: uint32(padded(c.from.out))},
				rows, columns, from, to)
		}
		cut(rows, c.to.rows(), c.from.parameters, c.to.parameters)
		cut(rows, c.to.rows(), c.from.first, c.to.first)
		if e.options.Optimiser.Kind.HasSecond() {
			cut(rows, c.to.rows(), c.from.second, c.to.second)
		}
		if c.from.gated {
			cut(everyRow, shaders.PlayerRows, c.from.players, c.to.players)
		}
	}
	if err := r.runOnce(); err != nil {
		parameters.Free()
		return err
	}
	for m, p := range e.programs {
		e.before[m] = p.step
	}
	e.forget()
	e.parameters.Free()
	e.parameters, e.layers = parameters, layers
	e.placeGradients(layers)
	return nil
}
