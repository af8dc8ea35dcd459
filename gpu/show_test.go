//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/gpu"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
)

// viewed is an engine that a view looks at.
type viewed interface {
	backend.Engine
	Beside() (*compute.Device, error)
	Show(gates []gpu.Cells, played bool) error
}

// TestShowLeavesPlayersInCells: a second user of the device finds in its cells where players
// are and what they are worth: in the market by float64 on the host, in the paper's game as the
// engine says itself. Cells of players that are not there stay as they are.
func TestShowLeavesPlayersInCells(t *testing.T) {
	c := backendtest.Case{Inputs: 5, Hidden: []int{9, 517}, Outputs: 3, Batch: 7, Rows: 21, Optimiser: adam}
	opened, err := openVulkan(c.Data(), backend.EngineOptions{Batch: c.Batch, Optimiser: c.Optimiser, Valuation: game.Outputs}, c.State())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	e := opened.(viewed)
	view, err := e.Beside()
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()

	const places, untouched = 2, -7 // cells a player, and what the others hold
	var cells []gpu.Cells
	for _, players := range c.Graph().Widths() {
		stride := places * players
		arena, err := view.NewArena(compute.Local, view.Round(4*players)+view.Round(4*shaders.CellRows*stride))
		if err != nil {
			t.Fatal(err)
		}
		gate := gpu.Cells{Places: arena.Take(4 * players), Cells: arena.Take(4 * shaders.CellRows * stride), Stride: stride}
		var list, empty []byte
		for i := range players {
			list = binary.NativeEndian.AppendUint32(list, uint32(places*i+1))
		}
		for range shaders.CellRows * stride {
			empty = binary.NativeEndian.AppendUint32(empty, math.Float32bits(untouched))
		}
		if err := view.Write(gate.Places, list); err != nil {
			t.Fatal(err)
		}
		if err := view.Write(gate.Cells, empty); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, gate)
	}
	// check compares the cells with participations, which are the same bits, and worths, which
	// are sums of up to 512 float32 products.
	check := func(what string, played bool, participations, worths [][]float64) {
		t.Helper()
		if err := e.Show(cells, played); err != nil {
			t.Fatal(err)
		}
		for g, gate := range cells {
			bytes := make([]byte, gate.Cells.Size())
			if err := view.Read(gate.Cells, bytes); err != nil {
				t.Fatal(err)
			}
			at := func(row, place int) float64 {
				return float64(math.Float32frombits(binary.NativeEndian.Uint32(bytes[4*(row*gate.Stride+place):])))
			}
			scale := slices.Max(worths[g])
			for i, s := range participations[g] {
				if got := at(shaders.CellParticipation, places*i+1); got != s {
					t.Fatalf("%s: player %d:%d participates with %g; its cell says %g", what, g, i, s, got)
				}
				if got := at(shaders.CellWorth, places*i+1); math.Abs(got-worths[g][i]) > 512*0x1p-23*scale {
					t.Fatalf("%s: player %d:%d is worth %g; its cell says %g", what, g, i, worths[g][i], got)
				}
				for row := range shaders.CellRows {
					if got := at(row, places*i); got != untouched {
						t.Fatalf("%s: a cell beside player %d:%d was written: %g", what, g, i, got)
					}
				}
			}
		}
	}

	observed, err := e.Observe(t.Context(), steps(c, 2).Order)
	if err != nil {
		t.Fatal(err)
	}
	var prices [][]float64
	for _, h := range observed.Interactions {
		prices = append(prices, slices.Repeat([]float64{h.Worths(make([]float64, h.Players()))[0] / 2}, h.Players()))
	}
	played, err := e.Play(prices, ones(c.Graph().Widths()), 2)
	if err != nil {
		t.Fatal(err)
	}
	var worths [][]float64
	for g, h := range observed.Interactions {
		worths = append(worths, h.Worths(played[g]))
		if slices.Max(played[g]) == slices.Min(played[g]) {
			t.Fatalf("all players of gate %d play %g: the test shows nothing", g, played[g][0])
		}
	}
	check("market", true, played, worths)

	s := steps(c, 2)
	s.Paper = &backend.PaperMove{Game: game.Paper{Benefit: game.Absolute, Alpha: 1, Beta: 0.02, Gamma: 0.01}, Update: backend.GradientAscent, Rate: 5}
	if _, err := e.Train(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	tensors, err := e.Probe(steps(c, 1).Order, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	participations, err := e.Participations()
	if err != nil {
		t.Fatal(err)
	}
	for g, gate := range c.Graph().Gates {
		i := slices.IndexFunc(tensors, func(x backend.Tensor) bool { return x.Name == "gate."+gate.Name+".contribution.square" })
		for p, s := range participations[g] {
			worths[g][p] = s * s * tensors[i].Values[p]
		}
	}
	check("paper's game", false, participations, worths)
}

func ones(widths []int) [][]float64 {
	var all [][]float64
	for _, n := range widths {
		all = append(all, slices.Repeat([]float64{1}, n))
	}
	return all
}

// paint shows all players in cells and paints these, as a window does.
func paint(e viewed, widths []int) error {
	view, err := e.Beside()
	if err != nil {
		return err
	}
	defer view.Close()
	const columns, size, local = 5, 4, 8
	program := view.NewProgram()
	var cells []gpu.Cells
	for _, n := range widths {
		high := (n + columns - 1) / columns * size
		frame, rows, picture := 4*(2+n), 4*shaders.CellRows*n, 4*columns*size*high
		arena, err := view.NewArena(compute.Local, view.Round(4*n)+view.Round(rows)+view.Round(frame)+view.Round(picture))
		if err != nil {
			return err
		}
		gate := gpu.Cells{Places: arena.Take(4 * n), Cells: arena.Take(rows), Stride: n}
		cells = append(cells, gate)
		var list []byte
		for i := range n {
			list = binary.NativeEndian.AppendUint32(list, uint32(n-1-i))
		}
		if err := view.Write(gate.Places, list); err != nil {
			return err
		}
		pipeline, err := view.Pipeline(shaders.Cells, local)
		if err != nil {
			return err
		}
		program.Dispatch(pipeline, [3]int{(columns*size + local - 1) / local, high, 1},
			shaders.CellsPush{Players: uint32(n), Stride: uint32(n), Columns: columns, Size: size, Width: columns * size},
			arena.Take(frame), gate.Cells, arena.Take(picture))
	}
	if err := errors.Join(e.Show(cells, true), e.Show(cells, false), program.Record(false)); err != nil {
		return err
	}
	return program.Run(1)
}
