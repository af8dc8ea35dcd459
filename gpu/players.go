//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
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
