package game

import (
	"cmp"
	"fmt"
	"slices"
)

// Clearing is what a round of the market comes to, gate by gate.
type Clearing struct {
	Demands []int     // how many players of each gate stay
	Prices  []float64 // what a player of each gate pays for full participation, of cost 1 in PlayerCosts
	// Costs are what the price is multiplied with in each gate where all gates
	// share one market, what a player costs on average; nil where every gate is a market
	// of its own.
	Costs       []float64
	PlayerCosts Costs

	Participations [][]float64 // at the equilibrium at these prices
	Worths         [][]float64 // there, see [Interactions.Worths]
}

// PlayerPrices returns what each player of a gate pays for full participation.
func (c Clearing) PlayerPrices(gate int) []float64 {
	return pricesAt(c.Prices[gate], c.PlayerCosts.Of(gate), len(c.Worths[gate]))
}

// Costs are what players cost beside the others of their gate, by gate, above 0: a player pays the
// price of its gate times its cost. Nil: all cost 1.
type Costs [][]float64

// Of returns the costs of a gate's players; nil: 1 each.
func (c Costs) Of(gate int) []float64 {
	if c == nil {
		return nil
	}
	return c[gate]
}

// pricesAt returns what so many players pay at a price; nil costs are 1 each.
func pricesAt(price float64, costs []float64, players int) []float64 {
	prices := slices.Repeat([]float64{price}, players)
	for i, cost := range costs {
		prices[i] *= cost
	}
	return prices
}

// perCost returns numbers of players divided by their costs; nil costs are 1 each.
func perCost(numbers, costs []float64) []float64 {
	if costs == nil {
		return numbers
	}
	divided := slices.Clone(numbers)
	for i := range divided {
		divided[i] /= costs[i]
	}
	return divided
}

// Players plays one round: the players of every gate move one at a time from given
// participations at a price for each player, several times each, and it returns where they
// are. [PlayOn] is one; a device is another.
type Players func(prices, from [][]float64) ([][]float64, error)

// PlayOn returns players that move on the host, so many times each.
func PlayOn(h []Interactions, sweeps int) Players {
	return func(prices, from [][]float64) ([][]float64, error) {
		var moved [][]float64
		for g := range h {
			s := slices.Clone(from[g])
			h[g].Play(prices[g], s, sweeps)
			moved = append(moved, s)
		}
		return moved, nil
	}
}

// Players have settled where all their gains together are less than Settled of
// what is at stake; they are asked to move at most mostPlays times.
const (
	Settled   = 1e-5
	mostPlays = 100
	mostTries = 40 // prices, each of which halves the interval
)

// table is a round of the market that is under way.
type table struct {
	h      []Interactions
	costs  Costs
	play   Players
	own    [][]float64 // H_ii
	s      [][]float64 // where players are, at the prices last asked
	worths [][]float64
}

// newTable begins a round with full participation of all players that are not dead, the
// equilibrium where there is no price.
func newTable(h []Interactions, costs Costs, play Players) *table {
	t := &table{h: h, costs: costs, play: play}
	for g := range h {
		own := h[g].Own()
		s := slices.Clone(own)
		for i, own := range own {
			if own > 0 {
				s[i] = 1
			}
		}
		t.own, t.s, t.worths = append(t.own, own), append(t.s, s), append(t.worths, h[g].Worths(s))
	}
	return t
}

// settle lets players move until they have settled at the prices of the gates.
func (t *table) settle(gates []float64) error {
	var prices [][]float64
	for g, price := range gates {
		prices = append(prices, pricesAt(price, t.costs.Of(g), len(t.s[g])))
	}
	for range mostPlays {
		var err error
		if t.s, err = t.play(prices, t.s); err != nil {
			return err
		}
		settled := true
		for g := range t.h {
			t.worths[g] = t.h[g].Worths(t.s[g])
			var c Certificate
			for i, own := range t.own[g] {
				c.Add(account(t.worths[g][i], own, prices[g][i], t.s[g][i]).Gain, own)
			}
			settled = settled && c.RelativeGap() <= Settled
		}
		if settled {
			break
		}
	}
	return nil
}

// participants counts the players of the given worths that want to participate at their prices.
func participants(worths, prices []float64) int {
	count := 0
	for i, w := range worths {
		if w > prices[i] {
			count++
		}
	}
	return count
}

// participants counts those of a gate at its price, where worths are as they were last.
func (t *table) participants(gate int, price float64) int {
	return participants(t.worths[gate], pricesAt(price, t.costs.Of(gate), len(t.worths[gate])))
}

