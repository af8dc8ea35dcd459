package game_test

import (
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/random"
)

// atMost fits networks whose players, each of a layer's weight, weigh no more.
func atMost(limit float64, weights []float64) func([]int) bool {
	return func(players []int) bool {
		total := 0.
		for l, n := range players {
			total += weights[l] * float64(n)
		}
		return total <= limit
	}
}

// each returns the costs of layers in which every player costs the same.
func each(worths [][]float64, costs []float64) [][]float64 {
	all := make([][]float64, len(worths))
	for l := range worths {
		all[l] = slices.Repeat(costs[l:l+1], len(worths[l]))
	}
	return all
}

// TestOneMarketByHand: two layers, of which the second's players cost half. Worths
// per cost are 9 8 4 2 and 10 6 3 1; two of each win anyway, and of the rest the order
// is 4 (layer 0), 3 (layer 1), 2, 1.
func TestOneMarketByHand(t *testing.T) {
	worths := [][]float64{{9, 2, 8, 4}, {5, 0.5, 3, 1.5}}
	costs := []float64{1, 0.5}
	for _, c := range []struct {
		budget  float64
		demands []int
		prices  []float64
	}{
		{8, []int{4, 4}, []float64{0, 0}}, // all players, who weigh 6
		{6, []int{4, 4}, []float64{0, 0}},
		{5.9, []int{4, 3}, []float64{1, 0.5}},
		{4.5, []int{3, 3}, []float64{2, 1}},
		{4, []int{3, 2}, []float64{3, 1.5}}, // the least of layer 1 would win at this price, too
		{3.5, []int{2, 2}, []float64{4, 1.5}},
		{3, []int{2, 2}, []float64{4, 1.5}}, // at 4 each layer's losers are out, and layer 1 pays its own price
	} {
		got := game.ClearTogether(worths, each(worths, costs), atMost(c.budget, costs))
		if !slices.Equal(got.Demands, c.demands) || !slices.Equal(got.Prices, c.prices) {
			t.Errorf("budget %g: demands %v at %v, want %v at %v", c.budget, got.Demands, got.Prices, c.demands, c.prices)
		}
	}
}

// TestTheLeastOfALayerIsNotPricedOut: a layer whose best players are worth less than
// the common price pays its own, at which two of them want to stay.
func TestTheLeastOfALayerIsNotPricedOut(t *testing.T) {
	worths := [][]float64{{9, 8, 7, 6}, {0.4, 0.1, 0.2, 0.3}}
	got := game.ClearTogether(worths, each(worths, []float64{1, 1}), atMost(5, []float64{1, 1}))
	if !slices.Equal(got.Demands, []int{3, 2}) || !slices.Equal(got.Prices, []float64{6, 0.2}) {
		t.Fatalf("%+v", got)
	}
	for i, want := range []float64{0.5, 0, 0, 1. / 3} {
		if s := (game.Market{Price: got.Prices[1]}).BestResponse(worths[1][i]); math.Abs(s-want) > 1e-15 { // one division
			t.Errorf("player %d plays %g, want %g", i, s, want)
		}
	}
}

// TestWhoWinsByATieIsNotPricedOut: the first player that does not fit is worth as much
// per cost as the last winner of the other layer, which would want nothing at that price.
func TestWhoWinsByATieIsNotPricedOut(t *testing.T) {
	worths := [][]float64{{9, 8, 2}, {7, 6, 2}}
	got := game.ClearTogether(worths, each(worths, []float64{1, 1}), atMost(5, []float64{1, 1}))
	if !slices.Equal(got.Demands, []int{3, 2}) || !slices.Equal(got.Prices, []float64{0, 2}) {
		t.Errorf("%+v", got)
	}
}

