package game_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// atMost fits networks whose players, each of a gate's weight, weigh no more.
func atMost(limit float64, weights []float64) func([]int) bool {
	return func(players []int) bool {
		total := 0.
		for l, n := range players {
			total += weights[l] * float64(n)
		}
		return total <= limit
	}
}

// each returns the costs of gates in which every player costs the same.
func each(players []int, costs []float64) [][]float64 {
	all := make([][]float64, len(players))
	for l, n := range players {
		all[l] = slices.Repeat(costs[l:l+1], n)
	}
	return all
}

// atOnePrice returns a price for each player of some.
func atOnePrice(price float64, players []float64) []float64 {
	return slices.Repeat([]float64{price}, len(players))
}

// alone returns players that do not interact, of the given worths.
func alone(worths ...float64) game.Interactions {
	n := len(worths)
	h := make([]float64, n*n)
	for i, w := range worths {
		h[i*n+i] = w / (1 + game.Ridge)
	}
	return game.Interactions{h}
}

// TestAGateClears: nearly always exactly the demand participates, never more, at a price
// that is above zero where there are losers; and the state is an equilibrium.
func TestAGateClears(t *testing.T) {
	met, asked := 0, 0
	for seed := range uint64(30) {
		h := []game.Interactions{market(seed, 12), market(100+seed, 5)}
		for demand := range 14 {
			demands := []int{demand, min(demand, 4)}
			c, err := game.ClearLayers(h, demands, game.PlayOn(h, 3))
			if err != nil {
				t.Fatal(err)
			}
			for g := range h {
				count, alive := 0, 0
				for i, w := range c.Worths[g] {
					if h[g].Ceilings()[i] > 0 {
						alive++
					}
					if w > c.Prices[g] {
						count++
					}
				}
				if count > demands[g] {
					t.Errorf("seed %d gate %d demand %d: %d participate", seed, g, demands[g], count)
				}
				if count == min(demands[g], alive) {
					met++
				}
				asked++
				if demands[g] >= alive != (c.Prices[g] == 0) {
					t.Errorf("seed %d gate %d demand %d of %d: price %g", seed, g, demands[g], alive, c.Prices[g])
				}
				var gap game.Certificate
				gap.CertifyMarket(h[g], c.PlayerPrices(g), c.Participations[g], c.Worths[g])
				if gap.RelativeGap() > game.Settled {
					t.Errorf("seed %d gate %d demand %d: gap %g", seed, g, demands[g], gap.RelativeGap())
				}
			}
		}
	}
	if met < asked*95/100 { // the number falls with the price but for rare returns
		t.Errorf("of %d demands %d are met exactly", asked, met)
	}
}

// TestPricesWithoutInteraction have a closed form: the highest losing worth.
func TestPricesWithoutInteraction(t *testing.T) {
	h := []game.Interactions{alone(9, 2, 8, 4)}
	for demand, want := range []float64{9, 8, 4, 2} {
		c, err := game.ClearLayers(h, []int{demand}, game.PlayOn(h, 1))
		// The price is in an interval that began at 9 and was halved until the count was right.
		if got := c.Prices[0]; err != nil || got < want || demand > 0 && got >= []float64{0, 9, 8, 4}[demand] {
			t.Errorf("demand %d: price %g, want %g or more, %v", demand, got, want, err)
		}
	}
}

