package record

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"nashprune/game"
)

// Player is a row of players.csv. Without a game the worth is the score that the player
// was ranked by and the price the highest score that the round removed from its layer.
type Player struct {
	Layer         int // hidden layer, from 0
	Index         int // in the layer at the start
	Worth         float64
	Price         float64
	Participation float64
	Epoch         int // in which it left, from 1; 0 while it stays
	Reason        game.Reason
}

var playerColumns = []string{"layer", "index", "worth", "price", "participation", "epoch", "reason"}

// WritePlayers writes players as CSV with a header. Numbers have as many digits
// as it takes to read them back unchanged.
func WritePlayers(w io.Writer, players []Player) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	out := csv.NewWriter(w)
	rows := [][]string{playerColumns}
	for _, p := range players {
		rows = append(rows, []string{
			strconv.Itoa(p.Layer), strconv.Itoa(p.Index), number(p.Worth), number(p.Price),
			number(p.Participation), strconv.Itoa(p.Epoch), string(p.Reason),
		})
	}
	return out.WriteAll(rows)
}

// ReadPlayers reads what a run wrote to players.csv.
func ReadPlayers(r io.Reader) ([]Player, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(playerColumns)
	rows, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != strings.Join(playerColumns, ",") {
		return nil, fmt.Errorf("the first line is not %s", strings.Join(playerColumns, ","))
	}
	var players []Player
	for n, row := range rows[1:] {
		p := Player{Reason: game.Reason(row[6])}
		for column, into := range []any{&p.Layer, &p.Index, &p.Worth, &p.Price, &p.Participation, &p.Epoch} {
			if _, err := fmt.Sscan(row[column], into); err != nil {
				return nil, fmt.Errorf("line %d: %s %q is not a number", n+2, playerColumns[column], row[column])
			}
		}
		players = append(players, p)
	}
	return players, nil
}