// TestALayerOfNobodyClears beside another.
func TestALayerOfNobodyClears(t *testing.T) {
	worths := [][]float64{{}, {3, 2, 1}}
	got := game.ClearTogether(worths, each(worths, []float64{1, 1}), atMost(2, []float64{1, 1}))
	if !slices.Equal(got.Demands, []int{0, 2}) || !slices.Equal(got.Prices, []float64{0, 1}) {
		t.Errorf("%+v", got)
	}
}

// TestOneMarketOfOneLayer is the market of a layer, at any cost of its players: the price
// is the exact worth of the best loser.
func TestOneMarketOfOneLayer(t *testing.T) {
	draw := random.New(3, random.Testing, 0, 0)
	for range 200 {
		worths := make([]float64, 2+draw.Below(20))
		for i := range worths {
			worths[i] = float64(draw.Below(8)) / 7 // with ties
		}
		cost, demand := 0.1+draw.Float64(), game.LeastPerLayer+int(draw.Below(uint32(len(worths))))
		got := game.ClearTogether([][]float64{worths}, each([][]float64{worths}, []float64{cost}), atMost(float64(demand), []float64{1}))
		want := game.ClearLayers([][]float64{worths}, []int{min(demand, len(worths))})
		if !slices.Equal(got.Demands, want.Demands) || !slices.Equal(got.Prices, want.Prices) {
			t.Fatalf("%v, %d wanted: %+v, want %+v", worths, demand, got, want)
		}
	}
}

// TestOneMarketClears: in any market the winners fit, no winner is worth less per cost
// than a loser, except for the least of a layer; the next would not fit; and at the
// prices losers want nothing and winners something, unless they tie.
func TestOneMarketClears(t *testing.T) {
	draw := random.New(4, random.Testing, 0, 0)
	for range 500 {
		layers := 1 + int(draw.Below(4))
		worths, costs, weights := make([][]float64, layers), make([]float64, layers), make([]float64, layers)
		most, least := 0., 0.
		for l := range worths {
			worths[l] = make([]float64, 2+draw.Below(12))
			for i := range worths[l] {
				worths[l][i] = math.Exp(4 * draw.Normal())
			}
			costs[l], weights[l] = math.Exp(draw.Normal()), math.Exp(draw.Normal())
			most += weights[l] * float64(len(worths[l]))
			least += weights[l] * game.LeastPerLayer
		}
		fits := atMost(least+(most-least)*draw.Float64(), weights)
		got := game.ClearTogether(worths, each(worths, costs), fits)
		if !fits(got.Demands) {
			t.Fatalf("%v do not fit", got.Demands)
		}
		price, next := 0., -1 // the best loser's worth per cost, and its layer
		for l, layer := range worths {
			if ranked := slices.Sorted(slices.Values(layer)); got.Demands[l] < len(layer) {
				if value := ranked[len(layer)-1-got.Demands[l]] / costs[l]; value > price {
					price, next = value, l
				}
			}
		}
		if next >= 0 {
			more := slices.Clone(got.Demands)
			more[next]++
			if fits(more) {
				t.Fatalf("the best loser, of layer %d, would fit beside %v", next, got.Demands)
			}
		}
		for l, layer := range worths {
			market := game.Market{Price: got.Prices[l]}
			winners := game.Winners(layer, got.Demands[l])
			if got.Demands[l] < min(game.LeastPerLayer, len(layer)) {
				t.Fatalf("layer %d keeps %d", l, got.Demands[l])
			}
			// A product and a quotient are rounded: two units of the last place.
			if got.Prices[l] > price*costs[l]*(1+0x1p-51) {
				t.Fatalf("layer %d pays %g, at %g times %g", l, got.Prices[l], price, costs[l])
			}
			for i, worth := range layer {
				wants := market.BestResponse(worth) > 0
				if wins := slices.Contains(winners, i); wins != wants && math.Abs(worth-got.Prices[l]) > 0x1p-50*worth {
					t.Fatalf("player %d:%d of worth %g at %g: wins %v, wants some %v", l, i, worth, got.Prices[l], wins, wants)
				}
			}
		}
	}
}

