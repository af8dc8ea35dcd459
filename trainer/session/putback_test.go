package session

import (
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// testSamples are random samples of three features, in four classes or, with
// outputs, for regression.
func testSamples(count, outputs int) dataset.Samples {
	draw := random.New(7, random.Testing, 0, 0)
	s := dataset.Samples{Features: 3, Outputs: outputs}
	for range count {
		for range s.Features {
			s.Values = append(s.Values, float32(draw.Normal()))
		}
		if outputs == 0 {
			s.Labels = append(s.Labels, uint8(draw.Below(4)))
		}
		for range outputs {
			s.Targets = append(s.Targets, float32(draw.Normal()))
		}
	}
	return s
}

// testNetwork is a network with random weights and participations.
func testNetwork(widths []int, activation network.Activation) *network.Network {
	draw := random.New(9, random.Testing, 0, 0)
	n := network.New(widths)
	n.Activation = activation
	for _, layer := range n.Layers {
		for i := range layer.Weight {
			layer.Weight[i] = float32(draw.Normal())
		}
		for i := range layer.Bias {
			layer.Bias[i] = float32(draw.Normal())
		}
		for i := range layer.Participation {
			layer.Participation[i] = float32(draw.Float64())
		}
	}
	return n
}

// TestDepartedKeepTheirWeights plays a market by hand: what is put back at the end is
// each player as it was in the round of its removal, with its neighbours' weights for it.
func TestDepartedKeepTheirWeights(t *testing.T) {
	p, err := NewPlan(testConfig(), game.MarketGame, []int{3, 6, 5, 4}, 160)
	if err != nil {
		t.Fatal(err)
	}
	d := &dataset.Dataset{Classes: 4, Deviation: 1, Train: testSamples(40, 0)}
	e := &scripted{network: testNetwork(p.Widths, network.ReLU)}
	training := &Training{Name: "game", Plan: p, Engine: e, Journal: new(quiet), Position: Start(p)}
	training.Witnesses = evidence.NewWitnesses(d, backend.Loss{}, 100)
	want := e.network.Clone() // at full width, each player as it last was
	leave := func(last bool, stay network.Survivors) {
		t.Helper()
		before := training.Live()
		want.Scatter(e.network, before)
		keep := make(network.Survivors, len(stay))
		for l, ledger := range training.Ledgers {
			for _, i := range stay[l] {
				keep[l] = append(keep[l], slices.Index(ledger.Live, i))
			}
			ledger.Live = stay[l]
		}
		if err := training.putBack(before, last); err != nil {
			t.Fatal(err)
		}
		check := func(what string, got [][]float64, from network.Survivors) {
			left := make([][]int, len(stay))
			for l := range stay {
				left[l] = without(from[l], stay[l])
			}
			for l, falls := range training.Witnesses.PutBack(want, stay, left) {
				for p, i := range left[l] {
					if got[l][i] != falls[p] {
						t.Errorf("player %d:%d: %g %s, want %g", l, i, got[l][i], what, falls[p])
					}
				}
			}
		}
		check("when it left", training.WhenItLeft, before)
		if last {
			check("at the end", training.AtTheEnd, network.Survivors{network.Indices(6), network.Indices(5)})
		}
		// Kept players continue to train.
		e.network = e.network.Keep(keep)
		for _, layer := range e.network.Layers {
			for i := range layer.Weight {
				layer.Weight[i] *= 1.1
			}
		}
	}
	leave(false, network.Survivors{{0, 1, 3, 5}, {0, 1, 2, 3, 4}})
	leave(false, network.Survivors{{0, 3, 5}, {1, 2, 4}})
	leave(true, network.Survivors{{0, 5}, {1, 4}})
	if training.Departed != nil {
		t.Error("the departed are kept after the end of the market")
	}
}
