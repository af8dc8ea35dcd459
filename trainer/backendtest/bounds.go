package backendtest

import (
	"fmt"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// The bounds follow the arithmetic of one step from the inputs to the updated
// weights: a sum of n products is off by gamma_n of the sum of their magnitudes,
// gamma_n = n u / (1 - n u), in any order of summation (Higham, Accuracy and
// Stability of Numerical Algorithms, section 3.1), and errors of its operands
// pass through it. The reference's own roundings, 2^-53, are negligible.

// gamma returns gamma_n for the candidate's unit roundoff.
func (s *session) gamma(n int) float64 {
	nu := float64(n) * s.unit
	return nu / (1 - nu)
}

// rows is a matrix with a bound for each of its numbers.
type rows struct {
	columns         int
	values, entries []float64 // entries are the bounds
}

func newRows(n, columns int) rows {
	return rows{columns, make([]float64, n*columns), make([]float64, n*columns)}
}

func (r rows) clone() rows { return rows{r.columns, slices.Clone(r.values), slices.Clone(r.entries)} }

// pass is a forward pass over some samples in float64: of every layer the
// affine part and the output, with bounds for what the candidate may have.
type pass struct {
	samples        int
	affine, output []rows // output[0] is the input; output[l+1] and affine[l] belong to layer l
}

// The loops of this file run in one goroutine on data of their own. Under the race
// detector they would take most of a comparison's time, so it leaves them out.

// forward runs the state's network over samples. It knows the network alone, not
// how a backend computes it.
//
//go:norace
//go:nocheckptr
func (s *session) forward(samples dataset.Samples, order []int32) pass {
	d, n := s.data, s.start.Network
	p := pass{samples: len(order)}
	input := newRows(len(order), s.Inputs)
	for b, sample := range order {
		for j := range s.Inputs {
			x := samples.At(int(sample)*s.Inputs + j)
			i := b*s.Inputs + j
			input.values[i] = (x - d.Mean) / d.Deviation
			input.entries[i] = 4 * s.unit * (math.Abs(x) + math.Abs(d.Mean)) / d.Deviation
		}
	}
	p.output = append(p.output, input)
	for _, layer := range n.Layers {
		below := p.output[len(p.output)-1]
		affine, output := newRows(p.samples, layer.Out), newRows(p.samples, layer.Out)
		gamma := s.gamma(layer.In + 2)
		for b := range p.samples {
			for i := range layer.Out {
				sum, size, inherited := float64(layer.Bias[i]), math.Abs(float64(layer.Bias[i])), 0.
				for j := range layer.In {
					w, x := float64(layer.Weight[i*layer.In+j]), below.values[b*layer.In+j]
					sum += w * x
					size += math.Abs(w * x)
					inherited += math.Abs(w) * below.entries[b*layer.In+j]
				}
				at := b*layer.Out + i
				affine.values[at], affine.entries[at] = sum, gamma*(size+inherited)+inherited
				output.values[at], output.entries[at] = sum, affine.entries[at]
				if layer.Participation != nil {
					z, uncertain := s.gated(layer, i, sum, affine.entries[at])
					output.values[at], output.entries[at] = activate(n.Activation, z), s.activationBound(n.Activation, z, uncertain)
				}
			}
		}
		p.affine, p.output = append(p.affine, affine), append(p.output, output)
	}
	return p
}

// gated returns z = s u of player i, whose u is known to within a bound, with its
// own.
func (s *session) gated(layer network.Linear, i int, u, bound float64) (z, zBound float64) {
	participation := float64(layer.Participation[i])
	return participation * u, participation * (bound + 2*s.unit*(math.Abs(u)+bound))
}

// gradients is what a backward pass leaves of one layer.
type gradients struct {
	derivative   rows // with respect to the affine part
	weight, bias rows
	mean, square rows // contributions, averaged over the batch; of gated layers
}

// backward runs the samples of a forward pass back, layer by layer.
//
//go:norace
//go:nocheckptr
func (s *session) backward(p pass, derivative rows) []gradients {
	n := s.start.Network
	all := make([]gradients, len(n.Layers))
	batch := float64(p.samples)
	for l := len(n.Layers) - 1; l >= 0; l-- {
		layer, below := n.Layers[l], p.output[l]
		g := gradients{
			derivative: newRows(p.samples, layer.Out), weight: newRows(layer.Out, layer.In), bias: newRows(1, layer.Out),
			mean: newRows(1, layer.Out), square: newRows(1, layer.Out),
		}
		for i := range layer.Out {
			for b := range p.samples {
				at := b*layer.Out + i
				d, e := derivative.values[at], derivative.entries[at]
				if layer.Participation != nil {
					u, uncertain := p.affine[l].values[at], p.affine[l].entries[at]
					z, zBound := s.gated(layer, i, u, uncertain)
					slope, slopeBound := s.slope(n.Activation, z, zBound)
					d, e = d*slope, e*(slope+slopeBound)+math.Abs(d)*slopeBound+s.unit*math.Abs(d*slope)
					c := batch * d * u
					ce := batch*(e*(math.Abs(u)+uncertain)+math.Abs(d)*uncertain) + 4*s.unit*math.Abs(c)
					g.mean.values[i] += c / batch
					g.mean.entries[i] += (ce + s.gamma(p.samples+2)*(math.Abs(c)+ce)) / batch
					g.square.values[i] += c * c / batch
					g.square.entries[i] += (2*math.Abs(c)*ce + ce*ce + s.gamma(p.samples+3)*(math.Abs(c)+ce)*(math.Abs(c)+ce)) / batch
					participation := float64(layer.Participation[i])
					d, e = participation*d, participation*(e+s.unit*(math.Abs(d)+e))
				}
				g.derivative.values[at], g.derivative.entries[at] = d, e
				g.bias.values[i] += d
				g.bias.entries[i] += e + s.gamma(p.samples)*(math.Abs(d)+e)
				for j := range layer.In {
					a, ae := below.values[b*layer.In+j], below.entries[b*layer.In+j]
					at := i*layer.In + j
					g.weight.values[at] += d * a
					g.weight.entries[at] += math.Abs(d)*ae + e*math.Abs(a) + e*ae + s.gamma(p.samples+1)*(math.Abs(d)+e)*(math.Abs(a)+ae)
				}
			}
		}
		all[l] = g
		if l == 0 {
			break
		}
		derivative = newRows(p.samples, layer.In)
		for b := range p.samples {
			for i := range layer.Out {
				d, e := g.derivative.values[b*layer.Out+i], g.derivative.entries[b*layer.Out+i]
				for j := range layer.In {
					w := math.Abs(float64(layer.Weight[i*layer.In+j]))
					derivative.values[b*layer.In+j] += d * float64(layer.Weight[i*layer.In+j])
					derivative.entries[b*layer.In+j] += e*w + s.gamma(layer.Out+1)*(math.Abs(d)+e)*w
				}
			}
		}
	}
	return all
}

// stepBounds returns a bound for every tensor that a probe names, and what it has
// to be, computed here and by no backend.
func (s *session) stepBounds() (bounds, expected map[string][]float64) {
	train, order := s.data.Train, s.order()
	p := s.forward(train, order)
	answers := answersOf(train, order)
	derivative, lossBound := s.lossDerivative(s.Loss, p, answers)
	bounds = map[string][]float64{"input": p.output[0].entries, "loss": {lossBound}}
	expected = map[string][]float64{"input": p.output[0].values, "loss": {s.meanLoss(s.Loss, p, answers)}}
	all := s.backward(p, derivative)
	for l, g := range all {
		name := func(tensor string) string { return fmt.Sprintf("%d.%s", l, tensor) }
		computed := map[string]rows{
			"output": p.output[l+1], "derivative": g.derivative, "gradient.weight": g.weight.clone(), "gradient.bias": g.bias.clone(),
		}
		if l < len(s.Hidden) {
			computed["affine"], computed["contribution.mean"], computed["contribution.square"] = p.affine[l], g.mean, g.square
			old := s.start.Contributions[l]
			bounds[name("average.mean")], expected[name("average.mean")] = s.average(g.mean, widen(old.Mean))
			bounds[name("average.square")], expected[name("average.square")] = s.average(g.square, widen(old.MeanSquare))
		}
		for tensor, r := range computed {
			bounds[name(tensor)], expected[name(tensor)] = r.entries, r.values
		}
	}
	s.clip(all)
	for l, g := range all {
		s.updates(l, g, bounds, expected, func(tensor string) string { return fmt.Sprintf("%d.%s", l, tensor) })
	}
	return bounds, expected
}

// meanLoss returns the mean loss of a forward pass.
func (s *session) meanLoss(l backend.Loss, p pass, a answers) float64 {
	outputs := p.output[len(p.output)-1].values
	mean := 0.
	for b := range p.samples {
		loss, _ := a.lossOf(l, b, outputs[b*s.Outputs:(b+1)*s.Outputs])
		mean += loss / float64(p.samples)
	}
	return mean
}

// average returns old + weight (new - old) with its bounds. The weight is one over
// the steps so far, and at least 0.02: a memory of 0.98.
func (s *session) average(fresh rows, old []float64) (bounds, values []float64) {
	weight := max(0.02, 1/float64(s.start.Tracked+1))
	for i := range old {
		bounds = append(bounds, weight*fresh.entries[i]+4*s.unit*(math.Abs(old[i])+math.Abs(fresh.values[i])))
		values = append(values, old[i]+weight*(fresh.values[i]-old[i]))
	}
	return bounds, values
}

// logitBounds bounds the logits of all given samples.
func (s *session) logitBounds(samples dataset.Samples) []float64 {
	p := s.forward(samples, backend.InOrder(samples.Len()))
	return p.output[len(p.output)-1].entries
}

// expectedStatistics is what the statistics of one layer have to be, with bounds.
type expectedStatistics struct{ mean, square, norm, competition rows }

// statistics works out what Measure has to find over the whole training part, and
// EstimateContributions over any of its samples.
func (s *session) statistics(order []int32) []expectedStatistics {
	p := s.forward(s.data.Train, order)
	derivative := s.outputDerivative(p)
	if s.valuation != game.Outputs {
		derivative, _ = s.lossDerivative(s.Loss, p, answersOf(s.data.Train, order))
	}
	var all []expectedStatistics
	for l, g := range s.backward(p, derivative)[:len(s.Hidden)] {
		layer := s.start.Network.Layers[l]
		e := expectedStatistics{mean: g.mean, square: g.square, norm: newRows(1, layer.Out), competition: newRows(1, layer.Out)}
		for i := range layer.Out {
			e.norm.values[i] = inner(layer, i, i)
			e.norm.entries[i] = s.gamma(layer.In+2) * e.norm.values[i]
			for j, participation := range layer.Participation {
				if j != i {
					e.competition.values[i] += float64(participation) * inner(layer, i, j)
				}
			}
			e.competition.entries[i] = s.competitionSize(l, i) * s.unit
		}
		all = append(all, e)
	}
	return all
}

// inner returns <theta_i, theta_j>, weights and biases.
//
//go:norace
//go:nocheckptr
func inner(layer network.Linear, i, j int) float64 {
	sum := float64(layer.Bias[i]) * float64(layer.Bias[j])
	for k := range layer.In {
		sum += float64(layer.Weight[i*layer.In+k]) * float64(layer.Weight[j*layer.In+k])
	}
	return sum
}

// competitionSize bounds the error of the competition of a player, in units
// roundoff: <theta_i, v> - s_i |theta_i|^2 with v = sum of s_j theta_j takes as
// many operations as there are players and numbers in theta, on the sum of all
// magnitudes.
//
//go:norace
//go:nocheckptr
func (s *session) competitionSize(l, i int) float64 {
	layer := s.start.Network.Layers[l]
	size := 0.
	for j, participation := range layer.Participation {
		product := math.Abs(float64(layer.Bias[i]) * float64(layer.Bias[j]))
		for k := range layer.In {
			product += math.Abs(float64(layer.Weight[i*layer.In+k]) * float64(layer.Weight[j*layer.In+k]))
		}
		size += float64(participation) * product
	}
	return float64(layer.Out+layer.In+4) * 2 * size
}