// TestFeedbacksAreTheEigenvaluesOfOneMarket: the map from participations to best
// responses through worths s^2 m and the common price moves a player's best response by
// its feedback when it moves itself; and all players' by the one that sets the price,
// which does not respond. So the matrix is triangular, up to that column.
func TestFeedbacksAreTheEigenvaluesOfOneMarket(t *testing.T) {
	draw := random.New(5, random.Testing, 0, 0)
	squares, s := [][]float64{make([]float64, 7), make([]float64, 5)}, [][]float64{make([]float64, 7), make([]float64, 5)}
	for l := range s {
		for i := range s[l] {
			squares[l][i], s[l][i] = math.Exp(2*draw.Normal()), 0.2+0.8*draw.Float64()
		}
	}
	costs := []float64{1.7, 0.6}
	respond := func() (responses [][]float64, clearing game.Clearing, worths [][]float64) {
		for l := range s {
			row := make([]float64, len(s[l]))
			for i := range row {
				row[i] = game.Worth(s[l][i], squares[l][i])
			}
			worths = append(worths, row)
		}
		clearing = game.ClearTogether(worths, each(worths, costs), atMost(7, []float64{1, 1}))
		for l, row := range worths {
			var response []float64
			for _, worth := range row {
				response = append(response, game.Market{Price: clearing.Prices[l]}.BestResponse(worth))
			}
			responses = append(responses, response)
		}
		return responses, clearing, worths
	}
	_, clearing, worths := respond()
	moved := 0
	const step = 1e-6
	for l := range s {
		for i := range s[l] {
			feedback := game.Market{Price: clearing.Prices[l]}.Account(worths[l][i], s[l][i]).Feedback
			setter := math.Abs(worths[l][i]-clearing.Prices[l]) < 1e-12
			was := s[l][i]
			s[l][i] = was + step
			above, _, _ := respond()
			s[l][i] = was - step
			below, _, _ := respond()
			s[l][i] = was
			for m := range s {
				for j := range s[m] {
					slope := (above[m][j] - below[m][j]) / (2 * step)
					want := 0.
					if m == l && j == i {
						want = feedback
					}
					if setter {
						if m == l && j == i && slope > 0.5*feedback+1e-6 {
							t.Errorf("who sets the price answers itself: %g", slope)
						}
						continue
					}
					if math.Abs(slope-want) > 1e-5*(1+want) { // step^2 of third derivatives that are below 1e3
						t.Errorf("d s*(%d:%d) / d s(%d:%d) is %g, want %g", m, j, l, i, slope, want)
					}
					if want > 0 {
						moved++
					}
				}
			}
		}
	}
	if moved < 4 {
		t.Errorf("only %d players answer to anything: the test shows little", moved)
	}
}

// TestBundlesByHand: layer 0 pays 6 for its third player and then nothing until the sixth,
// layer 1 pays 1 for each. Worths per cost are (5+4+3)/6 = 2 for three together and 3, 1.5
// and 0.5 one by one.
func TestBundlesByHand(t *testing.T) {
	worths := [][]float64{{9, 8, 5, 4, 3, 2}, {7, 7, 3, 1.5, 0.5}}
	costs := [][]float64{{1, 1, 6, 0, 0, 1}, {1, 1, 1, 1, 1}}
	takes := func(players []int) (total float64) {
		for l, n := range players {
			for _, cost := range costs[l][:n] {
				total += cost
			}
		}
		return total
	}
	for _, c := range []struct {
		budget  float64
		demands []int
		prices  []float64
	}{
		{14, []int{6, 5}, []float64{0, 0}},
		{13, []int{6, 4}, []float64{0.75, 0.5}}, // players of layer 0 cost 1.5 on average
		{12, []int{6, 3}, []float64{0, 1.5}},    // at 1.5 times 1.5 the sixth would be removed, which has paid
		{11, []int{5, 3}, []float64{2, 2}},
		{10, []int{2, 5}, []float64{5, 0}}, // three together do not fit, and the others win on
		{6, []int{2, 4}, []float64{5, 0.5}},
		{4, []int{2, 2}, []float64{5, 3}},
	} {
		got := game.ClearTogether(worths, costs, func(players []int) bool { return takes(players) <= c.budget })
		if !slices.Equal(got.Demands, c.demands) || !slices.Equal(got.Prices, c.prices) || !slices.Equal(got.Costs, []float64{1.5, 1}) {
			t.Errorf("budget %g: demands %v at %v, want %v at %v; costs %v", c.budget, got.Demands, got.Prices, c.demands, c.prices, got.Costs)
		}
	}
}

