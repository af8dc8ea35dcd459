package network

import "fmt"

// ConcatKind is the kind of [Concat].
const ConcatKind Kind = "concat"

// Concat puts its inputs after each other along their first dimension.
type Concat struct{}

func (*Concat) Kind() Kind { return ConcatKind }

func (*Concat) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) < 2 {
		return nil, nil, fmt.Errorf("a concat takes two inputs at least, it has %d", len(in))
	}
	total := 0
	for k, shape := range in {
		if len(shape) != len(in[0]) || !shape[1:].Equal(in[0][1:]) {
			return nil, nil, fmt.Errorf("inputs 0 and %d have shapes %s and %s; they may differ in the first dimension alone", k, in[0], shape)
		}
		total += shape[0]
	}
	return append(Shape{total}, in[0][1:]...), nil, nil
}

func (*Concat) Ties(in []Shape, out Shape) []Tie {
	var ties []Tie
	offset := 0
	for k, shape := range in {
		ties = append(ties, Tie{A: Axis{k, 0}, B: Axis{Output, 0}, BFrom: offset, Count: shape[0], Block: 1})
		for d := 1; d < len(out); d++ {
			ties = append(ties, same(Axis{k, d}, Axis{Output, d}, out[d]))
		}
		offset += shape[0]
	}
	return ties
}

// IsView reports false: inputs do not lie side by side.
func (*Concat) IsView() bool { return false }

func (*Concat) MACs([]Shape, Shape) int          { return 0 }
func (o *Concat) Cut([]Shape, [][]int, []int) Op { return o }

func (*Concat) From(in [][]float64, e int) (input, entry int) {
	for k, x := range in {
		if e < len(x) {
			return k, e
		}
		e -= len(x)
	}
	panic("network: entry beyond a concat")
}

func (o *Concat) Entry(in [][]float64, e int) float64 {
	k, i := o.From(in, e)
	return in[k][i]
}

func (o *Concat) Forward(x Operands)                 { copyForward(o, x) }
func (o *Concat) Backward(_ Operands, g Derivatives) { copyBackward(o, g) }
