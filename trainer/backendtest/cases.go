package backendtest

import (
	"fmt"
	"math"

	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// Case is a network with its players and samples, all drawn from its sizes.
type Case struct {
	Name         string
	Inputs       int
	Hidden       []int
	Classes      int
	Batch        int  // of the engine
	Rows         int  // of the batch that is probed, at most Batch
	Floats       bool // features are floats, not bytes
	Optimiser    trainer.Optimiser
	LearningRate float64
}

// Cases returns the sizes that every backend is compared at: odd on purpose,
// single samples, partial batches, batches larger than those of an evaluation, as
// many samples as one of those takes, the narrowest layers, one layer whose players are all gone, and layers of two of
// which one has participation 0 or 1.
func Cases() []Case {
	adam := trainer.Optimiser{Kind: trainer.Adam}
	sgd := trainer.Optimiser{Kind: trainer.SGD, Momentum: 0.9}
	var cases []Case
	for _, c := range []Case{
		{Inputs: 1, Hidden: []int{1}, Classes: 2, Batch: 1, Rows: 1, Optimiser: sgd},
		{Inputs: 3, Hidden: []int{2}, Classes: 2, Batch: 3, Rows: 3, Optimiser: adam},
		{Inputs: 13, Hidden: []int{15}, Classes: 3, Batch: 19, Rows: 13, Optimiser: adam},
		{Inputs: 19, Hidden: []int{13, 2}, Classes: 10, Batch: 2, Rows: 1, Optimiser: sgd},
		{Inputs: 15, Hidden: []int{3, 19, 13}, Classes: 5, Batch: 130, Rows: 127, Optimiser: adam},
		{Inputs: 127, Hidden: []int{130, 15}, Classes: 10, Batch: 15, Rows: 15, Optimiser: sgd},
		{Inputs: 130, Hidden: []int{127, 130}, Classes: 13, Batch: 128, Rows: 128, Optimiser: adam},
		{Inputs: 13, Hidden: []int{0, 3}, Classes: 3, Batch: 19, Rows: 15, Optimiser: adam},
		{Inputs: 2, Hidden: []int{2, 15, 19, 2}, Classes: 2, Batch: 1, Rows: 1, Optimiser: adam}, // one of the last two is gated
		{Inputs: 7, Hidden: []int{5}, Classes: 3, Batch: 4, Rows: 3, Floats: true, Optimiser: adam},
		{Inputs: 2, Hidden: []int{13}, Classes: 3, Batch: 261, Rows: 261, Optimiser: adam},
		{Inputs: 2, Hidden: []int{3}, Classes: 2, Batch: 100, Rows: 56, Optimiser: sgd}, // 256 samples to train on
	} {
		c.LearningRate = 1e-2
		c.Name = fmt.Sprintf("%d-%v-%d batch %d of %d %s", c.Inputs, c.Hidden, c.Classes, c.Rows, c.Batch, c.Optimiser.Kind)
		if c.Floats {
			c.Name += " floats"
		}
		cases = append(cases, c)
	}
	return cases
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
		for range n {
			s.Labels = append(s.Labels, uint8(draw.Below(uint32(c.Classes))))
		}
		return s
	}
	return &dataset.Dataset{
		Name: "noise", Height: 1, Width: c.Inputs, Classes: c.Classes, Mean: 0.4, Deviation: 0.3,
		Train: samples(2*c.Batch + c.Rows), Validation: samples(17), Test: samples(300),
	}
}

// order returns the samples of the batch that is probed.
func (c Case) order() []int32 {
	order := make([]int32, c.Rows)
	for i := range order {
		order[i] = int32(2*c.Batch + c.Rows - 1 - i)
	}
	return order
}

func (c Case) widths() []int { return append(append([]int{c.Inputs}, c.Hidden...), c.Classes) }

// State returns the state that both backends start from: a network whose
// participations lie between zero and one, both ends included, with an optimiser
// and moving averages that are some steps old. The second moments stay away from
// zero, where Adam turns any rounding into a step of full length.
func (c Case) State() *trainer.State {
	draw := c.stream(1)
	fill := func(v []float32, number func() float64) {
		for i := range v {
			v[i] = float32(number())
		}
	}
	n := network.New(c.widths())
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
	s := &trainer.State{Network: n, First: network.New(c.widths()), Steps: 7, Tracked: 5}
	for l := range n.Layers {
		fill(s.First.Layers[l].Weight, func() float64 { return 0.01 * draw.Normal() })
		fill(s.First.Layers[l].Bias, func() float64 { return 0.01 * draw.Normal() })
	}
	if c.Optimiser.Kind == trainer.Adam {
		s.Second = network.New(c.widths())
		for l := range n.Layers {
			positive := func() float64 { return 1e-4 + 1e-3*draw.Float64() }
			fill(s.Second.Layers[l].Weight, positive)
			fill(s.Second.Layers[l].Bias, positive)
		}
	}
	for _, layer := range n.Hidden() {
		contributions := trainer.Contributions{Mean: make([]float32, layer.Out), MeanSquare: make([]float32, layer.Out)}
		fill(contributions.Mean, draw.Normal)
		fill(contributions.MeanSquare, func() float64 { return draw.Float64() * draw.Float64() })
		s.Contributions = append(s.Contributions, contributions)
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
func flatten(s *trainer.State) []float64 {
	v := []float64{float64(s.Steps), float64(s.Tracked)}
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
	return v
}

// parameters returns the weights and biases of a state.
func parameters(s *trainer.State) []float64 {
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
