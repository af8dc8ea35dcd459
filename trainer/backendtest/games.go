package backendtest

import (
	"context"
	"fmt"
	"math"

	"nashprune/game"
	"nashprune/trainer/backend"
)

// movePaper compares one move in every reading of the paper's game, with a
// learning rate of zero so that the weights stay, against the move that package
// game makes of the candidate's own contributions.
func (s *session) movePaper() error {
	for i, benefit := range game.Benefits {
		for j, update := range []backend.PaperUpdate{backend.GradientAscent, backend.AdamAscent, backend.BestResponse} {
			move := backend.PaperMove{
				Game:   game.Paper{Benefit: benefit, Gradient: game.BenefitGradients[(i+j)%2], Alpha: 1.5, Beta: 0.02, Gamma: 0.01, Eta: 0.005},
				Update: update, Rate: 0.5,
			}
			if err := s.movePaperOnce(fmt.Sprintf("%s/%s/%s", benefit, move.Game.Gradient, update), move); err != nil {
				return err
			}
		}
	}
	return s.movePaperOnce("steep", backend.PaperMove{
		Game:   game.Paper{Benefit: game.Descent, Gradient: game.OfEffective, Alpha: steepAlpha},
		Update: backend.AdamAscent, Rate: 0.5,
	})
}

// steepAlpha makes most slopes steeper than [game.AscentLimit], and their squares more
// than float32 holds.
const steepAlpha = 1e24

func (s *session) movePaperOnce(reading string, move backend.PaperMove) error {
	var contributions map[string][]float64
	err := s.with(s.candidate, func(candidate backend.Engine) error {
		tensors, err := candidate.Probe(s.order(), 0)
		contributions = map[string][]float64{}
		for _, t := range tensors {
			contributions[t.Name] = t.Values
		}
		return err
	})
	if err != nil {
		return err
	}
	weights := s.contributionsOfWeights()
	return s.with(s.candidate, func(candidate backend.Engine) error {
		before, err := candidate.Measure(context.Background())
		if err != nil {
			return err
		}
		if len(before) != len(s.start.Slopes) {
			return fmt.Errorf("statistics of %d gates and tensors, and there are %d", len(before), len(s.start.Slopes))
		}
		stretch := backend.Stretch{Order: s.order(), LearningRates: []float64{0}, Paper: &move}
		if _, err := candidate.Train(context.Background(), stretch); err != nil {
			return err
		}
		after, err := candidate.Participations()
		if err != nil {
			return err
		}
		state, err := candidate.Pull()
		if err != nil {
			return err
		}
		var (
			got, want, bounds []float64
			moments           momentCheck
		)
		for l, layer := range before {
			var ofContribution, sizes []float64 // bounds
			if gates := len(s.start.Network.Gates); l < gates {
				layer.MeanContribution = contributions["gate."+s.start.Network.Gates[l].Name+".contribution.mean"]
				ofContribution, sizes = make([]float64, len(layer.MeanContribution)), s.competitionSizes(l)
			} else {
				layer.MeanContribution, ofContribution = weights[l-gates].values, weights[l-gates].entries
				sizes = s.weightCompetitionSizes(s.start.Network.Masked()[l-gates])
			}
			field := layer.Field(move.Game)
			moved := append([]float64{}, layer.Participation...)
			old := s.start.Slopes[l]
			slopes := game.Moments{First: widen(old.First), Second: widen(old.Second)}
			switch move.Update {
			case backend.BestResponse:
				move.Game.Respond(field, moved, move.Rate)
			case backend.AdamAscent:
				move.Game.AscendAdam(field, moved, slopes, s.start.Steps+1, move.Rate)
			default:
				move.Game.Ascend(field, moved, move.Rate)
			}
			moments.got = append(append(moments.got, widen(state.Slopes[l].First)...), widen(state.Slopes[l].Second)...)
			moments.want = append(append(moments.want, slopes.First...), slopes.Second...)
			var firsts, seconds []float64 // bounds of the moments
			for i := range moved {
				got, want = append(got, after[l][i]), append(want, moved[i])
				// The slope is a sum of terms, each with a few roundings; the
				// competition among them is itself a long sum, whose roundings grow
				// with its length.
				terms := math.Abs(move.Game.BenefitOf(field, i, 1)) + move.Game.Gamma +
					move.Game.Eta*math.Abs(field.Competition[i]) + move.Game.Beta*field.SquaredNorm[i]
				slope := (8*terms+move.Game.Eta*sizes[i])*s.unit + move.Game.Alpha*ofContribution[i]
				bound := s.unit + move.Rate*slope
				if steepness := math.Abs(move.Game.Slope(field, i, layer.Participation[i])); steepness-slope > game.AscentLimit {
					slope = 0 // ascent by Adam limits any such slope
				}
				first, second := s.slopeBounds(move, field, i, layer.Participation[i], slope, slopes)
				switch move.Update {
				case backend.BestResponse:
					bound = 4*s.unit + move.Rate*min(1, slope/(2*move.Game.Beta*field.SquaredNorm[i]))
				case backend.AdamAscent:
					bound = s.unit + move.Rate*s.directionBound(slopes.First[i], slopes.Second[i], first, second)
				}
				bounds = append(bounds, bound)
				firsts, seconds = append(firsts, first), append(seconds, second)
			}
			moments.bounds = append(append(moments.bounds, firsts...), seconds...)
		}
		name := "paper move/" + reading
		s.compare(name, got, want, bounds)
		s.compare(name+"/moments", moments.got, moments.want, moments.bounds)
		return nil
	})
}

