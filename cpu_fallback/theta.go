package cpufallback

import (
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/random"
)

// playPaper moves the participations of a gate once in the paper's game, with
// the gradient of the last batch, in the given step of the optimiser.
func (e *engine[T]) playPaper(gate int, move *backend.PaperMove, step int) {
	g := e.gates[gate]
	statistics := backend.Statistics{
		Participation:    convert[float64](g.participation),
		MeanContribution: convert[float64](g.batchMean),
	}
	e.measureTheta(gate, &statistics, move.Game.Eta != 0)
	field, s := statistics.Field(move.Game), statistics.Participation
	switch move.Update {
	case backend.BestResponse:
		move.Game.Respond(field, s, move.Rate)
	case backend.AdamAscent:
		moments := game.Moments{First: convert[float64](g.firstSlope), Second: convert[float64](g.secondSlope)}
		move.Game.AscendAdam(field, s, moments, step, move.Rate)
		g.firstSlope, g.secondSlope = convert[T](moments.First), convert[T](moments.Second)
	case backend.HardConcrete:
		gates := game.Gates{LogAlpha: convert[float64](g.firstSlope), Price: convert[float64](g.secondSlope)}
		draw := random.New(move.Seed, random.Gating, uint32(step), uint32(gate))
		u := make([]float64, len(s))
		for i := range u {
			u[i] = draw.Inner()
		}
		move.Game.AscendGates(field, s, gates, u, move.Rate)
		g.firstSlope = convert[T](gates.LogAlpha)
	default:
		move.Game.Ascend(field, s, move.Rate)
	}
	for i := range s {
		g.participation[i] = T(s[i])
	}
}

// charge adds to the gradients what the players of a gate pay for theta.
func (e *engine[T]) charge(gate int, g game.Paper) {
	for _, p := range e.graph.Owned(gate) {
		group, i := e.placeOf(p)
		game.AddCostGradient(group.of(group.gradient, i), g, group.of(group.parameters, i), e.gates[gate].participation)
	}
}

// measureTheta fills in what the statistics say of theta, the rows that each player owns:
// the squared norms and, if asked for, the competition. Players that own nothing have none.
func (e *engine[T]) measureTheta(gate int, s *backend.Statistics, competition bool) {
	participation := e.gates[gate].participation
	s.SquaredNorm = make([]float64, len(participation))
	if competition {
		s.Competition = make([]float64, len(participation))
	}
	owned := e.graph.Owned(gate)
	for k := len(owned) - 1; k >= 0; k-- { // biases before weights
		v := e.parameter(owned[k])
		if len(participation) == 0 {
			continue
		}
		width := len(v) / len(participation)
		inChunks(len(participation), rowsPerChunk, func(_, low, high int) {
			for i := low; i < high; i++ {
				for _, w := range v[i*width:][:width] {
					s.SquaredNorm[i] += float64(w) * float64(w)
				}
			}
		})
	}
	if !competition {
		return
	}
	for _, p := range owned {
		for i, r := range game.Competition(e.parameter(p), participation) {
			s.Competition[i] += r
		}
	}
}