// TestOneMarketByHand: two gates, of which the second's players cost half. Worths
// per cost are 9 8 4 2 and 10 6 3 1; two of each stay anyway, and of the rest the order
// is 4 (gate 0), 3 (gate 1), 2, 1.
func TestOneMarketByHand(t *testing.T) {
	h := []game.Interactions{alone(9, 2, 8, 4), alone(5, 0.5, 3, 1.5)}
	costs := []float64{1, 0.5}
	for _, c := range []struct {
		budget  float64
		demands []int
		prices  [2]float64 // at least, and below the next
		below   [2]float64
	}{
		{8, []int{4, 4}, [2]float64{0, 0}, [2]float64{1e-9, 1e-9}}, // all players, who weigh 6
		{5.9, []int{4, 3}, [2]float64{1, 0.5}, [2]float64{2, 1}},
		{4.5, []int{3, 3}, [2]float64{2, 1}, [2]float64{3, 1.5}},
		{4, []int{3, 2}, [2]float64{3, 1.5}, [2]float64{4, 2}},
		{3, []int{2, 2}, [2]float64{4, 2}, [2]float64{8, 3}},
	} {
		got, err := game.ClearTogether(h, game.Budget{Costs: each([]int{4, 4}, costs), Fits: atMost(c.budget, costs)}, game.PlayOn(h, 1))
		if err != nil || !slices.Equal(got.Demands, c.demands) {
			t.Errorf("budget %g: demands %v, want %v, %v", c.budget, got.Demands, c.demands, err)
			continue
		}
		for g, p := range got.Prices {
			if p < c.prices[g]*(1-1e-6) || p >= c.below[g] {
				t.Errorf("budget %g gate %d: price %g, want from %g to %g", c.budget, g, p, c.prices[g], c.below[g])
			}
		}
	}
}

// TestTheLeastOfAGateStays: a gate whose players are worth less than the common price
// pays its own.
func TestTheLeastOfAGateStays(t *testing.T) {
	h := []game.Interactions{alone(9, 8, 7, 6), alone(0.1, 0.3, 0.2)}
	got, err := game.ClearTogether(h, game.Budget{Costs: each([]int{4, 3}, []float64{1, 1}), Fits: atMost(5, []float64{1, 1})}, game.PlayOn(h, 1))
	if err != nil || !slices.Equal(got.Demands, []int{3, 2}) || got.Prices[1] >= 0.2 || got.Prices[1] < 0.1 {
		t.Errorf("%+v, %v", got, err)
	}
	if c, err := game.ClearTogether([]game.Interactions{nil, h[1]}, game.Budget{Costs: [][]float64{{}, {1, 1, 1}}, Fits: atMost(2, []float64{1, 1})}, game.PlayOn([]game.Interactions{nil, h[1]}, 1)); err == nil && !slices.Equal(c.Demands, []int{0, 2}) {
		t.Errorf("a gate without players: %+v", c)
	}
}

// TestBudgetsAreUsed: what stays fits, and no gate could keep its next player too.
func TestBudgetsAreUsed(t *testing.T) {
	draw := random.New(8, random.Testing, 4, 0)
	for seed := range uint64(25) {
		h := []game.Interactions{market(seed, 9), market(seed+50, 6), market(seed+90, 3)}
		weights := []float64{0.5 + draw.Float64(), 0.5 + draw.Float64(), 0.5 + draw.Float64()}
		fits := atMost(8+10*draw.Float64(), weights)
		c, err := game.ClearTogether(h, game.Budget{Costs: each([]int{9, 6, 3}, weights), Fits: fits}, game.PlayOn(h, 4))
		if err != nil {
			t.Fatal(err)
		}
		if !fits(c.Demands) {
			t.Errorf("seed %d: %v do not fit", seed, c.Demands)
		}
		for g := range h {
			more := slices.Clone(c.Demands)
			if more[g]++; more[g] <= h[g].Players() && fits(more) {
				t.Errorf("seed %d: %v stay and gate %d could keep one more", seed, c.Demands, g)
			}
		}
	}
}

// TestStepsOfCost: where five players cost as much as one, they stay or leave together.
func TestStepsOfCost(t *testing.T) {
	h := []game.Interactions{alone(9, 8, 7, 6, 5, 4, 3, 2), alone(9, 8, 7, 6)}
	steps := [][]float64{{4, 0, 0, 0, 4, 0, 0, 0}, {1, 1, 1, 1}}
	fits := func(players []int) bool {
		total := float64(players[1])
		for _, cost := range steps[0][:players[0]] {
			total += cost
		}
		return total <= 8
	}
	got, err := game.ClearTogether(h, game.Budget{Costs: steps, Fits: fits}, game.PlayOn(h, 1))
	if err != nil || !slices.Equal(got.Demands, []int{4, 4}) {
		t.Errorf("%v stay, want 4 and 4, %v", got.Demands, err)
	}
}