// contributionsOfWeights returns mean c = theta dL/d(s theta) over the batch that is probed, of
// the weights of each parameter that play the paper's game.
func (s *session) contributionsOfWeights() []bounded {
	if !s.Soft {
		return nil
	}
	p := s.training(s.data.Train, s.order())
	derivative, _ := s.lossDerivative(s.Loss, p, answersOf(s.data.Train, s.order()))
	g := s.backward(p, derivative)
	return s.timesTheta(g)
}

// timesTheta returns the gradients of weights that are players times what is trained of them.
func (s *session) timesTheta(g gradients) []bounded {
	var all []bounded
	for _, p := range s.start.Network.Masked() {
		c := newBounded(len(g.Parameters[p]))
		for i, w := range widen(s.start.Network.Parameters[p]) {
			c.values[i] = w * g.Parameters[p][i]
			c.entries[i] = math.Abs(w)*g.bounds.Parameters[p][i] + 4*s.unit*math.Abs(c.values[i])
		}
		all = append(all, c)
	}
	return all
}

// weightStatistics works out the statistics of the weights of a parameter, from contributions
// over so many samples. A mean that moves from batch to batch takes three roundings a batch
// more than the sum over all samples, one of which each sample has.
func (s *session) weightStatistics(p int, mean bounded, samples int) expectedStatistics {
	theta, masks := widen(s.start.Network.Parameters[p]), s.start.Network.Masks[p]
	e := expectedStatistics{mean: mean, norm: newBounded(len(theta)), competition: newBounded(len(theta))}
	total := 0.
	for j, participation := range masks {
		total += float64(participation) * theta[j]
	}
	sizes := s.weightCompetitionSizes(p)
	for i, w := range theta {
		mean.entries[i] *= 1 + float64(momentRoundings+3*samples)/float64(samples)
		e.norm.values[i], e.norm.entries[i] = w*w, 2*s.unit*w*w
		e.competition.values[i] = w * (total - float64(masks[i])*w)
		e.competition.entries[i] = sizes[i] * s.unit
	}
	return e
}

// weightCompetitionSizes is competitionSizes of single weights.
func (s *session) weightCompetitionSizes(p int) []float64 {
	theta, total := widen(s.start.Network.Parameters[p]), 0.
	for j, participation := range s.start.Network.Masks[p] {
		total += float64(participation) * math.Abs(theta[j])
	}
	sizes := make([]float64, len(theta))
	for i, w := range theta {
		sizes[i] = 2 * float64(len(theta)+4) * math.Abs(w) * total
	}
	return sizes
}

// moveAgain checks that steps in which single weights move give the same bits however they are
// divided, also over another engine, and that those of float64 are near.
func (s *session) moveAgain() error {
	if !s.Soft {
		return nil
	}
	whole := s.stretch(4, true)
	whole.Paper = &backend.PaperMove{
		Game:   game.Paper{Benefit: game.Descent, Gradient: game.OfEffective, Alpha: 1, Beta: 0.1, Gamma: 1e-3, Eta: 1e-3},
		Update: backend.AdamAscent, Rate: 0.05,
	}
	train := func(b *side, from *backend.State, first, steps int) (end *backend.State, err error) {
		part := whole
		part.LearningRates = whole.LearningRates[first:][:steps]
		part.Order = whole.Order[first*s.Batch : min((first+steps)*s.Batch, len(whole.Order))]
		err = s.with(b, func(e backend.Engine) error {
			if err := e.Push(from); err != nil {
				return err
			}
			if _, err := e.Train(context.Background(), part); err != nil {
				return err
			}
			end, err = e.Pull()
			return err
		})
		return end, err
	}
	want, err := train(s.candidate, s.State(), 0, 4)
	if err != nil {
		return err
	}
	half, err := train(s.candidate, s.State(), 0, 2)
	if err != nil {
		return err
	}
	if err := s.candidate.close(); err != nil {
		return err
	}
	got, err := train(s.candidate, half, 2, 2)
	if err != nil {
		return err
	}
	s.exactly("moves of weights/divided", got, want)
	reference, err := train(s.reference, s.State(), 0, 4)
	if err != nil {
		return err
	}
	for _, p := range s.start.Network.Masked() {
		name := s.start.Network.Params[p].Name
		end, start := widen(reference.Network.Masks[p]), widen(s.start.Network.Masks[p])
		s.compare("moves of weights/"+name, []float64{distance(widen(want.Network.Masks[p]), end)}, []float64{0}, []float64{trajectoryTolerance * distance(start, end)})
	}
	return nil
}

