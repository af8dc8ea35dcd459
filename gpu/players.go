//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"math"
	"slices"

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
	return e.statistics(ofRows, shaders.Square+1)
}

// statistics reads the first rows of a matrix of each gate's players. What stands in no row
// that was read is nil.
func (e *engine) statistics(of func(*gate) compute.Buffer, rows int) ([]backend.Statistics, error) {
	var all []backend.Statistics
	for _, g := range e.gates {
		players, err := e.readPlayers(g, of(g), rows)
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
	for _, g := range e.gates {
		r.commands.Copy(g.rows, g.measured)
	}
	r.norms(ofMeasured)
	for _, g := range e.gates {
		r.paper(g, g.measured, backend.PaperMove{})
	}
	if err := r.runOnce(); err != nil {
		return nil, err
	}
	if err := e.runSteps(ctx, measuring, backend.InOrder(e.data.Train.Len())); err != nil {
		return nil, err
	}
	return e.statistics(ofMeasured, shaders.Competition+1)
}

func (e *engine) Fold() (err error) {
	defer convert(&err)
	lists, err := e.device.NewArena(compute.Host, e.foldBytes())
	if err != nil {
		return err
	}
	defer lists.Free()
	r := e.newRecorder()
	for _, f := range e.graph.Folds() {
		l, owners, columns := e.layerOf(f.Param), e.nothing, f.Dim == 1
		if f.Param != l.params[0] {
			continue // biases lie in the matrix of the weights
		}
		if columns { // of the weights, which are rows here
			owners = list(lists, places(f.Player, l.rows()))
		}
		r.dispatch(shaders.Fold, []uint32{constant(columns)}, l.outStride(), l.rows(),
			shaders.MatrixPush{Rows: uint32(l.rows()), Stride: uint32(l.outStride())},
			l.parameters, e.gates[f.Gate].rows, owners)
	}
	for _, g := range e.gates {
		r.commands.Fill(g.rows.Part(4*shaders.Participation*padded(g.players), 4*padded(g.players)), math.Float32bits(1))
	}
	return r.runOnce()
}

// layerOf returns the layer that has a parameter.
func (e *engine) layerOf(param int) *layer {
	for _, l := range e.layers {
		if slices.Contains(l.params, param) {
			return l
		}
	}
	panic("gpu: no layer has the parameter")
}

// foldBytes returns the memory of the lists that folding takes.
func (e *engine) foldBytes() int {
	bytes := 0
	for _, l := range e.layers {
		bytes += e.device.Round(4 * l.rows())
	}
	return bytes
}

// list writes a list to the next place of an arena.
func list(arena *compute.Arena, numbers []uint32) compute.Buffer {
	b := arena.Take(4 * len(numbers))
	copy(view[uint32](b.Bytes()), numbers)
	return b
}

func (e *engine) RestartOptimiser() (err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, l := range e.layers {
		r.commands.Fill(l.first, 0)
		if e.options.Optimiser.Kind.HasSecond() {
			r.commands.Fill(l.second, 0)
		}
	}
	for _, g := range e.gates {
		row := 4 * padded(g.players)
		r.commands.Fill(g.rows.Part(shaders.FirstSlope*row, 2*row), 0)
	}
	e.steps = 0
	return r.runOnce()
}

// none stands for a row or column of zeros in the lists of Select, and for no player in
// those of Fold.
const none = math.MaxUint32

// places returns the places of the chosen ones, so many, with none where there is none.
func places(chosen []int, length int) []uint32 {
	list := make([]uint32, length)
	for i := range list {
		list[i] = none
		if i < len(chosen) && chosen[i] >= 0 {
			list[i] = uint32(chosen[i])
		}
	}
	return list
}

// Remove selects the rows and columns that stay into new memory of parameters and players.
// What a step leaves stays where it is, in narrower rows.
func (e *engine) Remove(cut *network.Cut) (err error) {
	defer convert(&err)
	low := lower(cut.Graph)
	adopted := low.adopt(e.lowered)
	bytes := e.device.Round(4 * padded(shaders.PlayerRows))
	for _, l := range low.layers {
		bytes += e.device.Round(4*l.rows()) + e.device.Round(4*padded(l.out))
	}
	for _, g := range low.gates {
		bytes += e.device.Round(4 * padded(g.players))
	}
	lists, err := e.device.NewArena(compute.Host, bytes)
	if err != nil {
		return err
	}
	defer lists.Free()
	parameters, err := e.newParameters(low)
	if err != nil {
		return err
	}
	r := e.newRecorder()
	sel := func(rows, columns compute.Buffer, height, stride, sourceWidth int, from, to compute.Buffer) {
		r.dispatch(shaders.Select, nil, stride, height,
			shaders.SelectPush{Height: uint32(height), Stride: uint32(stride), SourceWidth: uint32(padded(sourceWidth))},
			rows, columns, from, to)
	}
	for i, to := range low.layers {
		from, kept := e.layers[i], cut.Params[to.params[0]]
		rows := list(lists, append(places(kept[1], padded(to.in)), uint32(from.rows()-1)))
		columns := list(lists, places(kept[0], padded(to.out)))
		sorts := []func(*layer) compute.Buffer{ofParameters, ofFirst}
		if e.options.Optimiser.Kind.HasSecond() {
			sorts = append(sorts, ofSecond)
		}
		for _, of := range sorts {
			sel(rows, columns, to.rows(), to.outStride(), from.out, of(from), of(to))
		}
	}
	everyRow := list(lists, places(network.Indices(shaders.PlayerRows), padded(shaders.PlayerRows)))
	for i, to := range low.gates {
		sel(everyRow, list(lists, places(cut.Gates[i], padded(to.players))), shaders.PlayerRows, to.stride(), e.gates[i].players, e.gates[i].rows, to.rows)
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
	e.parameters, e.lowered = parameters, low
	if adopted {
		return e.placeLists()
	}
	e.activations.Free()
	e.activations = nil
	return e.buildActivations()
}
