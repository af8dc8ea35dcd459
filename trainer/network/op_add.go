package network

import (
	"fmt"
	"math"
)

// AddKind is the kind of [Add].
const AddKind Kind = "add"

// Add is the sum of two or more inputs of one shape. Inputs may also be the ends of branches,
// which have a first dimension more: a removed one has no numbers, and adds none.
type Add struct{}

func (*Add) Kind() Kind { return AddKind }

func (*Add) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) < 2 {
		return nil, nil, fmt.Errorf("an add takes two inputs at least, it has %d", len(in))
	}
	out := in[0]
	for _, shape := range in {
		if len(shape) < len(out) {
			out = shape
		}
	}
	for k, shape := range in {
		if !shape.Equal(out) && !isBranchOf(shape, out) {
			return nil, nil, fmt.Errorf("inputs 0 and %d have shapes %s and %s; an add takes inputs of one shape", k, in[0], shape)
		}
	}
	return out, nil, nil
}

// isBranchOf reports whether a shape is that of a branch that adds to one of another.
func isBranchOf(shape, out Shape) bool {
	return len(shape) == len(out)+1 && shape[0] <= 1 && shape[1:].Equal(out)
}

func (*Add) Ties(in []Shape, out Shape) []Tie {
	var ties []Tie
	for k, shape := range in {
		for d, n := range out {
			ties = append(ties, same(Axis{k, d + len(shape) - len(out)}, Axis{Output, d}, n))
		}
	}
	return ties
}

func (*Add) MACs([]Shape, Shape) int          { return 0 }
func (o *Add) Cut([]Shape, [][]int, []int) Op { return o }

func (*Add) Entry(in [][]float64, e int) float64 {
	sum := 0.
	for _, x := range in {
		if e < len(x) { // else it is a removed branch
			sum += x[e]
		}
	}
	return sum
}

// Forward bounds the error of n-1 additions, and adds those of the inputs.
func (o *Add) Forward(x Operands) {
	for e := range x.Out {
		x.Out[e] = o.Entry(x.In, e)
		if x.OutBounds == nil {
			continue
		}
		magnitude, inherited := 0., 0.
		for k, in := range x.In {
			if e >= len(in) {
				continue
			}
			magnitude += math.Abs(in[e])
			inherited += x.InBounds[k][e]
		}
		x.OutBounds[e] = Roundings(len(x.In)-1, x.Unit)*(magnitude+inherited) + inherited
	}
}

func (*Add) Backward(_ Operands, g Derivatives) {
	for k := range g.In {
		copy(g.In[k], g.Out)
		if g.OutBounds != nil {
			copy(g.InBounds[k], g.OutBounds)
		}
	}
}
