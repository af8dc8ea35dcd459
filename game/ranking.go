package game

import (
	"cmp"
	"slices"
)

// RankedOut: there was no game; the player's score was among the lowest when a
// round removed so many.
const RankedOut Reason = "ranked out"

// Allot divides the players to be kept among layers by one ranking of all of
// them: every layer keeps its [LeastPerLayer] best, and the highest scores that
// are left take what remains, ties by layer, then by position. There is one slice
// of scores a layer. It returns how many players each layer keeps, never more than
// it has; where keep is less than the least of all layers, that least.
func Allot(scores [][]float64, keep int) []int {
	type player struct {
		layer int
		score float64
	}
	shares := make([]int, len(scores))
	var others []player
	for l, of := range scores {
		shares[l] = min(LeastPerLayer, len(of))
		keep -= shares[l]
		for _, position := range rank(of)[shares[l]:] {
			others = append(others, player{l, of[position]})
		}
	}
	slices.SortStableFunc(others, func(a, b player) int { return cmp.Compare(b.score, a.score) })
	for _, p := range others[:min(max(keep, 0), len(others))] {
		shares[p.layer]++
	}
	return shares
}

// RankOut is a round without a game: it takes the score of every player still
// there, keeps as many as asked, those of the highest scores, and returns their
// positions and the cut, the highest score of those who leave for [RankedOut], or
// zero if nobody does. In the records a score stands for the worth, and the cut of
// the last round in which somebody left for the price.
func (l *Ledger) RankOut(scores []float64, keep int) (stay []int, cut float64) {
	l.mustMatch(scores)
	l.Rounds++
	cut = ClearingPrice(scores, keep)
	for position, i := range l.Live {
		l.Records[i].Worth = scores[position]
		if keep < len(scores) {
			l.Records[i].Price = cut
		}
	}
	stay = l.keep(Winners(scores, keep))
	for i := range l.Records {
		if r := &l.Records[i]; r.Reason != Kept && r.Round == l.Rounds {
			r.Reason = RankedOut
		}
	}
	return stay, cut
}
