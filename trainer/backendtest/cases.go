package backendtest

import (
	"fmt"
	"math"
	"slices"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// Case is a network with its players and samples, all drawn from its sizes.
type Case struct {
	Name         string
	Inputs       int
	Hidden       []int
	Activation   network.Activation // ReLU where empty
	Outputs      int                // classes, or targets
	Regression   bool               // targets are numbers
	Batch        int                // of the engine
	Rows         int                // of the batch that is probed, at most Batch
	Floats       bool               // features are floats, not bytes
	Optimiser    backend.Optimiser
	Loss         backend.Loss
	LearningRate float64
}

// Cases returns the sizes that every backend is compared at: odd on purpose,
// single samples, partial batches, batches larger than those of an evaluation, as
// many samples as one of those takes, the narrowest layers, one layer whose players are all gone, and layers of two of
// which one has participation 0 or 1.
func Cases() []Case {
	adam := backend.Optimiser{Kind: backend.Adam}
	sgd := backend.Optimiser{Kind: backend.SGD, Momentum: 0.9}
	var cases []Case
	for _, c := range []Case{
		{Inputs: 1, Hidden: []int{1}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: sgd},
		{Inputs: 3, Hidden: []int{2}, Outputs: 2, Batch: 3, Rows: 3, Optimiser: adam},
		{Inputs: 13, Hidden: []int{15}, Outputs: 3, Batch: 19, Rows: 13, Optimiser: adam},
		{Inputs: 19, Hidden: []int{13, 2}, Outputs: 10, Batch: 2, Rows: 1, Optimiser: sgd},
		{Inputs: 15, Hidden: []int{3, 19, 13}, Outputs: 5, Batch: 130, Rows: 127, Optimiser: adam},
		{Inputs: 127, Hidden: []int{130, 15}, Outputs: 10, Batch: 15, Rows: 15, Optimiser: sgd},
		{Inputs: 130, Hidden: []int{127, 130}, Outputs: 13, Batch: 128, Rows: 128, Optimiser: adam},
		{Inputs: 13, Hidden: []int{0, 3}, Outputs: 3, Batch: 19, Rows: 15, Optimiser: adam},
		{Inputs: 2, Hidden: []int{2, 15, 19, 2}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam}, // one of the last two is gated
		{Inputs: 7, Hidden: []int{5}, Outputs: 3, Batch: 4, Rows: 3, Floats: true, Optimiser: adam},
		{Inputs: 2, Hidden: []int{13}, Outputs: 3, Batch: 261, Rows: 261, Optimiser: adam},
		{Inputs: 2, Hidden: []int{3}, Outputs: 2, Batch: 100, Rows: 56, Optimiser: sgd}, // 256 samples to train on

		{Inputs: 13, Hidden: []int{15, 6}, Activation: network.LeakyReLU, Outputs: 3, Batch: 19, Rows: 13,
			Optimiser: backend.Optimiser{Kind: backend.AdamW, WeightDecay: 0.5}, Loss: backend.Loss{ClassWeights: []float64{0.5, 2, 0}}},
		{Inputs: 7, Hidden: []int{9, 5}, Activation: network.GELU, Outputs: 4, Batch: 5, Rows: 5, Floats: true,
			Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9, WeightDecay: 0.1}, Loss: backend.Loss{Smoothing: 0.1}},
		{Inputs: 19, Hidden: []int{13, 5}, Activation: network.Tanh, Outputs: 10, Batch: 33, Rows: 31,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, Momentum: 0.5, ClipNorm: 0.1}, Loss: smoothedAndWeighted(10)},
		{Inputs: 13, Hidden: []int{127, 66}, Activation: network.GELU, Outputs: 7, Batch: 33, Rows: 33,
			Optimiser: backend.Optimiser{Kind: backend.Adam, ClipNorm: 0.05, WeightDecay: 0.01}},
		{Inputs: 5, Hidden: []int{8, 3}, Outputs: 1, Regression: true, Batch: 16, Rows: 9, Floats: true, Optimiser: adam},
		{Inputs: 9, Hidden: []int{6}, Activation: network.Tanh, Outputs: 3, Regression: true, Batch: 7, Rows: 7,
			Optimiser: backend.Optimiser{Kind: backend.SGD, WeightDecay: 0.1, ClipNorm: 1e6}}, // longer than any gradient
		{Inputs: 3, Hidden: []int{0, 4}, Activation: network.LeakyReLU, Outputs: 5, Regression: true, Batch: 2, Rows: 1,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, ClipNorm: 0.01}},
	} {
		c.LearningRate = 1e-2
		c.Name = c.describe()
		cases = append(cases, c)
	}
	return cases
}

