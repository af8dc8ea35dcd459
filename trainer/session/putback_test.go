package session

import (
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/evidence"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
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

// TestDepartedKeepTheirWeights plays a market by hand: what is put back at the end is
// each removed player as it was in its last round, with what its neighbours had for it.
func TestDepartedKeepTheirWeights(t *testing.T) {
	p, err := NewPlan(testConfig(), game.MarketGame, networktest.Perceptron(3, 6, 5, 4).Graph, 160, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &dataset.Dataset{Classes: 4, Deviation: 1, Train: testSamples(40, 0)}
	e := &scripted{network: networktest.Random(p.Graph)}
	training := &Training{Name: "game", Plan: p, Engine: e, Journal: new(quiet), Position: Start(p)}
	training.PutBackSamples = evidence.NewPutBackSamples(d, backend.Loss{}, 100)
	want := e.network.Clone() // at full width, each player as it was in its last round
	leave := func(last bool, stay network.Survivors) {
		t.Helper()
		before := training.Live()
		cut, err := p.Graph.Cut(before)
		if err != nil {
			t.Fatal(err)
		}
		cut.Scatter(want, e.network)
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
			all, err := training.PutBackSamples.PutBack(want, stay, left)
			if err != nil {
				t.Fatal(err)
			}
			for l, falls := range all {
				for p, i := range left[l] {
					if got[l][i] != falls[p] {
						t.Errorf("player %d:%d: %g %s, want %g", l, i, got[l][i], what, falls[p])
					}
				}
			}
		}
		check("when it left", training.AtRemoval, before)
		if last {
			check("at the end", training.AtTheEnd, network.Survivors{network.Indices(6), network.Indices(5)})
		}
		// The players that stay go on learning.
		if e.network, err = e.network.Keep(keep); err != nil {
			t.Fatal(err)
		}
		for _, v := range e.network.Parameters {
			for i := range v {
				v[i] *= 1.1
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
