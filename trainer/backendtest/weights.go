package backendtest

import (
	"context"
	"fmt"
	"math"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// weightCases are networks whose players are single weights: dense layers with a decay and with
// clipped gradients, an empty layer, and convolutions, some of them in groups.
func weightCases() []Case {
	cases := []Case{
		{Inputs: 13, Hidden: []int{15, 6}, Activation: network.LeakyReLU, Outputs: 3, Batch: 19, Rows: 13,
			Optimiser: backend.Optimiser{Kind: backend.AdamW, WeightDecay: 0.5}},
		{Inputs: 40, Hidden: []int{130, 50}, Outputs: 10, Batch: 33, Rows: 31, Floats: true, Sparse: true,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, Momentum: 0.5, ClipNorm: 0.1}},
		{Inputs: 5, Hidden: []int{0, 3}, Outputs: 1, Regression: true, Batch: 130, Rows: 9,
			Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9, WeightDecay: 0.1}},
	}
	for i := range cases {
		cases[i].LearningRate = 1e-2
	}
	cases = append(cases, Graphs("residual of images", "depthwise")...)
	for i := range cases {
		cases[i].Weights = true
		if cases[i].Nodes == nil {
			cases[i].Name = cases[i].describe()
		}
		cases[i].Name += ", single weights"
	}
	for _, c := range cases {
		c.Soft, c.Sparse = true, false
		c.Name += " of the paper's game"
		cases = append(cases, c)
	}
	return cases
}

// soften lets weights participate by quarters, and rounds them so that s theta is exact in
// float32: the bounds of a network take its parameters to be so.
func soften(mask, theta []float32) {
	for i := range mask {
		mask[i] = float32(i%7%5) / 4
		theta[i] = math.Float32frombits(math.Float32bits(theta[i]) &^ 7)
	}
}

// maskSome takes every fifth weight that is a player out of a state, or all but few.
func maskSome(s *backend.State, sparse bool) {
	for p, mask := range s.Network.Masks {
		for i := range mask {
			if sparse && i%43 == 3 || !sparse && i%5 != 3 {
				continue
			}
			for _, tensors := range [][][]float32{s.Network.Masks, s.Network.Parameters, s.First, s.Second} {
				if tensors != nil {
					tensors[p][i] = 0
				}
			}
		}
	}
}

// maskGradient multiplies the gradients of weights of a parameter with their participations.
func (s *session) maskGradient(p int, gradient bounded) {
	masks := s.start.Network.Masks
	if masks == nil || masks[p] == nil {
		return
	}
	for i, m := range masks[p] {
		gradient.values[i] *= float64(m)
		gradient.entries[i] = float64(m)*gradient.entries[i] + s.unit*math.Abs(gradient.values[i])
	}
}

// isGone reports whether a weight is no player any more.
func (s *session) isGone(p, i int) bool {
	masks := s.start.Network.Masks
	return !s.Soft && masks != nil && masks[p] != nil && masks[p][i] == 0
}

// weigh compares the squares of the derivatives of weights, and checks that nothing else changes.
func (s *session) weigh() error {
	if s.start.Network.Masks == nil {
		return nil
	}
	return s.overSamples(s.weighOver)
}

func (s *session) weighOver(order []int32) error {
	quantity := fmt.Sprintf("weigh %s of %d", s.valuation, len(order))
	return s.engines(func(reference, candidate backend.Engine) error {
		want, err := reference.ObserveWeights(context.Background(), order)
		if err != nil {
			return err
		}
		var got, again [][]float32
		err = s.keeps(quantity+"/nothing else", candidate, func() (err error) {
			if got, err = candidate.ObserveWeights(context.Background(), order); err == nil {
				again, err = candidate.ObserveWeights(context.Background(), order)
			}
			return err
		}, nil)
		if err != nil {
			return err
		}
		expected := s.squares(order)
		masked := s.start.Network.Masked()
		if len(got) != len(masked) || len(want) != len(masked) {
			return fmt.Errorf("the weights of %d and %d tensors, and there are %d", len(got), len(want), len(masked))
		}
		for i, p := range masked {
			name := s.start.Network.Params[p].Name
			s.compare(quantity+"/"+name, widen(got[i]), widen(want[i]), expected[p].entries)
			s.compare("reference "+quantity+"/"+name, widen(want[i]), expected[p].values, expected[p].entries)
			s.compare(quantity+"/"+name+"/again", widen(again[i]), widen(got[i]), make([]float64, len(got[i])))
		}
		return nil
	})
}

// squares works out E[g^2] of all parameters from the gradients of one sample at a time.
func (s *session) squares(order []int32) []bounded {
	p := s.forward(s.data.Train, order)
	derivative, rows, outputs := s.target(p, order), float64(len(order)), p.Graph.Outputs()
	var squares []bounded
	for _, param := range p.Graph.Params {
		squares = append(squares, newBounded(param.Size()))
	}
	for b := range order {
		one := s.forward(s.data.Train, order[b:b+1])
		g, bounds := one.Backward(derivative.values[b*outputs:][:outputs], derivative.entries[b*outputs:][:outputs])
		for i, v := range g.Parameters {
			for at, x := range v {
				x, e := math.Abs(rows*x), rows*bounds.Parameters[i][at]
				e += 4 * s.unit * (x + e)
				squares[i].values[at] += x * x / rows
				squares[i].entries[at] += (2*x*e + e*e + s.gamma(len(order)+momentRoundings)*(x+e)*(x+e)) / rows
			}
		}
	}
	for i := range squares { // what a backend returns is float32
		for at, x := range squares[i].values {
			squares[i].entries[at] += s.unit*math.Abs(x) + math.SmallestNonzeroFloat32
		}
	}
	return squares
}
