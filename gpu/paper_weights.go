//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"slices"

	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// soft returns the matrices whose weights play the paper's game.
func (e *engine) soft() []*matrix {
	if !e.options.SoftWeights {
		return nil
	}
	return e.masked()
}

// participate computes s theta.
func (r *recorder) participate() {
	for _, m := range r.soft() {
		r.dispatch(shaders.Mask, nil, m.outStride(), m.rows(),
			shaders.MatrixPush{Rows: uint32(m.rows()), Stride: uint32(m.outStride())}, m.mask, m.theta, m.parameters)
	}
}

// paperWeights lets all single weights move once, and makes of gradients by s theta those by
// theta.
func (r *recorder) paperWeights(move backend.PaperMove) {
	g := move.Game
	constants := append(reading(move), constant(r.options.Joint))
	for _, m := range r.soft() {
		if g.Eta != 0 {
			r.dispatch(shaders.Mixture, []uint32{constant(false)}, m.rows(), 1,
				shaders.MatrixPush{Rows: uint32(m.rows()), Stride: uint32(m.outStride())}, m.parameters, m.parameters, m.mixture)
			r.dispatch(shaders.Total, nil, 1, 1, shaders.TotalPush{Rows: uint32(m.rows())}, m.mixture)
		}
		r.dispatch(shaders.PaperWeights, constants, m.outStride(), m.rows()-1,
			shaders.PaperWeightsPush{
				Rows: uint32(m.rows()), Stride: uint32(m.outStride()),
				Alpha: float32(g.Alpha), Beta: float32(g.Beta), Gamma: float32(g.Gamma), Eta: float32(g.Eta), Rate: float32(move.Rate),
			},
			r.state, m.theta, m.mixture, m.gradient, m.mask, m.firstSlope, m.secondSlope)
	}
}

// derive takes the derivatives of a batch by s theta into their means.
func (r *recorder) derive(m mode) {
	masked, l := r.masked(), learning{keep: true}
	for _, s := range r.convs {
		if slices.Contains(masked, s.matrix) {
			r.correlate(s, m, s.share)
			r.settle(s.matrix, l)
		}
	}
	layerRuns, _, _ := r.schedule(ofRows)
	for _, run := range layerRuns {
		r.gradient(run, gateRun{}, l)
	}
	for _, of := range masked {
		r.average(of, shaders.MeanSlope, of.gradient)
	}
}

// measureWeights returns the statistics of single weights that play the paper's game.
func (e *engine) measureWeights(ctx context.Context) ([]backend.Statistics, error) {
	m := mode{kind: deriving, rows: e.trainedRows()} // for which convolutions have room
	nothing := func(int, int, int) error { return nil }
	if err := e.evaluate(ctx, m, backend.TrainPart, backend.InOrder(e.data.Train.Len()), planLength, nothing); err != nil {
		return nil, err
	}
	means, err := e.pullOfWeights(ofWeighed)
	if err != nil {
		return nil, err
	}
	s, err := e.Pull()
	if err != nil {
		return nil, err
	}
	var all []backend.Statistics
	for _, p := range e.graph.Masked() {
		all = append(all, backend.OfWeights(s.Network.Parameters[p], s.Network.Masks[p], widen(means[p])))
	}
	return all, nil
}
