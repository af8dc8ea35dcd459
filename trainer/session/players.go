package session

import (
	"nashprune/game"
	"nashprune/trainer/record"
)

// Players returns all players of the market or of a ranking, with the epochs in which they
// left.
func Players(p Plan, ledgers []*game.Ledger) []record.Player {
	var players []record.Player
	for l, ledger := range ledgers {
		for i, r := range ledger.Records {
			player := record.Player{Layer: l, Index: i, Worth: r.Worth, Ceiling: r.Ceiling, Price: r.Price, Participation: r.Participation, Reason: r.Reason}
			if r.Round > 0 {
				player.Epoch = p.EpochOf(p.RoundEnd(r.Round))
			}
			players = append(players, player)
		}
	}
	return players
}
