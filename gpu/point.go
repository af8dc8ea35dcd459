//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// point is the output u of a node with its gate and the activation that is joined to it,
// where it has them: it leaves activation(s u).
type point struct {
	name     string // of the node
	to       *tensor
	gate     *gate              // or nil
	function network.Activation // or empty
	inner    int                // numbers that a player multiplies
	affine   compute.Buffer     // u, a row a sample; nothing where the point is plain
}

func newPoint(low *lowered, at place) *point {
	p := &point{name: at.node.Name, to: at.out, gate: at.gate, inner: at.node.Shape[1:].Size()}
	if at.Activation >= 0 {
		p.function = low.graph.Nodes[at.Activation].Op.(*network.Activate).Function
	}
	if p.gate != nil {
		p.gate.points = append(p.gate.points, p)
	}
	low.points = append(low.points, p)
	return p
}

// plain reports whether there is neither gate nor activation.
func (p *point) plain() bool { return p.gate == nil && p.function == "" }

// u returns where the output of the node goes.
func (p *point) u() compute.Buffer {
	if p.plain() {
		return p.to.values
	}
	return p.affine
}

// activate returns the specialisation constant of what follows u.
func (p *point) activate() uint32 {
	switch {
	case p.plain():
		return shaders.Logits
	case p.function == "":
		return shaders.Identity
	default:
		return activations[p.function]
	}
}

// single reports whether the gate has one point, at which each player has one number: the
// kernels of the derivative sum up what players need on their way.
func (g *gate) single() bool { return len(g.points) == 1 && g.points[0].inner == 1 }

// open computes what is left behind the gate.
func (r *recorder) open(p *point) {
	r.pointwise(p, p.affine, false, r.nothing, &matrix{})
}

// pointwise does so of u, or of the input of a batch norm, given its moments and parameters.
func (r *recorder) pointwise(p *point, source compute.Buffer, norm bool, moments compute.Buffer, m *matrix) {
	parameters, players, affine := r.nothing, r.nothing, p.to.values
	if norm {
		parameters = m.parameters
	}
	if norm && !p.plain() {
		affine = p.affine
	}
	if p.gate != nil {
		players = p.gate.rows
	}
	r.dispatch(shaders.Pointwise, []uint32{p.activate(), constant(norm)}, p.to.stride(), r.batchRows,
		shaders.PointwisePush{
			Width: uint32(p.to.width), Stride: uint32(p.to.stride()), Inner: uint32(p.inner),
			Channels: uint32(padded(m.out)), Biases: uint32(m.rows() - 1),
		},
		r.state, source, players, moments, parameters, affine, p.to.values)
}

// through takes the derivative at a point whose players have one number each to u.
func (r *recorder) through(p *point, place uint32, players, sums, contributions compute.Buffer) {
	// A workgroup takes one block of samples.
	r.dispatch(shaders.Through, []uint32{shaders.BackwardRows, p.activate(), place}, padded(p.to.width), r.sumBlocks()*r.grain.rows,
		shaders.ThroughPush{Stride: uint32(padded(p.to.width)), Count: uint32(p.to.width), Blocks: uint32(r.sumBlocks())},
		r.state, p.affine, players, p.to.derivative, contributions, sums)
}

// ungate takes the derivative at a point of a gate to u, and sums up what players need. The
// contributions of a sample at all points are added up before they are squared; where they
// are observed, they become effects.
func (r *recorder) ungate(p *point, m mode) {
	g := p.gate
	if g.single() {
		r.through(p, shaders.OnlyPoint, g.rows, g.sums, r.nothing)
		return
	}
	further := g.done > 0
	g.done++
	if p.inner == 1 {
		place := uint32(shaders.FirstPoint)
		if further {
			place = shaders.FurtherPoint
		}
		r.through(p, place, g.rows, r.nothing, g.effects)
	} else {
		r.dispatchGrid(shaders.Ungate, []uint32{p.activate(), constant(further), constant(r.counts)}, g.players, m.rows,
			shaders.UngatePush{Stride: uint32(padded(p.to.width)), PlayerStride: uint32(padded(g.players)), Inner: uint32(p.inner)},
			r.state, p.affine, p.to.derivative, g.rows, p.to.derivative, g.effects)
	}
	switch width := padded(g.players); {
	case g.done < len(g.points) || !r.counts:
	case m.kind == observing:
		r.dispatch(shaders.Pass, []uint32{constant(false), shaders.Identity, shaders.Multiply, shaders.Unlisted, constant(false)}, g.players, m.rows,
			shaders.PassPush{Width: uint32(g.players), SourceStride: uint32(width), TargetStride: uint32(width), Inner: 1},
			r.state, g.effects, r.nothing, g.rows, r.nothing, g.effects)
	default:
		r.dispatch(shaders.Tally, []uint32{shaders.BackwardRows}, g.stride(), r.sumBlocks()*r.grain.rows,
			shaders.TallyPush{Stride: uint32(g.stride()), Blocks: uint32(r.sumBlocks())},
			r.state, g.effects, g.sums)
	}
}
