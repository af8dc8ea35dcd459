//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"

	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// widen returns float32 numbers of the device in the host's float64.
func widen(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func (e *engine) Participations() (_ [][]float64, err error) {
	defer convert(&err)
	var all [][]float64
	for _, g := range e.gates {
		players, err := e.readPlayers(g, g.rows, shaders.Participation+1)
		if err != nil {
			return nil, err
		}
		all = append(all, widen(players[shaders.Participation]))
	}
	if !e.options.SoftWeights {
		return all, nil
	}
	masks, err := e.pullOfWeights(ofMask)
	for _, p := range e.graph.Masked() {
		all = append(all, widen(masks[p]))
	}
	return all, err
}

func (e *engine) Measure(ctx context.Context) (_ []backend.Statistics, err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, g := range e.gates {
		r.commands.Copy(g.rows, g.measured)
	}
	r.norms(ofMeasured)
	for i, g := range e.gates {
		r.paper(i, g.measured, backend.PaperMove{})
	}
	if err := r.runOnce(); err != nil {
		return nil, err
	}
	if err := e.runSteps(ctx, measuring, backend.InOrder(e.data.Train.Len())); err != nil {
		return nil, err
	}
	var all []backend.Statistics
	for _, g := range e.gates {
		players, err := e.readPlayers(g, g.measured, shaders.Competition+1)
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
	if !e.options.SoftWeights {
		return all, nil
	}
	ofWeights, err := e.measureWeights(ctx)
	return append(all, ofWeights...), err
}

func (e *engine) RestartOptimiser() (err error) {
	defer convert(&err)
	r := e.newRecorder()
	for _, l := range e.matrices() {
		r.commands.Fill(l.first, 0)
		if e.options.Optimiser.Kind.HasSecond() {
			r.commands.Fill(l.second, 0)
		}
	}
	for _, g := range e.gates {
		row := 4 * padded(g.players)
		r.commands.Fill(g.rows.Part(shaders.FirstSlope*row, 2*row), 0)
	}
	for _, m := range e.soft() {
		r.commands.Fill(m.firstSlope, 0)
		r.commands.Fill(m.secondSlope, 0)
	}
	e.steps = 0
	return r.runOnce()
}
