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

// activationRoundings bounds what float32 adds when it computes an activation other
// than ReLU, which is exact: so many [Float32Unit] of |z| + |activation(z)|, for the
// exponentials, the divisions and the products behind it.
const activationRoundings = 8

// Forward multiplies an error by the largest slope, and adds [activationRoundings].
func (o *Activate) Forward(x Operands) {
	for e, z := range x.In[0] {
		a := o.Function.At(z)
		x.Out[e] = a
		if x.OutBounds == nil {
			continue
		}
		bound := o.Function.Lipschitz() * x.InBounds[0][e]
		if o.Function != ReLU {
			// What was computed may lie as far away as the error allows.
			bound += activationRoundings * Float32Unit * (math.Abs(z) + math.Abs(a) + 2*bound)
		}
		x.OutBounds[e] = bound
	}
}

func (o *Activate) Backward(x Operands, output []float64, in, _ [][]float64) {
	if in[0] == nil {
		return
	}
	for e, z := range x.In[0] {
		in[0][e] += output[e] * o.Function.Slope(z)
	}
}
