package cpufallback_test

import (
	"fmt"
	"math"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// differenceStep is the step of central differences. Weights are multiples of
// it, so that weight +- step is exact in the float32 of host tensors.
const differenceStep = 0x1p-12

// differenceTolerance covers the truncation error step^2/6 L”' of a central
// difference, with third derivatives of up to 100.
const differenceTolerance = 100 * differenceStep * differenceStep / 6

// differenceCase is a network and a few samples whose rectifiers stay on their
// side of the kink when a number moves by a step.
type differenceCase struct {
	network *network.Network
	data    *dataset.Dataset
	loss    backend.Loss
}

func newDifferenceCase(seed uint64, hidden ...int) differenceCase {
	const inputs, classes, samples = 5, 3, 6
	draw := random.New(seed, random.Testing, 9, 0)
	n := network.New(append(append([]int{inputs}, hidden...), classes))
	grid := func(x float64) float32 { return float32(math.Round(x/differenceStep) * differenceStep) }
	for _, layer := range n.Layers {
		for i := range layer.Weight {
			layer.Weight[i] = grid(0.5 * draw.Normal())
		}
		for i := range layer.Bias {
			layer.Bias[i] = grid(0.3 * draw.Normal())
		}
		for i := range layer.Participation {
			layer.Participation[i] = grid(0.1 + 0.8*draw.Float64())
		}
	}
	part := dataset.Samples{Features: inputs}
	for range samples * inputs {
		part.Pixels = append(part.Pixels, uint8(draw.Below(256)))
	}
	for range samples {
		part.Labels = append(part.Labels, uint8(draw.Below(classes)))
	}
	return differenceCase{network: n, data: &dataset.Dataset{
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

func (c differenceCase) engine(t *testing.T, samples dataset.Samples) backend.Engine {
	t.Helper()
	d := *c.data
	d.Train = samples
	e, err := cpufallback.OpenOracle(&d, backend.EngineOptions{Batch: samples.Len(), Optimiser: backend.Optimiser{Kind: backend.SGD}, Loss: c.loss}, &backend.State{Network: c.network})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// slope returns the central difference of the mean loss over samples as one
// number of the network moves.
func (c differenceCase) slope(t *testing.T, number *float32, samples dataset.Samples) float64 {
	t.Helper()
	loss := func() float64 { return c.probeOf(t, samples)["loss"][0] }
	start := *number
	*number = start + differenceStep
	up := loss()
	*number = start - differenceStep
	down := loss()
	*number = start
	return (up - down) / (2 * differenceStep)
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
// every loss: gradients of the mean loss, mean contributions dL/ds, and mean squared
// contributions, which are made of one central difference a sample.
func TestGradientsAgainstCentralDifferences(t *testing.T) {
	smoothed := backend.Loss{Smoothing: 0.2, ClassWeights: []float64{0.5, 2, 1}}
	for seed, hidden := range [][]int{{4}, {7, 3}, {3, 5, 4}} {
		for _, activation := range network.Activations {
			c := newDifferenceCase(uint64(seed)+1, hidden...)
			c.network.Activation = activation
			t.Run(fmt.Sprintf("%v/%s/cross-entropy", hidden, activation), c.check)
			c.loss = smoothed
			t.Run(fmt.Sprintf("%v/%s/smoothed and weighted", hidden, activation), c.check)
			c.loss = backend.Loss{}
			t.Run(fmt.Sprintf("%v/%s/squared error", hidden, activation), c.regression().check)
		}
	}
}

func (c differenceCase) check(t *testing.T) {
	values := c.probe(t)
	active := 0
	for l := range c.network.Layers {
		layer := &c.network.Layers[l]
		for _, part := range []struct {
			name    string
			numbers []float32
		}{{"gradient.weight", layer.Weight}, {"gradient.bias", layer.Bias}, {"contribution.mean", layer.Participation}} {
			gradient := values[fmt.Sprintf("%d.%s", l, part.name)]
			for i := range part.numbers {
				want := c.slope(t, &part.numbers[i], c.data.Train)
				if math.Abs(gradient[i]-want) > differenceTolerance {
					t.Errorf("%d.%s[%d] = %g, central difference %g", l, part.name, i, gradient[i], want)
				}
				if math.Abs(want) > 1000*differenceTolerance {
					active++
				}
			}
		}
		squares := values[fmt.Sprintf("%d.contribution.square", l)]
		for i := range layer.Participation {
			want, bound := 0., 0.
			for b := range c.data.Train.Len() {
				slope := c.slope(t, &layer.Participation[i], one(c.data.Train, b))
				want += slope * slope / float64(c.data.Train.Len())
				bound += 2*math.Abs(slope)*differenceTolerance + differenceTolerance*differenceTolerance
			}
			if math.Abs(squares[i]-want) > bound {
				t.Errorf("%d.contribution.square[%d] = %g, central differences %g", l, i, squares[i], want)
			}
		}
	}
	if active < c.network.Parameters()/3 {
		t.Errorf("only %d numbers have a gradient, the test shows little", active)
	}
}

// TestTheGradientAlongThetaIsTheContribution checks the identity that gives
// players their contributions for free: with s*theta in the network,
// <dL/dtheta, theta> = s dL/ds.
func TestTheGradientAlongThetaIsTheContribution(t *testing.T) {
	for _, activation := range network.Activations {
		c := newDifferenceCase(4, 6, 5)
		c.network.Activation = activation
		values := c.probe(t)
		for l, layer := range c.network.Hidden() {
			for i, s := range layer.Participation {
				along := values[fmt.Sprintf("%d.gradient.bias", l)][i] * float64(layer.Bias[i])
				size := math.Abs(along)
				for j, w := range layer.Weight[i*layer.In : (i+1)*layer.In] {
					term := values[fmt.Sprintf("%d.gradient.weight", l)][i*layer.In+j] * float64(w)
					along += term
					size += math.Abs(term)
				}
				want := float64(s) * values[fmt.Sprintf("%d.contribution.mean", l)][i]
				if math.Abs(along-want) > 1e-14*(size+1e-3) { // float64 roundings of some ten terms
					t.Errorf("%s, player %d:%d: <dL/dtheta, theta> = %g, s dL/ds = %g", activation, l, i, along, want)
				}
			}
		}
	}
}
