package game_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

func TestMarketBestResponseAgainstGridSearch(t *testing.T) {
	draw := random.New(1, random.Testing, 1, 0)
	offers := [][2]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 1}, {1, 2}, {1e-30, 1e-31}}
	for range 200 {
		offers = append(offers, [2]float64{draw.Float64(), draw.Float64()})
	}
	for _, offer := range offers {
		worth, market := offer[0], game.Market{Price: offer[1]}
		utility := func(s float64) float64 { return -worth/2*(1-s)*(1-s) - market.Price*s }
		best, at := math.Inf(-1), 0.
		for step := range gridSteps + 1 {
			s := onGrid(step)
			u := utility(s)
			if u > best {
				best, at = u, s
			}
		}
		scale := worth + market.Price
		if got := market.BestResponse(worth); math.Abs(got-at) > 1./gridSteps || utility(got) < best-1e-15*scale {
			t.Errorf("worth %g price %g: best response %g, grid %g", worth, market.Price, got, at)
		}
		for _, s := range []float64{0, 0.37, 1} {
			if got, want := market.Gap(worth, s), best-utility(s); math.Abs(got-want) > scale/gridSteps {
				t.Errorf("worth %g price %g: gap at %g is %g, grid %g", worth, market.Price, s, got, want)
			}
			if got := market.Utility(worth, s); math.Abs(got-utility(s)) > 1e-15*scale {
				t.Errorf("worth %g price %g: U(%g) = %g, want %g", worth, market.Price, s, got, utility(s))
			}
			if got, want := market.Respond(worth, s, 0.25), 0.75*s+0.25*market.BestResponse(worth); math.Abs(got-want) > 1e-15 {
				t.Errorf("worth %g price %g: move from %g to %g, want %g", worth, market.Price, s, got, want)
			}
		}
	}
}

// TestMarketEquilibrium builds the equilibrium of five players with demand for
// three in closed form: p is the fourth worth, s_i = 1 - p/h_i.
func TestMarketEquilibrium(t *testing.T) {
	worths := []float64{0.5, 4, 1, 2, 8}
	atEquilibrium := []float64{0, 0.75, 0, 0.5, 0.875}
	var c game.Certificate
	c.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 3)}, worths, atEquilibrium)
	if c.MaxGap != 0 || c.Players != 5 || c.Scale != 15.5 {
		t.Errorf("at the equilibrium: %+v", c)
	}
	for i := range worths {
		for _, d := range []float64{-0.1, 0.1} {
			beside := slices.Clone(atEquilibrium)
			beside[i] += d
			if beside[i] < 0 {
				continue
			}
			var c game.Certificate
			c.CertifyMarket(game.Market{Price: game.ClearingPrice(worths, 3)}, worths, beside)
			// At an interior best response the gap is h d^2/2; a loser at zero
			// pays at least that.
			if want := worths[i] * d * d / 2; c.MaxGap < want*(1-1e-12) || c.RelativeGap() != c.TotalGap/15.5 {
				t.Errorf("player %d off by %g: %+v, want a gap of at least %g", i, d, c, want)
			}
		}
	}
}

func TestClearingPriceMeetsTheDemand(t *testing.T) {
	draw := random.New(3, random.Testing, 0, 0)
	for _, players := range []int{0, 1, 2, 13, 130} {
		worths := make([]float64, players)
		for i := range worths {
			worths[i] = draw.Float64()
		}
		for demand := range players + 2 {
			market := game.Market{Price: game.ClearingPrice(worths, demand)}
			var want []int
			for i, worth := range worths {
				if market.BestResponse(worth) > 0 {
					want = append(want, i)
				}
			}
			winners := game.Winners(worths, demand)
			if !slices.Equal(winners, want) || len(winners) != min(demand, players) {
				t.Errorf("%d players, demand %d: winners %v, players that want to stay %v", players, demand, winners, want)
			}
		}
	}
}

func TestTiesGoByIndex(t *testing.T) {
	worths := []float64{1, 3, 1, 3, 1}
	if got := game.Winners(worths, 3); !slices.Equal(got, []int{0, 1, 3}) {
		t.Errorf("winners %v", got)
	}
	if got := game.ClearingPrice(worths, 3); got != 1 {
		t.Errorf("price %g", got)
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
	}{{0, []int{512, 256}}, {3, []int{512, 256}}, {-1, []int{4}}, {769, []int{512, 256}}, {3, []int{512, 1}}} {
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

// TestWinnersAreTheFirstOfTheRanking compares winners and clearing prices with
// those of a ranking by falling worth and then by position, of worths that are often
// equal, and infinite where a ledger makes them so.
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
			price := 0.
			if demand < len(ranking) {
				price = worths[ranking[demand]]
			}
			if got := game.ClearingPrice(worths, demand); got != price {
				t.Fatalf("%v clear for %d at %v, want %v", worths, demand, got, price)
			}
		}
	}
}