// smoothedAndWeighted returns a loss with both, one class of three without weight.
func smoothedAndWeighted(classes int) backend.Loss {
	l := backend.Loss{Smoothing: 0.2}
	for k := range classes {
		l.ClassWeights = append(l.ClassWeights, float64(k%3))
	}
	return l
}

// describe names the case after what is special in it.
func (c Case) describe() string {
	name := fmt.Sprintf("%d-%v-%d batch %d of %d %s", c.Inputs, c.Hidden, c.Outputs, c.Rows, c.Batch, c.Optimiser.Kind)
	for _, word := range []struct {
		is   bool
		text string
	}{
		{c.Floats, "floats"}, {c.Regression, "regression"}, {c.Activation != "", string(c.Activation)},
		{c.Optimiser.WeightDecay != 0, "decay"}, {c.Optimiser.ClipNorm != 0, "clip"},
		{c.Loss.Smoothing != 0, "smoothing"}, {c.Loss.ClassWeights != nil, "weights"},
	} {
		if word.is {
			name += " " + word.text
		}
	}
	return name
}

// stream returns random numbers for one purpose within the case.
func (c Case) stream(purpose uint32) *random.Stream {
	return random.New(uint64(c.Inputs*1000+c.Rows), random.Testing, uint32(len(c.Hidden)), purpose)
}

// Data returns the case's samples: a few batches to train on, the last partial,
// and as many to test on.
func (c Case) Data() *dataset.Dataset {
	draw := c.stream(0)
	samples := func(n int) dataset.Samples {
		s := dataset.Samples{Features: c.Inputs}
		for range n * c.Inputs {
			if c.Floats {
				s.Values = append(s.Values, float32(draw.Normal()))
			} else {
				s.Pixels = append(s.Pixels, uint8(draw.Below(256)))
			}
		}
		if c.Regression {
			s.Outputs = c.Outputs
			for range n * c.Outputs {
				s.Targets = append(s.Targets, float32(draw.Normal()))
			}
			return s
		}
		for range n {
			s.Labels = append(s.Labels, uint8(draw.Below(uint32(c.Outputs))))
		}
		return s
	}
	d := &dataset.Dataset{
		Name: "noise", Height: 1, Width: c.Inputs, Mean: 0.4, Deviation: 0.3,
		Train: samples(2*c.Batch + c.Rows), Validation: samples(17), Test: samples(300),
	}
	if !c.Regression {
		d.Classes = c.Outputs
	}
	return d
}

// order returns the samples of the batch that is probed.
func (c Case) order() []int32 {
	order := make([]int32, c.Rows)
	for i := range order {
		order[i] = int32(2*c.Batch + c.Rows - 1 - i)
	}
	return order
}

func (c Case) widths() []int { return append(append([]int{c.Inputs}, c.Hidden...), c.Outputs) }