// TestLargePlayersUseTheBudget: three players of cost 10 beside twenty of cost 1 and worth 0.3. The
// third, worth 2.5, is worth less for its cost than the small ones. But without it 5 of a budget
// of 45 are of no use, and with it five small ones leave, which are worth 1.5 together. A round
// before the last keeps it, too.
func TestLargePlayersUseTheBudget(t *testing.T) {
	h := []game.Interactions{alone(9, 8, 2.5), alone(slices.Repeat([]float64{0.3}, 20)...)}
	costs := []float64{10, 1}
	for _, c := range []struct {
		budget, last float64
		demands      []int
	}{
		{45, 45, []int{3, 15}},
		{48, 45, []int{3, 18}},
		{34, 34, []int{2, 14}}, // it would cost ten small ones, worth 3
		{48, 34, []int{2, 20}},
		{20, 20, []int{2, 2}}, // the least, which do not fit
	} {
		b := game.Budget{Costs: each([]int{3, 20}, costs), Fits: atMost(c.budget, costs), FitsLast: atMost(c.last, costs)}
		got, err := game.ClearTogether(h, b, game.PlayOn(h, 1))
		if err != nil || !slices.Equal(got.Demands, c.demands) {
			t.Errorf("budgets of %g and %g: %v stay, want %v, %v", c.budget, c.last, got.Demands, c.demands, err)
		}
	}
}

// TestAllocate: the highest scores stay while they fit.
func TestAllocate(t *testing.T) {
	scores := [][]float64{{9, 2, 8, 4}, {5, 0.5, 3, 1.5}}
	for limit, want := range map[float64][]int{4: {2, 2}, 5: {3, 2}, 6: {4, 2}, 7: {4, 3}, 100: {4, 4}} {
		if got := game.Allocate(scores, game.Budget{Costs: each([]int{4, 4}, []float64{1, 1}), Fits: atMost(limit, []float64{1, 1})}); !slices.Equal(got, want) {
			t.Errorf("at most %g: %v, want %v", limit, got, want)
		}
	}
}

// TestPartsOfLosersCostNothing: three channels of two features each. Features of a channel that
// does not stay are removed with it, so that others may stay in their place, and each gate keeps
// its least number of those that are there.
func TestPartsOfLosersCostNothing(t *testing.T) {
	parent := func(gate, player int) (int, int, bool) { return 0, player / 2, gate == 1 }
	features := alone(3, 9, 4, 1, 2, 8) // by worth of channels 0 2 1 0 2 1
	for _, c := range []struct {
		channels game.Interactions
		budget   float64
		demands  []int // of features that are not there, too, where they come before one that does not fit
	}{
		{alone(7, 6, 5), 2.5, []int{2, 3}}, // channels 0 and 1 stay
		{alone(7, 6, 5), 3, []int{2, 5}},
		{alone(7, 6, 5), 4, []int{2, 6}},
		{alone(5, 6, 7), 2, []int{2, 4}}, // channels 1 and 2 stay
		{alone(5, 6, 7), 3, []int{2, 5}},
	} {
		h := []game.Interactions{c.channels, features}
		b := game.Budget{
			Costs: [][]float64{{1e-6, 1e-6, 100}, {1, 1, 1, 1, 1, 1}}, Parent: parent,
			Fits: func(players []int) bool { return players[0] <= 2 && float64(players[1]) <= c.budget },
		}
		got, err := game.ClearTogether(h, b, game.PlayOn(h, 1))
		if err != nil || !slices.Equal(got.Demands, c.demands) {
			t.Errorf("budget %g: demands %v, want %v, %v", c.budget, got.Demands, c.demands, err)
		}
		if demands := game.Allocate(got.Worths, b); !slices.Equal(demands, c.demands) {
			t.Errorf("budget %g: %v are allocated, want %v", c.budget, demands, c.demands)
		}
	}
}

