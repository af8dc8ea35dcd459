//go:build glfw && cgo && linux

package window

import (
	"context"
	"time"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/trainer/backend"
)

// shower is an engine on a device on which the window may be, too.
type shower interface {
	Beside() (*compute.Device, error)
	Show(gates []gpu.Cells, played bool) error
}

// watched passes everything to an engine, and lets the window see where its players are.
type watched struct {
	backend.Engine
	window *Window
	shower shower // nil: the window gets what the engine answers

	interactions []game.Interactions // observed last, without shower
	moved        [][]float64
	last         time.Duration // when the window saw players move
	pending      bool          // they have moved since
}

func (e *watched) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	if err := e.settle(); err != nil {
		return backend.Progress{}, err
	}
	progress, err := e.Engine.Train(ctx, s)
	if err == nil && s.Paper != nil {
		err = e.show(false)
	}
	return progress, err
}

func (e *watched) Observe(ctx context.Context, order []int32) (*backend.Observation, error) {
	if err := e.settle(); err != nil {
		return nil, err
	}
	o, err := e.Engine.Observe(ctx, order)
	if err == nil && e.shower == nil {
		e.interactions = o.Interactions
	}
	return o, err
}

func (e *watched) Play(prices, from [][]float64, sweeps int) ([][]float64, error) {
	moved, err := e.Engine.Play(prices, from, sweeps)
	if err != nil {
		return nil, err
	}
	e.window.setPrices(prices)
	e.moved, e.pending = moved, true
	if e.window.clock()-e.last >= cpuInterval {
		err = e.settle()
	}
	return moved, err
}

// Pull and Push follow on the last move of a round.
func (e *watched) Pull() (*backend.State, error) {
	if err := e.settle(); err != nil {
		return nil, err
	}
	return e.Engine.Pull()
}

// Push may bring another network: which of its players are which is known at the next
// [Window.Update].
func (e *watched) Push(s *backend.State) error {
	err := e.settle()
	e.window.forget()
	if failed := e.Engine.Push(s); failed != nil {
		return failed
	}
	return err
}

// settle lets the window see a move that it has not seen.
func (e *watched) settle() error {
	if !e.pending {
		return nil
	}
	e.pending, e.last = false, e.window.clock()
	return e.show(true)
}

// show lets the window see where the players are: in the market, where they have played, or in
// the network. A window that is closed sees nothing.
func (e *watched) show(played bool) error {
	w := e.window
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.closed {
		return nil
	}
	var on []gpu.Cells
	for _, g := range w.scene.gates {
		if !g.known {
			return nil
		}
		on = append(on, g.on)
	}
	w.scene.changed = true
	if e.shower != nil {
		return e.shower.Show(on, played)
	}
	moved := e.moved
	if !played {
		var err error
		if moved, err = e.Engine.Participations(); err != nil {
			return err
		}
	}
	for i, g := range w.scene.gates {
		var worths []float64
		if played {
			worths = e.interactions[i].Worths(moved[i])
		}
		for at, player := range g.live {
			g.host[player] = float32(moved[i][at])
			if played {
				g.host[g.players+player] = float32(worths[at])
			}
		}
	}
	return nil
}