// TestBundlesAreTheBestForWhatTheyTake: of all networks that take no more than what won,
// none is worth more, as far as bundles reach: at the budgets that whole bundles use up
// the greedy solution is that of the relaxed knapsack, and so the best one.
func TestBundlesAreTheBestForWhatTheyTake(t *testing.T) {
	draw := random.New(6, random.Testing, 0, 0)
	bundled := 0
	for range 300 {
		worths, costs := make([][]float64, 2), make([][]float64, 2)
		for l := range worths {
			n := 3 + int(draw.Below(6))
			step := 1 + int(draw.Below(4))
			for i := range n {
				worths[l] = append(worths[l], math.Exp(draw.Normal()))
				cost := 0.125 // sums of eighths are exact
				if i%step == 0 {
					cost += float64(draw.Below(5))
				}
				costs[l] = append(costs[l], cost)
			}
		}
		takes := func(players []int) (total float64) {
			for l, n := range players {
				for _, cost := range costs[l][:n] {
					total += cost
				}
			}
			return total
		}
		worth := func(players []int) (total float64) {
			for l, n := range players {
				ranked := slices.Sorted(slices.Values(worths[l]))
				for _, h := range ranked[len(ranked)-n:] {
					total += h
				}
			}
			return total
		}
		all := []int{len(worths[0]), len(worths[1])}
		budget := takes([]int{2, 2}) + draw.Float64()*(takes(all)-takes([]int{2, 2}))
		first := true // misfit ends the market: from then on all bundles that fit are taken
		got := game.ClearTogether(worths, costs, func(players []int) bool {
			first = first && takes(players) <= budget
			return first
		})
		if !first {
			// Everything up to the first that does not fit. What comes after it does not fit
			// either, as the function above has it.
			budget = takes(got.Demands)
		}
		for a := 2; a <= all[0]; a++ {
			for b := 2; b <= all[1]; b++ {
				if other := []int{a, b}; takes(other) <= budget && worth(other) > worth(got.Demands)*(1+1e-12) { // rounding of a dozen sums
					t.Fatalf("%v at %v: %v are worth %g and %v %g for no more", worths, costs, got.Demands, worth(got.Demands), other, worth(other))
				}
			}
		}
		for l := range worths {
			market := game.Market{Price: got.Prices[l]}
			winners := game.Winners(worths[l], got.Demands[l])
			for i, h := range worths[l] {
				if wants := market.BestResponse(h) > 0; wants != slices.Contains(winners, i) {
					t.Fatalf("%v: at %g player %d of worth %g wants some: %v", got.Demands, got.Prices[l], i, h, wants)
				}
			}
			if !slices.Equal(costs[l], slices.Repeat(costs[l][:1], len(costs[l]))) {
				bundled++
			}
		}
	}
	if bundled < 100 {
		t.Errorf("costs came in steps in %d layers: the test shows little", bundled)
	}
}

func TestAPlayerCostsSomething(t *testing.T) {
	for name, costs := range map[string][]float64{"nothing": {0, 0, 0}, "less": {1, -1, 1}, "too few": {1}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("a market has no order where players cost that")
				}
			}()
			game.ClearTogether([][]float64{{1, 2, 3}}, [][]float64{costs}, atMost(1, []float64{1}))
		})
	}
}
