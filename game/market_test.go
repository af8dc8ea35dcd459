package game_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

func TestTiesGoByIndex(t *testing.T) {
	worths := []float64{1, 3, 1, 3, 1}
	if got := game.Winners(worths, 3); !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("winners %v", got)
	}
}

func TestDemand(t *testing.T) {
	for _, c := range []struct {
		t    float64
		want int
	}{{-1, 512}, {0, 512}, {0.5, 25 + 61}, {1, 25}, {2, 25}} {
		if got := game.Demand(512, 25, c.t); got != c.want {
			t.Errorf("Demand(512, 25, %g) = %d, want %d", c.t, got, c.want)
		}
	}
	last := 512
	for step := range 101 {
		demand := game.Demand(512, 25, float64(step)/100)
		if demand > last || demand < 25 {
			t.Errorf("demand goes from %d to %d", last, demand)
		}
		last = demand
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		keep         int
		widths, want []int
	}{
		{38, []int{512, 256}, []int{25, 13}},
		{15, []int{512, 256}, []int{10, 5}},
		{154, []int{512, 256}, []int{103, 51}},
		{768, []int{512, 256}, []int{512, 256}},
		{4, []int{512, 256}, []int{2, 2}},
		{5, []int{512, 256}, []int{3, 2}},
		{7, []int{1000, 10, 10}, []int{3, 2, 2}},
		{2, []int{2}, []int{2}},
		{3, []int{512, 1}, []int{2, 1}},
		{10, []int{1, 512, 1}, []int{1, 8, 1}},
		{7, []int{4, 4, 4}, []int{3, 2, 2}}, // equal remainders go to the lower layer
	} {
		got, err := game.Split(c.keep, c.widths)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("Split(%d, %v) = %v, %v; want %v", c.keep, c.widths, got, err, c.want)
		}
	}
	for _, c := range []struct {
		keep   int
		widths []int
	}{{0, []int{512, 256}}, {3, []int{512, 256}}, {-1, []int{4}}, {769, []int{512, 256}}, {2, []int{512, 1}}} {
		if got, err := game.Split(c.keep, c.widths); err == nil {
			t.Errorf("Split(%d, %v) = %v, want an error", c.keep, c.widths, got)
		}
	}
}

// TestSplitAlwaysAddsUp draws networks and counts and checks what Split
// promises whatever they are.
func TestSplitAlwaysAddsUp(t *testing.T) {
	draw := random.New(4, random.Testing, 0, 0)
	for range 2000 {
		widths := make([]int, 1+draw.Below(6))
		players := 0
		for l := range widths {
			widths[l] = game.LeastPerLayer + int(draw.Below(1<<draw.Below(12)))
			players += widths[l]
		}
		least := game.LeastPerLayer * len(widths)
		keep := least + int(draw.Below(uint32(players-least+1)))
		shares, err := game.Split(keep, widths)
		if err != nil {
			t.Fatalf("Split(%d, %v): %v", keep, widths, err)
		}
		sum := 0
		for l, share := range shares {
			sum += share
			if share < game.LeastPerLayer || share > widths[l] {
				t.Fatalf("Split(%d, %v) = %v", keep, widths, shares)
			}
		}
		if sum != keep {
			t.Fatalf("Split(%d, %v) = %v adds up to %d", keep, widths, shares, sum)
		}
	}
}

// TestWinnersAreTheFirstOfTheRanking compares winners with those of a ranking by falling
// worth and then by position, of worths that are often equal.
func TestWinnersAreTheFirstOfTheRanking(t *testing.T) {
	draw := random.New(1, random.Testing, 2, 0)
	for range 3000 {
		worths := make([]float64, draw.Below(12))
		for i := range worths {
			worths[i] = []float64{0, 0.25, 0.5, draw.Float64(), math.Inf(1)}[draw.Below(5)]
		}
		ranking := make([]int, len(worths))
		for i := range ranking {
			ranking[i] = i
		}
		slices.SortStableFunc(ranking, func(a, b int) int { return cmp.Compare(worths[b], worths[a]) })
		for demand := range len(worths) + 2 {
			want := slices.Sorted(slices.Values(ranking[:min(demand, len(ranking))]))
			if got := game.Winners(worths, demand); !slices.Equal(got, want) {
				t.Fatalf("of %v %d win: %v, want %v", worths, demand, got, want)
			}
		}
	}
}