// TestNoPartsOfWinners: where the players that stay have no parts left, all parts are demanded, and none
// is there.
func TestNoPartsOfWinners(t *testing.T) {
	b := game.Budget{
		Costs: [][]float64{{1, 1, 1}, {1, 1}}, Parent: func(gate, _ int) (int, int, bool) { return 0, 2, gate == 1 },
		Fits: func(players []int) bool { return players[0] <= 2 },
	}
	if got := game.Allocate([][]float64{{3, 2, 1}, {5, 4}}, b); !slices.Equal(got, []int{2, 2}) {
		t.Errorf("%v are allocated, want 2 and 2", got)
	}
}

// TestErrorsOfPlayersAreReturned, whatever the round has come to.
func TestErrorsOfPlayersAreReturned(t *testing.T) {
	broken := errors.New("the device is gone")
	h := []game.Interactions{market(1, 6)}
	play := func([][]float64, [][]float64) ([][]float64, error) { return nil, broken }
	if _, err := game.ClearLayers(h, []int{3}, play); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := game.ClearTogether(h, game.Budget{Costs: each([]int{6}, []float64{1}), Fits: atMost(3, []float64{1})}, play); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestAPlayerCostsSomething: that a gate costs nothing, less or no number is an error of
// the program.
func TestAPlayerCostsSomething(t *testing.T) {
	for _, costs := range [][]float64{{0, 0}, {1, -1}, {1, math.NaN()}, {1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("costs of %v pass", costs)
				}
			}()
			game.Allocate([][]float64{{1, 2}}, game.Budget{Costs: [][]float64{costs}, Fits: atMost(1, []float64{1})})
		}()
	}
}

// TestTheDearerOfTwoLeaves has closed forms. Two players of the worth w alone, of which one costs c
// times the other: the dear one leaves where the price p has c p >= w, and the other participates
// with (w - p)/w at that price. Two that do the same, H_ij = w but for the ridge, are one to the
// network: the cheap one has all of the price, whatever its place.
func TestTheDearerOfTwoLeaves(t *testing.T) {
	same := game.Interactions{{1, 1, 1, 1}}
	for name, h := range map[string]game.Interactions{"alone": alone(1, 1), "duplicates": same} {
		for dear := range 2 {
			for _, cost := range []float64{1.01, 2, 16} {
				costs := game.Costs{{1, 1}}
				costs[0][dear] = cost
				gates := []game.Interactions{h}
				c, err := game.ClearAtCosts(gates, costs, []int{1}, game.PlayOn(gates, 20))
				if err != nil {
					t.Fatal(err)
				}
				cheap, s, price := 1-dear, c.Participations[0], c.Prices[0]
				if s[dear] != 0 || !(s[cheap] > 0) || c.PlayerPrices(0)[dear] != cost*price || c.PlayerPrices(0)[cheap] != price {
					t.Errorf("%s: player %d costs %g and plays %v at prices %v", name, dear, cost, s, c.PlayerPrices(0))
				}
				own := h.Own()
				want := min((own[cheap]-price)/own[cheap], 1)
				if name == "duplicates" { // what the other does not give is missing, too
					want = min((own[cheap]+1-price)/own[cheap], 1)
				}
				if math.Abs(s[cheap]-want) > game.Settled {
					t.Errorf("%s: the player of cost 1 participates with %g, want %g", name, s[cheap], want)
				}
				ledger := game.NewLedger(2)
				stay := ledger.Settle(c.Worths[0], own, h.Ceilings(), s, price, costs[0], 1)
				r := ledger.Records[dear]
				if !slices.Equal(stay, []int{cheap}) || r.Price != cost*price || r.Reason != r.Recompute() || r.Reason == game.Forced || r.Reason == game.Kept {
					t.Errorf("%s: players %v stay, and the dear one is removed by %+v", name, stay, r)
				}
			}
		}
	}
}