// State returns the state that both backends start from: a network whose
// participations lie between zero and one, both ends included, with an optimiser
// and moving averages that are some steps old. The second moments stay away from
// zero, where Adam turns any rounding into a step of full length.
func (c Case) State() *backend.State {
	draw := c.stream(1)
	fill := func(v []float32, number func() float64) {
		for i := range v {
			v[i] = float32(number())
		}
	}
	n := network.New(c.widths())
	if c.Activation != "" {
		n.Activation = c.Activation
	}
	for l, layer := range n.Layers {
		deviation := math.Sqrt(2 / float64(max(1, layer.In)))
		fill(layer.Weight, func() float64 { return deviation * draw.Normal() })
		fill(layer.Bias, func() float64 { return 0.1 * draw.Normal() })
		fill(layer.Participation, draw.Float64)
		for i := range layer.Participation {
			switch (i + l) % 5 {
			case 1:
				layer.Participation[i] = 1
			case 4:
				layer.Participation[i] = 0
			}
		}
	}
	s := &backend.State{Network: n, First: network.New(c.widths()), Steps: 7, Tracked: 5}
	for l := range n.Layers {
		fill(s.First.Layers[l].Weight, func() float64 { return 0.01 * draw.Normal() })
		fill(s.First.Layers[l].Bias, func() float64 { return 0.01 * draw.Normal() })
	}
	if c.Optimiser.Kind.HasSecond() {
		s.Second = network.New(c.widths())
		for l := range n.Layers {
			positive := func() float64 { return 1e-4 + 1e-3*draw.Float64() }
			fill(s.Second.Layers[l].Weight, positive)
			fill(s.Second.Layers[l].Bias, positive)
		}
	}
	for _, layer := range n.Hidden() {
		contributions := backend.Contributions{Mean: make([]float32, layer.Out), MeanSquare: make([]float32, layer.Out)}
		fill(contributions.Mean, draw.Normal)
		fill(contributions.MeanSquare, func() float64 { return draw.Float64() * draw.Float64() })
		s.Contributions = append(s.Contributions, contributions)
	}
	for _, layer := range n.Hidden() {
		slopes := backend.SlopeMoments{First: make([]float32, layer.Out), Second: make([]float32, layer.Out)}
		fill(slopes.First, func() float64 { return 0.01 * draw.Normal() })
		fill(slopes.Second, func() float64 { return 1e-4 + 1e-3*draw.Float64() })
		s.Slopes = append(s.Slopes, slopes)
	}
	return s
}

// survivors returns about half of the players of each layer, at least one of any
// layer that has one; networks of three hidden layers keep all of the second.
func (c Case) survivors() network.Survivors {
	draw := c.stream(2)
	var keep network.Survivors
	for l, width := range c.Hidden {
		stay := []int{}
		for i := range width {
			if i == int(draw.Below(uint32(width))) || draw.Below(2) == 0 || len(stay) == 0 && i == width-1 || l == 1 && len(c.Hidden) == 3 {
				stay = append(stay, i)
			}
		}
		keep = append(keep, stay)
	}
	return keep
}

// flatten returns all numbers of a state in one order.
func flatten(s *backend.State) []float64 {
	v := []float64{float64(s.Steps), float64(s.Tracked), float64(slices.Index(network.Activations, s.Network.Activation))}
	for _, n := range []*network.Network{s.Network, s.First, s.Second} {
		if n == nil {
			continue
		}
		for _, layer := range n.Layers {
			v = append(v, float64(layer.In), float64(layer.Out))
			v = append(v, widen(layer.Weight)...)
			v = append(v, widen(layer.Bias)...)
			if n == s.Network {
				v = append(v, widen(layer.Participation)...)
			}
		}
	}
	for _, c := range s.Contributions {
		v = append(v, widen(c.Mean)...)
		v = append(v, widen(c.MeanSquare)...)
	}
	for _, slopes := range s.Slopes {
		v = append(v, widen(slopes.First)...)
		v = append(v, widen(slopes.Second)...)
	}
	return v
}

// parameters returns the weights and biases of a state.
func parameters(s *backend.State) []float64 {
	var v []float64
	for _, layer := range s.Network.Layers {
		v = append(v, widen(layer.Weight)...)
		v = append(v, widen(layer.Bias)...)
	}
	return v
}

func distance(a, b []float64) float64 {
	sum := 0.
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

func widen(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

func counts(v []int) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
