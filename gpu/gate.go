//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// through takes the derivative at one point of a gate to u, where u lies in affine and the
// derivative becomes that of u.
func (r *recorder) through(g *gate, t *tensor, affine, players, sums compute.Buffer, function uint32) {
	count, inner, stride, point := t.width, 1, t.stride(), uint32(shaders.OnlyPoint)
	contributions := r.nothing
	if g != nil {
		count, inner, stride = g.players, g.inner, g.stride()
		if len(g.layers) > 1 {
			contributions = g.effects
			point = shaders.MiddlePoint
			switch g.done++; g.done {
			case 1:
				point = shaders.FirstPoint
			case len(g.layers):
				point = shaders.LastPoint
			}
		}
	}
	// A workgroup takes one block of samples, since it goes through all numbers of a player.
	r.dispatch(shaders.Through, []uint32{shaders.BackwardRows, function, point}, 4*stride, r.sumBlocks()*r.grain.rows,
		shaders.ThroughPush{
			Stride: uint32(padded(t.width)), Count: uint32(count), PlayerStride: uint32(4 * stride),
			Inner: uint32(inner), Blocks: uint32(r.sumBlocks()),
		},
		r.state, affine, players, t.derivative, contributions, sums)
}
