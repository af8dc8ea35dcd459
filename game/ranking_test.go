package game_test

import (
	"slices"
	"testing"

	"nashprune/game"
)

// TestRankOut follows a layer of five through three rounds without a game.
func TestRankOut(t *testing.T) {
	l := game.NewLedger(5)
	stay, cut := l.RankOut([]float64{3, 1, 2, 1, 5}, 3)
	if !slices.Equal(stay, []int{0, 2, 4}) || cut != 1 || !slices.Equal(l.Live, []int{0, 2, 4}) {
		t.Fatalf("%v stay, cut %g, live %v", stay, cut, l.Live)
	}
	// No player is removed, and the last cut stands; new scores are recorded.
	if stay, cut = l.RankOut([]float64{4, 2, 6}, 3); len(stay) != 3 || cut != 0 || l.Records[4].Worth != 6 || l.Records[4].Price != 1 {
		t.Errorf("%v stay, cut %g, %+v", stay, cut, l.Records[4])
	}
	// Of equals the first stays.
	if stay, cut = l.RankOut([]float64{7, 7, 7}, 1); !slices.Equal(stay, []int{0}) || cut != 7 {
		t.Errorf("%v stay, cut %g", stay, cut)
	}
	for i, want := range []game.Record{
		{Worth: 7, Price: 7, Participation: 1, Reason: game.Kept},
		{Worth: 1, Price: 1, Participation: 1, Round: 1, Reason: game.RankedOut},
		{Worth: 7, Price: 7, Participation: 1, Round: 3, Reason: game.RankedOut},
		{Worth: 1, Price: 1, Participation: 1, Round: 1, Reason: game.RankedOut},
		{Worth: 7, Price: 7, Participation: 1, Round: 3, Reason: game.RankedOut},
	} {
		if l.Records[i] != want {
			t.Errorf("player %d: %+v, want %+v", i, l.Records[i], want)
		}
	}
}
