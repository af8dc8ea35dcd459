package cpufallback_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// differenceStep is the step of central differences. Weights are multiples of
// it, so that weight +- step is exact in the float32 of host tensors.
const differenceStep = 0x1p-12

// differenceTolerance covers the truncation error step^2/6 L”' of a central
// difference, with third derivatives of up to 100.
const differenceTolerance = 100 * differenceStep * differenceStep / 6

// mostKinks is the part of all numbers whose difference may be of no use: where a rectifier
// or a maximum changes sides, differences over one step and over two disagree.
const mostKinks = 0.06

// differenceCase is a network and a few samples.
type differenceCase struct {
	network *network.Network
	data    *dataset.Dataset
	loss    backend.Loss
	engines map[*uint8]map[int]backend.Engine // by the first pixel and the number of samples
}

func newDifferenceCase(seed uint64, g *network.Graph) differenceCase {
	const samples = 6
	inputs, classes := g.Inputs(), g.Outputs()
	draw := random.New(seed, random.Testing, 9, 0)
	n := network.New(g)
	grid := func(x float64) float32 { return float32(math.Round(x/differenceStep) * differenceStep) }
	for p, param := range g.Params {
		scale := 0.3
		if param.Weight {
			scale = 0.5
		}
		for i := range n.Parameters[p] {
			if param.Statistic {
				n.Parameters[p][i] = grid(float64(networktest.Draw(param, draw.Normal())))
				continue
			}
			n.Parameters[p][i] = grid(scale * draw.Normal())
		}
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = grid(0.1 + 0.8*draw.Float64())
		}
	}
	part := dataset.Samples{Features: inputs}
	for range samples * inputs {
		part.Pixels = append(part.Pixels, uint8(draw.Below(256)))
	}
	for range samples {
		part.Labels = append(part.Labels, uint8(draw.Below(uint32(classes))))
	}
	return differenceCase{network: n, engines: map[*uint8]map[int]backend.Engine{}, data: &dataset.Dataset{
		Name: "noise", Width: inputs, Height: 1, Classes: classes, Mean: 0.5, Deviation: 0.3, Train: part, Test: part,
	}}
}

// regression has targets in place of the classes.
func (c differenceCase) regression() differenceCase {
	draw := random.New(1, random.Testing, 9, 1)
	part := c.data.Train
	part.Labels, part.Outputs = nil, c.data.Classes
	for range c.data.Train.Len() * c.data.Classes {
		part.Targets = append(part.Targets, float32(draw.Normal()))
	}
	c.data.Classes, c.data.Train, c.data.Test = 0, part, part
	return c
}

