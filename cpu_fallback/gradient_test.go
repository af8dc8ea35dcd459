package cpufallback_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer"
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
	return differenceCase{n, &dataset.Dataset{Name: "noise", Width: inputs, Height: 1, Classes: classes, Mean: 0.5, Deviation: 0.3, Train: part, Test: part}}
}

func (c differenceCase) engine(t *testing.T, samples dataset.Samples) trainer.Engine {
	t.Helper()
	d := *c.data
	d.Train = samples
	e, err := cpufallback.OpenOracle(&d, trainer.EngineOptions{Batch: samples.Len(), Optimiser: trainer.Optimiser{Kind: trainer.SGD}}, &trainer.State{Network: c.network})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// slope returns the central difference of the mean loss over samples as one
// number of the network moves.
func (c differenceCase) slope(t *testing.T, number *float32, samples dataset.Samples) float64 {
	t.Helper()
	loss := func() float64 {
		evaluation, err := c.engine(t, samples).Evaluate(context.Background(), trainer.TrainPart, trainer.Want{})
		if err != nil {
			t.Fatal(err)
		}
		return evaluation.Loss
	}
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
	order := make([]int32, c.data.Train.Len())
	for i := range order {
		order[i] = int32(i)
	}
	tensors, err := c.engine(t, c.data.Train).Probe(order, 0)
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
	return dataset.Samples{Features: s.Features, Pixels: s.Pixels[b*s.Features : (b+1)*s.Features], Labels: s.Labels[b : b+1]}
}

// TestGradientsAgainstCentralDifferences checks every weight, bias and
// participation of networks of several depths in float64: gradients of the mean
// loss, mean contributions dL/ds, and mean squared contributions, which are made
// of one central difference a sample.
func TestGradientsAgainstCentralDifferences(t *testing.T) {
	for seed, hidden := range [][]int{{4}, {7, 3}, {3, 5, 4}} {
		c := newDifferenceCase(uint64(seed)+1, hidden...)
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
						t.Errorf("hidden %v: %d.%s[%d] = %g, central difference %g", hidden, l, part.name, i, gradient[i], want)
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
					t.Errorf("hidden %v: %d.contribution.square[%d] = %g, central differences %g", hidden, l, i, squares[i], want)
				}
			}
		}
		if active < c.network.Parameters()/3 {
			t.Errorf("hidden %v: only %d numbers have a gradient, the test shows little", hidden, active)
		}
	}
}

// TestTheGradientAlongThetaIsTheContribution checks the identity that gives
// players their contributions for free: with s*theta in the network,
// <dL/dtheta, theta> = s dL/ds.
func TestTheGradientAlongThetaIsTheContribution(t *testing.T) {
	c := newDifferenceCase(4, 6, 5)
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
				t.Errorf("player %d:%d: <dL/dtheta, theta> = %g, s dL/ds = %g", l, i, along, want)
			}
		}
	}
}

// TestOptimisersAgainstClosedForms follows one weight for three steps of a
// gradient that never changes. With gradient g, SGD with momentum mu moves by
// rate g (1, 1+mu, 1+mu+mu^2); Adam moves by rate sign(g) each step, since both
// corrected moments are then those of g alone.
func TestOptimisersAgainstClosedForms(t *testing.T) {
	// A network without hidden numbers to learn from: one input that is always
	// the same, so that logits move by the same gradient as long as the softmax
	// does not change. A tiny rate keeps it from changing.
	const rate, momentum = 1e-9, 0.9
	data := &dataset.Dataset{
		Name: "one", Width: 1, Height: 1, Classes: 2, Mean: 0, Deviation: 1,
		Train: dataset.Samples{Features: 1, Pixels: []uint8{255}, Labels: []uint8{0}},
		Test:  dataset.Samples{Features: 1, Pixels: []uint8{255}, Labels: []uint8{0}},
	}
	n := network.New([]int{1, 1, 2})
	n.Layers[0].Weight[0], n.Layers[1].Weight[0], n.Layers[1].Weight[1] = 1, 0.25, -0.25
	for _, c := range []struct {
		optimiser trainer.Optimiser
		moves     [3]float64 // in units of rate, with g factored out for SGD
		bySign    bool
	}{
		{trainer.Optimiser{Kind: trainer.SGD}, [3]float64{1, 2, 3}, false},
		{trainer.Optimiser{Kind: trainer.SGD, Momentum: momentum}, [3]float64{1, 2 + momentum, 3 + 2*momentum + momentum*momentum}, false},
		{trainer.Optimiser{Kind: trainer.Adam}, [3]float64{1, 2, 3}, true},
	} {
		e, err := cpufallback.OpenOracle(data, trainer.EngineOptions{Batch: 1, Optimiser: c.optimiser}, &trainer.State{Network: n})
		if err != nil {
			t.Fatal(err)
		}
		for step, move := range c.moves {
			tensors, err := e.Probe([]int32{0}, rate)
			if err != nil {
				t.Fatal(err)
			}
			values := map[string][]float64{}
			for _, p := range tensors {
				values[p.Name] = p.Values
			}
			gradient := values["1.gradient.bias"][0] // about -0.38
			want := -rate * move * gradient
			if c.bySign {
				// epsilon takes 1e-8 of 0.38 away from the length of a step.
				want = -rate * move * gradient / (math.Abs(gradient) + trainer.AdamEpsilon)
			}
			// The gradient itself drifts by about the rate, 1e-9 of itself.
			if got := values["1.bias"][0]; math.Abs(got-want) > 1e-8*math.Abs(want) {
				t.Errorf("%+v step %d: moved by %g, want %g", c.optimiser, step+1, got, want)
			}
		}
	}
}
