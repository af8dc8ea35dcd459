//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/shaders"
	"nashprune/trainer"
)

// SetMaxGroups lowers how many workgroups a grid has along the rows, until the
// function that it returns is called.
func SetMaxGroups(n int) (restore func()) {
	old := maxGroups
	maxGroups = n
	return func() { maxGroups = old }
}

// CutAs makes a fresh engine cut its work as on a device of another kind.
func CutAs(e trainer.Engine, kind trainer.DeviceKind) { e.(*engine).grain = grainFor(kind) }

// CutInto makes a fresh engine cut its work into workgroups of so many
// invocations and into tiles of so many rows, but where those are fixed, and
// columns.
func CutInto(e trainer.Engine, local, rows, columns int) {
	t := tile{rows, columns}
	e.(*engine).grain = grain{local: local, rows: rows, forward: t, gradient: t, backward: tile{shaders.BackwardRows, columns}}
}

// Logits returns what the last forward pass left of its first rows samples.
func Logits(e trainer.Engine, rows int) ([]float32, error) {
	v := e.(*engine)
	last := v.layers[len(v.layers)-1]
	return v.readBatch(last.output, rows, last.out)
}

// Allocated returns the bytes of an engine's arenas.
func Allocated(e trainer.Engine) int { return e.(*engine).device.Allocated() }
