package game

import "fmt"

// Reason says why a player was kept or removed.
type Reason string

const (
	// Kept: the player stays.
	Kept Reason = "kept"
	// Dominated: the player was removed, and zero was better than any participation of its
	// own whatever its rivals play: its ceiling was no higher than the price.
	Dominated Reason = "dominated"
	// PricedOut: the player was removed, and zero was its best response to what its rivals
	// play: its worth was no higher than the price.
	PricedOut Reason = "priced out"
	// Forced: the player was removed although it participated, since more did than stay.
	Forced Reason = "forced"
	// BelowThreshold: in the paper's game, the player ended below the threshold
	// although zero did not dominate its other strategies.
	BelowThreshold Reason = "below threshold"
	// Dead: the player was removed, and no output depended on it.
	Dead Reason = "dead"
	// Followed: the player was removed with the one that it is a part of.
	Followed Reason = "followed"
)

// Reasons lists all reasons. Checkpoints hold a reason as its place here: add new ones at
// the end.
var Reasons = []Reason{Kept, Dominated, PricedOut, Forced, BelowThreshold, RankedOut, Dead, Followed}

// Record is what is known of one player: what it last played, at which worth, ceiling and
// price, and when and why it was removed. The reason of a removal follows from the rest,
// see [Record.Recompute].
type Record struct {
	Worth         float64 // see [Interactions.Worths]
	Own           float64 // see [Interactions.Own]; 0 for a dead player
	Ceiling       float64 // see [Interactions.Ceilings]
	Price         float64 // of full participation
	Participation float64 // at the equilibrium of the last round
	Round         int     // in which it was removed, from 1; 0 while it is kept
	Reason        Reason
}

// Recompute returns the reason for which the market removes a player of such a record.
func (r Record) Recompute() Reason {
	switch {
	case r.Own == 0:
		return Dead
	case r.Ceiling <= r.Price:
		return Dominated
	case r.Worth <= r.Price:
		return PricedOut
	default:
		return Forced
	}
}

// Account returns the player's account in the market.
func (r Record) Account() Account {
	a := account(r.Worth, r.Own, r.Price, r.Participation)
	a.Ceiling = r.Ceiling
	return a
}

// Ledger keeps the books of one gate, round by round. Slices of arguments and results have
// one entry for each remaining player, in the order of their indices. The fields are
// exported so that a ledger can be saved and restored.
type Ledger struct {
	Records []Record // of all players that ever were, by index
	Live    []int    // indices of the remaining players, increasing
	Rounds  int      // played so far
}

// NewLedger returns the ledger of a gate in which all players participate fully and no
// round has been played.
func NewLedger(players int) *Ledger {
	l := &Ledger{Records: make([]Record, players), Live: make([]int, players)}
	for i := range players {
		l.Records[i] = Record{Participation: 1, Reason: Kept}
		l.Live[i] = i
	}
	return l
}

// Settle enters what a round of the market came to for the players of the gate, and
// returns the positions of those that stay: as many as the demand, the ones of the highest
// worth for their cost. A player pays the price times its cost; nil costs are 1 each.
func (l *Ledger) Settle(worths, own, ceilings, participations []float64, price float64, costs []float64, demand int) (stay []int) {
	l.mustMatch(worths)
	l.mustMatch(own)
	l.mustMatch(ceilings)
	l.mustMatch(participations)
	l.Rounds++
	prices := pricesAt(price, costs, len(worths))
	for position, i := range l.Live {
		r := &l.Records[i]
		r.Worth, r.Own, r.Ceiling = worths[position], own[position], ceilings[position]
		r.Price, r.Participation = prices[position], participations[position]
		if r.Worth <= r.Price { // what is left of it is how far players have settled
			r.Participation = 0
		}
	}
	stay = Winners(perCost(worths, costs), demand)
	l.keep(stay, func(r *Record) Reason { return r.Recompute() })
	return stay
}

// Follow removes the remaining players outside stay, positions in order, which are parts of
// players that were removed in the same round.
func (l *Ledger) Follow(stay []int) { l.keep(stay, func(*Record) Reason { return Followed }) }

// keep removes all players outside stay, for the reason of each.
func (l *Ledger) keep(stay []int, reason func(*Record) Reason) {
	live := make([]int, 0, len(stay))
	next := 0
	for position, i := range l.Live {
		if next < len(stay) && stay[next] == position {
			live = append(live, i)
			next++
			continue
		}
		record := &l.Records[i]
		record.Round, record.Reason = l.Rounds, reason(record)
	}
	l.Live = live
}

func (l *Ledger) mustMatch(values []float64) {
	if len(values) != len(l.Live) {
		panic(fmt.Sprintf("game: %d values for %d players", len(values), len(l.Live)))
	}
}
