package network

import (
	"runtime"
	"sync"
)

// Float32Unit is the largest relative error of one float32 operation.
const Float32Unit = 0x1p-24

// Roundings returns gamma_n = n u / (1 - n u), the bound for a chain of n
// float32 operations (Higham, Accuracy and Stability of Numerical Algorithms,
// section 3.1).
func Roundings(n int) float64 {
	nu := float64(n) * Float32Unit
	return nu / (1 - nu)
}

// Values is a network in float64.
type Values struct {
	*Graph
	Parameters, Participations [][]float64
}

// Values returns the network in float64.
func (n *Network) Values() *Values {
	return &Values{n.Graph, widen(n.Parameters), widen(n.Participations)}
}

func widen(tensors [][]float32) [][]float64 {
	wide := make([][]float64, len(tensors))
	for i, t := range tensors {
		wide[i] = make([]float64, len(t))
		for j, x := range t {
			wide[i][j] = float64(x)
		}
	}
	return wide
}

// params returns the parameters of a node.
func (v *Values) params(n int) [][]float64 { return Select(v.Parameters, v.Nodes[n].Params) }

// Pass is what a network computes for some samples, by node, a row a sample.
type Pass struct {
	*Values
	Rows int
	// Before is the output of each operator, u, and After the same after the gate,
	// z = s u, which later nodes read. They are one slice where there is no gate.
	Before, After [][]float64
	// Bounds is how far a float32 computation of After can be from it, where asked.
	Bounds [][]float64

	gates []int // of each node, or -1
}

// Forward computes the network for rows samples of [Graph.Inputs] numbers each.
func (v *Values) Forward(input []float64, rows int) *Pass { return v.forward(input, rows, false) }

// ForwardWithBounds also bounds the rounding of a float32 computation. The input is
// taken as exact.
func (v *Values) ForwardWithBounds(input []float64, rows int) *Pass {
	return v.forward(input, rows, true)
}

func (v *Values) forward(input []float64, rows int, bounds bool) *Pass {
	p := &Pass{Values: v, Rows: rows}
	for n, node := range v.Nodes {
		size := node.Shape.Size()
		gate := v.GateAt(n)
		before := input
		if n > 0 {
			before = make([]float64, rows*size)
		}
		after := before
		if gate >= 0 {
			after = make([]float64, rows*size)
		}
		p.gates, p.Before, p.After = append(p.gates, gate), append(p.Before, before), append(p.After, after)
		if bounds {
			p.Bounds = append(p.Bounds, make([]float64, rows*size))
		}
		params := v.params(n)
		eachRow(rows, func(row int) {
			x := p.operands(n, row, params)
			node.Op.Forward(x)
			p.gate(n, row, x)
		})
	}
	return p
}

// operands returns what node n reads and writes for a sample.
func (p *Pass) operands(n, row int, params [][]float64) Operands {
	x := Operands{Params: params, Out: p.row(p.Before, n, row)}
	for _, from := range p.Nodes[n].In {
		x.In = append(x.In, p.row(p.After, from, row))
		if p.Bounds != nil {
			x.InBounds = append(x.InBounds, p.row(p.Bounds, from, row))
		}
	}
	if p.Bounds != nil {
		x.OutBounds = p.row(p.Bounds, n, row)
	}
	return x
}

// row returns the values of a node for a sample, sharing memory.
func (p *Pass) row(values [][]float64, n, row int) []float64 {
	size := p.Nodes[n].Shape.Size()
	return values[n][row*size:][:size]
}

// Output returns the logits or predictions of a sample.
func (p *Pass) Output(row int) []float64 { return p.row(p.After, len(p.Nodes)-1, row) }

// OutputBounds returns the rounding bounds of Output.
func (p *Pass) OutputBounds(row int) []float64 { return p.row(p.Bounds, len(p.Nodes)-1, row) }

// gate multiplies the output of a node with the participations, which rounds once more.
func (p *Pass) gate(n, row int, x Operands) {
	gate := p.gates[n]
	if gate < 0 {
		return
	}
	z, s := p.row(p.After, n, row), p.Participations[gate]
	inner := p.inner(n)
	for e, u := range x.Out {
		z[e] = s[e/inner] * u
		if x.OutBounds != nil {
			b := s[e/inner] * x.OutBounds[e]
			x.OutBounds[e] = b + Float32Unit*(abs(z[e])+b)
		}
	}
}

// inner returns how many numbers an entry of the first dimension has.
func (p *Pass) inner(n int) int { return p.Nodes[n].Shape[1:].Size() }

func abs(x float64) float64 { return max(x, -x) }

// eachRow does the work of all rows, several at a time.
func eachRow(rows int, work func(row int)) {
	workers := min(rows, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for first := range workers {
		group.Go(func() {
			for row := first; row < rows; row += workers {
				work(row)
			}
		})
	}
	group.Wait()
}

// Gradients are derivatives of sum_b L_b, where the caller's gradient of L_b with
// respect to the outputs of sample b is what they start from.
type Gradients struct {
	// Before and After are with respect to the outputs of nodes, by sample.
	Before, After [][]float64
	Parameters    [][]float64
	// Contributions are dL_b/ds_i by gate, a row a sample: the sum over the gate's
	// points, and over the numbers of the player's entry, of dL_b/dz u.
	Contributions [][]float64
}

// Backward returns the gradients for gradients with respect to the outputs, a row a
// sample.
func (p *Pass) Backward(output []float64) *Gradients {
	g := &Gradients{Before: make([][]float64, len(p.Nodes)), After: make([][]float64, len(p.Nodes))}
	for n, node := range p.Nodes {
		g.After[n] = make([]float64, p.Rows*node.Shape.Size())
		g.Before[n] = g.After[n]
		if p.gates[n] >= 0 {
			g.Before[n] = make([]float64, len(g.After[n]))
		}
	}
	for _, v := range p.Parameters {
		g.Parameters = append(g.Parameters, make([]float64, len(v)))
	}
	for _, gate := range p.Graph.Gates {
		g.Contributions = append(g.Contributions, make([]float64, p.Rows*gate.Players))
	}
	copy(g.After[len(p.Nodes)-1], output)
	for n := len(p.Nodes) - 1; n >= 0; n-- {
		params := p.params(n)
		into := Select(g.Parameters, p.Nodes[n].Params)
		for row := range p.Rows {
			p.gateBackward(g, n, row)
			var in [][]float64
			for _, from := range p.Nodes[n].In {
				in = append(in, p.row(g.After, from, row))
			}
			p.Nodes[n].Op.Backward(p.operands(n, row, params), p.row(g.Before, n, row), in, into)
		}
	}
	return g
}

// gateBackward takes the derivatives of a sample through the gate of a node.
func (p *Pass) gateBackward(g *Gradients, n, row int) {
	gate := p.gates[n]
	if gate < 0 {
		return
	}
	s, inner := p.Participations[gate], p.inner(n)
	dz, du, u := p.row(g.After, n, row), p.row(g.Before, n, row), p.row(p.Before, n, row)
	contributions := g.Contributions[gate][row*len(s):][:len(s)]
	for e, d := range dz {
		du[e] = s[e/inner] * d
		contributions[e/inner] += d * u[e]
	}
}
