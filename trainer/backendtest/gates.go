package backendtest

import (
	"context"
	"math"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/random"
)

// gateMove moves gates that are drawn by all terms of the game, fast enough that some
// cross their edges.
var gateMove = backend.PaperMove{
	Game:   game.Paper{Benefit: game.Descent, Gradient: game.OfEffective, Alpha: 3, Beta: 0.02, Gamma: 0.05, Eta: 0.005},
	Update: backend.HardConcrete, Rate: 2, Seed: 0x1234_5678_9abc_def0,
}

// gated returns the session at a state whose log alphas lie between -6 and 6, with prices
// of both signs.
func (s *session) gated() *session {
	g := *s
	g.start = s.State()
	for _, gate := range g.start.Slopes {
		for i := range gate.First {
			gate.First[i] = float32(12*float64((i*7)%19)/18 - 6)
			gate.Second[i] = 0.03 * float32(i%5-2)
		}
	}
	return &g
}

// drawGates compares a step of gates that are drawn, on both sides, with the equations of
// arXiv:1712.01312 as they stand there, and checks that steps give the same bits however
// they are divided and from whatever engine they go on.
func (s *session) drawGates() error {
	if s.Soft { // weights have none
		return nil
	}
	g := s.gated()
	for i, b := range []*side{g.candidate, g.reference} {
		name, unit := "gates drawn/", s.unit
		if i == 1 {
			name, unit = "reference gates drawn/", 0x1p-53
		}
		if err := g.drawOnce(name, b, unit); err != nil {
			return err
		}
	}
	return g.drawAgain()
}

func (s *session) drawOnce(name string, b *side, unit float64) error {
	return s.with(b, func(e backend.Engine) error {
		before, err := e.Measure(context.Background())
		if err != nil {
			return err
		}
		contributions, err := e.Probe(s.order(), 0)
		if err != nil {
			return err
		}
		if err := e.Push(s.State()); err != nil {
			return err
		}
		stretch := backend.Stretch{Order: s.order(), LearningRates: []float64{0}, Paper: &gateMove}
		if _, err := e.Train(context.Background(), stretch); err != nil {
			return err
		}
		after, err := e.Participations()
		if err != nil {
			return err
		}
		state, err := e.Pull()
		if err != nil {
			return err
		}
		var got, want, bounds, prices, oldPrices []float64
		for l, layer := range before {
			for _, t := range contributions {
				if t.Name == "gate."+s.start.Network.Gates[l].Name+".contribution.mean" {
					layer.MeanContribution = t.Values
				}
			}
			sizes := s.competitionSizes(l)
			for i := range layer.Participation {
				d := s.drawnGate(l, i, layer, sizes[i], unit)
				got = append(got, after[l][i], float64(state.Slopes[l].First[i]))
				want = append(want, d.gate, d.logAlpha)
				// What is pulled is float32 on both sides.
				bounds = append(bounds, d.gateBound, d.logAlphaBound+0x1p-24*math.Abs(d.logAlpha))
			}
			prices = append(prices, widen(state.Slopes[l].Second)...)
			oldPrices = append(oldPrices, widen(s.start.Slopes[l].Second)...)
		}
		s.compare(name+"gates and log alphas", got, want, bounds)
		s.compare(name+"prices", prices, oldPrices, make([]float64, len(prices)))
		return nil
	})
}

// drawnGate is a gate after a step, with bounds.
type drawnGate struct{ gate, logAlpha, gateBound, logAlphaBound float64 }

