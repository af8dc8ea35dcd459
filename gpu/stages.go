//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// pass is a dispatch of [shaders.Pass]: numbers of every sample from one buffer to another.
type pass struct {
	source, target *tensor
	backward       bool // between their derivatives, else between their values
	width          int
	clear          int // numbers behind them that become zero
	from, to       int // offsets in the rows
	add            bool
	do             uint32 // Copy, Apply or Slope
	function       network.Activation
	listed         uint32
	list           compute.Buffer
}

// pass records one. What is bound but not used is bound to a buffer of its own.
func (r *recorder) pass(p pass) {
	of := func(t *tensor) compute.Buffer {
		if p.backward {
			return t.derivative
		}
		return t.values
	}
	value, list := r.nothing, r.nothing
	if p.do == shaders.Slope {
		value = p.target.values
	}
	if p.listed != shaders.Unlisted {
		list = p.list
	}
	function := uint32(shaders.Identity)
	if p.function != "" {
		function = activations[p.function]
	}
	r.dispatch(shaders.Pass, []uint32{constant(p.add), function, p.do, p.listed}, p.width+p.clear, r.batchRows,
		shaders.PassPush{
			Width: uint32(p.width), Clear: uint32(p.clear),
			SourceStride: uint32(padded(p.source.width)), SourceOffset: uint32(p.from),
			TargetStride: uint32(padded(p.target.width)), TargetOffset: uint32(p.to), Inner: 1,
		},
		r.state, of(p.source), value, r.nothing, list, of(p.target))
}

// send passes a part of a derivative on to an input, or adds it to what other readers left.
func (r *recorder) send(p pass) {
	if !p.target.differentiated {
		return
	}
	p.backward, p.add = true, p.target.written
	p.target.written = true
	r.pass(p)
}

// addStage is the sum of tensors of one width.
type addStage struct {
	in  []*tensor
	out *tensor
}

func (s *addStage) forward(r *recorder, _ mode) {
	for i, in := range s.in {
		r.pass(pass{source: in, target: s.out, width: padded(in.width), add: i > 0})
	}
}

func (s *addStage) backward(r *recorder, _ int) {
	for _, in := range s.in {
		r.send(pass{source: s.out, target: in, width: padded(in.width)})
	}
}

// concatStage puts tensors side by side.
type concatStage struct {
	in  []*tensor
	out *tensor
}

func (s *concatStage) forward(r *recorder, _ mode) {
	at := 0
	for i, in := range s.in {
		p := pass{source: in, target: s.out, width: in.width, to: at}
		at += in.width
		if i == len(s.in)-1 {
			p.clear = padded(at) - at
		}
		r.pass(p)
	}
}

func (s *concatStage) backward(r *recorder, _ int) {
	at := 0
	for _, in := range s.in {
		p := pass{source: s.out, target: in, width: in.width, from: at}
		if !in.written {
			p.clear = padded(in.width) - in.width
		}
		at += in.width
		r.send(p)
	}
}

// selectStage keeps some of a tensor's numbers.
type selectStage struct {
	in, out *tensor
	keep    []int
	list    compute.Buffer
}

func (s *selectStage) forward(r *recorder, _ mode) {
	r.pass(pass{
		source: s.in, target: s.out, width: s.out.width, clear: padded(s.out.width) - s.out.width,
		listed: shaders.ListedSource, list: s.list,
	})
}

func (s *selectStage) backward(r *recorder, _ int) {
	if !s.in.differentiated {
		return
	}
	if !s.in.written {
		r.fill(s.in.derivative)
	}
	s.in.written = true
	r.send(pass{source: s.out, target: s.in, width: s.out.width, listed: shaders.ListedTarget, list: s.list})
}

// activationStage is an activation that no product joins.
type activationStage struct {
	in, out  *tensor
	function network.Activation
}

func (s *activationStage) forward(r *recorder, _ mode) {
	r.pass(pass{source: s.in, target: s.out, width: padded(s.in.width), do: shaders.Apply, function: s.function})
}

func (s *activationStage) backward(r *recorder, _ int) {
	r.send(pass{source: s.out, target: s.in, width: padded(s.in.width), do: shaders.Slope, function: s.function})
}

// gateInputs multiplies the inputs with the participations of their players.
func (r *recorder) gateInputs() {
	if r.gated == nil {
		return
	}
	width := padded(r.input.width)
	r.dispatch(shaders.Pass, []uint32{constant(false), shaders.Identity, shaders.Multiply, shaders.Unlisted}, width, r.batchRows,
		shaders.PassPush{
			Width: uint32(r.input.width), Clear: uint32(width - r.input.width),
			SourceStride: uint32(width), TargetStride: uint32(width), Inner: uint32(r.gated.inner),
		},
		r.state, r.batch, r.nothing, r.gated.rows, r.nothing, r.input.values)
}

// through takes the derivative at one point of a gate to u, where u lies in affine and the
// derivative becomes that of u.
func (r *recorder) through(g *gate, t *tensor, affine, players, sums compute.Buffer, function uint32) {
	count, inner, stride, point := t.width, 1, t.stride(), uint32(shaders.OnlyPoint)
	contributions := r.nothing
	if g != nil {
		count, inner, stride = g.players, g.inner, g.stride()
		if len(g.layers) > 1 {
			contributions = g.contributions
			point = shaders.MiddlePoint
			switch g.done++; g.done {
			case 1:
				point = shaders.FirstPoint
			case len(g.layers):
				point = shaders.LastPoint
			}
		}
	}
	r.dispatch(shaders.Through, []uint32{shaders.BackwardRows, function, point}, 4*stride, r.sumBlocks(),
		shaders.ThroughPush{
			Stride: uint32(padded(t.width)), Count: uint32(count), PlayerStride: uint32(4 * stride),
			Inner: uint32(inner), Blocks: uint32(r.sumBlocks()),
		},
		r.state, affine, players, t.derivative, contributions, sums)
}
