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
		room := make([]float64, 2*len(g.participation))
		first, second := room[:len(g.participation)], room[len(g.participation):]
		movePlayers(statistics.Field(move.Game), statistics.Participation, move, step, g.participation, g.firstSlope, g.secondSlope, first, second)
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
	effective := move.Game.Gradient == game.OfEffective
	var competition []float64
	if move.Game.Eta != 0 {
		competition = game.Competition(g.theta[:players], g.mask)
	}
	inChunks(players, numbersPerChunk, func(_, low, high int) {
		var field game.Field
		block := make([]float64, 5*weightsAtATime)
		for ; low < high; low += weightsAtATime {
			end := min(low+weightsAtATime, high)
			row := func(i int) []float64 { return block[i*weightsAtATime:][:end-low] }
			s, c, theta := row(0), g.measured[low:end], g.theta[low:end]
			field.Gradient, field.SquaredNorm = row(1), row(2)
			for i, participation := range g.mask[low:end] {
				s[i] = float64(participation)
				if field.Gradient[i] = float64(c[i]); !effective { // [game.Paper.GradientOf], of all at once
					field.Gradient[i] *= s[i]
				}
				field.SquaredNorm[i] = float64(theta[i]) * float64(theta[i])
			}
			if competition != nil {
				field.Competition = competition[low:end]
			}
			movePlayers(field, s, move, step, g.mask[low:end], g.firstSlope[low:end], g.secondSlope[low:end], row(3), row(4))
		}
	})
}

// weightsAtATime is how many weights move at a time: few enough that what is known of them stays
// in a core's nearest cache.
const weightsAtATime = 512

// widen writes numbers in float64.
func widen[T real](to []float64, v []T) []float64 {
	for i, x := range v {
		to[i] = float64(x)
	}
	return to
}

// narrow is its inverse.
func narrow[T real](to []T, v []float64) {
	for i, x := range v {
		to[i] = T(x)
	}
}

// movePlayers moves players that participate with s once, and the moments of their slopes, for
// which there is room.
func movePlayers[T real](field game.Field, s []float64, move *backend.PaperMove, step int, participation, firstSlope, secondSlope []T, first, second []float64) {
	switch move.Update {
	case backend.BestResponse:
		move.Game.Respond(field, s, move.Rate)
	case backend.AdamAscent:
		moments := game.Moments{First: widen(first, firstSlope), Second: widen(second, secondSlope)}
		move.Game.AscendAdam(field, s, moments, step, move.Rate)
		narrow(firstSlope, moments.First)
		narrow(secondSlope, moments.Second)
	default:
		move.Game.Ascend(field, s, move.Rate)
	}
	narrow(participation, s)
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
