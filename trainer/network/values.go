package network

import (
	"runtime"
	"sync"
)

// Float32Unit is the largest relative error of one float32 operation.
const Float32Unit = 0x1p-24

// Roundings returns gamma_n = n u / (1 - n u), the bound for a chain of n operations
// with unit roundoff u (Higham, Accuracy and Stability of Numerical Algorithms,
// section 3.1).
func Roundings(n int, unit float64) float64 {
	nu := float64(n) * unit
	return nu / (1 - nu)
}

// Values is a network in float64.
type Values struct {
	*Graph
	Parameters, Participations [][]float64
}

// Values returns the network in float64. Weights are taken times their participations.
func (n *Network) Values() *Values {
	v := &Values{n.Graph, widen(n.Parameters), widen(n.Participations)}
	for p, s := range n.Masks {
		for i, s := range s {
			v.Parameters[p][i] *= float64(s)
		}
	}
	return v
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
	// BeforeBounds and Bounds are how far a computation with a unit roundoff can be from
	// Before and After, where bounds were asked for.
	BeforeBounds, Bounds [][]float64
	// Statistics are what the statistics of nodes become in a training step, by parameter;
	// nil for other parameters, and where the pass is no training step.
	Statistics, StatisticBounds [][]float64

	unit     float64
	gates    []int // of each node, or -1
	training bool
	draws    Draws
}

// Forward computes the network for rows samples of [Graph.Inputs] numbers each.
func (v *Values) Forward(input []float64, rows int) *Pass {
	return v.forward(&Pass{}, input, rows, nil)
}

// ForwardWithin also bounds the error of a computation with a unit roundoff, given
// bounds of the input; nil: the input is exact.
func (v *Values) ForwardWithin(input []float64, rows int, unit float64, bounds []float64) *Pass {
	if bounds == nil {
		bounds = make([]float64, len(input))
	}
	return v.forward(&Pass{unit: unit}, input, rows, bounds)
}

// Training computes the network as a training step does, with bounds as in ForwardWithin.
func (v *Values) Training(input []float64, rows int, draws Draws, unit float64, bounds []float64) *Pass {
	if bounds == nil {
		bounds = make([]float64, len(input))
	}
	p := &Pass{
		unit: unit, training: true, draws: draws, Statistics: make([][]float64, len(v.Parameters)), StatisticBounds: make([][]float64, len(v.Parameters)),
	}
	for i, param := range v.Graph.Params {
		if param.Statistic {
			p.Statistics[i], p.StatisticBounds[i] = make([]float64, param.Size()), make([]float64, param.Size())
		}
	}
	return v.forward(p, input, rows, bounds)
}

