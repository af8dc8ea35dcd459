package onnx

import (
	"fmt"
	"slices"

	"nashprune/trainer/network"
)

// Standardise returns the steps that make (x - means) / deviations of a sample, rounded to
// float32. Both have the given shape, which a sample has but for dimensions of 1.
func Standardise(means, deviations []float64, shape []int) []Step {
	return []Step{
		{Op: "Sub", Node: "standardise.mean", Constant: "standardise.means", Shape: shape, Values: narrow(means)},
		{Op: "Div", Node: "standardise.deviation", Constant: "standardise.deviations", Shape: shape, Values: narrow(deviations)},
	}
}

// Rescale returns the steps that make deviations y + means of outputs, one number each.
func Rescale(means, deviations []float64) []Step {
	shape := []int{len(means)}
	return []Step{
		{Op: "Mul", Node: "rescale.deviation", Constant: "rescale.deviations", Shape: shape, Values: narrow(deviations)},
		{Op: "Add", Node: "rescale.mean", Constant: "rescale.means", Shape: shape, Values: narrow(means)},
	}
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// Affine returns what steps do to the numbers of a sample of a shape: number e becomes
// scale[e] x + shift[e]. Softmax and LogSoftmax are errors.
func Affine(steps []Step, sample network.Shape) (scale, shift []float64, err error) {
	scale, shift = slices.Repeat([]float64{1}, sample.Size()), make([]float64, sample.Size())
	for _, s := range steps {
		if s.Op == "Reshape" {
			sample = s.Shape
			continue
		}
		if s.Values == nil {
			return nil, nil, fmt.Errorf("%s is no arithmetic with constants", s.Op)
		}
		dims := aligned(s.Shape, len(sample))
		for e := range scale {
			switch x := float64(s.Values[source(dims, sample, e)]); s.Op {
			case "Add":
				shift[e] += x
			case "Sub":
				shift[e] -= x
			case "Mul":
				scale[e], shift[e] = scale[e]*x, shift[e]*x
			case "Div":
				scale[e], shift[e] = scale[e]/x, shift[e]/x
			}
		}
	}
	return scale, shift, nil
}
