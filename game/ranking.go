package game

// RankedOut: there was no game; the player's score was among the lowest when a
// round removed so many.
const RankedOut Reason = "ranked out"

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
