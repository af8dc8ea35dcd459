package network

import (
	"fmt"
	"math"
)

// DenseKind is the kind of [Dense].
const DenseKind Kind = "dense"

// Dense is an affine layer: u_i = sum_j W_ij x_j + b_i, with the parameters "weight"
// of [out, in] and "bias" of [out].
type Dense struct {
	Out int `json:"out"` // outputs; 0 is an empty layer, which feeds nothing
}

func (*Dense) Kind() Kind { return DenseKind }

// Affine returns the places of the weights, of [out, in], and the biases of a node whose
// output is affine in its inputs; false for other nodes.
func (g *Graph) Affine(node int) (weight, bias int, ok bool) {
	n := g.Nodes[node]
	if n.Op.Kind() != DenseKind || len(n.Params) == 0 { // it is in a removed branch
		return 0, 0, false
	}
	return n.Params[0], n.Params[1], true
}

func (g *Graph) isAffine(node int) bool {
	_, _, ok := g.Affine(node)
	return ok
}

func (o *Dense) Infer(in []Shape) (Shape, []ParamSpec, error) {
	if len(in) != 1 || len(in[0]) != 1 {
		return nil, nil, fmt.Errorf("a dense layer takes one input of one dimension, it has %v; put a flatten before it", in)
	}
	if o.Out < 0 {
		return nil, nil, fmt.Errorf("out is %d; it must be 0 or more", o.Out)
	}
	rows, columns := Axis{Output, 0}, Axis{0, 0}
	return Shape{o.Out}, []ParamSpec{
		{Name: "weight", Shape: []int{o.Out, in[0][0]}, Axes: []Axis{rows, columns}, Produces: true, Weight: true},
		{Name: "bias", Shape: []int{o.Out}, Axes: []Axis{rows}, Produces: true},
	}, nil
}

func (*Dense) Ties([]Shape, Shape) []Tie { return nil }

func (*Dense) MACs(in []Shape, out Shape) int { return in[0][0] * out[0] }

func (*Dense) Cut(_ []Shape, _ [][]int, out []int) Op { return &Dense{len(out)} }

// Forward adds W x to b. Float32 rounds a product, the sums and the bias: in + 2
// operations at most, so the error is gamma (|W||x| + |b|) beside that of the inputs,
// which passes on through |W|.
func (*Dense) Forward(x Operands) {
	input, weight, bias := x.In[0], x.Params[0], x.Params[1]
	width := len(input)
	for i := range x.Out {
		x.Out[i] = bias[i] + dot(weight[i*width:][:width], input)
	}
	if x.OutBounds == nil {
		return
	}
	gamma, errors := Roundings(width+2, x.Unit), x.InBounds[0]
	for i := range x.OutBounds {
		magnitude, inherited := math.Abs(bias[i]), 0.
		for j, w := range weight[i*width:][:width] {
			magnitude += math.Abs(w * input[j])
			inherited += math.Abs(w) * errors[j]
		}
		x.OutBounds[i] = gamma*(magnitude+inherited) + inherited
	}
}

// dot returns the inner product of two vectors, in four sums for speed.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	n := len(a) &^ 3
	b = b[:len(a)]
	for i := 0; i < n; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	for i := n; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}

// Backward is W^T d for the input, d x^T for the weights and d for the bias.
func (*Dense) Backward(x Operands, g Derivatives) {
	input, weight := x.In[0], x.Params[0]
	width := len(input)
	clear(g.In[0])
	for i, d := range g.Out {
		if d == 0 && g.OutBounds == nil {
			continue
		}
		into := g.Params[0][i*width:][:width]
		for j, w := range weight[i*width:][:width] {
			g.In[0][j] += d * w
			into[j] += d * input[j]
		}
		g.Params[1][i] += d
	}
	if g.OutBounds == nil {
		return
	}
	clear(g.InBounds[0])
	sum, product, column := Roundings(g.Rows, x.Unit), Roundings(g.Rows+1, x.Unit), Roundings(len(g.Out)+1, x.Unit)
	for i, d := range g.Out {
		d, e := math.Abs(d), g.OutBounds[i]
		into := g.ParamBounds[0][i*width:][:width]
		for j, w := range weight[i*width:][:width] {
			v, ve := math.Abs(input[j]), x.InBounds[0][j]
			g.InBounds[0][j] += (e + column*(d+e)) * math.Abs(w)
			into[j] += d*ve + e*v + e*ve + product*(d+e)*(v+ve)
		}
		g.ParamBounds[1][i] += e + sum*(d+e)
	}
}

func (*Dense) AddEntry(params [][]float64, e int, delta float64, out []float64) {
	if len(out) == 0 {
		return
	}
	weight := params[0]
	width := len(weight) / len(out)
	for i := range out {
		out[i] += delta * weight[i*width+e]
	}
}
