package network

import (
	"fmt"
	"math"
)

// BatchNormKind is the kind of [BatchNorm].
const BatchNormKind Kind = "batch-norm"

// BatchNorm standardises each entry c of the first dimension, then scales and shifts it:
//
//	y = weight[c] (x - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]
//
// In a training step mean and variance are those of the batch over samples and positions
// (the variance divided by their number), and the running statistics move towards them by
// Momentum (with the variance divided by one less), as torch.nn.BatchNorm2d does. At all
// other times they are the running statistics. So does the evaluation of this package.
type BatchNorm struct {
	Epsilon  float64 `json:"epsilon"`  // added to variances; above 0
	Momentum float64 `json:"momentum"` // of the running statistics, in (0, 1]
}

// PyTorchBatchNorm has the defaults of torch.nn.BatchNorm2d.
func PyTorchBatchNorm() *BatchNorm { return &BatchNorm{1e-5, 0.1} }

// Places of the parameters of a batch norm.
const (
	NormWeight = iota
	NormBias
	NormMean
	NormVariance
)

func (*BatchNorm) Kind() Kind { return BatchNormKind }

// Normalises implements [Normaliser].
func (*BatchNorm) Normalises() {}

func (o *BatchNorm) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 1 || len(in[0]) == 0 {
		return nil, nil, fmt.Errorf("a batch norm takes one input, it has %v", in)
	}
	if !(o.Epsilon > 0) || math.IsInf(o.Epsilon, 0) || !(o.Momentum > 0 && o.Momentum <= 1) {
		return nil, nil, fmt.Errorf("epsilon is %g and momentum %g; epsilon must be above 0, momentum above 0 and at most 1", o.Epsilon, o.Momentum)
	}
	rows := func(name string, spec ParamSpec) ParamSpec {
		spec.Name, spec.Shape, spec.Axes = name, []int{in[0][0]}, []Axis{{Output, 0}}
		return spec
	}
	return in[0], []ParamSpec{
		rows("weight", ParamSpec{Produces: true, Initial: 1}),
		rows("bias", ParamSpec{Produces: true}),
		rows("running_mean", ParamSpec{Statistic: true}),
		rows("running_var", ParamSpec{Statistic: true, Initial: 1}),
	}, nil
}

func (*BatchNorm) Ties(in []Shape, _ Shape) []Tie { return sameAll(0, in[0]) }

// MACs counts one a number: scale and shift with running statistics.
func (*BatchNorm) MACs(_ []Shape, out Shape) int { return out.Size() }

func (o *BatchNorm) Cut([]Shape, [][]int, []int) Op { return o }

// inverse returns 1 / sqrt(variance + epsilon) of entry c.
func (o *BatchNorm) inverse(params [][]float64, c int) float64 {
	return 1 / math.Sqrt(params[NormVariance][c]+o.Epsilon)
}

// normRoundings bounds the operations of either way to compute y: as above, or as
// scale x + (bias - mean scale). A square root and a division are two of them.
const normRoundings = 8

// Forward uses the running statistics.
func (o *BatchNorm) Forward(x Operands) {
	inner, gamma := x.OutShape[1:].Size(), Roundings(normRoundings, x.Unit)
	for c := range x.OutShape[0] {
		scale, mean, shift := x.Params[NormWeight][c]*o.inverse(x.Params, c), x.Params[NormMean][c], x.Params[NormBias][c]
		for e := c * inner; e < (c+1)*inner; e++ {
			v := x.In[0][e]
			x.Out[e] = scale*(v-mean) + shift
			if x.OutBounds != nil {
				inherited := math.Abs(scale) * x.InBounds[0][e]
				x.OutBounds[e] = inherited + gamma*(math.Abs(scale)*(math.Abs(v)+math.Abs(mean))+math.Abs(shift)+inherited)
			}
		}
	}
}

// Backward holds the running statistics.
func (o *BatchNorm) Backward(x Operands, g Derivatives) {
	inner := x.OutShape[1:].Size()
	gamma, sums := Roundings(normRoundings, x.Unit), Roundings(g.Rows*inner+normRoundings, x.Unit)
	for c := range x.OutShape[0] {
		inverse, mean := o.inverse(x.Params, c), x.Params[NormMean][c]
		scale := x.Params[NormWeight][c] * inverse
		for e := c * inner; e < (c+1)*inner; e++ {
			d, v := g.Out[e], x.In[0][e]
			g.In[0][e] = scale * d
			g.Params[NormWeight][c] += d * (v - mean) * inverse
			g.Params[NormBias][c] += d
			if g.OutBounds == nil {
				continue
			}
			d, bound := math.Abs(d), g.OutBounds[e]
			size, inherited := (math.Abs(v)+math.Abs(mean))*inverse, x.InBounds[0][e]*inverse
			g.InBounds[0][e] = math.Abs(scale) * (bound + gamma*(d+bound))
			g.ParamBounds[NormWeight][c] += d*inherited + bound*(size+inherited) + sums*(d+bound)*(size+inherited)
			g.ParamBounds[NormBias][c] += bound + sums*(d+bound)
		}
	}
}
