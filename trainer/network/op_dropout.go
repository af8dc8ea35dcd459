package network

import (
	"fmt"
	"math"

	"nashprune/trainer/random"
)

// DropoutKind is the kind of [Dropout].
const DropoutKind Kind = "dropout"

// Dropout sets each number to zero with a probability in a training step, and divides the
// others by one minus it (Srivastava et al., JMLR 15, 2014). At all other times it is the
// identity.
type Dropout struct {
	Probability float64 `json:"probability"` // in [0, 1)
}

func (*Dropout) Kind() Kind { return DropoutKind }

func (o *Dropout) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 1 {
		return nil, nil, fmt.Errorf("a dropout takes one input, it has %d", len(in))
	}
	if !(o.Probability >= 0 && o.Probability < 1) {
		return nil, nil, fmt.Errorf("probability is %g; it must be at least 0 and below 1", o.Probability)
	}
	return in[0], nil, nil
}

func (*Dropout) Ties(in []Shape, _ Shape) []Tie   { return sameAll(0, in[0]) }
func (*Dropout) MACs([]Shape, Shape) int          { return 0 }
func (o *Dropout) Cut([]Shape, [][]int, []int) Op { return o }

func (*Dropout) Entry(in [][]float64, e int) float64 { return in[0][e] }

func (*Dropout) Forward(x Operands) {
	copy(x.Out, x.In[0])
	if x.OutBounds != nil {
		copy(x.OutBounds, x.InBounds[0])
	}
}

func (*Dropout) Backward(_ Operands, g Derivatives) {
	copy(g.In[0], g.Out)
	if g.OutBounds != nil {
		copy(g.InBounds[0], g.OutBounds)
	}
}

// Scale is what numbers that stay are multiplied with.
func (o *Dropout) Scale() float64 { return 1 / (1 - o.Probability) }

// Threshold is the first of the words with which a number stays.
func (o *Dropout) Threshold() uint32 { return uint32(o.Probability * (1 << 32)) }

// Masks returns the words that decide what a node drops of a sample of so many numbers: a
// number e of the batch's sample row stays if word row size + e of the stream is at least
// [Dropout.Threshold].
func (d Draws) Masks(node, row, size int) *random.Stream {
	s := random.New(d.Seed, random.Dropping, uint32(d.Step), uint32(node))
	s.Skip(row * size)
	return s
}

func (o *Dropout) ForwardBatch(x []Operands, _, _ [][]float64) {
	for row, x := range x {
		o.mask(x, row, x.In[0], x.Out)
		if x.OutBounds != nil {
			o.mask(x, row, x.InBounds[0], x.OutBounds)
			for e := range x.OutBounds {
				x.OutBounds[e] += Roundings(2, x.Unit) * (x.OutBounds[e] + math.Abs(x.Out[e]))
			}
		}
	}
}

func (o *Dropout) BackwardBatch(x []Operands, g []Derivatives) {
	for row, x := range x {
		g := g[row]
		o.mask(x, row, g.Out, g.In[0])
		if g.OutBounds != nil {
			o.mask(x, row, g.OutBounds, g.InBounds[0])
			for e := range g.InBounds[0] {
				g.InBounds[0][e] += Roundings(2, x.Unit) * (g.InBounds[0][e] + math.Abs(g.In[0][e]))
			}
		}
	}
}

// mask writes what stays of the numbers of a sample.
func (o *Dropout) mask(x Operands, row int, from, to []float64) {
	words := x.Draws.Masks(x.Node, row, len(from))
	for e, v := range from {
		to[e] = 0
		if words.Uint32() >= o.Threshold() {
			to[e] = o.Scale() * v
		}
	}
}
