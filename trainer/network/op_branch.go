package network

import "fmt"

// BranchKind is the kind of [Branch].
const BranchKind Kind = "branch"

// Branch is the end of a residual branch, before the sum that it adds to: its input with one
// dimension more in front, of one entry. That entry is a unit, so that a gate has one
// participation for the whole branch. See [WithBranches].
type Branch struct {
	Removed bool `json:"removed,omitzero"` // there is no entry any more, and nothing to add
}

func (*Branch) Kind() Kind { return BranchKind }

func (o *Branch) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 1 {
		return nil, nil, fmt.Errorf("a branch takes one input, it has %d", len(in))
	}
	entries := 1
	if o.Removed {
		entries = 0
	}
	return append(Shape{entries}, in[0]...), nil, nil
}

func (*Branch) Ties(in []Shape, _ Shape) []Tie {
	var ties []Tie
	for d, n := range in[0] {
		ties = append(ties, same(Axis{0, d}, Axis{Output, d + 1}, n))
	}
	return ties
}

func (*Branch) MACs([]Shape, Shape) int { return 0 }

func (*Branch) Cut(_ []Shape, _ [][]int, keepOut []int) Op { return &Branch{len(keepOut) == 0} }

func (*Branch) From(_ [][]float64, e int) (input, entry int) { return 0, e }

// IsView reports whether the branch is still there.
func (o *Branch) IsView() bool { return !o.Removed }

func (*Branch) Entry(in [][]float64, e int) float64  { return in[0][e] }
func (o *Branch) Forward(x Operands)                 { copyForward(o, x) }
func (o *Branch) Backward(_ Operands, g Derivatives) { copyBackward(o, g) }
