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
	if move.Update != backend.HardConcrete {
		movePlayers(statistics, move, step, g.participation, g.firstSlope, g.secondSlope)
		return
	}
	s := statistics.Participation
	gates := game.Gates{LogAlpha: convert[float64](g.firstSlope), Price: convert[float64](g.secondSlope)}
	draw := random.New(move.Seed, random.Gating, uint32(step), uint32(gate))
	u := make([]float64, len(s))
	for i := range u {
		u[i] = draw.Inner()
	}
	move.Game.AscendGates(statistics.Field(move.Game), s, gates, u, move.Rate)
	copy(g.firstSlope, convert[T](gates.LogAlpha))
	copy(g.participation, convert[T](s))
}

// playWeights moves the participations of the weights of a group once, as playPaper does, with
// the contributions that contributeWeights left.
func (e *engine[T]) playWeights(g *group[T], move *backend.PaperMove, step int) {
	players := len(g.mask)
	var competition []float64
	if move.Game.Eta != 0 {
		competition = game.Competition(g.theta[:players], g.mask)
	}
	inChunks(players, numbersPerChunk, func(_, low, high int) {
		statistics := backend.Statistics{
			Participation: convert[float64](g.mask[low:high]), MeanContribution: convert[float64](g.measured[low:high]),
		}
		for _, w := range g.theta[low:high] {
			statistics.SquaredNorm = append(statistics.SquaredNorm, float64(w)*float64(w))
		}
		if competition != nil {
			statistics.Competition = competition[low:high]
		}
		movePlayers(statistics, move, step, g.mask[low:high], g.firstSlope[low:high], g.secondSlope[low:high])
	})
}

// movePlayers moves participations once, from their statistics, and the moments of slopes.
func movePlayers[T real](statistics backend.Statistics, move *backend.PaperMove, step int, participation, firstSlope, secondSlope []T) {
	field, s := statistics.Field(move.Game), statistics.Participation
	switch move.Update {
	case backend.BestResponse:
		move.Game.Respond(field, s, move.Rate)
	case backend.AdamAscent:
		moments := game.Moments{First: convert[float64](firstSlope), Second: convert[float64](secondSlope)}
		move.Game.AscendAdam(field, s, moments, step, move.Rate)
		copy(firstSlope, convert[T](moments.First))
		copy(secondSlope, convert[T](moments.Second))
	default:
		move.Game.Ascend(field, s, move.Rate)
	}
	copy(participation, convert[T](s))
}

// charge adds to the gradients what the players of a gate pay for theta.
func (e *engine[T]) charge(gate int, g game.Paper) {
	for _, p := range e.graph.Owned(gate) {
		group, i := e.placeOf(p)
		game.AddCostGradient(group.of(group.gradient, i), g, group.of(group.theta, i), e.gates[gate].participation)
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