// highest returns a price at which no player of a gate participates.
func (t *table) highest(gate int) float64 {
	return slices.Max(append(perCost(t.h[gate].Ceilings(), t.costs.Of(gate)), 0))
}

// ClearLayers clears a market for every gate, given how its players interact and how many
// of them are to stay: at its price as many participate in the equilibrium, and it is zero
// where all may stay. Participation falls continuously with the price, and the number of
// participants with it, but for rare returns, so the price is found by halving an
// interval. Where players reach zero together, as duplicates do, fewer than the demand
// participate. Then the ones of highest worth stay, of equal worths the lower positions:
// see [Winners]. It is an error if h and demands are not of as many gates, a block of h is no
// square, or a demand is below zero; or the one of play.
func ClearLayers(h []Interactions, demands []int, play Players) (Clearing, error) {
	return ClearAtCosts(h, nil, demands, play)
}

// ClearAtCosts does what [ClearLayers] does where players cost different amounts: a player participates
// where its worth exceeds the price of its gate times its cost, and those of the highest worth for
// their cost stay. A player's utility divided by its cost has its best responses, and one price for
// the gate; with costs the potential is -(1-s)^T H (1-s)/2 - p sum_i c_i s_i. Costs are of every player
// of every gate, or it is an error.
func ClearAtCosts(h []Interactions, costs Costs, demands []int, play Players) (Clearing, error) {
	if err := checkMarket(h, costs, demands); err != nil {
		return Clearing{}, err
	}
	t := newTable(h, costs, play)
	c := Clearing{
		Demands: demands, Prices: make([]float64, len(h)), PlayerCosts: costs,
		Participations: slices.Clone(t.s), Worths: slices.Clone(t.worths),
	}
	searches := make([]search, len(h))
	for g := range h {
		if demands[g] < t.participants(g, 0) {
			searches[g] = newSearch(losing(perCost(h[g].Own(), costs.Of(g)), demands[g]), t.highest(g))
			c.Prices[g] = searches[g].high
			c.Participations[g] = make([]float64, h[g].Players())
			c.Worths[g] = h[g].Worths(c.Participations[g])
		}
	}
	open := func(s search) bool { return s.open }
	for try := 0; try < mostTries && slices.ContainsFunc(searches, open); try++ {
		prices := slices.Clone(c.Prices)
		for g, s := range searches {
			if s.open {
				prices[g] = s.next()
			}
		}
		if err := t.settle(prices); err != nil {
			return Clearing{}, err
		}
		for g := range h {
			if !searches[g].open {
				continue
			}
			count := t.participants(g, prices[g])
			searches[g].found(prices[g], count <= demands[g])
			if count <= demands[g] {
				c.Prices[g], c.Participations[g], c.Worths[g] = prices[g], t.s[g], t.worths[g]
				searches[g].open = count < demands[g]
			}
		}
	}
	return c, nil
}

// checkMarket says what is wrong with the input of a market.
func checkMarket(h []Interactions, costs Costs, demands []int) error {
	if len(demands) != len(h) || costs != nil && len(costs) != len(h) {
		return fmt.Errorf("game: %d gates have %d demands and %d lists of costs; there must be one a gate", len(h), len(demands), len(costs))
	}
	if err := checkBlocks(h); err != nil {
		return err
	}
	for g, demand := range demands {
		if demand < 0 {
			return fmt.Errorf("game: the demand of gate %d is %d; it must be at least 0", g, demand)
		}
		if of := costs.Of(g); of != nil && len(of) != h[g].Players() {
			return fmt.Errorf("game: gate %d has %d players and %d costs; there must be one a player", g, h[g].Players(), len(of))
		}
	}
	return nil
}

// search looks for the lowest price that is high enough, between zero, which is not, and
// one that is.
type search struct {
	open      bool
	low, high float64
	// tooLow and enough say that a price of the search was one or the other.
	tooLow, enough bool
	guess          float64 // the first price, about right
}

func newSearch(guess, high float64) search {
	return search{open: true, high: high, guess: min(guess, high/2)}
}

// next returns the next price: the guess, then prices away from it by factors until the
// right one lies between two, then the middle of the interval.
func (s *search) next() float64 {
	switch {
	case !s.tooLow && !s.enough && s.guess > 0:
		return s.guess
	case s.tooLow && !s.enough:
		return min(2*s.low, (s.low+s.high)/2)
	case s.enough && !s.tooLow:
		return s.high / 2
	default:
		return (s.low + s.high) / 2
	}
}