// forward completes a pass.
func (v *Values) forward(p *Pass, input []float64, rows int, bounds []float64) *Pass {
	p.Values, p.Rows = v, rows
	for n, node := range v.Nodes {
		p.gates = append(p.gates, v.GateAt(n))
		p.Before, p.After = p.lay(p.Before, p.After, n, input)
		if bounds != nil {
			p.BeforeBounds, p.Bounds = p.lay(p.BeforeBounds, p.Bounds, n, bounds)
		}
		if v.isGone(n) {
			continue
		}
		if op := p.batched(n); op != nil {
			all := p.allOperands(n)
			op.ForwardBatch(all, Select(p.Statistics, node.Params), Select(p.StatisticBounds, node.Params))
			for row, x := range all {
				p.gate(n, row, x)
			}
			continue
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

// batched returns the operator of a node that computes from the batch as a whole, or nil.
func (p *Pass) batched(n int) Batched {
	if op, ok := p.Nodes[n].Op.(Batched); ok && p.training {
		return op
	}
	return nil
}

// allOperands returns what node n reads and writes for each sample.
func (p *Pass) allOperands(n int) []Operands {
	params, all := p.params(n), make([]Operands, p.Rows)
	for row := range all {
		all[row] = p.operands(n, row, params)
	}
	return all
}

// lay appends room for the numbers of a node before and after its gate: of the first
// node the input, and where there is no gate the same room.
func (p *Pass) lay(before, after [][]float64, n int, input []float64) (_, _ [][]float64) {
	size := p.Rows * p.Nodes[n].Shape.Size()
	if n > 0 {
		input = make([]float64, size)
	}
	gated := input
	if p.gates[n] >= 0 {
		gated = make([]float64, size)
	}
	return append(before, input), append(after, gated)
}

// operands returns what node n reads and writes for a sample.
func (p *Pass) operands(n, row int, params [][]float64) Operands {
	x := Operands{Params: params, Out: p.row(p.Before, n, row), InShapes: p.shapesOf(p.Nodes[n].In), OutShape: p.Nodes[n].Shape, Node: n, Draws: p.draws, Unit: p.unit}
	for _, from := range p.Nodes[n].In {
		x.In = append(x.In, p.row(p.After, from, row))
		if p.Bounds != nil {
			x.InBounds = append(x.InBounds, p.row(p.Bounds, from, row))
		}
	}
	if p.Bounds != nil {
		x.OutBounds = p.row(p.BeforeBounds, n, row)
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
	z, s, inner := p.row(p.After, n, row), p.Participations[gate], p.inner(n)
	for e, u := range x.Out {
		z[e] = s[e/inner] * u
	}
	if x.OutBounds == nil {
		return
	}
	for e, bound := range x.OutBounds {
		p.row(p.Bounds, n, row)[e] = s[e/inner] * (bound + 2*p.unit*(abs(x.Out[e])+bound))
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

// Gradients are derivatives of the sum of L_b over the samples, where the gradients of
// L_b with respect to the outputs of sample b are what they start from.
type Gradients struct {
	// Before and After are with respect to the outputs of nodes, a row a sample.
	Before, After [][]float64
	Parameters    [][]float64
	// Contributions are dL_b/ds_i by gate, a row a sample: the sum over the gate's
	// points, and over the numbers of the player's entry, of dL_b/dz u.
	Contributions [][]float64
}

// Backward returns the gradients for gradients with respect to the outputs, a row a
// sample. With bounds of these, which takes a pass with bounds, it returns bounds of all,
// else nil.
func (p *Pass) Backward(output, outputBounds []float64) (g, bounds *Gradients) {
	g = p.newGradients()
	last := len(p.Nodes) - 1
	copy(g.After[last], output)
	var sizes [][]float64 // sums of the magnitudes that After adds up, of one consumer each
	if outputBounds != nil {
		bounds, sizes = p.newGradients(), p.newGradients().After
		copy(bounds.After[last], outputBounds)
	}
	consumers := p.consumers()
	for n := last; n >= 0; n-- {
		if p.isGone(n) {
			continue
		}
		if bounds != nil && len(consumers[n]) > 1 {
			for i, size := range sizes[n] {
				bounds.After[n][i] += Roundings(len(consumers[n])-1, p.unit) * size
			}
		}
		for row := range p.Rows {
			p.gateBackward(g, bounds, n, row)
		}
		p.nodeBackward(g, bounds, sizes, n)
	}
	return g, bounds
}

func (p *Pass) newGradients() *Gradients {
	g := &Gradients{}
	for n, node := range p.Nodes {
		after := make([]float64, p.Rows*node.Shape.Size())
		before := after
		if p.gates[n] >= 0 {
			before = make([]float64, len(after))
		}
		g.After, g.Before = append(g.After, after), append(g.Before, before)
	}
	for _, v := range p.Parameters {
		g.Parameters = append(g.Parameters, make([]float64, len(v)))
	}
	for _, gate := range p.Graph.Gates {
		g.Contributions = append(g.Contributions, make([]float64, p.Rows*gate.Players))
	}
	return g
}

// nodeBackward takes the derivatives of all samples through an operator.
func (p *Pass) nodeBackward(g, bounds *Gradients, sizes [][]float64, n int) {
	node, params := p.Nodes[n], p.params(n)
	room := func() [][]float64 {
		var in [][]float64
		for _, from := range node.In {
			in = append(in, make([]float64, p.Nodes[from].Shape.Size()))
		}
		return in
	}
	derivatives := func() Derivatives {
		d := Derivatives{Rows: p.Rows, In: room(), Params: Select(g.Parameters, node.Params)}
		if bounds != nil {
			d.InBounds, d.ParamBounds = room(), Select(bounds.Parameters, node.Params)
		}
		return d
	}
	output := func(d *Derivatives, row int) {
		d.Out = p.row(g.Before, n, row)
		if bounds != nil {
			d.OutBounds = p.row(bounds.Before, n, row)
		}
	}
	pass := func(d Derivatives, row int) {
		for k, from := range node.In {
			add(p.row(g.After, from, row), d.In[k])
			if bounds != nil {
				add(p.row(bounds.After, from, row), d.InBounds[k])
				for e, x := range d.In[k] {
					p.row(sizes, from, row)[e] += abs(x) + d.InBounds[k][e]
				}
			}
		}
	}
	if op := p.batched(n); op != nil {
		all := make([]Derivatives, p.Rows)
		for row := range all {
			all[row] = derivatives()
			output(&all[row], row)
		}
		op.BackwardBatch(p.allOperands(n), all)
		for row, d := range all {
			pass(d, row)
		}
		return
	}
	d := derivatives()
	for row := range p.Rows {
		output(&d, row)
		node.Op.Backward(p.operands(n, row, params), d)
		pass(d, row)
	}
}

func add(to, v []float64) {
	for i, x := range v {
		to[i] += x
	}
}

// gateBackward takes the derivatives of a sample through the gate of a node.
func (p *Pass) gateBackward(g, bounds *Gradients, n, row int) {
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
	if bounds == nil {
		return
	}
	gamma := Roundings(inner*len(p.Graph.Gates[gate].Points)+1, p.unit)
	uBounds, dzBounds, duBounds := p.row(p.BeforeBounds, n, row), p.row(bounds.After, n, row), p.row(bounds.Before, n, row)
	contributions = bounds.Contributions[gate][row*len(s):][:len(s)]
	for e, d := range dz {
		d, bound, u := abs(d), dzBounds[e], abs(u[e])
		duBounds[e] = s[e/inner] * (bound + p.unit*(d+bound))
		contributions[e/inner] += bound*(u+uBounds[e]) + d*uBounds[e] + gamma*(d+bound)*(u+uBounds[e])
	}
}
