package network_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// TestForwardByHand works a small network out on paper.
func TestForwardByHand(t *testing.T) {
	g := build(t, all, input(2), dense("x", 2), activation("a", network.ReLU), dense("y", 1))
	n := network.New(g)
	n.Parameters[0] = []float32{1, 2, 3, -4}
	n.Parameters[1] = []float32{0.5, 1}
	n.Parameters[2] = []float32{10, 100}
	n.Parameters[3] = []float32{7}
	n.Participations[1] = []float32{0.5, 1}
	// u = (1+2*2+0.5, 3-4*2+1) = (5.5, -4), z = (2.75, -4), a = (2.75, 0), y = 34.5.
	if got := n.Values().Forward([]float64{1, 2}, 1).Output(0)[0]; got != 34.5 {
		t.Errorf("output is %g, want 34.5", got)
	}
}

// pass is a way to compute a network.
type pass func(v *network.Values, x []float64, rows int) *network.Pass

// passes are all ways, by name.
var passes = map[string]pass{
	"evaluation": func(v *network.Values, x []float64, rows int) *network.Pass { return v.Forward(x, rows) },
	"training":   func(v *network.Values, x []float64, rows int) *network.Pass { return v.Training(x, rows, 0, nil) },
}

// objective is a weighted sum of outputs, whose gradient is the weights.
func objective(forward pass, v *network.Values, x, weights []float64, rows int) float64 {
	p, sum := forward(v, x, rows), 0.
	for row := range rows {
		for k, y := range p.Output(row) {
			sum += weights[row*len(p.Output(row))+k] * y
		}
	}
	return sum
}

// TestGradients holds gradients and contributions to central differences.
func TestGradients(t *testing.T) {
	for how, forward := range passes {
		t.Run(how, func(t *testing.T) { testGradients(t, forward) })
	}
}

func testGradients(t *testing.T, forward pass) {
	const rows, h = 3, 1e-5
	for name, g := range graphs() {
		v, x := filled(g, 6).Values(), samples(g, rows, 7)
		stream, weights := random.New(8, random.Testing, 0, 0), make([]float64, rows*g.Outputs())
		for i := range weights {
			weights[i] = stream.Normal()
		}
		gradients, _ := forward(v, x, rows).Backward(weights, nil)
		check := func(what string, at *float64, got float64) {
			t.Helper()
			was := *at
			*at = was + h
			up := objective(forward, v, x, weights, rows)
			*at = was - h
			down := objective(forward, v, x, weights, rows)
			*at = was
			// The difference errs by h^2 times the third derivative, and by rounding / h.
			if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s: gradient of %s is %g, the difference says %g", name, what, got, want)
			}
		}
		for p, values := range v.Parameters {
			if g.Params[p].Statistic {
				if !slices.Equal(gradients.Parameters[p], make([]float64, len(values))) {
					t.Errorf("%s: %s is a statistic and has a gradient", name, g.Params[p].Name)
				}
				continue
			}
			for i := range values {
				check(g.Params[p].Name, &values[i], gradients.Parameters[p][i])
			}
		}
		for i, s := range v.Participations {
			for player := range s {
				sum := 0.
				for row := range rows {
					sum += gradients.Contributions[i][row*len(s)+player]
				}
				check("participation of "+g.Gates[i].Name, &s[player], sum)
			}
		}
		for i := range x {
			check("input", &x[i], gradients.Before[0][i])
		}
	}
}

// TestBounds compares a float32 computation with its bound, and sees that the bound is
// not idle: it is at most some thousand roundings wide.
func TestBounds(t *testing.T) {
	const rows = 20
	for name, g := range graphs() {
		n := filled(g, 9)
		x := samples(g, rows, 10)
		p := n.Values().ForwardWithin(x, rows, network.Float32Unit, nil)
		for row := range rows {
			for k, got := range forward32(n, x[row*g.Inputs():][:g.Inputs()]) {
				d, bound := math.Abs(float64(got)-p.Output(row)[k]), p.OutputBounds(row)[k]
				if d > bound {
					t.Errorf("%s: float32 is off by %g, bound %g", name, d, bound)
				}
				if bound > 1e4*network.Float32Unit*(1+math.Abs(p.Output(row)[k])) {
					t.Errorf("%s: bound %g of output %g is too wide to see anything", name, bound, p.Output(row)[k])
				}
			}
		}
	}
}

// forward32 computes a network in float32, in loops of its own.
func forward32(n *network.Network, x []float64) []float32 {
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
			out = append(out, values[node.In[0]]...)
			for _, from := range node.In[1:] {
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

// TestAlternatives compares them with a whole pass of the changed network.
func TestAlternatives(t *testing.T) {
	const rows = 4
	for name, g := range graphs() {
		v, x := filled(g, 11).Values(), samples(g, rows, 12)
		p := v.ForwardWithin(x, rows, network.Float32Unit, nil)
		for i, s := range v.Participations {
			a := p.Alternative(i)
			for player := range s {
				for _, to := range []float64{0, 1, s[player]} {
					was := s[player]
					s[player] = to
					want := v.ForwardWithin(x, rows, network.Float32Unit, nil)
					s[player] = was
					for row := range rows {
						for k, y := range a.Outputs(player, to, row) {
							if d := math.Abs(y - want.Output(row)[k]); d > want.OutputBounds(row)[k]*0x1p-28 {
								t.Fatalf("%s: gate %d, player %d at %g: output is %g, a pass of its own says %g", name, i, player, to, y, want.Output(row)[k])
							}
						}
					}
				}
			}
		}
	}
}
