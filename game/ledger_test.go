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
	const demand = 3

	// Player 4 is below the price from the start, 3 sets it, 2 is just above.
	price := ledger.Quote([]float64{9, 8, 1.5, 1, 0.5, 0}, demand)
	if price != 1 {
		t.Fatalf("first price %g, want 1", price)
	}
	// 4 falls at once, 5 is worthless and goes, the others go on.
	if stay := ledger.Settle([]float64{0.9, 0.9, 0.6, 0.5, 0.001, 0}, demand); !slices.Equal(stay, []int{0, 1, 2, 3}) {
		t.Fatalf("first round: positions %v stay", stay)
	}
	// 3 gains participation, 2 falls further although it still wants to stay.
	if price := ledger.Quote([]float64{9, 8, 0.7, 0.9}, demand); price != 0.7 {
		t.Fatalf("second price %g, want 0.7", price)
	}
	if stay := ledger.Settle([]float64{0.9, 0.9, 0.3, 0.6}, demand); len(stay) != 4 {
		t.Fatalf("second round: positions %v stay", stay)
	}
	// 2 is below the price now, and stays while its removal would leave two.
	ledger.Quote([]float64{9, 8, 0.1, 0.2}, demand)
	if stay := ledger.Settle([]float64{0.9, 0.9, 0.001, 0.001}, demand); !slices.Equal(stay, []int{0, 1, 3}) {
		t.Fatalf("third round: positions %v stay", stay)
	}
	// The last round keeps two: 3 still participates and has to go.
	ledger.Quote([]float64{9, 8, 5}, 2)
	if stay := ledger.Close([]float64{0.9, 0.9, 0.4}, 2); !slices.Equal(stay, []int{0, 1}) {
		t.Fatalf("last round: positions %v stay", stay)
	}

	want := []game.Record{
		{Worth: 9, Price: 5, Participation: 0.9, Reason: game.Kept},
		{Worth: 8, Price: 5, Participation: 0.9, Reason: game.Kept},
		{Worth: 0.1, Price: 0.1, Participation: 0.001, Round: 3, Reason: game.PricedOut},
		{Worth: 5, Price: 5, Participation: 0.4, Round: 4, Reason: game.Forced},
		{Worth: 0.5, Price: 1, Participation: 0.001, Round: 1, Reason: game.Dominated},
		{Worth: 0, Price: 1, Participation: 0, Round: 1, Reason: game.Dominated},
	}
	for i, record := range ledger.Records {
		if record != want[i] {
			t.Errorf("player %d: %+v, want %+v", i, record, want[i])
		}
	}
	if !slices.Equal(ledger.Live, []int{0, 1}) {
		t.Errorf("live %v", ledger.Live)
	}
}

// TestJustNotGone: a player is removed below [game.Gone] and not at it, where it has to
// be forced out.
func TestJustNotGone(t *testing.T) {
	ledger := game.NewLedger(2)
	ledger.Quote([]float64{1, 2}, 1)
	if stay := ledger.Settle([]float64{game.Gone, 1}, 1); len(stay) != 2 {
		t.Errorf("positions %v stay", stay)
	}
	ledger.Quote([]float64{1, 2}, 1)
	if ledger.Close([]float64{game.Gone, 1}, 1); ledger.Records[0].Reason != game.Forced {
		t.Errorf("%+v", ledger.Records[0])
	}
}

// TestWhoWantedAllItHadIsPricedOut: at no price a player wants full participation, which
// it has, and does not gain any. When it is then removed as priced out, it did want some.
func TestWhoWantedAllItHadIsPricedOut(t *testing.T) {
	ledger := game.NewLedger(2)
	for _, demand := range []int{2, 1} {
		worths := []float64{1, 2}
		market := game.Market{Price: ledger.Quote(worths, demand)}
		ledger.Settle([]float64{market.BestResponse(1), market.BestResponse(2)}, demand)
	}
	if got := ledger.Records[0].Reason; got != game.PricedOut || ledger.Records[1].Reason != game.Kept {
		t.Errorf("%s", got)
	}
}

// TestLedgerMeetsEveryDemand plays random markets to the end: no round leaves fewer than
// its demand, no player comes back, and the last round keeps exactly the demand. Saving
// and restoring on the way changes nothing.
func TestLedgerMeetsEveryDemand(t *testing.T) {
	const rounds = 40
	for seed := range uint64(60) {
		draw := random.New(seed, random.Testing, 2, 0)
		players := 2 + int(draw.Below(60))
		keep := 2 + int(draw.Below(uint32(players-1)))
		ledger := game.NewLedger(players)
		talent := make([]float64, players)
		s := make([]float64, players)
		for i := range talent {
			talent[i], s[i] = draw.Float64(), 1
		}
		for round := 1; round <= rounds; round++ {
			demand := game.Demand(players, keep, float64(round)/rounds)
			worths := make([]float64, len(ledger.Live))
			for position, i := range ledger.Live {
				worths[position] = talent[i] * s[position] * s[position]
			}
			market := game.Market{Price: ledger.Quote(worths, demand)}
			for position := range s {
				s[position] = market.Respond(worths[position], s[position], 0.5)
			}
			before := slices.Clone(ledger.Live)
			var stay []int
			if round < rounds {
				stay = ledger.Settle(s, demand)
			} else {
				stay = ledger.Close(s, demand)
			}
			if len(stay) < demand || len(stay) != len(ledger.Live) || round == rounds && len(stay) != keep {
				t.Fatalf("seed %d round %d: %d stay, demand %d, keep %d", seed, round, len(stay), demand, keep)
			}
			for n, position := range stay {
				s[n] = s[position]
				if ledger.Live[n] != before[position] {
					t.Fatalf("seed %d round %d: position %d is not player %d", seed, round, position, ledger.Live[n])
				}
			}
			s = s[:len(stay)]

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
		gone := 0
		for i, record := range ledger.Records {
			if stays := slices.Contains(ledger.Live, i); stays != (record.Reason == game.Kept) || stays != (record.Round == 0) {
				t.Fatalf("seed %d player %d: stays %v, %+v", seed, i, stays, record)
			}
			if record.Reason != game.Kept {
				gone++
			}
			if record.Reason == game.Forced != (record.Reason != game.Kept && record.Participation >= game.Gone) {
				t.Fatalf("seed %d player %d: %+v", seed, i, record)
			}
		}
		if gone != players-keep {
			t.Fatalf("seed %d: %d gone of %d, keep %d", seed, gone, players, keep)
		}
	}
}

func TestLedgerRefusesTheWrongNumberOfPlayers(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two worths for three players pass")
		}
	}()
	game.NewLedger(3).Quote([]float64{1, 2}, 1)
}
