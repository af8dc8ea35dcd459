package networktest

import (
	"math"
	"slices"

	"nashprune/trainer/network"
)

// Forward32 computes a network for a sample in float32, in loops of its own, as the
// definitions of the operators say.
func Forward32(n *network.Network, x []float64) []float32 {
	values := make([][]float32, len(n.Nodes))
	for i, node := range n.Nodes {
		var out []float32
		switch op := node.Op.(type) {
		case *network.Input:
			for _, v := range x {
				out = append(out, float32(v))
			}
		case *network.Dense:
			in, w, b := values[node.In[0]], n.Parameters[node.Params[0]], n.Parameters[node.Params[1]]
			for o := range op.Out {
				var sum float32
				for j, v := range in {
					sum += w[o*len(in)+j] * v
				}
				out = append(out, sum+b[o])
			}
		case *network.Activate:
			for _, z := range values[node.In[0]] {
				out = append(out, float32(op.Function.At(float64(z))))
			}
		case *network.Add:
			out = make([]float32, node.Shape.Size())
			for _, from := range node.In {
				for e, v := range values[from] {
					out[e] += v
				}
			}
		case *network.Concat:
			for _, from := range node.In {
				out = append(out, values[from]...)
			}
		case *network.Flatten:
			out = append(out, values[node.In[0]]...)
			if op.Keep != nil {
				out = network.Select(out, op.Keep)
			}
		case *network.Branch:
			out = append(out, values[node.In[0]][:node.Shape.Size()]...)
		case *network.Dropout:
			out = append(out, values[node.In[0]]...)
		case *network.Conv2D:
			out = conv32(op, values[node.In[0]], network.Select(n.Parameters, node.Params), n.Nodes[node.In[0]].Shape, node.Shape)
		case *network.BatchNorm:
			p, inner := network.Select(n.Parameters, node.Params), node.Shape[1:].Size()
			for e, x := range values[node.In[0]] {
				c := e / inner
				scale := p[0][c] / float32(math.Sqrt(float64(p[3][c]+float32(op.Epsilon))))
				out = append(out, x*scale+(p[1][c]-p[2][c]*scale))
			}
		case *network.MaxPool:
			out = pool32(op.Window, values[node.In[0]], n.Nodes[node.In[0]].Shape, node.Shape, func(x []float32) float32 { return slices.Max(x) })
		case *network.AveragePool:
			w := op.Window
			if op.Global {
				w.Kernel, w.Stride = [2]int(n.Nodes[node.In[0]].Shape[1:]), [2]int{1, 1}
			}
			out = pool32(w, values[node.In[0]], n.Nodes[node.In[0]].Shape, node.Shape, func(x []float32) float32 {
				var sum float32
				for _, v := range x {
					sum += v
				}
				return sum / float32(w.Kernel[0]*w.Kernel[1])
			})
		}
		if gate := n.GateAt(i); gate >= 0 {
			inner := node.Shape[1:].Size()
			out = append([]float32(nil), out...)
			for e := range out {
				out[e] *= n.Participations[gate][e/inner]
			}
		}
		values[i] = out
	}
	return values[len(values)-1]
}

// conv32 is a convolution as its definition says, output by output.
func conv32(op *network.Conv2D, x []float32, params [][]float32, in, shape network.Shape) []float32 {
	groups := max(op.Groups, 1)
	if op.Depthwise {
		groups = in[0]
	}
	perGroup := in[0] / groups
	out := make([]float32, shape.Size())
	for e := range out {
		f, y, column := e/(shape[1]*shape[2]), e/shape[2]%shape[1], e%shape[2]
		w := params[0][f*perGroup*op.Kernel[0]*op.Kernel[1]:]
		for c := range perGroup {
			for p := range op.Kernel[0] {
				for q := range op.Kernel[1] {
					iy, ix := y*op.Stride[0]-op.Padding[0]+p, column*op.Stride[1]-op.Padding[1]+q
					if iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2] {
						channel := f/(shape[0]/groups)*perGroup + c
						out[e] += w[(c*op.Kernel[0]+p)*op.Kernel[1]+q] * x[(channel*in[1]+iy)*in[2]+ix]
					}
				}
			}
		}
		if op.Bias {
			out[e] += params[1][f]
		}
	}
	return out
}

// pool32 takes what lies in each window, output by output.
func pool32(w network.Window, x []float32, in, shape network.Shape, of func([]float32) float32) []float32 {
	out := make([]float32, shape.Size())
	for e := range out {
		c, y, column := e/(shape[1]*shape[2]), e/shape[2]%shape[1], e%shape[2]
		var inside []float32
		for iy := y*w.Stride[0] - w.Padding[0]; iy < y*w.Stride[0]-w.Padding[0]+w.Kernel[0]; iy++ {
			for ix := column*w.Stride[1] - w.Padding[1]; ix < column*w.Stride[1]-w.Padding[1]+w.Kernel[1]; ix++ {
				if iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2] {
					inside = append(inside, x[(c*in[1]+iy)*in[2]+ix])
				}
			}
		}
		out[e] = of(inside)
	}
	return out
}
