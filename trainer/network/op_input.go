package network

import (
	"fmt"
	"slices"
)

// InputKind is the kind of [Input].
const InputKind Kind = "input"

// Input is the samples as the network sees them. Every graph has one, its first node.
type Input struct {
	Sample Shape `json:"sample"` // of a sample as the data set holds it
	// Keep lists the entries of the sample's first dimension that are read, in
	// increasing order; nil: all.
	Keep []int `json:"keep,omitzero"`
}

func (*Input) Kind() Kind { return InputKind }

func (o *Input) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 0 {
		return nil, nil, fmt.Errorf("an input takes no inputs, it has %d", len(in))
	}
	if len(o.Sample) == 0 || slices.Min(o.Sample) < 1 {
		return nil, nil, fmt.Errorf("the sample has shape %s; it must have one number at least", o.Sample)
	}
	if err := bounded(o.Sample); err != nil {
		return nil, nil, err
	}
	if o.Keep == nil {
		return o.Sample, nil, nil
	}
	return append(Shape{len(o.Keep)}, o.Sample[1:]...), nil, checkKeep(o.Keep, o.Sample[0])
}

// checkKeep holds the entries that stay of n to increasing order.
func checkKeep(keep []int, n int) error {
	for i, k := range keep {
		if k < 0 || k >= n || i > 0 && k <= keep[i-1] {
			return fmt.Errorf("entry %d of keep is %d; entries must increase from 0 to %d", i, k, n-1)
		}
	}
	return nil
}

func (*Input) Ties([]Shape, Shape) []Tie { return nil }
func (*Input) MACs([]Shape, Shape) int   { return 0 }

func (o *Input) Cut(_ []Shape, _ [][]int, out []int) Op {
	if len(out) == o.Sample[0] {
		return o
	}
	if o.Keep != nil {
		return &Input{o.Sample, Select(o.Keep, out)}
	}
	return &Input{o.Sample, out}
}

// Forward has nothing to do: the evaluator writes the samples.
func (*Input) Forward(Operands) {}

func (*Input) Backward(Operands, Derivatives) {}

// Features returns the places in a sample of the numbers that are read, or nil where
// all are.
func (o *Input) Features() []int {
	if o.Keep == nil {
		return nil
	}
	rest := o.Sample[1:].Size()
	features := make([]int, 0, len(o.Keep)*rest)
	for _, k := range o.Keep {
		for i := range rest {
			features = append(features, k*rest+i)
		}
	}
	return features
}
