package game

import (
	"fmt"
	"math"
)

// Gone is the participation below which a player is removed.
const Gone = 0.01

// Reason says why a player was kept or removed.
type Reason string

const (
	// Kept: the player stays.
	Kept Reason = "kept"
	// Dominated: the player was removed, and since it last gained participation (or since
	// the start) zero was its best response in every round.
	Dominated Reason = "dominated"
	// PricedOut: the player was removed, and since it last gained participation (or since
	// the start) it still wanted some in at least one round, but no more than it had.
	PricedOut Reason = "priced out"
	// Forced: the player still participated when the last round had to meet
	// the demand exactly, and was among the losers.
	Forced Reason = "forced"
	// BelowThreshold: in the paper's game, the player ended below the threshold
	// although zero did not dominate its other strategies.
	BelowThreshold Reason = "below threshold"
)

// Reasons lists all reasons. Checkpoints hold a reason as its place here: add new ones at
// the end.
var Reasons = []Reason{Kept, Dominated, PricedOut, Forced, BelowThreshold, RankedOut}

// Record is what is known of one player: its last quoted worth and price, its
// participation after its last move, and when and why it was removed.
type Record struct {
	Worth         float64
	Price         float64
	Participation float64
	Round         int // in which it was removed, from 1; 0 while it is kept
	Reason        Reason
}

// Ledger runs the market of one layer, round by round. A round is
//
//	price := ledger.Quote(worths, demand)
//	... the players move, for example by [Market.Respond] ...
//	stay := ledger.Settle(moved, demand)
//
// and the last round ends with [Ledger.Close] instead of Settle. Slices of arguments and
// results have one entry for each remaining player, in the order of their indices. The
// fields are exported so that a ledger can be saved and restored.
type Ledger struct {
	Records []Record // of all players that ever were, by index
	Live    []int    // indices of the remaining players, increasing
	Rounds  int      // quoted so far

	// OnlyZero says, for each player, whether zero has been its best response in every
	// round since it last gained participation.
	OnlyZero []bool
}

// NewLedger returns the ledger of a layer in which all players participate
// fully and nothing has been quoted.
func NewLedger(players int) *Ledger {
	l := &Ledger{
		Records:  make([]Record, players),
		Live:     make([]int, players),
		OnlyZero: make([]bool, players),
	}
	for i := range players {
		l.Records[i] = Record{Participation: 1, Reason: Kept}
		l.Live[i] = i
		l.OnlyZero[i] = true
	}
	return l
}

// Quote opens a round: it takes the worth of every remaining player, finds the price at
// which demand of them want to stay, and returns it.
func (l *Ledger) Quote(worths []float64, demand int) (price float64) {
	price = ClearingPrice(worths, demand)
	l.QuoteAt(worths, price)
	return price
}

// QuoteAt opens a round as [Ledger.Quote] does, at a price that was found
// elsewhere: in a market that several layers share.
func (l *Ledger) QuoteAt(worths []float64, price float64) {
	l.mustMatch(worths)
	l.Rounds++
	for position, i := range l.Live {
		l.Records[i].Worth, l.Records[i].Price = worths[position], price
	}
}

// Settle ends a round: it takes the participations after the players have moved and
// returns the positions of the players that stay. Players whose participation is below
// [Gone] are removed, but at least demand stay: then the ones of the highest worth.
func (l *Ledger) Settle(moved []float64, demand int) (stay []int) {
	l.note(moved)
	leaving := 0
	tempted := make([]float64, len(l.Live)) // worth of players that may be removed, others first
	for position, i := range l.Live {
		tempted[position] = l.Records[i].Worth
		if moved[position] < Gone {
			leaving++
		} else {
			tempted[position] = math.Inf(1)
		}
	}
	return l.keep(Winners(tempted, max(demand, len(l.Live)-leaving)))
}

// Close ends the last round: exactly demand players stay, the ones of the highest worth.
// Losers below [Gone] have their own reason; the others are marked [Forced].
func (l *Ledger) Close(moved []float64, demand int) (stay []int) {
	l.note(moved)
	worths := make([]float64, len(l.Live))
	for position, i := range l.Live {
		worths[position] = l.Records[i].Worth
	}
	return l.keep(Winners(worths, demand))
}

// note records the moves of a round and what they say about each player's
// reasons.
func (l *Ledger) note(moved []float64) {
	l.mustMatch(moved)
	for position, i := range l.Live {
		record := &l.Records[i]
		gained := moved[position] > record.Participation
		wantsZero := Market{Price: record.Price}.BestResponse(record.Worth) == 0
		l.OnlyZero[i] = gained || l.OnlyZero[i] && wantsZero
		record.Participation = moved[position]
	}
}

// keep removes all players outside stay and records their reasons.
func (l *Ledger) keep(stay []int) []int {
	live := make([]int, 0, len(stay))
	next := 0
	for position, i := range l.Live {
		if next < len(stay) && stay[next] == position {
			live = append(live, i)
			next++
			continue
		}
		record := &l.Records[i]
		record.Round = l.Rounds
		switch {
		case record.Participation >= Gone:
			record.Reason = Forced
		case l.OnlyZero[i]:
			record.Reason = Dominated
		default:
			record.Reason = PricedOut
		}
	}
	l.Live = live
	return stay
}

func (l *Ledger) mustMatch(values []float64) {
	if len(values) != len(l.Live) {
		panic(fmt.Sprintf("game: %d values for %d players", len(values), len(l.Live)))
	}
}