// engine returns an engine at the network as it is now.
func (c differenceCase) engine(t *testing.T, samples dataset.Samples) backend.Engine {
	t.Helper()
	state := &backend.State{Network: c.network}
	opened := c.engines[&samples.Pixels[0]]
	if e := opened[samples.Len()]; e != nil {
		if err := e.Push(state); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if opened == nil {
		opened = map[int]backend.Engine{}
		c.engines[&samples.Pixels[0]] = opened
	}
	d := *c.data
	d.Train = samples
	e, err := cpufallback.OpenOracle(&d, backend.EngineOptions{Batch: samples.Len(), Optimiser: backend.Optimiser{Kind: backend.SGD}, Loss: c.loss}, state)
	if err != nil {
		t.Fatal(err)
	}
	opened[samples.Len()] = e
	return e
}

// slope returns the central difference of a loss as one number of the network moves, and
// whether no kink lies within two steps.
func slope(number *float32, loss func() float64) (difference float64, smooth bool) {
	start := *number
	over := func(step float32) float64 {
		*number = start + step
		up := loss()
		*number = start - step
		down := loss()
		*number = start
		return (up - down) / (2 * float64(step))
	}
	difference = over(differenceStep)
	return difference, math.Abs(over(2*differenceStep)-difference) <= differenceTolerance
}

// trained returns the mean loss of a training step over samples, evaluated that of an
// evaluation.
func (c differenceCase) trained(t *testing.T, samples dataset.Samples) func() float64 {
	return func() float64 { return c.probeOf(t, samples)["loss"][0] }
}

func (c differenceCase) evaluated(t *testing.T, samples dataset.Samples) func() float64 {
	return func() float64 {
		found, err := c.engine(t, samples).Evaluate(t.Context(), backend.TrainPart, backend.Want{})
		if err != nil {
			t.Fatal(err)
		}
		return found.Loss
	}
}

// differsInTraining reports whether a training step computes otherwise than an evaluation.
func (c differenceCase) differsInTraining() bool {
	return slices.ContainsFunc(c.network.Nodes, func(n network.Node) bool {
		_, batched := n.Op.(network.Batched)
		return batched
	})
}

func (c differenceCase) probe(t *testing.T) map[string][]float64 {
	t.Helper()
	return c.probeOf(t, c.data.Train)
}

func (c differenceCase) probeOf(t *testing.T, samples dataset.Samples) map[string][]float64 {
	t.Helper()
	order := make([]int32, samples.Len())
	for i := range order {
		order[i] = int32(i)
	}
	tensors, err := c.engine(t, samples).Probe(order, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]float64{}
	for _, p := range tensors {
		values[p.Name] = p.Values
	}
	return values
}

// TestJointGradientsAgainstCentralDifferences checks the step of the joint objective,
// L + sum beta |theta_i|^2 s_i^2 + gamma s_i + eta sum over pairs s_i s_j <theta_i, theta_j>,
// in every parameter and participation. At rate 1 a step of plain descent is the gradient, and
// the players' by alpha = 1, the descent of the benefit and dL/ds is that by s.
func TestJointGradientsAgainstCentralDifferences(t *testing.T) {
	paid := game.Paper{Benefit: game.Descent, Gradient: game.OfEffective, Alpha: 1, Beta: 0.03, Gamma: 0.02, Eta: 0.05}
	for name, nodes := range networktest.Nets() {
		g := networktest.Build(nodes...)
		if g.Input().Keep != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := newDifferenceCase(3, g)
			order := backend.InOrder(c.data.Train.Len())
			e, err := cpufallback.OpenOracle(c.data, backend.EngineOptions{
				Batch: len(order), Optimiser: backend.Optimiser{Kind: backend.SGD}, Joint: true,
			}, &backend.State{Network: c.network})
			if err != nil {
				t.Fatal(err)
			}
			const rate = 1. / 64 // of the players, so that they stay inside
			move := &backend.PaperMove{Game: paid, Update: backend.GradientAscent, Rate: rate}
			if _, err := e.Train(context.Background(), backend.Stretch{Order: order, LearningRates: []float64{1}, Paper: move}); err != nil {
				t.Fatal(err)
			}
			after, err := e.Pull()
			if err != nil {
				t.Fatal(err)
			}
			numbers, kinks := 0., 0.
			check := func(what string, number *float32, got, rounding float64) {
				t.Helper()
				numbers++
				loss := c.trained(t, c.data.Train)
				want, smooth := slope(number, func() float64 { return loss() + jointCost(c.network, paid) })
				if !smooth {
					kinks++
				} else if math.Abs(got-want) > differenceTolerance+rounding {
					t.Errorf("%s: %g, central difference %g", what, got, want)
				}
			}
			defer func() {
				if kinks > mostKinks*numbers {
					t.Errorf("%g of %g numbers lie near a kink, the test shows little", kinks, numbers)
				}
			}()
			for p, v := range c.network.Parameters {
				if g.Params[p].Statistic {
					continue
				}
				for i := range v {
					got := float64(v[i]) - float64(after.Network.Parameters[p][i])
					check(fmt.Sprintf("%s[%d]", g.Params[p].Name, i), &v[i], got, 0x1p-22) // numbers of up to 4 in float32
				}
			}
			for l, v := range c.network.Participations {
				for i := range v {
					got := (float64(v[i]) - float64(after.Network.Participations[l][i])) / rate
					check(fmt.Sprintf("s[%d][%d]", l, i), &v[i], got, 0x1p-24/rate)
				}
			}
		})
	}
}

// jointCost returns what all players pay, each pair once.
func jointCost(n *network.Network, g game.Paper) float64 {
	total := 0.
	for gate, participations := range n.Participations {
		for i, s := range participations {
			total += g.Gamma * float64(s)
			for _, p := range n.Owned(gate) {
				v := n.Parameters[p]
				width := len(v) / len(participations)
				for j := range i + 1 {
					weight := g.Eta
					if j == i {
						weight = g.Beta
					}
					product := 0.
					for k := range width {
						product += float64(v[i*width+k]) * float64(v[j*width+k])
					}
					total += weight * float64(s) * float64(participations[j]) * product
				}
			}
		}
	}
	return total
}

// one returns sample b alone.
func one(s dataset.Samples, b int) dataset.Samples {
	single := dataset.Samples{Features: s.Features, Pixels: s.Pixels[b*s.Features : (b+1)*s.Features], Outputs: s.Outputs}
	if s.Outputs > 0 {
		single.Targets = s.Targets[b*s.Outputs : (b+1)*s.Outputs]
	} else {
		single.Labels = s.Labels[b : b+1]
	}
	return single
}

// TestGradientsAgainstCentralDifferences checks every weight, bias and
// participation of networks of several depths in float64, with every activation and
// every loss: gradients of the mean loss, mean contributions dL/ds, and the mean squares and
// interactions, which are made of one central difference a sample.
func TestGradientsAgainstCentralDifferences(t *testing.T) {
	smoothed := backend.Loss{Smoothing: 0.2, ClassWeights: []float64{0.5, 2, 1}}
	for name, nodes := range networktest.Nets() {
		if g := networktest.Build(nodes...); g.Input().Keep == nil {
			t.Run(name, newDifferenceCase(4, g).check)
		}
	}
	for seed, hidden := range [][]int{{4}, {7, 3}, {3, 5, 4}} {
		for _, activation := range network.Activations {
			c := newDifferenceCase(uint64(seed)+1, networktest.PerceptronOf(activation, append(append([]int{5}, hidden...), 3)...))
			t.Run(fmt.Sprintf("%v/%s/cross-entropy", hidden, activation), c.check)
			c.loss, c.engines = smoothed, map[*uint8]map[int]backend.Engine{}
			t.Run(fmt.Sprintf("%v/%s/smoothed and weighted", hidden, activation), c.check)
			c.loss, c.engines = backend.Loss{}, map[*uint8]map[int]backend.Engine{}
			t.Run(fmt.Sprintf("%v/%s/squared error", hidden, activation), c.regression().check)
		}
	}
}