// drawnGate works out player i of gate l after the step, for arithmetic of a unit roundoff u.
// Vulkan grants a quotient 2.5 units in the last place, 5 u; exp(x) 3 + 2|x| of them, twice as
// many u; log 3, or 2^-21 = 8 u between 0.5 and 2, where it is small.
func (s *session) drawnGate(l, i int, statistics backend.Statistics, competitionSize, u float64) drawnGate {
	const beta, gamma, zeta = 2. / 3, -0.1, 1.1
	abs := math.Abs
	m := gateMove.Game
	at, norm, competition := statistics.Participation[i], statistics.SquaredNorm[i], statistics.Competition[i]
	benefit, rivals, size := -m.Alpha*statistics.MeanContribution[i], m.Eta*competition, 2*m.Beta*norm*at
	slope := benefit - rivals - size
	slopeBound := (8*(abs(benefit)+abs(rivals)+size) + m.Eta*competitionSize) * u

	derivative := 0. // ds/dlog alpha; its bound has 8 u for q, and that twice in q (1 - q)
	if at > 0 && at < 1 {
		q := (at - gamma) / (zeta - gamma)
		derivative = (zeta - gamma) / beta * q * (1 - q)
	}
	derivativeBound := 40 * u
	if derivative == 0 {
		derivativeBound = 0
	}

	old, price := float64(s.start.Slopes[l].First[i]), m.Gamma+float64(s.start.Slopes[l].Second[i])
	z := old - beta*math.Log(-gamma/zeta)
	open := 1 / (1 + math.Exp(-z))
	toll := price * open * (1 - open)
	// e = exp(-|z|) has the errors of z and of exp, and e / (1 + e)^2 at most thrice those.
	tollBound := abs(toll)*(48+24*abs(z))*u + 4*u*m.Gamma*open*(1-open)

	var d drawnGate
	move := gateMove.Rate * (slope*derivative - toll)
	d.logAlpha = old + move
	d.logAlphaBound = gateMove.Rate*(slopeBound*derivative+(abs(slope)+slopeBound)*derivativeBound+tollBound+
		4*u*(abs(slope*derivative)+abs(toll))) + 2*u*(abs(old)+abs(d.logAlpha))

	// The number of the player: word i of the stream.
	seed := gateMove.Seed
	words := random.Block([4]uint32{uint32(i / 4), uint32(random.Gating), uint32(s.start.Steps + 1), uint32(l)}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	uniform := (float64(words[i%4]>>9) + 0.5) / (1 << 23)
	up, down := math.Log(uniform), math.Log(1-uniform)
	x := (up - down + d.logAlpha) / beta
	d.gate = min(max((zeta-gamma)/(1+math.Exp(-x))+gamma, 0), 1)
	xBound := 1.5*(6*u*(abs(up)+abs(down))+16*u+2*u*(abs(up-down)+abs(d.logAlpha))+d.logAlphaBound) + 6*u*abs(x)
	// A sigmoid is a quarter as steep at most, and |x| <= 4 where the gate is not cut off.
	d.gateBound = (zeta-gamma)*((xBound+22*u)/4+8*u) + 4*u
	return d
}

// drawAgain runs a few steps at once, and in two parts with the state pulled and pushed
// to another engine in between.
func (s *session) drawAgain() error {
	const steps, first = 5, 2
	whole := s.stretch(steps, true)
	whole.Paper = &gateMove
	head, tail := whole, whole
	head.Order, tail.Order = whole.Order[:first*s.Batch], whole.Order[first*s.Batch:]
	head.LearningRates, tail.LearningRates = whole.LearningRates[:first], whole.LearningRates[first:]
	var want, between, got *backend.State
	train := func(e backend.Engine, stretch backend.Stretch, to **backend.State) error {
		_, err := e.Train(context.Background(), stretch)
		if err == nil {
			*to, err = e.Pull()
		}
		return err
	}
	err := s.with(s.candidate, func(e backend.Engine) error { return train(e, whole, &want) })
	if err == nil {
		err = s.with(s.candidate, func(e backend.Engine) error { return train(e, head, &between) })
	}
	if err == nil {
		err = s.candidate.close()
	}
	if err == nil {
		err = s.with(s.candidate, func(e backend.Engine) error {
			if err := e.Push(between); err != nil {
				return err
			}
			return train(e, tail, &got)
		})
	}
	if err != nil {
		return err
	}
	s.exactly("gates drawn/in two parts", got, want)
	return nil
}