// found narrows the interval.
func (s *search) found(price float64, enough bool) {
	if enough {
		s.high, s.enough = price, true
	} else {
		s.low, s.tooLow = price, true
	}
}

// ClearTogether clears one market for the players of all gates. With one price p for all
// players, a player of gate g pays p c_g s, where c_g is what a player of the gate costs on
// average. The price is the lowest that was found at which the players that stay fit. Players
// whose parents do not stay cost nothing: they are removed with them.
//
// Where a gate's costs come in steps, such as the tiles that a device works on, one player
// cannot pay for a step alone. Of each gate those n players stay whose worths exceed
// what they cost together by most, p (costs[g][0] + ... + costs[g][n-1]). Where all
// cost the same these are the participants. What the budget then still has room for stays,
// too, by worth per cost. At least [Budget.Least] players of a gate stay.
//
// A player that costs much of the budget would often leave for much more room than a round
// needs, and what left for it before does not come back. So no gate falls below what it has
// where the last budget is used best, see order.best.
//
// A gate in which another number stays than participate at p pays its own clearing price.
// It is an error if a block of h is no square, or the one of play.
func ClearTogether(h []Interactions, b Budget, play Players) (Clearing, error) {
	if err := checkBlocks(h); err != nil {
		return Clearing{}, err
	}
	c := Clearing{Demands: make([]int, len(h)), Prices: make([]float64, len(h))}
	all, t := make([]int, len(h)), newTable(h, nil, play)
	high := 0.
	for g := range h {
		all[g] = h[g].Players()
		c.Costs = append(c.Costs, averageCost(g, all[g], b.Costs[g]))
		high = max(high, t.highest(g)/c.Costs[g])
	}
	if b.Fits(all) {
		cleared, err := ClearLayers(h, all, play)
		cleared.Costs = c.Costs
		return cleared, err
	}
	search := newSearch(0, high)
	prices := make([]float64, len(h))
	for try := 0; try < mostTries && search.high-search.low > search.high*1e-6; try++ {
		p := search.next()
		for g := range prices {
			prices[g] = p * c.Costs[g]
		}
		if err := t.settle(prices); err != nil {
			return Clearing{}, err
		}
		wanted, o := make([]int, len(h)), b.order(t.worths, c.Costs)
		for g := range h {
			wanted[g] = worthTheirCost(t.worths[g], b.Costs[g], p)
		}
		o.raise(wanted)
		search.found(p, o.fits(wanted))
		if search.high == p {
			c.Demands, c.Prices, c.Participations, c.Worths = wanted, slices.Clone(prices), t.s, slices.Clone(t.worths)
		}
	}
	if c.Worths == nil { // no price was high enough: as few stay as may
		for g := range h {
			s := make([]float64, all[g])
			c.Participations, c.Worths = append(c.Participations, s), append(c.Worths, h[g].Worths(s))
			c.Prices[g] = search.high * c.Costs[g]
		}
	}
	b.order(c.Worths, c.Costs).settle(c.Demands)
	return c.ownPrices(h, play)
}

// worthTheirCost returns how many players, by falling worth, exceed by most together what
// they cost together at a price; of equal excesses, the fewest.
func worthTheirCost(worths, costs []float64, price float64) int {
	excess, most, count := 0., 0., 0
	for n, i := range rank(worths) {
		excess += worths[i] - price*costs[n]
		if excess > most {
			most, count = excess, n+1
		}
	}
	return count
}

// ownPrices clears the gates again in which another number stays than participate.
func (c Clearing) ownPrices(h []Interactions, play Players) (Clearing, error) {
	var again []int
	for g := range h {
		if participants(c.Worths[g], c.PlayerPrices(g)) != c.Demands[g] {
			again = append(again, g)
		}
	}
	if len(again) == 0 {
		return c, nil
	}
	own, err := ClearLayers(h, c.Demands, play)
	if err != nil {
		return Clearing{}, err
	}
	for _, g := range again {
		c.Prices[g], c.Participations[g], c.Worths[g] = own.Prices[g], own.Participations[g], own.Worths[g]
	}
	return c, nil
}

// rank returns positions by falling worth, ties by position.
func rank(worths []float64) []int {
	ranking := make([]int, len(worths))
	for i := range ranking {
		ranking[i] = i
	}
	slices.SortStableFunc(ranking, func(a, b int) int { return cmp.Compare(worths[b], worths[a]) })
	return ranking
}
