package game

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Winners returns the positions of the players that hold the demand largest
// worths, in increasing order. Of two equal worths the lower position wins.
func Winners(worths []float64, demand int) []int {
	demand = min(demand, len(worths))
	winners := make([]int, 0, demand)
	if demand == 0 {
		return winners
	}
	// Players above the lowest winning worth win, and of those with this worth as many as
	// the demand needs: positions need not be ranked.
	lowest := nth(worths, demand)
	equal := demand
	for _, worth := range worths {
		if cmp.Less(lowest, worth) {
			equal--
		}
	}
	for i, worth := range worths {
		switch order := cmp.Compare(worth, lowest); {
		case order > 0:
			winners = append(winners, i)
		case order == 0 && equal > 0:
			winners = append(winners, i)
			equal--
		}
	}
	return winners
}

// nth returns the worth that is number n from the top, counted from 1.
func nth(worths []float64, n int) float64 {
	increasing := slices.Clone(worths)
	slices.Sort(increasing)
	return increasing[len(increasing)-n]
}

// losing returns the highest worth among the losers, or zero without losers.
func losing(worths []float64, demand int) float64 {
	if demand >= len(worths) {
		return 0
	}
	return nth(worths, demand+1)
}

// Demand returns how many of a layer's players the market asks for when the
// fraction t of the game has passed, K + (N-K)(1-t)^3 rounded, where N is the
// number of players at the start and K how many are to be kept.
func Demand(players, keep int, t float64) int {
	rest := 1 - min(max(t, 0), 1)
	return keep + int(math.Round(float64(players-keep)*rest*rest*rest))
}

// LeastPerLayer is how many players every layer keeps, where it has so many: with fewer
// than two a layer cannot pass on more than one number.
const LeastPerLayer = 2

// Split divides the players to be kept among layers in proportion to their
// widths, by largest remainders (ties to the lower layer), with at least
// [LeastPerLayer] in each, or all of a narrower one. It is an error to keep fewer than that
// or more than there are.
func Split(keep int, widths []int) ([]int, error) {
	players, least := 0, 0
	for _, width := range widths {
		players += width
		least += min(LeastPerLayer, width)
	}
	if keep < least {
		return nil, fmt.Errorf("%d players are too few for layers of %v: keep at least %d, %d a layer", keep, widths, least, LeastPerLayer)
	}
	if keep > players {
		return nil, fmt.Errorf("cannot keep %d players: the network has %d", keep, players)
	}
	// The layers that would fall under the least get it outright; the others
	// share what is left, which may push a further one under, so repeat.
	shares := make([]int, len(widths))
	fixed := make([]bool, len(widths))
	for {
		left, weight := keep, 0
		for l, width := range widths {
			if fixed[l] {
				left -= shares[l]
			} else {
				weight += width
			}
		}
		again := false
		for l, width := range widths {
			if least := min(LeastPerLayer, width); !fixed[l] && left*width < least*weight {
				shares[l], fixed[l], again = least, true, true
			}
		}
		if again {
			continue
		}
		divide(left, weight, widths, fixed, shares)
		return shares, nil
	}
}

// divide gives the layers that are not fixed their share of left, by largest
// remainders.
func divide(left, weight int, widths []int, fixed []bool, shares []int) {
	var open []int
	remainder := make([]int, len(widths))
	given := 0
	for l, width := range widths {
		if fixed[l] {
			continue
		}
		shares[l], remainder[l] = left*width/weight, left*width%weight
		given += shares[l]
		open = append(open, l)
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(remainder[b], remainder[a]) })
	for _, l := range open[:left-given] {
		shares[l]++
	}
}