// momentCheck collects the moments of all players' slopes.
type momentCheck struct{ got, want, bounds []float64 }

// slopeBounds bounds the moments after a move, given the error of the slope; other
// moves than ascent by Adam leave them alone.
func (s *session) slopeBounds(move backend.PaperMove, f game.Field, i int, at, slope float64, moments game.Moments) (first, second float64) {
	if move.Update != backend.AdamAscent {
		return 0, 0
	}
	// Each moment takes a sum, a product and a difference, and the share 1 - beta is
	// off by u, relative to it; the second takes a square, too.
	d := min(math.Abs(move.Game.Slope(f, i, at)), game.AscentLimit)
	first = (1-game.AscentBeta1)*slope + 4*s.unit*(math.Abs(moments.First[i])+d)
	second = (1-game.AscentBeta2)*(2*d+slope)*slope + 4*s.unit*(moments.Second[i]+d*d)
	return first, second
}

// directionBound bounds the error of m' / (sqrt(v') + epsilon), with the moments
// corrected for their start, from errors of the moments: it is that of m over the
// root, and half the relative error of v, with roundings of its own. Vulkan grants a
// quotient 2.5 units in the last place and a root, as that of an inverse, 4.5, each of
// two roundings: 5 u for m', half of that for v', 9 u for the root and 5 u for the
// quotient.
func (s *session) directionBound(m, v, ofFirst, ofSecond float64) float64 {
	t := float64(s.start.Steps + 1)
	first, second := 1-math.Pow(game.AscentBeta1, t), 1-math.Pow(game.AscentBeta2, t)
	root := math.Sqrt(v / second)
	return ofFirst/first/root + math.Abs(m)/first/root*(ofSecond/v+24*s.unit)
}

// payJointly compares the moments and parameters after a step in which theta pays its cost
// with what the suite works out. The players stay where they are.
func (s *session) payJointly() error {
	joint := *s
	joint.joint = true
	move := backend.PaperMove{Game: game.Paper{Alpha: 1, Beta: 0.3, Gamma: 0.1, Eta: 0.2}, Update: backend.GradientAscent}
	bounds, expected := s.stepBoundsOf(move.Game)
	return joint.engines(func(reference, candidate backend.Engine) error {
		for side, e := range []backend.Engine{candidate, reference} {
			stretch := backend.Stretch{Order: s.order(), LearningRates: []float64{s.LearningRate}, Paper: &move}
			if _, err := e.Train(context.Background(), stretch); err != nil {
				return err
			}
			state, err := e.Pull()
			if err != nil {
				return err
			}
			for _, sort := range []struct {
				prefix  string
				tensors [][]float32
			}{{"", state.Network.Parameters}, {"first.", state.First}, {"second.", state.Second}} {
				for p, v := range sort.tensors {
					tensor := sort.prefix + s.start.Network.Params[p].Name
					if s.start.Network.Params[p].Statistic && sort.prefix != "" {
						continue // moments that no step moves, see transfer
					}
					// What is pulled is float32 on both sides.
					within := append([]float64{}, bounds[tensor]...)
					for i, x := range expected[tensor] {
						within[i] += 0x1p-24 * math.Abs(x)
					}
					s.compare([]string{"joint/", "reference joint/"}[side]+tensor, widen(v), expected[tensor], within)
				}
			}
		}
		return nil
	})
}

// charge adds to gradients what each player pays for theta, term by term.
func (s *session) charge(gradient []bounded, g game.Paper) {
	if g == (game.Paper{}) {
		return
	}
	n := s.start.Network
	for p, participations := range n.Masks {
		if !s.Soft {
			continue
		}
		total, size := 0., 0. // eta v, and the sum of its magnitudes
		for j, s := range participations {
			term := g.Eta * float64(s) * float64(n.Parameters[p][j])
			total += term
			size += math.Abs(term)
		}
		for i, participation := range participations {
			own, w := float64(participation), float64(n.Parameters[p][i])
			cost := own * ((2*g.Beta-g.Eta)*own*w + total)
			terms := own * (2*size + math.Abs(2*g.Beta*own*w))
			gradient[p].values[i] += cost
			gradient[p].entries[i] += s.gamma(len(participations)+8)*terms + s.unit*(math.Abs(gradient[p].values[i])+terms)
		}
	}
	for gate, participations := range n.Participations {
		for _, p := range n.Owned(gate) {
			v := n.Parameters[p]
			width := len(v) / max(1, len(participations))
			for at := range v {
				i, k := at/width, at%width
				cost, size := 2*g.Beta*float64(participations[i])*float64(v[at]), 0.
				for j, s := range participations {
					term := g.Eta * float64(s) * float64(v[j*width+k])
					size += math.Abs(term)
					if j != i {
						cost += term
					}
				}
				own := float64(participations[i])
				size = own * (2*size + math.Abs(2*g.Beta*own*float64(v[at])))
				gradient[p].values[at] += own * cost
				gradient[p].entries[at] += s.gamma(len(participations)+8)*size + s.unit*(math.Abs(gradient[p].values[at])+size)
			}
		}
	}
}
