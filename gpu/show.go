//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// Cells is where a view on the engine's device looks at the players of a gate.
type Cells struct {
	Places compute.Buffer // the cell of each player that the engine has, a uint32 each
	Cells  compute.Buffer // shaders.CellRows rows of floats
	Stride int            // floats of a row
}

// Beside opens the device for another goroutine, such as that of a view.
func (e *engine) Beside() (_ *compute.Device, err error) {
	defer convert(&err)
	return e.device.Beside()
}

// Show leaves in cells, by gate, where the players are and what they are worth. With played it
// is what they play in the market, by Play, on the interactions that were observed last. Else
// it is where they are in the network. Nothing comes to the host, and no result changes.
func (e *engine) Show(gates []Cells, played bool) (err error) {
	defer convert(&err)
	r := e.newRecorder()
	for i, g := range e.gates {
		push := shaders.ShowPush{
			Players: uint32(g.players), Stride: uint32(gates[i].Stride),
			Squares: uint32(shaders.Square * padded(g.players)), Ridge: game.Ridge,
		}
		participations, worths, block := g.rows, g.rows, uint32(0)
		if played {
			participations, worths, block = g.participation, g.interactions, game.BlockSize
		}
		r.dispatch(shaders.Show, []uint32{block}, g.players, 1, push, participations, worths, gates[i].Places, gates[i].Cells)
	}
	return r.runOnce()
}