// TestCostsOfPlayers: with any costs the state is an equilibrium at the prices of the players, no more
// than the demand participate, the kept players have the highest worth for their cost, and no removal
// is forced. Costs that are all c divide the price by c, and change nothing else where c is a power of 2.
func TestCostsOfPlayers(t *testing.T) {
	draw, met, asked := random.New(5, random.Testing, 4, 0), 0, 0
	for seed := range uint64(30) {
		h := []game.Interactions{market(seed, 12), market(100+seed, 5)}
		costs := game.Costs{make([]float64, 12), make([]float64, 5)}
		for _, row := range costs {
			for i := range row {
				row[i] = math.Exp(4 * (draw.Float64() - 0.5))
			}
		}
		for demand := range 12 {
			demands := []int{demand, min(demand, 4)}
			c, err := game.ClearAtCosts(h, costs, demands, game.PlayOn(h, 3))
			if err != nil {
				t.Fatal(err)
			}
			for g := range h {
				var gap game.Certificate
				gap.CertifyMarket(h[g], c.PlayerPrices(g), c.Participations[g], c.Worths[g])
				count := 0
				for i, price := range c.PlayerPrices(g) {
					if c.Worths[g][i] > price {
						count++
					}
				}
				if gap.RelativeGap() > game.Settled || count > demands[g] {
					t.Errorf("seed %d gate %d demand %d: gap %g, %d participate", seed, g, demands[g], gap.RelativeGap(), count)
				}
				asked++
				if count == demands[g] {
					met++
				}
				ledger := game.NewLedger(h[g].Players())
				stay := ledger.Settle(c.Worths[g], h[g].Own(), h[g].Ceilings(), c.Participations[g], c.Prices[g], costs[g], demands[g])
				value := func(i int) float64 { return c.Worths[g][i] / costs[g][i] }
				for i, r := range ledger.Records {
					if r.Reason == game.Forced {
						t.Errorf("seed %d gate %d demand %d: player %d is forced out by %+v", seed, g, demands[g], i, r)
					}
					for _, kept := range stay {
						if r.Reason != game.Kept && value(i) > value(kept) {
							t.Errorf("seed %d gate %d: player %d leaves and %d stays, worth %g and %g for their cost", seed, g, i, kept, value(i), value(kept))
						}
					}
				}
			}
			plain, err := game.ClearLayers(h, demands, game.PlayOn(h, 3))
			if err != nil {
				t.Fatal(err)
			}
			doubled, err := game.ClearAtCosts(h, game.Costs{slices.Repeat([]float64{2}, 12), slices.Repeat([]float64{2}, 5)}, demands, game.PlayOn(h, 3))
			if err != nil {
				t.Fatal(err)
			}
			for g := range h {
				if plain.Prices[g] != 2*doubled.Prices[g] || !slices.Equal(plain.Participations[g], doubled.Participations[g]) {
					t.Errorf("seed %d gate %d: costs of 2 each have the price %g, without costs it is %g", seed, g, doubled.Prices[g], plain.Prices[g])
				}
			}
		}
	}
	if 10*met < 8*asked {
		t.Errorf("the demand is met in %d of %d", met, asked)
	}
}

// TestMarketsOfWrongSizes: what is no market is an error, and no panic.
func TestMarketsOfWrongSizes(t *testing.T) {
	good := game.Interactions{{2, 1, 1, 2}}
	for name, c := range map[string]struct {
		h       game.Interactions
		costs   game.Costs
		demands []int
	}{
		"no square":       {game.Interactions{{1, 2, 3}}, nil, []int{1}},
		"small block":     {game.Interactions{{1}, {1}}, nil, []int{1}},
		"no demand":       {good, nil, nil},
		"negative demand": {good, nil, []int{-1}},
		"costs of one":    {good, game.Costs{{1}}, []int{1}},
		"costs of none":   {good, game.Costs{}, []int{1}},
	} {
		h := []game.Interactions{c.h}
		if _, err := game.ClearAtCosts(h, c.costs, c.demands, game.PlayOn(h, 10)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	h := []game.Interactions{{{1, 2, 3}}}
	if _, err := game.ClearTogether(h, game.Budget{}, game.PlayOn(h, 10)); err == nil {
		t.Error("together: no error")
	}
	h[0] = good
	if c, err := game.ClearAtCosts(h, game.Costs{{1, 1}}, []int{0}, game.PlayOn(h, 10)); err != nil || c.Demands[0] != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
