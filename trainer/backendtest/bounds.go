package backendtest

import (
	"fmt"
	"math"

	"nashprune/trainer"
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

// lossRoundings bounds the operations behind one loss or probability: one a
// class for the sum, and a few units each for exponential, logarithm and
// division (GPUs may be off by several).
func (s *session) lossRoundings() float64 { return float64(s.Classes) + 32 }

// rows is a matrix with a bound for each of its numbers.
type rows struct {
	columns         int
	values, entries []float64 // entries are the bounds
}

func newRows(n, columns int) rows {
	return rows{columns, make([]float64, n*columns), make([]float64, n*columns)}
}

// pass is a forward pass over some samples in float64: of every layer the
// affine part and the output, with bounds for what the candidate may have.
type pass struct {
	samples        int
	affine, output []rows // output[0] is the input; output[l+1] and affine[l] belong to layer l
}

// forward runs the state's network over samples. It knows the network alone, not
// how a backend computes it.
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
					participation := float64(layer.Participation[i])
					output.values[at] = max(participation*sum, 0)
					output.entries[at] = participation * (affine.entries[at] + 2*s.unit*(math.Abs(sum)+affine.entries[at]))
				}
			}
		}
		p.affine, p.output = append(p.affine, affine), append(p.output, output)
	}
	return p
}

// crossEntropy is -log softmax(logits)[label], and whether label comes first.
func crossEntropy(logits []float64, label int) (loss float64, correct bool) {
	top := 0
	for k, z := range logits {
		if z > logits[top] {
			top = k
		}
	}
	sum := 0.
	for _, z := range logits {
		sum += math.Exp(z - logits[top])
	}
	return logits[top] - logits[label] + math.Log(sum), top == label
}

// lossDerivative returns the derivative of the mean loss with respect to the
// logits, and a bound for the mean loss.
func (s *session) lossDerivative(p pass, labels []uint8) (derivative rows, lossBound float64) {
	logits := p.output[len(p.output)-1]
	derivative = newRows(p.samples, s.Classes)
	for b := range p.samples {
		row := logits.values[b*s.Classes : (b+1)*s.Classes]
		worst, spread := 0., 0.
		top, sum := row[0], 0.
		for k, z := range row {
			worst = max(worst, logits.entries[b*s.Classes+k])
			top = max(top, z)
		}
		for _, z := range row {
			sum += math.Exp(z - top)
			spread = max(spread, top-z)
		}
		// An exponent of size x is off by x u, and so is the exponential.
		relative := math.Expm1(2*worst) + (s.lossRoundings()+4*spread)*s.unit
		for k, z := range row {
			i := b*s.Classes + k
			probability := math.Exp(z-top) / sum
			derivative.values[i] = probability
			derivative.entries[i] = probability * relative
			if k == int(labels[b]) {
				derivative.values[i]--
			}
			derivative.values[i] /= float64(p.samples)
			derivative.entries[i] = derivative.entries[i]/float64(p.samples) + 4*s.unit*(math.Abs(derivative.values[i])+probability/float64(p.samples))
		}
		lossBound += (2*worst + (s.lossRoundings()+spread)*s.unit*(1+spread)) / float64(p.samples)
	}
	return derivative, lossBound
}

// gradients is what a backward pass leaves of one layer.
type gradients struct {
	derivative   rows // with respect to the affine part
	weight, bias rows
	mean, square rows // contributions, averaged over the batch; of gated layers
}

// backward runs the samples of a forward pass back, layer by layer.
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
					participation := float64(layer.Participation[i])
					u, uncertain := p.affine[l].values[at], p.affine[l].entries[at]
					switch {
					case participation == 0 || u < -uncertain:
						d, e = 0, 0
					case u <= uncertain: // the rectifier may go either way
						e += math.Abs(d)
						if u <= 0 {
							d = 0
						}
					}
					c := batch * d * u
					ce := batch*(e*(math.Abs(u)+uncertain)+math.Abs(d)*uncertain) + 4*s.unit*math.Abs(c)
					g.mean.values[i] += c / batch
					g.mean.entries[i] += (ce + s.gamma(p.samples+2)*(math.Abs(c)+ce)) / batch
					g.square.values[i] += c * c / batch
					g.square.entries[i] += (2*math.Abs(c)*ce + ce*ce + s.gamma(p.samples+3)*(math.Abs(c)+ce)*(math.Abs(c)+ce)) / batch
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

