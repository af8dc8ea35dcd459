package cpufallback_test

import (
	"fmt"
	"math"
	"testing"

	cpufallback "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// onePixel is a network of one input, one player and two classes, with one sample.
func onePixel() (*dataset.Dataset, *network.Network) {
	part := dataset.Samples{Features: 1, Pixels: []uint8{255}, Labels: []uint8{0}}
	data := &dataset.Dataset{Name: "one", Width: 1, Height: 1, Classes: 2, Mean: 0, Deviation: 1, Train: part, Test: part}
	n := network.New([]int{1, 1, 2})
	n.Layers[0].Weight[0], n.Layers[1].Weight[0], n.Layers[1].Weight[1] = 1, 0.25, -0.25
	return data, n
}

// probeSteps makes steps at one rate and returns the tensors of the last.
func probeSteps(t *testing.T, d *dataset.Dataset, o backend.Optimiser, n *network.Network, steps int, rate float64) map[string][]float64 {
	t.Helper()
	e, err := cpufallback.OpenOracle(d, backend.EngineOptions{Batch: d.Train.Len(), Optimiser: o}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	order := make([]int32, d.Train.Len())
	for i := range order {
		order[i] = int32(i)
	}
	values := map[string][]float64{}
	for range steps {
		tensors, err := e.Probe(order, rate)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tensors {
			values[p.Name] = p.Values
		}
	}
	return values
}

// TestOptimisersAgainstClosedForms follows one weight for three steps of a
// gradient that never changes. With gradient g, SGD with momentum mu moves by
// rate g (1, 1+mu, 1+mu+mu^2); Adam moves by rate sign(g) each step,
// since both corrected moments are then those of g alone; RMSProp, which corrects
// none, by rate sign(g) / sqrt(1-0.99^t), and with momentum like SGD with that.
func TestOptimisersAgainstClosedForms(t *testing.T) {
	// A network without hidden numbers to learn from: one input that is always
	// the same, so that logits move by the same gradient as long as the softmax
	// does not change. A tiny rate keeps it from changing.
	const rate, momentum = 1e-9, 0.9
	data, n := onePixel()
	root := func(step float64) float64 { return 1 / math.Sqrt(1-math.Pow(0.99, step)) }
	for _, c := range []struct {
		optimiser backend.Optimiser
		moves     [3]float64 // in units of rate, with g factored out for SGD
		bySign    bool
	}{
		{backend.Optimiser{Kind: backend.SGD}, [3]float64{1, 2, 3}, false},
		{backend.Optimiser{Kind: backend.SGD, Momentum: momentum}, [3]float64{1, 2 + momentum, 3 + 2*momentum + momentum*momentum}, false},
		{backend.Optimiser{Kind: backend.Adam}, [3]float64{1, 2, 3}, true},
		{backend.Optimiser{Kind: backend.AdamW}, [3]float64{1, 2, 3}, true},
		{backend.Optimiser{Kind: backend.RMSProp}, [3]float64{root(1), root(1) + root(2), root(1) + root(2) + root(3)}, true},
		{backend.Optimiser{Kind: backend.RMSProp, Momentum: momentum}, [3]float64{
			root(1), (1+momentum)*root(1) + root(2), (1+momentum+momentum*momentum)*root(1) + (1+momentum)*root(2) + root(3),
		}, true},
	} {
		e, err := cpufallback.OpenOracle(data, backend.EngineOptions{Batch: 1, Optimiser: c.optimiser}, &backend.State{Network: n})
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
				// epsilon takes 1e-8 of 0.38 away from the length of a step, and
				// ten times as much of one of RMSProp, whose v is small at first.
				want = -rate * move * gradient / (math.Abs(gradient) + backend.AdamEpsilon)
			}
			// The gradient itself drifts by about the rate, 1e-9 of itself.
			tolerance := 1e-8
			if c.optimiser.Kind == backend.RMSProp {
				tolerance = 3e-7
			}
			if got := values["1.bias"][0]; math.Abs(got-want) > tolerance*math.Abs(want) {
				t.Errorf("%+v step %d: moved by %g, want %g", c.optimiser, step+1, got, want)
			}
		}
	}
}

// TestWeightDecayAgainstClosedForms looks at weights that nothing but decay moves,
// since the player below them is silent. Added to the gradient, it takes
// rate decay w in a step of SGD and the whole rate in one of Adam, whose steps do
// not know how long a gradient is; beside the gradient it takes rate decay w in AdamW
// too. Biases stay.
func TestWeightDecayAgainstClosedForms(t *testing.T) {
	const rate, decay, steps = 1e-3, 0.5, 3
	data, n := onePixel()
	n.Layers[0].Bias[0] = -2 // silent
	n.Layers[0].Weight[0] = 1
	shrunk := 0.25 * math.Pow(1-rate*decay, steps)
	for _, c := range []struct {
		kind backend.OptimiserKind
		want float64
	}{
		{backend.SGD, shrunk},
		{backend.AdamW, shrunk},
		// The gradient decay w falls by 4e-3 of itself a step: so little do the
		// two moments differ from it.
		{backend.Adam, 0.25 - steps*rate},
	} {
		values := probeSteps(t, data, backend.Optimiser{Kind: c.kind, WeightDecay: decay}, n, steps, rate)
		tolerance := 1e-15
		if c.kind == backend.Adam {
			tolerance = 1e-2 * steps * rate
		}
		for k, sign := range []float64{1, -1} {
			if got := values["1.weight"][k]; math.Abs(got-sign*c.want) > tolerance {
				t.Errorf("%s: weight %d is %g, want %g", c.kind, k, got, sign*c.want)
			}
		}
		if got := values["0.bias"][0]; got != -2 {
			t.Errorf("%s: a bias without gradient went from -2 to %g", c.kind, got)
		}
	}
}

// TestClippingScalesTheWholeGradient checks that a step of SGD is as long as the
// rate times the clip and goes where it would have gone, and that a clip which is
// longer than the gradient changes nothing.
func TestClippingScalesTheWholeGradient(t *testing.T) {
	const rate = 0.5
	c := newDifferenceCase(5, 6, 4)
	step := func(clip float64) (move []float64) {
		values := probeSteps(t, c.data, backend.Optimiser{Kind: backend.SGD, ClipNorm: clip}, c.network, 1, rate)
		for l, layer := range c.network.Layers {
			for _, part := range []struct {
				name string
				old  []float32
			}{{"weight", layer.Weight}, {"bias", layer.Bias}} {
				for i, new := range values[fmt.Sprintf("%d.%s", l, part.name)] {
					move = append(move, new-float64(part.old[i]))
				}
			}
		}
		return move
	}
	length := func(v []float64) float64 {
		sum := 0.
		for _, x := range v {
			sum += x * x
		}
		return math.Sqrt(sum)
	}
	free := step(0)
	norm := length(free) / rate
	for _, factor := range []float64{0.5, 1e-3, 2} {
		clipped := step(factor * norm)
		for i := range free {
			if want := min(factor, 1) * free[i]; math.Abs(clipped[i]-want) > 1e-14 { // of moves up to 0.5
				t.Errorf("clipped to %g of its length, number %d moves by %g, want %g", factor, i, clipped[i], want)
			}
		}
	}
}
