package network

import (
	"fmt"
	"math"
)

// ActivationKind is the kind of [Activate].
const ActivationKind Kind = "activation"

// Activate applies a function to every number of its input.
type Activate struct {
	Function Activation `json:"function"`
}

func (*Activate) Kind() Kind { return ActivationKind }

func (o *Activate) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if !o.Function.Known() {
		return nil, nil, fmt.Errorf("function is %.40q; it must be one of %q", o.Function, Activations)
	}
	if len(in) != 1 {
		return nil, nil, fmt.Errorf("an activation takes one input, it has %d", len(in))
	}
	return in[0], nil, nil
}

func (*Activate) Ties(in []Shape, _ Shape) []Tie   { return sameAll(0, in[0]) }
func (*Activate) MACs([]Shape, Shape) int          { return 0 }
func (o *Activate) Cut([]Shape, [][]int, []int) Op { return o }

func (o *Activate) Entry(in [][]float64, e int) float64 { return o.Function.At(in[0][e]) }

func (o *Activate) Forward(x Operands) {
	for e, z := range x.In[0] {
		x.Out[e] = o.Function.At(z)
		if x.OutBounds != nil {
			x.OutBounds[e] = o.Function.bound(z, x.InBounds[0][e], x.Unit)
		}
	}
}

func (o *Activate) Backward(x Operands, g Derivatives) {
	for e, z := range x.In[0] {
		slope, d := o.Function.Slope(z), g.Out[e]
		g.In[0][e] = d * slope
		if g.OutBounds != nil {
			bound, slopeBound := g.OutBounds[e], o.Function.slopeBound(z, x.InBounds[0][e], x.Unit)
			g.InBounds[0][e] = bound*(math.Abs(slope)+slopeBound) + math.Abs(d)*slopeBound + x.Unit*math.Abs(d*slope)
		}
	}
}
