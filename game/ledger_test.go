package game_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// TestReasons plays a market of six players by hand and checks which players are removed,
// when and why.
func TestReasons(t *testing.T) {
	ledger := game.NewLedger(6)
	if stay := ledger.Settle([]float64{9, 8, 5, 1, 0.5, 0}, []float64{2, 2, 2, 1, 0.5, 0}, []float64{9, 8, 6, 3, 0.9, 0}, []float64{1, 1, 0.5, 0, 0, 0}, 1, nil, 3); !slices.Equal(stay, []int{0, 1, 2}) {
		t.Fatalf("positions %v stay", stay)
	}
	if stay := ledger.Settle([]float64{9, 8, 5}, []float64{2, 3, 4}, []float64{9, 8, 7}, []float64{1, 0.9, 0.1}, 4, nil, 2); !slices.Equal(stay, []int{0, 1}) {
		t.Fatalf("positions %v stay", stay)
	}
	for i, want := range []game.Record{
		{Worth: 9, Own: 2, Ceiling: 9, Price: 4, Participation: 1, Reason: game.Kept},
		{Worth: 8, Own: 3, Ceiling: 8, Price: 4, Participation: 0.9, Reason: game.Kept},
		{Worth: 5, Own: 4, Ceiling: 7, Price: 4, Participation: 0.1, Round: 2, Reason: game.Forced},
		{Worth: 1, Own: 1, Ceiling: 3, Price: 1, Round: 1, Reason: game.PricedOut},
		{Worth: 0.5, Own: 0.5, Ceiling: 0.9, Price: 1, Round: 1, Reason: game.Dominated},
		{Price: 1, Round: 1, Reason: game.Dead},
	} {
		got := ledger.Records[i]
		if got != want {
			t.Errorf("player %d: %+v, want %+v", i, got, want)
		}
		if got.Reason != game.Kept && got.Recompute() != got.Reason {
			t.Errorf("player %d: %s, computed again %s", i, got.Reason, got.Recompute())
		}
	}
}

// TestLedgerMeetsEveryDemand plays random markets to the end: each round leaves its
// demand, no player comes back, none is forced out, and saving and restoring on
// the way changes nothing.
func TestLedgerMeetsEveryDemand(t *testing.T) {
	const rounds = 8
	for seed := range uint64(30) {
		draw := random.New(seed, random.Testing, 2, 0)
		players := 2 + int(draw.Below(25))
		keep := 2 + int(draw.Below(uint32(players-1)))
		ledger := game.NewLedger(players)
		h := market(seed, players)
		for round := 1; round <= rounds; round++ {
			demand := game.Demand(players, keep, float64(round)/rounds)
			here := h.Select(ledger.Live)
			c, err := game.ClearLayers([]game.Interactions{here}, []int{demand}, game.PlayOn([]game.Interactions{here}, 5))
			if err != nil {
				t.Fatal(err)
			}
			before := slices.Clone(ledger.Live)
			stay := ledger.Settle(c.Worths[0], here.Own(), here.Ceilings(), c.Participations[0], c.Prices[0], nil, demand)
			if len(stay) != demand || len(ledger.Live) != demand {
				t.Fatalf("seed %d round %d: %d stay, demand %d", seed, round, len(stay), demand)
			}
			for n, position := range stay {
				if ledger.Live[n] != before[position] {
					t.Fatalf("seed %d round %d: position %d is not player %d", seed, round, position, ledger.Live[n])
				}
			}
			saved, err := json.Marshal(ledger)
			if err != nil {
				t.Fatal(err)
			}
			restored := new(game.Ledger)
			if err := json.Unmarshal(saved, restored); err != nil || !reflect.DeepEqual(restored, ledger) {
				t.Fatalf("seed %d round %d: restored %+v, %v", seed, round, restored, err)
			}
			ledger = restored
		}
		for i, r := range ledger.Records {
			if stays := slices.Contains(ledger.Live, i); stays != (r.Reason == game.Kept) || stays != (r.Round == 0) {
				t.Fatalf("seed %d player %d: stays %v, %+v", seed, i, stays, r)
			}
			if r.Reason == game.Forced {
				t.Fatalf("seed %d player %d: %+v", seed, i, r)
			}
			if i%7 == 3 && r.Reason != game.Kept && r.Reason != game.Dead {
				t.Fatalf("seed %d: dead player %d is %s", seed, i, r.Reason)
			}
		}
	}
}

func TestLedgerRefusesTheWrongNumberOfPlayers(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two worths for three players pass")
		}
	}()
	game.NewLedger(3).Settle([]float64{1, 2}, []float64{1, 2}, []float64{1, 2}, []float64{1, 2}, 0, nil, 1)
}
