package network

import (
	"fmt"
	"math"
)

// Conv2DKind is the kind of [Conv2D].
const Conv2DKind Kind = "conv2d"

// Conv2D is a convolution over the two last dimensions of {channels, height, width}:
//
//	u[o,y,x] = b[o] + sum over i, p, q of W[o,i,p,q] in[i, y stride - padding + p, x stride - padding + q]
//
// where in is 0 outside. Its parameters are "weight" of [out, in/groups, height, width of
// the kernel], as torch.nn.Conv2d stores it, and, with Bias, "bias" of [out].
type Conv2D struct {
	Out    int `json:"out"` // channels, or filters; 0 is an empty layer, which feeds nothing
	Window     // of the kernel
	// Groups cuts the channels of input and output into so many parts; output channels read
	// those of their own part alone. 0 is 1.
	Groups int `json:"groups,omitzero"`
	// Depthwise makes every channel a group: channels of input and output are the same
	// players. Groups is 0 then.
	Depthwise bool `json:"depthwise,omitzero"`
	Bias      bool `json:"bias,omitzero"`
}

func (*Conv2D) Kind() Kind { return Conv2DKind }

// groups returns the number of groups for a number of channels, at least 1.
func (o *Conv2D) groups(channels int) int {
	if o.Depthwise {
		return max(channels, 1)
	}
	return max(o.Groups, 1)
}

func (o *Conv2D) Infer(in []Shape) (Shape, []ParamSpec, error) {
	out, err := o.slide("a convolution", in)
	if err != nil {
		return nil, nil, err
	}
	channels, groups := in[0][0], o.groups(in[0][0])
	switch {
	case o.Depthwise && o.Groups != 0:
		return nil, nil, fmt.Errorf("it is depthwise and has %d groups; it must have one of both", o.Groups)
	case o.Out < 0 || o.Groups < 0:
		return nil, nil, fmt.Errorf("out is %d and groups is %d; they must be 0 or more", o.Out, o.Groups)
	case channels%groups != 0 || o.Out%groups != 0:
		return nil, nil, fmt.Errorf("%d channels to %d in %d groups; groups must divide both", channels, o.Out, groups)
	}
	out[0] = o.Out
	rows := Axis{Output, 0}
	axes := []Axis{rows}
	if groups == 1 && !o.Depthwise {
		axes = append(axes, Axis{0, 0})
	}
	params := []ParamSpec{{
		Name: "weight", Shape: []int{o.Out, o.perGroup(channels), o.Kernel[0], o.Kernel[1]}, Axes: axes, Produces: true, Weight: true,
	}}
	if o.Bias {
		params = append(params, ParamSpec{Name: "bias", Shape: []int{o.Out}, Axes: []Axis{rows}, Produces: true})
	}
	return out, params, nil
}

// Ties of a depthwise convolution makes input and output one. Of other groups it ties the
// channels of all, so that groups stay equal.
func (o *Conv2D) Ties(in []Shape, out Shape) []Tie {
	channels, groups := in[0][0], o.groups(in[0][0])
	from, to := Axis{0, 0}, Axis{Output, 0}
	switch {
	case o.Depthwise:
		return []Tie{{A: from, B: to, Count: channels, Block: out[0] / groups}}
	case groups == 1:
		return nil
	}
	var ties []Tie
	for g := 1; g < groups; g++ {
		for axis, n := range map[Axis]int{from: channels / groups, to: out[0] / groups} {
			ties = append(ties, Tie{A: axis, B: axis, BFrom: g * n, Count: n, Block: 1})
		}
	}
	return ties
}

func (o *Conv2D) MACs(in []Shape, out Shape) int {
	return out.Size() * o.terms(in[0])
}

func (o *Conv2D) Cut(_ []Shape, _ [][]int, keepOut []int) Op {
	small := *o
	small.Out = len(keepOut)
	return &small
}

// eachRow visits the products of a sample by rows of the output: n products of weight w
// with the inputs from i on, every stride, for the outputs from e on.
func (o *Conv2D) eachRow(in, out Shape, visit func(w, i, e, n int)) {
	perGroup, filters := o.perGroup(in[0]), out[0]/o.groups(in[0])
	w := 0
	for f := range out[0] {
		first := f / filters * perGroup
		for c := first; c < first+perGroup; c++ {
			for p := range o.Kernel[0] {
				for q := range o.Kernel[1] {
					low, high := o.Inside(1, q, in[2], out[2])
					for y := range out[1] {
						if row := y*o.Stride[0] - o.Padding[0] + p; row >= 0 && row < in[1] && low < high {
							visit(w, (c*in[1]+row)*in[2]+low*o.Stride[1]-o.Padding[1]+q, (f*out[1]+y)*out[2]+low, high-low)
						}
					}
					w++
				}
			}
		}
	}
}

