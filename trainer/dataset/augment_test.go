package dataset

import (
	"slices"
	"testing"
)

// TestMoves: each move is as likely as any other, and follows from seed, step and row alone.
func TestMoves(t *testing.T) {
	const padding, steps, rows = 4, 90, 450
	a := Augmentation{Padding: padding, Flip: true}
	counts := map[Move]int{}
	for step := range uint32(steps) {
		for row := range uint32(rows) {
			counts[a.Move(7, step, row)]++
		}
	}
	// Pearson's statistic of 9 * 9 * 2 moves has mean 161 and deviation 17.9.
	const moves = (2*padding + 1) * (2*padding + 1) * 2
	expected := float64(steps*rows) / moves
	statistic := 0.
	for _, n := range counts {
		statistic += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	if len(counts) != moves || statistic > 161+5*17.9 || statistic < 161-5*17.9 {
		t.Errorf("%d moves of %d, and a statistic of %.0f, want 161", len(counts), moves, statistic)
	}
	for move := range counts {
		if max(move.DX, -move.DX, move.DY, -move.DY) > padding {
			t.Errorf("%+v", move)
		}
	}
	// No two of the numbers that name a move stand for each other.
	differ := func(name string, one, other func(i uint32) Move) {
		same := 0
		for i := range uint32(1000) {
			if one(i) == other(i) {
				same++
			}
		}
		if same > 30 { // 6 of 1000 are expected
			t.Errorf("%s: %d of 1000 moves are the same", name, same)
		}
	}
	differ("seeds", func(i uint32) Move { return a.Move(1, 2, i) }, func(i uint32) Move { return a.Move(1|1<<32, 2, i) })
	differ("steps", func(i uint32) Move { return a.Move(1, 2, i) }, func(i uint32) Move { return a.Move(1, 3, i) })
	differ("rows", func(i uint32) Move { return a.Move(1, i, 1) }, func(i uint32) Move { return a.Move(1, i, 2) })
	differ("steps and rows", func(i uint32) Move { return a.Move(1, i, i+1) }, func(i uint32) Move { return a.Move(1, i+1, i) })
	// These are what a device has to draw, by a program of another language.
	for i, want := range []Move{{DX: -4, DY: 2}, {DX: 2, DY: 4, Flip: true}} {
		if got := a.Move(1<<40|5, uint32(i), 3); got != want {
			t.Errorf("step %d: %+v, want %+v", i, got, want)
		}
	}
	for row := range uint32(100) {
		if got := (Augmentation{}).Move(7, 1, row); got != (Move{}) {
			t.Errorf("without augmentation: %+v", got)
		}
		if got := (Augmentation{Padding: 2}).Move(7, 1, row); got.Flip {
			t.Errorf("without mirror images: %+v", got)
		}
	}
}

func TestApply(t *testing.T) {
	// Two channels of two rows and three columns.
	image := []uint8{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}
	outside := []uint8{0, 10}
	for _, c := range []struct {
		move Move
		want []uint8
	}{
		{Move{}, image},
		{Move{Flip: true}, []uint8{3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14}},
		{Move{DX: 1}, []uint8{2, 3, 0, 5, 6, 0, 12, 13, 10, 15, 16, 10}},
		{Move{DX: -2, DY: 1}, []uint8{0, 0, 4, 0, 0, 0, 10, 10, 14, 10, 10, 10}},
		{Move{DX: 1, DY: -1, Flip: true}, []uint8{0, 0, 0, 0, 3, 2, 10, 10, 10, 10, 13, 12}},
		{Move{DX: 3}, []uint8{0, 0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 10}},
		{Move{DY: -2}, []uint8{0, 0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 10}},
	} {
		got := make([]uint8, len(image))
		Apply(c.move, got, image, [3]int{2, 2, 3}, outside)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.move, got, c.want)
		}
		widened := make([]float64, len(image))
		for i, x := range image {
			widened[i] = float64(x)
		}
		moved := make([]float64, len(image))
		Apply(c.move, moved, widened, [3]int{2, 2, 3}, []float64{0, 10})
		for i, x := range moved {
			if x != float64(c.want[i]) {
				t.Errorf("%+v in float64: %v, want %v", c.move, moved, c.want)
				break
			}
		}
	}
}
