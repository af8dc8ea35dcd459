package network

import "fmt"

// FlattenKind is the kind of [Flatten].
const FlattenKind Kind = "flatten"

// Flatten lays a sample out in one dimension, row-major. Each entry of the first
// dimension, a channel, becomes a block of features, which are removed with it.
type Flatten struct {
	// Keep lists the features that stay, in increasing order, where some were removed
	// without their channel, which has several; nil: all.
	Keep []int `json:"keep,omitzero"`
}

func (*Flatten) Kind() Kind { return FlattenKind }

func (o *Flatten) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 1 {
		return nil, nil, fmt.Errorf("a flatten takes one input, it has %d", len(in))
	}
	size := in[0].Size()
	if o.Keep == nil {
		return Shape{size}, nil, nil
	}
	if in[0][1:].Size() == 1 {
		return nil, nil, fmt.Errorf("it keeps some features of one number; a flatten may do so where a channel has several")
	}
	return Shape{len(o.Keep)}, nil, checkKeep(o.Keep, size)
}

func (o *Flatten) Ties(in []Shape, out Shape) []Tie {
	block := in[0][1:].Size()
	channel, feature := Axis{0, 0}, Axis{Output, 0}
	if block == 1 {
		return []Tie{same(channel, feature, out[0])}
	}
	if o.Keep == nil {
		return []Tie{{A: channel, B: feature, Count: in[0][0], Block: block, Child: true}}
	}
	var ties []Tie
	for e, k := range o.Keep {
		ties = append(ties, Tie{A: channel, AFrom: k / block, B: feature, BFrom: e, Count: 1, Block: 1, Child: true})
	}
	return ties
}

// IsView reports whether all features stay: those of a sample lie in one row in any shape.
func (o *Flatten) IsView() bool { return o.Keep == nil }

func (*Flatten) MACs([]Shape, Shape) int { return 0 }

// Cut renumbers the features that stay among those of the channels that stay.
func (o *Flatten) Cut(in []Shape, keepIn [][]int, keepOut []int) Op {
	block := in[0][1:].Size()
	place := map[int]int{}
	for i, channel := range keepIn[0] {
		place[channel] = i
	}
	keep := make([]int, len(keepOut))
	for i, e := range keepOut {
		from := o.source(e)
		keep[i] = place[from/block]*block + from%block
	}
	if len(keep) == len(keepIn[0])*block {
		return &Flatten{}
	}
	return &Flatten{keep}
}

func (o *Flatten) source(e int) int {
	if o.Keep != nil {
		return o.Keep[e]
	}
	return e
}

func (o *Flatten) From(_ [][]float64, e int) (input, entry int) { return 0, o.source(e) }

func (o *Flatten) Entry(in [][]float64, e int) float64 { return in[0][o.source(e)] }
func (o *Flatten) Forward(x Operands)                  { copyForward(o, x) }
func (o *Flatten) Backward(_ Operands, g Derivatives)  { copyBackward(o, g) }