// Forward adds the products to the bias. Float32 rounds a product, the sums and the bias:
// channels/groups times the size of the kernel, and 2 operations more, at most.
func (o *Conv2D) Forward(x Operands) {
	inner := x.OutShape[1:].Size()
	for e := range x.Out {
		x.Out[e] = 0
		if o.Bias {
			x.Out[e] = x.Params[1][e/inner]
		}
	}
	input, weight, stride := x.In[0], x.Params[0], o.Stride[1]
	if x.OutBounds == nil {
		o.eachRow(x.InShapes[0], x.OutShape, func(w, i, e, n int) {
			w64, out := weight[w], x.Out[e:][:n]
			if stride == 1 {
				for k, v := range input[i:][:n] {
					out[k] += w64 * v
				}
				return
			}
			for k := range out {
				out[k] += w64 * input[i+k*stride]
			}
		})
		return
	}
	magnitude, errors := make([]float64, len(x.Out)), x.InBounds[0]
	for e, u := range x.Out {
		magnitude[e], x.OutBounds[e] = math.Abs(u), 0
	}
	o.eachRow(x.InShapes[0], x.OutShape, func(w, i, e, n int) {
		w64, size := weight[w], math.Abs(weight[w])
		out, sizes, bounds := x.Out[e:][:n], magnitude[e:][:n], x.OutBounds[e:][:n]
		for k := range out {
			v := input[i+k*stride]
			out[k] += w64 * v
			sizes[k] += size * math.Abs(v)
			bounds[k] += size * errors[i+k*stride]
		}
	})
	gamma := Roundings(o.terms(x.InShapes[0])+2, x.Unit)
	for e := range x.OutBounds {
		x.OutBounds[e] += gamma * (magnitude[e] + x.OutBounds[e])
	}
}

// perGroup returns how many channels an output channel reads.
func (o *Conv2D) perGroup(channels int) int {
	if o.Depthwise {
		return 1
	}
	return channels / o.groups(channels)
}

// terms returns how many products an output is the sum of.
func (o *Conv2D) terms(in Shape) int { return o.perGroup(in[0]) * o.Kernel[0] * o.Kernel[1] }

// Backward takes d back through the weights for the input; the gradient of a weight is the
// sum of d times the inputs that it met.
func (o *Conv2D) Backward(x Operands, g Derivatives) {
	clear(g.In[0])
	input, weight, stride := x.In[0], x.Params[0], o.Stride[1]
	inner := x.OutShape[1:].Size()
	o.eachRow(x.InShapes[0], x.OutShape, func(w, i, e, n int) {
		w64, sum := weight[w], 0.
		for k, d := range g.Out[e:][:n] {
			at := i + k*stride
			g.In[0][at] += d * w64
			sum += d * input[at]
		}
		g.Params[0][w] += sum
	})
	if o.Bias {
		for e, d := range g.Out {
			g.Params[1][e/inner] += d
		}
	}
	if g.OutBounds == nil {
		return
	}
	// A weight's gradient is a sum over positions and rows, an input's over filters and
	// places of the kernel.
	clear(g.InBounds[0])
	ofWeight := Roundings(g.Rows*inner+1, x.Unit)
	ofInput := Roundings(x.OutShape[0]/o.groups(x.InShapes[0][0])*o.Kernel[0]*o.Kernel[1]+1, x.Unit)
	ofBias := Roundings(g.Rows*inner, x.Unit)
	o.eachRow(x.InShapes[0], x.OutShape, func(w, i, e, n int) {
		size, sum := math.Abs(weight[w]), 0.
		for k, d := range g.Out[e:][:n] {
			at, d, bound := i+k*stride, math.Abs(d), g.OutBounds[e+k]
			v, ve := math.Abs(input[at]), x.InBounds[0][at]
			g.InBounds[0][at] += (bound + ofInput*(d+bound)) * size
			sum += d*ve + bound*v + bound*ve + ofWeight*(d+bound)*(v+ve)
		}
		g.ParamBounds[0][w] += sum
	})
	if o.Bias {
		for e, d := range g.Out {
			bound := g.OutBounds[e]
			g.ParamBounds[1][e/inner] += bound + ofBias*(math.Abs(d)+bound)
		}
	}
}
