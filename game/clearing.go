package game

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Clearing is what a round of the market comes to, layer by layer.
type Clearing struct {
	Demands []int     // how many players of each layer win
	Prices  []float64 // what a player of each layer pays for full participation
	// Costs are what the price is multiplied with in each layer where all layers
	// share one market, what a player costs on average; nil where every layer is a market
	// of its own.
	Costs []float64
}

// ClearLayers clears a market for every layer, given the worths of its players
// and how many of them are to win: the price is [ClearingPrice].
func ClearLayers(worths [][]float64, demands []int) Clearing {
	c := Clearing{Demands: demands}
	for l, layer := range worths {
		c.Prices = append(c.Prices, ClearingPrice(layer, demands[l]))
	}
	return c
}

// ClearTogether clears one market for the players of all layers. With one price p for all
// players, a player of layer l has the utility
//
//	U(s) = -h/2 (1-s)^2 - p c_l s
//
// where c_l is what a player of the layer costs on average. The demand is a budget: fits
// reports whether a network may keep so many players of each layer; if it may, it may
// also keep fewer. costs[l][n] is the increase when a layer of n players gets one more:
// at least zero, and above zero for some n of each layer. Where it is the same for every
// n, players win in the order of their worths per cost, ties by layer and then by
// position, until the first that does not fit; the price p is its worth per cost, and
// zero where all fit.
//
// Where a layer's costs come in steps, such as the tiles that a device works on, one
// player cannot pay for a step alone, and the players behind a step share it. Players
// then win in bundles, each with the next few by worth whose sum of worths per sum of
// costs is highest, so that of no layer a later bundle has more than an earlier one (the
// greedy solution of a knapsack with several choices; Sinha and Zoltners, "The
// Multiple-Choice Knapsack Problem", 1979). A bundle that does not fit closes the market
// of its layer; the other layers continue.
//
// The [LeastPerLayer] best players of a layer win at any cost. A layer pays its own
// clearing price where winners would not stay at p, where losers would, or where no
// further player wins.
func ClearTogether(worths, costs [][]float64, fits func(players []int) bool) Clearing {
	c := Clearing{Demands: make([]int, len(worths))}
	var rest []bundle
	for l, layer := range worths {
		c.Costs = append(c.Costs, averageCost(l, layer, costs[l]))
		c.Demands[l] = min(LeastPerLayer, len(layer))
		rest = append(rest, bundles(l, c.Demands[l], layer, costs[l])...)
	}
	slices.SortStableFunc(rest, func(a, b bundle) int { return cmp.Compare(b.value(), a.value()) })
	closed := make([]bool, len(worths))
	var marginal bundle // a single player that does not fit, and whose worth is exact
	for _, next := range rest {
		if closed[next.layer] {
			continue
		}
		c.Demands[next.layer] += next.players
		if fits(c.Demands) {
			continue
		}
		c.Demands[next.layer] -= next.players
		closed[next.layer] = true
		if next.players == 1 {
			marginal = next
			break
		}
	}
	for l, layer := range worths {
		c.Prices = append(c.Prices, marginal.price(l, layer, c.Demands[l], c.Costs[l]))
	}
	return c
}

// bundle is players of a layer, adjacent by worth, that win together or not at all.
type bundle struct {
	layer, players int
	worth, cost    float64 // of all
}

// value returns the worth per cost.
func (b bundle) value() float64 {
	if b.cost == 0 {
		return math.Inf(1)
	}
	return b.worth / b.cost
}

// bundles returns the bundles of a layer's players after its first winners, with falling
// values: a player with a higher value than the bundle before joins it.
func bundles(layer, winners int, worths, costs []float64) []bundle {
	var all []bundle
	for n, i := range rank(worths)[winners:] {
		next := bundle{layer, 1, worths[i], costs[winners+n]}
		for len(all) > 0 && next.value() > all[len(all)-1].value() {
			last := all[len(all)-1]
			next.players, next.worth, next.cost = last.players+next.players, last.worth+next.worth, last.cost+next.cost
			all = all[:len(all)-1]
		}
		all = append(all, next)
	}
	return all
}

// price returns what the players of a layer pay, where demand of them win at the average
// cost, and b is the player that ends the market, if any.
func (b bundle) price(layer int, worths []float64, demand int, cost float64) float64 {
	losing := ClearingPrice(worths, demand)
	if b.players == 0 || b.layer == layer || demand <= LeastPerLayer {
		return losing
	}
	if own := b.value() * cost; losing <= own && own < highest(worths, demand) {
		return own
	}
	return losing
}

// averageCost returns what a player of a layer costs on average. That a layer costs
// nothing or less is an error of the program.
func averageCost(layer int, worths, costs []float64) float64 {
	if len(costs) != len(worths) {
		panic(fmt.Sprintf("game: %d costs of %d players in layer %d", len(costs), len(worths), layer))
	}
	total := 0.
	for _, cost := range costs {
		if !(cost >= 0) {
			panic(fmt.Sprintf("game: a player of layer %d costs %v", layer, cost))
		}
		total += cost
	}
	if !(total > 0) && len(costs) > 0 {
		panic(fmt.Sprintf("game: the players of layer %d cost nothing", layer))
	}
	return total / float64(max(len(costs), 1))
}
