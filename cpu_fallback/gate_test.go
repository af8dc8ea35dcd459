package cpufallback

import (
	"fmt"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// TestThroughWideGates compares the way back through the gates of layers that are
// wider than what is summed up at a time with plain loops in the same order, to the
// bit.
func TestThroughWideGates(t *testing.T) {
	const inputs, rows = 5, 2*rowsPerChunk + 3
	for _, activation := range []network.Activation{network.ReLU, network.LeakyReLU} {
		for _, players := range []int{1, playersAtATime, 2*playersAtATime + 13} {
			t.Run(fmt.Sprint(activation, players), func(t *testing.T) {
				draw := random.New(1, random.Testing, 0, 0)
				n := network.New(networktest.PerceptronOf(activation, inputs, players, 3))
				for i := range n.Participations[0] {
					n.Participations[0][i] = float32(draw.Below(5)) / 4
				}
				o := backend.EngineOptions{Batch: rows, Optimiser: backend.Optimiser{Kind: backend.Adam}}
				e, err := open[float32](gonum32{}, dataset.Noise(rows, inputs, 3), o, &backend.State{Network: n})
				if err != nil {
					t.Fatal(err)
				}
				l := e.stages[1].(*denseStage[float32])
				g, derivative := l.gate, l.out.derivative
				for i := range l.affine.data {
					l.affine.data[i], derivative.data[i] = float32(draw.Normal()), float32(draw.Normal())
				}
				below := convert[float32](derivative.data)
				l.throughGate(rows, true)
				for i := range players {
					s := g.participation[i]
					var bias, mean, square float32
					for low := 0; low < rows; low += rowsPerChunk {
						var b, m, q float32 // of the chunk
						for r := low; r < min(rows, low+rowsPerChunk); r++ {
							u, dz := l.affine.row(r)[i], below[r*players+i]
							switch {
							case s*u > 0:
							case activation == network.ReLU:
								dz = 0
							default:
								dz *= network.LeakySlope
							}
							if got := derivative.row(r)[i]; got != s*dz {
								t.Fatalf("sample %d, player %d: %v, want %v", r, i, got, s*dz)
							}
							c := float32(rows * dz * u)
							b, m, q = b+float32(s*dz), m+c, q+float32(c*c)
						}
						bias, mean, square = bias+b, mean+m, square+q
					}
					if got := l.group.bias(l.group.gradient)[i]; got != bias || g.batchMean[i] != mean/rows || g.batchSquare[i] != square/rows {
						t.Fatalf("player %d: %v, %v and %v, want %v, %v and %v", i, got, g.batchMean[i], g.batchSquare[i], bias, mean/rows, square/rows)
					}
				}
			})
		}
	}
}