func (c differenceCase) check(t *testing.T) {
	values := c.probe(t)
	active, all, kinks := 0, 0., 0.
	check := func(name string, numbers []float32, gradient []float64) {
		for i := range numbers {
			all++
			want, smooth := slope(&numbers[i], c.trained(t, c.data.Train))
			if !smooth {
				kinks++
			} else if math.Abs(gradient[i]-want) > differenceTolerance {
				t.Errorf("%s[%d] = %g, central difference %g", name, i, gradient[i], want)
			}
			if math.Abs(want) > 1000*differenceTolerance {
				active++
			}
		}
	}
	for p, param := range c.network.Graph.Params {
		if !param.Statistic {
			check(param.Name, c.network.Parameters[p], values["gradient."+param.Name])
		}
	}
	// Squares and interactions are of single samples, and measured as in an evaluation.
	loss := c.trained
	if c.differsInTraining() {
		loss = c.evaluated
		measured, err := c.engine(t, c.data.Train).Measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range measured {
			values["gate."+c.network.Gates[i].Name+".contribution.square"] = s.MeanSquare
		}
	}
	observed, err := c.engine(t, c.data.Train).Observe(t.Context(), backend.InOrder(c.data.Train.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for i, participation := range c.network.Participations {
		name := "gate." + c.network.Gates[i].Name
		check(name+".contribution.mean", participation, values[name+".contribution.mean"])
		slopes := make([][]float64, len(participation)) // by sample
		smooth := make([]bool, len(participation))
		for player := range participation {
			smooth[player] = true
			for b := range c.data.Train.Len() {
				of, is := slope(&participation[player], loss(t, one(c.data.Train, b)))
				slopes[player], smooth[player] = append(slopes[player], of), smooth[player] && is
			}
			if !smooth[player] {
				kinks++
				continue
			}
			want, bound := meanProduct(slopes[player], slopes[player])
			if got := values[name+".contribution.square"][player]; math.Abs(got-want) > bound {
				t.Errorf("%s.contribution.square[%d] = %g, central differences %g", name, player, got, want)
			}
		}
		for j := range participation {
			for k := range participation {
				if !smooth[j] || !smooth[k] {
					continue
				}
				want, bound := meanProduct(slopes[j], slopes[k])
				both := float64(participation[j]) * float64(participation[k])
				if got := observed.Interactions[i][0][j*len(participation)+k]; math.Abs(got-both*want) > both*bound {
					t.Errorf("%s: interaction [%d, %d] = %g, central differences %g", name, j, k, got, both*want)
				}
			}
		}
	}
	if kinks > mostKinks*all {
		t.Errorf("%g of %g numbers lie near a kink, the test shows little", kinks, all)
	}
	if active < c.network.ParameterCount()/4 {
		t.Errorf("only %d numbers have a gradient, the test shows little", active)
	}
}

// meanProduct returns the mean product of central differences, with a bound of its error.
func meanProduct(a, b []float64) (mean, bound float64) {
	for i, x := range a {
		mean += x * b[i] / float64(len(a))
		bound += (math.Abs(x) + math.Abs(b[i]) + differenceTolerance) * differenceTolerance / float64(len(a))
	}
	return mean, bound
}

// TestTheGradientAlongThetaIsTheContribution checks the identity that gives
// players their contributions for free: with s*theta in the network,
// <dL/dtheta, theta> = s dL/ds, over what it owns of the points of its gate.
func TestTheGradientAlongThetaIsTheContribution(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		g := networktest.Build(nodes...)
		if g.Input().Keep != nil {
			continue
		}
		c := newDifferenceCase(4, g)
		values := c.probe(t)
		for i, participation := range c.network.Participations {
			var owned []int // of the gate's points, whose output is linear in them
			for _, f := range g.Folds() {
				if f.Gate == i && f.Dim == 0 {
					owned = append(owned, f.Param)
				}
			}
			if owned == nil { // inputs
				continue
			}
			for player, s := range participation {
				along, size := 0., 0.
				for _, p := range owned {
					width := len(c.network.Parameters[p]) / len(participation)
					for j := player * width; j < (player+1)*width; j++ {
						term := values["gradient."+g.Params[p].Name][j] * float64(c.network.Parameters[p][j])
						along += term
						size += math.Abs(term)
					}
				}
				want := float64(s) * values["gate."+g.Gates[i].Name+".contribution.mean"][player]
				if math.Abs(along-want) > 1e-14*(size+1e-3) { // float64 roundings of some ten terms
					t.Errorf("%s, player %d of %s: <dL/dtheta, theta> = %g, s dL/ds = %g", name, player, g.Gates[i].Name, along, want)
				}
			}
		}
	}
}
