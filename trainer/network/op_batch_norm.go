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

// Scales implements [Normaliser].
func (o *BatchNorm) Scales(params [][]float32) []float64 {
	scales := make([]float64, len(params[NormWeight]))
	for c, w := range params[NormWeight] {
		scales[c] = float64(w) / math.Sqrt(float64(params[NormVariance][c])+o.Epsilon)
	}
	return scales
}

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

// moments are the statistics of a batch at one entry, with bounds.
type moments struct {
	count                                  int
	mean, variance, inverse                float64
	meanBound, varianceBound, inverseBound float64
}

// momentsOf returns the mean, the variance and the inverse deviation of entry c.
func (o *BatchNorm) momentsOf(x []Operands, c int) moments {
	inner := x[0].OutShape[1:].Size()
	n := len(x) * inner
	m, unit := moments{count: n}, x[0].Unit
	each := func(visit func(v, bound float64)) {
		for _, x := range x {
			for e := c * inner; e < (c+1)*inner; e++ {
				bound := 0.
				if x.OutBounds != nil {
					bound = x.InBounds[0][e]
				}
				visit(x.In[0][e], bound)
			}
		}
	}
	sum, size, inherited := 0., 0., 0.
	each(func(v, bound float64) {
		sum += v
		size += math.Abs(v) + bound
		inherited += bound
	})
	m.mean = sum / float64(n)
	m.meanBound = (inherited + Roundings(n+1, unit)*size) / float64(n)
	sum, size, inherited = 0, 0, 0
	each(func(v, bound float64) {
		d := math.Abs(v - m.mean)
		bound += m.meanBound + unit*(d+bound+m.meanBound)
		sum += d * d
		size += (d + bound) * (d + bound)
		inherited += 2*d*bound + bound*bound
	})
	m.variance = sum / float64(n)
	m.varianceBound = (inherited + Roundings(n+3, unit)*size) / float64(n)
	w := m.variance + o.Epsilon
	// A sum of squares is never below 0.
	low := max(o.Epsilon, w-m.varianceBound)
	m.inverse = 1 / math.Sqrt(w)
	m.inverseBound = 1/math.Sqrt(low) - m.inverse + Roundings(4, unit)/math.Sqrt(low)
	return m
}

// standard returns a number of the input, standardised, with a bound. Either way to compute
// it is covered, see normRoundings.
func (m moments) standard(v, bound, unit float64) (x, xBound float64) {
	d := v - m.mean
	inverse := m.inverse + m.inverseBound
	bound += m.meanBound
	return d * m.inverse, math.Abs(d)*m.inverseBound + bound*inverse + Roundings(normRoundings, unit)*(math.Abs(v)+math.Abs(m.mean)+2*bound)*inverse
}

// ForwardBatch uses the statistics of the batch.
func (o *BatchNorm) ForwardBatch(x []Operands, statistics, bounds [][]float64) {
	if len(x) == 0 {
		return
	}
	inner := x[0].OutShape[1:].Size()
	for c := range x[0].OutShape[0] {
		m := o.momentsOf(x, c)
		weight, bias := x[0].Params[NormWeight][c], x[0].Params[NormBias][c]
		for _, x := range x {
			gamma := Roundings(normRoundings, x.Unit)
			for e := c * inner; e < (c+1)*inner; e++ {
				v, bound := x.In[0][e], 0.
				if x.OutBounds != nil {
					bound = x.InBounds[0][e]
				}
				standard, standardBound := m.standard(v, bound, x.Unit)
				x.Out[e] = weight*standard + bias
				if x.OutBounds != nil {
					x.OutBounds[e] = math.Abs(weight)*standardBound + gamma*(math.Abs(weight)*(math.Abs(standard)+standardBound)+math.Abs(bias))
				}
			}
		}
		correction := float64(m.count) / float64(max(1, m.count-1))
		move := func(which int, to, bound float64) {
			old := x[0].Params[which][c]
			statistics[which][c] = old + o.Momentum*(to-old)
			if bounds[which] != nil {
				bounds[which][c] = o.Momentum*bound + Roundings(4, x[0].Unit)*(math.Abs(old)+math.Abs(to)+bound)
			}
		}
		move(NormMean, m.mean, m.meanBound)
		move(NormVariance, correction*m.variance, correction*m.varianceBound)
	}
}

// BackwardBatch takes derivatives through the statistics of the batch: of n numbers of an
// entry with derivatives d and standardised values h,
//
//	dx = weight / sqrt(variance + epsilon) (d - mean d - h mean(d h))
func (o *BatchNorm) BackwardBatch(x []Operands, g []Derivatives) {
	if len(x) == 0 {
		return
	}
	inner, unit := x[0].OutShape[1:].Size(), x[0].Unit
	for c := range x[0].OutShape[0] {
		m := o.momentsOf(x, c)
		each := func(visit func(row, e int, h, hBound, d, dBound float64)) {
			for row, x := range x {
				for e := c * inner; e < (c+1)*inner; e++ {
					bound, dBound := 0., 0.
					if g[row].OutBounds != nil {
						bound, dBound = x.InBounds[0][e], g[row].OutBounds[e]
					}
					h, hBound := m.standard(x.In[0][e], bound, unit)
					visit(row, e, h, hBound, g[row].Out[e], dBound)
				}
			}
		}
		n := float64(m.count)
		sums := Roundings(m.count+2, unit)
		var ofBias, ofWeight, biasBound, weightBound float64
		each(func(_, _ int, h, hBound, d, dBound float64) {
			ofBias += d
			ofWeight += d * h
			biasBound += dBound + sums*(math.Abs(d)+dBound)
			weightBound += math.Abs(d)*hBound + dBound*(math.Abs(h)+hBound) + sums*(math.Abs(d)+dBound)*(math.Abs(h)+hBound)
		})
		g[0].Params[NormBias][c] += ofBias
		g[0].Params[NormWeight][c] += ofWeight
		if g[0].OutBounds != nil {
			g[0].ParamBounds[NormBias][c] += biasBound
			g[0].ParamBounds[NormWeight][c] += weightBound
		}
		weight := x[0].Params[NormWeight][c]
		each(func(row, e int, h, hBound, d, dBound float64) {
			t := d - ofBias/n - h*ofWeight/n
			g[row].In[0][e] = weight * m.inverse * t
			if g[row].OutBounds == nil {
				return
			}
			h = math.Abs(h) + hBound
			bound := dBound + biasBound/n + (h*weightBound+hBound*math.Abs(ofWeight))/n
			size := math.Abs(d) + dBound + (math.Abs(ofBias)+biasBound)/n + h*(math.Abs(ofWeight)+weightBound)/n
			bound += Roundings(normRoundings, unit) * size
			inverse := m.inverse + m.inverseBound
			g[row].InBounds[0][e] = math.Abs(weight) * (inverse*bound + math.Abs(t)*m.inverseBound + Roundings(normRoundings, unit)*inverse*(math.Abs(t)+bound))
		})
	}
}
