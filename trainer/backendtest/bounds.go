package backendtest

import (
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// The bounds follow the arithmetic of one step from the inputs to the updated
// weights: a sum of n products is off by gamma_n of the sum of their magnitudes,
// in any order of summation, and errors of its operands pass through it. Values and
// bounds through the network are those of [network.Values]; what comes before and
// after it is worked out here. The reference's own roundings, 2^-53, are negligible.

// gamma returns gamma_n for the candidate's unit roundoff.
func (s *session) gamma(n int) float64 { return network.Roundings(n, s.unit) }

// bounded is numbers with a bound for each.
type bounded struct{ values, entries []float64 }

func newBounded(n int) bounded { return bounded{make([]float64, n), make([]float64, n)} }

// forward evaluates the state's network for samples.
func (s *session) forward(samples dataset.Samples, order []int32) *network.Pass {
	input := s.input(samples, order)
	return s.start.Network.Values().ForwardWithin(input.values, len(order), s.unit, input.entries)
}

// training computes it as a training step does.
func (s *session) training(samples dataset.Samples, order []int32) *network.Pass {
	input := s.input(samples, order)
	if s.Augmentation != (dataset.Augmentation{}) {
		shape := [3]int(s.start.Network.Nodes[0].Shape)
		outside, size := make([]float64, shape[0]), network.Shape(shape[:]).Size()
		for b := range order {
			move := s.Augmentation.Move(drawSeed, uint32(s.start.Steps+1), uint32(b))
			for _, v := range [][]float64{input.values[b*size:][:size], input.entries[b*size:][:size]} {
				dataset.Apply(move, v, slices.Clone(v), shape, outside)
			}
		}
	}
	return s.start.Network.Values().Training(input.values, len(order), network.Draws{Seed: drawSeed, Step: s.start.Steps + 1}, s.unit, input.entries)
}

// drawSeed names what engines draw in training steps.
const drawSeed = 5

// input returns the network's inputs for samples.
func (s *session) input(samples dataset.Samples, order []int32) bounded {
	d, g := s.data, s.start.Network.Graph
	features := g.Input().Features()
	if features == nil {
		features = network.Indices(samples.Features)
	}
	input := newBounded(len(order) * len(features))
	for b, sample := range order {
		for i, j := range features {
			x := samples.At(int(sample)*samples.Features + j)
			at := b*len(features) + i
			mean, deviation := d.Normalisation(d.Channel(j))
			input.values[at] = (x - mean) / deviation
			input.entries[at] = 4 * s.unit * (math.Abs(x) + math.Abs(mean)) / deviation
		}
	}
	return input
}

// outputs returns the outputs of a pass.
func outputs(p *network.Pass) bounded {
	last := len(p.Nodes) - 1
	return bounded{p.After[last], p.Bounds[last]}
}

// gradients is what a backward pass leaves.
type gradients struct {
	*network.Gradients
	bounds *network.Gradients
	// mean and square are the contributions, c_b = B dL/ds of the mean loss, averaged over
	// the batch, and their squares, by gate.
	mean, square []bounded
}

func (s *session) backward(p *network.Pass, derivative bounded) gradients {
	var g gradients
	g.Gradients, g.bounds = p.Backward(derivative.values, derivative.entries)
	batch := float64(p.Rows)
	for i, gate := range p.Graph.Gates {
		mean, square := newBounded(gate.Players), newBounded(gate.Players)
		for b := range p.Rows {
			for player := range gate.Players {
				at := b*gate.Players + player
				c := batch * g.Contributions[i][at]
				size := math.Abs(c)
				e := batch*g.bounds.Contributions[i][at] + 4*s.unit*size
				mean.values[player] += c / batch
				mean.entries[player] += (e + s.gamma(p.Rows+2)*(size+e)) / batch
				square.values[player] += c * c / batch
				square.entries[player] += (2*size*e + e*e + s.gamma(p.Rows+3)*(size+e)*(size+e)) / batch
			}
		}
		g.mean, g.square = append(g.mean, mean), append(g.square, square)
	}
	return g
}

// stepBounds returns a bound for every tensor that a probe names, and what it has
// to be, computed here and by no backend.
func (s *session) stepBounds() (bounds, expected map[string][]float64) {
	return s.stepBoundsOf(game.Paper{})
}

// stepBoundsOf does so of a step in which theta pays its cost in a game. The gradients are
// those that the costs are added to.
func (s *session) stepBoundsOf(paid game.Paper) (bounds, expected map[string][]float64) {
	train, order := s.data.Train, s.order()
	p := s.training(train, order)
	answers := answersOf(train, order)
	derivative, lossBound := s.lossDerivative(s.Loss, p, answers)
	bounds, expected = map[string][]float64{}, map[string][]float64{}
	note := func(name string, values, entries []float64) { expected[name], bounds[name] = values, entries }
	note("input", p.Before[0], p.BeforeBounds[0])
	note("loss", []float64{s.meanLoss(s.Loss, p, answers)}, []float64{lossBound})
	g := s.backward(p, derivative)
	for _, stage := range p.Stages() {
		note(p.Nodes[stage.Out()].Name+".output", p.After[stage.Out()], p.Bounds[stage.Out()])
		name := p.Nodes[stage.Node].Name
		note(name+".derivative", g.Before[stage.Node], g.bounds.Before[stage.Node])
		note(name+".affine", p.Before[stage.Node], p.BeforeBounds[stage.Node])
	}
	for i, gate := range p.Graph.Gates {
		name := "gate." + gate.Name
		note(name+".contribution.mean", g.mean[i].values, g.mean[i].entries)
		note(name+".contribution.square", g.square[i].values, g.square[i].entries)
	}
	var gradient []bounded
	for i, param := range p.Graph.Params {
		if param.Statistic {
			note(param.Name, p.Statistics[i], p.StatisticBounds[i])
			gradient = append(gradient, bounded{})
			continue
		}
		b := bounded{g.Parameters[i], g.bounds.Parameters[i]}
		s.maskGradient(i, b)
		note("gradient."+param.Name, append([]float64{}, b.values...), append([]float64{}, b.entries...))
		gradient = append(gradient, b)
	}
	s.charge(gradient, paid)
	s.clip(gradient)
	for i, b := range gradient {
		if !p.Graph.Params[i].Statistic {
			s.updates(i, b, note)
		}
	}
	return bounds, expected
}

// meanLoss returns the mean loss of a forward pass.
func (s *session) meanLoss(l backend.Loss, p *network.Pass, a answers) float64 {
	mean := 0.
	for b := range p.Rows {
		loss, _ := a.lossOf(l, b, p.Output(b))
		mean += loss / float64(p.Rows)
	}
	return mean
}

// expectedStatistics is what the statistics of one gate have to be, with bounds.
type expectedStatistics struct{ mean, square, norm, competition bounded }

// target returns the derivative of what contributions are taken to.
func (s *session) target(p *network.Pass, order []int32) bounded {
	if s.valuation.ByOutputs() {
		return s.outputDerivative(p)
	}
	derivative, _ := s.lossDerivative(s.Loss, p, answersOf(s.data.Train, order))
	return derivative
}

// statistics works out what Measure has to find over the whole training part, of gates and of
// weights that play the paper's game.
func (s *session) statistics() []expectedStatistics {
	order := backend.InOrder(s.data.Train.Len())
	p := s.forward(s.data.Train, order)
	g := s.backward(p, s.target(p, order))
	var all []expectedStatistics
	for i, gate := range p.Graph.Gates {
		e := expectedStatistics{g.mean[i], g.square[i], newBounded(gate.Players), newBounded(gate.Players)}
		theta := s.theta(i)
		sizes := s.competitionSizes(i)
		for player := range gate.Players {
			e.norm.values[player] = inner(theta[player], theta[player])
			e.norm.entries[player] = s.gamma(len(theta[player])+2) * e.norm.values[player]
			for j, participation := range s.start.Network.Participations[i] {
				if j != player {
					e.competition.values[player] += float64(participation) * inner(theta[player], theta[j])
				}
			}
			e.competition.entries[player] = sizes[player] * s.unit
		}
		all = append(all, e)
	}
	if s.Soft {
		for i, mean := range s.timesTheta(g) {
			all = append(all, s.weightStatistics(s.start.Network.Masked()[i], mean, len(order)))
		}
	}
	return all
}

// theta returns what each player of a gate owns, as one vector.
func (s *session) theta(gate int) [][]float64 {
	n := s.start.Network
	theta := make([][]float64, n.Gates[gate].Players)
	for _, p := range n.Owned(gate) {
		for player := range theta {
			width := len(n.Parameters[p]) / len(theta)
			theta[player] = append(theta[player], widen(n.Parameters[p][player*width:][:width])...)
		}
	}
	return theta
}

// The loops of this file run in one goroutine on data of their own. Under the race
// detector they would take most of a comparison's time, so it leaves them out.

// inner returns <a, b>.
//
//go:norace
//go:nocheckptr
func inner(a, b []float64) float64 {
	sum := 0.
	for k, x := range a {
		sum += x * b[k]
	}
	return sum
}

// competitionSizes bounds the error of the competition of each player of a gate, in units
// roundoff: <theta_i, v> - s_i |theta_i|^2 with v = sum of s_j theta_j takes as
// many operations as there are players and numbers in theta, on the sum of all
// magnitudes.
//
//go:norace
//go:nocheckptr
func (s *session) competitionSizes(gate int) []float64 {
	theta := s.theta(gate)
	sizes := make([]float64, len(theta))
	for player, own := range theta {
		for j, participation := range s.start.Network.Participations[gate] {
			product := 0.
			for k, x := range own {
				product += math.Abs(x * theta[j][k])
			}
			sizes[player] += float64(participation) * product
		}
		sizes[player] *= 2 * float64(len(theta)+len(own)+3)
	}
	return sizes
}
