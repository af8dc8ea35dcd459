//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import "nashprune/shaders"

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
