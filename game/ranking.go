package game

// RankedOut: there was no game; the player's score was among the lowest of a round.
const RankedOut Reason = "ranked out"

// RankOut is a round without a game: it takes the score of every remaining player, keeps
// the given number of highest scores, and returns their positions and the cut. The cut is
// the highest score of the players removed as [RankedOut], or zero without removals.
// Records hold the score in place of the worth, and the cut of the last round with
// removals in place of the price.
func (l *Ledger) RankOut(scores []float64, keep int) (stay []int, cut float64) {
	l.mustMatch(scores)
	l.Rounds++
	cut = losing(scores, keep)
	for position, i := range l.Live {
		l.Records[i].Worth = scores[position]
		if keep < len(scores) {
			l.Records[i].Price = cut
		}
	}
	stay = Winners(scores, keep)
	l.keep(stay, func(*Record) Reason { return RankedOut })
	return stay, cut
}
