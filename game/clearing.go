package game

import (
	"cmp"
	"fmt"
	"slices"
)

// Clearing is what a round of the market comes to, layer by layer.
type Clearing struct {
	Demands []int     // how many players of each layer win
	Prices  []float64 // what a player of each layer pays for full participation
	// Costs are what the price is multiplied with in each layer where all layers
	// share one market; nil where every layer is a market of its own.
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

// ClearTogether clears one market for the players of all layers. A player of
// layer l costs costs[l], above zero, and so has the utility
//
//	U(s) = -h/2 (1-s)^2 - p costs[l] s
//
// with one price p for everybody. The demand is a budget: fits tells whether a
// network may keep so many players of each layer, and with any players also
// fewer. Players win in the order of their worths per cost, ties by layer and then
// by position, until the first who does not fit; the price p is this one's worth
// per cost, and zero where all fit.
//
// The [LeastPerLayer] best players of a layer win whatever they cost. A layer of
// which nobody else wins would still lose them at p, so it pays its own clearing
// price where that is lower.
func ClearTogether(worths [][]float64, costs []float64, fits func(players []int) bool) Clearing {
	type player struct {
		layer int
		value float64 // worth per cost
		worth float64
	}
	c := Clearing{Demands: make([]int, len(worths)), Costs: costs}
	var rest []player
	for l, layer := range worths {
		if !(costs[l] > 0) {
			panic(fmt.Sprintf("game: a player of layer %d costs %v", l, costs[l]))
		}
		ranking := rank(layer)
		c.Demands[l] = min(LeastPerLayer, len(layer))
		for _, i := range ranking[c.Demands[l]:] {
			rest = append(rest, player{l, layer[i] / costs[l], layer[i]})
		}
	}
	slices.SortStableFunc(rest, func(a, b player) int { return cmp.Compare(b.value, a.value) })
	var price, worth float64
	marginal := -1 // the layer of the first who does not fit, whose worth is exact
	for _, next := range rest {
		c.Demands[next.layer]++
		if !fits(c.Demands) {
			c.Demands[next.layer]--
			price, worth, marginal = next.value, next.worth, next.layer
			break
		}
	}
	for l, layer := range worths {
		own := price * costs[l]
		if l == marginal {
			own = worth
		}
		if c.Demands[l] <= LeastPerLayer {
			own = min(own, ClearingPrice(layer, c.Demands[l]))
		}
		c.Prices = append(c.Prices, own)
	}
	return c
}