// stepBounds returns a bound for every tensor that a probe names, and for those
// of the forward and backward pass what they have to be, computed here and by no
// backend. The values are the reference's; the bounds of the optimiser need them.
func (s *session) stepBounds(values map[string][]float64) (bounds, expected map[string][]float64) {
	data, state := s.data, s.start
	order := s.order()
	labels := make([]uint8, len(order))
	for b, sample := range order {
		labels[b] = data.Train.Labels[sample]
	}
	p := s.forward(data.Train, order)
	derivative, loss := s.lossDerivative(p, labels)
	bounds = map[string][]float64{"input": p.output[0].entries, "loss": {loss}}
	expected = map[string][]float64{"input": p.output[0].values}
	for l, g := range s.backward(p, derivative) {
		name := func(tensor string) string { return fmt.Sprintf("%d.%s", l, tensor) }
		computed := map[string]rows{
			"output": p.output[l+1], "derivative": g.derivative, "gradient.weight": g.weight, "gradient.bias": g.bias,
		}
		if l < len(s.Hidden) {
			computed["affine"], computed["contribution.mean"], computed["contribution.square"] = p.affine[l], g.mean, g.square
			old := state.Contributions[l]
			bounds[name("average.mean")], expected[name("average.mean")] = s.average(g.mean, widen(old.Mean))
			bounds[name("average.square")], expected[name("average.square")] = s.average(g.square, widen(old.MeanSquare))
		}
		for tensor, r := range computed {
			bounds[name(tensor)], expected[name(tensor)] = r.entries, r.values
		}
		for _, part := range []string{"weight", "bias"} {
			s.optimiserBounds(bounds, values, l, part)
			s.optimise(expected, l, part)
		}
	}
	return bounds, expected
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

// optimise works out the moments and the parameters after the update from the
// gradients that the suite expects, with the textbook's constants: Adam's 0.9,
// 0.999 and 1e-8 (arXiv:1412.6980, algorithm 1).
func (s *session) optimise(expected map[string][]float64, l int, part string) {
	state := s.start
	arrays := func(n *network.Network) []float64 {
		if part == "bias" {
			return widen(n.Layers[l].Bias)
		}
		return widen(n.Layers[l].Weight)
	}
	name := func(prefix string) string { return fmt.Sprintf("%d.%s%s", l, prefix, part) }
	w, m := arrays(state.Network), arrays(state.First)
	step := float64(state.Steps + 1)
	if s.Optimiser.Kind == trainer.SGD {
		for i, g := range expected[name("gradient.")] {
			m[i] = s.Optimiser.Momentum*m[i] + g
			w[i] -= s.LearningRate * m[i]
		}
	} else {
		v := arrays(state.Second)
		for i, g := range expected[name("gradient.")] {
			m[i] = 0.9*m[i] + 0.1*g
			v[i] = 0.999*v[i] + 0.001*g*g
			first, second := m[i]/(1-math.Pow(0.9, step)), v[i]/(1-math.Pow(0.999, step))
			w[i] -= s.LearningRate * first / (math.Sqrt(second) + 1e-8)
		}
		expected[name("second.")] = v
	}
	expected[name("first.")], expected[name("")] = m, w
}

// optimiserBounds bounds the moments and the parameters after the update, from
// the bounds of the gradient.
func (s *session) optimiserBounds(bounds, values map[string][]float64, l int, part string) {
	state := s.start
	old, first := state.Network.Layers[l].Weight, state.First.Layers[l].Weight
	if part == "bias" {
		old, first = state.Network.Layers[l].Bias, state.First.Layers[l].Bias
	}
	gradient := values[fmt.Sprintf("%d.gradient.%s", l, part)]
	gradientBounds := bounds[fmt.Sprintf("%d.gradient.%s", l, part)]
	m := values[fmt.Sprintf("%d.first.%s", l, part)]
	mBounds, wBounds := make([]float64, len(old)), make([]float64, len(old))
	if s.Optimiser.Kind == trainer.SGD {
		for i := range old {
			mBounds[i] = gradientBounds[i] + 2*s.unit*(math.Abs(float64(first[i]))+math.Abs(gradient[i]))
			wBounds[i] = s.LearningRate*(mBounds[i]+2*s.unit*math.Abs(m[i])) + s.unit*math.Abs(float64(old[i]))
		}
	} else {
		v := values[fmt.Sprintf("%d.second.%s", l, part)]
		vBounds := make([]float64, len(old))
		steps := float64(state.Steps + 1)
		rate := s.LearningRate / (1 - math.Pow(trainer.AdamBeta1, steps))
		scale := 1 / (1 - math.Pow(trainer.AdamBeta2, steps))
		for i := range old {
			g, e := math.Abs(gradient[i]), gradientBounds[i]
			mBounds[i] = (1-trainer.AdamBeta1)*e + 4*s.unit*(math.Abs(float64(first[i]))+g)
			// 1 - beta2 is itself off by u relative to one, not to itself.
			vBounds[i] = (1-trainer.AdamBeta2)*(2*g*e+e*e) + 8*s.unit*(v[i]+g*g)
			root := math.Sqrt(v[i] * scale)
			rootBound := math.Sqrt(vBounds[i] * scale)
			if v[i] > 2*vBounds[i] {
				rootBound = vBounds[i] * scale / root
			}
			rootBound += 4 * s.unit * root
			wBounds[i] = s.unit*math.Abs(float64(old[i])) + rate*((mBounds[i]+8*s.unit*math.Abs(m[i]))/root+math.Abs(m[i])*rootBound/(root*root))*2
		}
		bounds[fmt.Sprintf("%d.second.%s", l, part)] = vBounds
	}
	bounds[fmt.Sprintf("%d.first.%s", l, part)] = mBounds
	bounds[fmt.Sprintf("%d.%s", l, part)] = wBounds
}

// logitBounds bounds the logits of all given samples.
func (s *session) logitBounds(samples dataset.Samples) []float64 {
	p := s.forward(samples, everyone(samples.Len()))
	return p.output[len(p.output)-1].entries
}

func everyone(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	return order
}

// expectedStatistics is what the statistics of one layer have to be, with bounds.
type expectedStatistics struct{ mean, square, norm, competition rows }

// statistics works out what Measure has to find.
func (s *session) statistics() []expectedStatistics {
	data := s.data
	p := s.forward(data.Train, everyone(data.Train.Len()))
	derivative, _ := s.lossDerivative(p, data.Train.Labels)
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
func (s *session) competitionSize(l, i int) float64 {
	layer := s.start.Network.Layers[l]
	size := 0.
	add := func(mine, theirs float32, participation float32) {
		size += math.Abs(float64(mine)) * float64(participation) * math.Abs(float64(theirs))
	}
	for j, participation := range layer.Participation {
		for k := range layer.In {
			add(layer.Weight[i*layer.In+k], layer.Weight[j*layer.In+k], participation)
		}
		add(layer.Bias[i], layer.Bias[j], participation)
	}
	return float64(layer.Out+layer.In+4) * 2 * size
}
