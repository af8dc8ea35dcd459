package game

import (
	"fmt"
	"math"
	"slices"
)

// Budget is the demand of one market for the players of all gates.
type Budget struct {
	// Costs[g][n] is the increase when gate g of n players gets one more: at least zero, and
	// above zero for some n of each gate.
	Costs [][]float64
	// Fits reports whether a network may keep so many players of each gate; if it may, it
	// may also keep fewer.
	Fits func(players []int) bool
	// FitsLast is Fits of the last round, which allows at most as much; nil: this is the last.
	FitsLast func(players []int) bool
	// Least is how many players of each gate stay at least, or all where it has fewer. Nil: it
	// is [LeastPerLayer] of each.
	Least []int
	// Parent returns the player, and its gate, with which a player of a gate is removed. Nil:
	// there are no such players.
	Parent func(gate, player int) (parentGate, parent int, ok bool)
}

// Allocate says how many players of each gate stay where they rank by a value, such as a
// score, per average cost of a player of the gate: at least [Budget.Least], and then by
// falling value, ties by gate, as long as they fit. Scores do not add up as worths do, so what
// [ClearTogether] does for players that cost much is not done here.
func Allocate(values [][]float64, b Budget) []int {
	var costs []float64
	for g, row := range values {
		costs = append(costs, averageCost(g, len(row), b.Costs[g]))
	}
	o, demands := b.order(values, costs), make([]int, len(values))
	o.raise(demands)
	o.fill(demands)
	return demands
}

// order ranks the players of each gate by worth, ties by position, so that how many stay says
// which do.
type order struct {
	Budget
	worths [][]float64
	costs  []float64 // of a player of a gate, on average
	ranked [][]int   // the players of each gate by falling worth
	places [][]int   // of each player in ranked
}

func (b Budget) order(worths [][]float64, costs []float64) order {
	o := order{Budget: b, worths: worths, costs: costs}
	for _, row := range worths {
		ranked, places := rank(row), make([]int, len(row))
		for place, i := range ranked {
			places[i] = place
		}
		o.ranked, o.places = append(o.ranked, ranked), append(o.places, places)
	}
	return o
}

// value returns what player number n of a gate, from 0, is worth for its cost.
func (o order) value(gate, n int) float64 { return o.worths[gate][o.ranked[gate][n]] / o.costs[gate] }

// stays reports whether a player and all that it is a part of are among those that are demanded.
func (o order) stays(demands []int, gate, player int) bool {
	if o.places[gate][player] >= demands[gate] {
		return false
	}
	if o.Parent == nil {
		return true
	}
	parentGate, parent, ok := o.Parent(gate, player)
	return !ok || o.stays(demands, parentGate, parent)
}

// present returns how many players of each gate are there when so many are demanded, and what
// they are worth together: parts of players that do not stay are removed with them.
func (o order) present(demands []int) (players []int, worth float64) {
	players = make([]int, len(demands))
	for g, n := range demands {
		for _, i := range o.ranked[g][:n] {
			if o.stays(demands, g, i) {
				players[g]++
				worth += o.worths[g][i]
			}
		}
	}
	return players, worth
}

// fits reports whether what is there of the demanded players fits.
func (o order) fits(demands []int) bool {
	players, _ := o.present(demands)
	return o.Fits(players)
}

// raise raises demands until at least [Budget.Least] players of each gate are present, or all
// whose parents are.
func (o order) raise(demands []int) {
	for g := 0; g < len(demands); {
		if players, _ := o.present(demands); demands[g] < len(o.ranked[g]) && players[g] < o.least(g) {
			demands[g]++
		} else {
			g++
		}
	}
}

func (b Budget) least(gate int) int {
	if b.Least == nil {
		return LeastPerLayer
	}
	return b.Least[gate]
}

// settle raises demands to the least, and by what the budget has room for.
func (o order) settle(demands []int) {
	o.raise(demands)
	o.fill(demands)
	if o.isLumpy() {
		o.keepForLast(demands)
	}
}

// fill adds players to the demands while they fit, by worth per average cost; a gate whose
// next player does not fit gets no more.
func (o order) fill(demands []int) {
	closed := make([]bool, len(demands))
	for {
		next, most := -1, math.Inf(-1)
		for g, n := range demands {
			if closed[g] || n == len(o.ranked[g]) {
				continue
			}
			if value := o.value(g, n); value > most {
				next, most = g, value
			}
		}
		if next < 0 {
			return
		}
		demands[next]++
		if !o.fits(demands) {
			demands[next]--
			closed[next] = true
		}
	}
}

// drop lowers the demand by the player that is worth least for its cost, of gates with more than
// the least. It reports whether there is one.
func (o order) drop(demands, least []int) bool {
	gate, lowest := -1, math.Inf(1)
	for g, n := range demands {
		if n <= least[g] {
			continue
		}
		if value := o.value(g, n-1); value < lowest {
			gate, lowest = g, value
		}
	}
	if gate >= 0 {
		demands[gate]--
	}
	return gate >= 0
}

// lump is the part of what all players cost from which on a single player costs much.
const lump = 0.005

// isLumpy reports whether a single player costs much of the budget.
func (b Budget) isLumpy() bool {
	most, total := 0., 0.
	for _, row := range b.Costs {
		for _, cost := range row {
			most = max(most, cost)
			total += cost
		}
	}
	return most > lump*total
}

// keepForLast raises demands to what the last budget leaves, and lowers others until they fit.
func (o order) keepForLast(demands []int) {
	last := o
	if o.FitsLast != nil {
		last.Fits = o.FitsLast
	}
	least := last.best()
	for g := range demands {
		demands[g] = max(demands[g], least[g])
	}
	for !o.fits(demands) {
		if !o.drop(demands, least) {
			return // not even the last budget is met
		}
	}
	o.fill(demands)
}

// best returns how many players of each gate to keep so that what is there is worth much: those
// of most worth for their cost and then, where a player that does not fit is worth more together
// than the players that would have to leave for it, that one in their place.
func (o order) best() []int {
	floor := make([]int, len(o.ranked))
	o.raise(floor)
	best := slices.Clone(floor)
	o.fill(best)
	_, most := o.present(best)
	for improved := true; improved; {
		improved = false
		for g := range best {
			if best[g] == len(o.ranked[g]) {
				continue
			}
			trial, held := slices.Clone(best), slices.Clone(floor)
			trial[g]++
			held[g] = trial[g]
			fits := o.fits(trial)
			for !fits && o.drop(trial, held) {
				fits = o.fits(trial)
			}
			if !fits {
				continue
			}
			o.fill(trial)
			if _, worth := o.present(trial); worth > most {
				best, most, improved = trial, worth, true
			}
		}
	}
	return best
}

// averageCost returns what one of so many players of a gate costs on average. That a gate
// costs nothing or less is an error of the program.
func averageCost(gate, players int, costs []float64) float64 {
	if len(costs) != players {
		panic(fmt.Sprintf("game: %d costs of %d players in gate %d", len(costs), players, gate))
	}
	if players == 0 { // whatever it is, none pays it
		return 1
	}
	total := 0.
	for _, cost := range costs {
		if !(cost >= 0) {
			panic(fmt.Sprintf("game: a player of gate %d costs %v", gate, cost))
		}
		total += cost
	}
	if !(total > 0) {
		panic(fmt.Sprintf("game: the players of gate %d cost nothing", gate))
	}
	return total / float64(players)
}
