package record

import (
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/random"
)

// TestParticipations: every player is in its class, a level is the participation but for half
// a step, and of large gates only the classes are kept.
func TestParticipations(t *testing.T) {
	p := NewParticipations(5, []int{0, 2, 3}, []float64{0, 0.5, 1})
	if want := []byte{0x01, 0, 0x80, 0xff, 0}; !slices.Equal(p.Levels, want) {
		t.Errorf("levels %v, want %v", p.Levels, want)
	}
	if p.Histogram[0] != 1 || p.Histogram[10] != 1 || p.Histogram[19] != 1 {
		t.Errorf("histogram %v", p.Histogram)
	}
	draw := random.New(1, random.Ranking, 0, 0)
	for _, players := range []int{1, MostLevels, MostLevels + 1} {
		present, s := []int(nil), []float64(nil)
		for i := range players {
			if x := draw.Float64(); x > 0.5 {
				present, s = append(present, i), append(s, 2*x-1)
			}
		}
		p := NewParticipations(players, present, s)
		if err := CheckParticipations([]Participations{p}, []int{players}); err != nil {
			t.Error(err)
		}
		total := 0
		for _, n := range p.Histogram {
			total += n
		}
		if total != len(present) || (p.Levels == nil) != (players > MostLevels) {
			t.Errorf("%d of %d players are in classes, %d levels", total, len(present), len(p.Levels))
		}
		for i, player := range present {
			if p.Levels == nil {
				break
			}
			if got, there := Level(p.Levels[player]); !there || math.Abs(got-s[i]) > 0.5/254+1e-12 { // half a step, and rounding
				t.Fatalf("player %d participates by %v, read as %v", player, s[i], got)
			}
		}
	}
	if _, there := Level(0); there {
		t.Error("level 0 is that of a player that is present")
	}
	for says, bad := range map[string][]Participations{
		"2 gates of 1":  {p, p},
		"of 2 players":  {{Histogram: p.Histogram, Levels: []byte{1, 1}}},
		"in 1 classes":  {{Histogram: []int{3}}},
		"has 6 of 5":    {{Histogram: append(make([]int, 19), 6)}},
		"has -1 of 5 p": {{Histogram: append(make([]int, 19), -1)}},
	} {
		if err := CheckParticipations(bad, []int{5}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
