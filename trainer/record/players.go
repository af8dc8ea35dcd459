package record

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nashprune/game"
)

// Player is a row of players.csv. Without a game the worth is the score that the player
// was ranked by and the price the highest score that the round removed from its layer.
type Player struct {
	Layer         int    // place of the gate, from 0; in a multilayer perceptron the hidden layer
	Gate          string // its name
	Index         int    // in the gate at the start
	Worth         float64
	Ceiling       float64 // of the market
	Price         float64
	Participation float64
	Epoch         int // in which it left, from 1; 0 while it stays
	Reason        game.Reason
}

var playerColumns = []string{"layer", "gate", "index", "worth", "ceiling", "price", "participation", "epoch", "reason"}

// The places of columns that older files do not have: those before schema 2 neither, those
// of schema 2 no ceiling.
const gateColumn, ceilingColumn = 1, 4

// WritePlayers writes players as CSV with a header. Numbers have as many digits
// as it takes to read them back unchanged.
func WritePlayers(w io.Writer, players []Player) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	out := csv.NewWriter(w)
	rows := [][]string{playerColumns}
	for _, p := range players {
		rows = append(rows, []string{
			strconv.Itoa(p.Layer), p.Gate, strconv.Itoa(p.Index), number(p.Worth), number(p.Ceiling), number(p.Price),
			number(p.Participation), strconv.Itoa(p.Epoch), string(p.Reason),
		})
	}
	return out.WriteAll(rows)
}

// ReadPlayers reads what a run wrote to players.csv. Older files have no column for ceilings,
// and those of multilayer perceptrons none for gates.
func ReadPlayers(r io.Reader) ([]Player, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read() // all rows have as many fields
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	missing, known := []int(nil), false // columns, from the last
	for _, some := range [][]int{nil, {ceilingColumn}, {ceilingColumn, gateColumn}} {
		columns := slices.Clone(playerColumns)
		for _, c := range some {
			columns = slices.Delete(columns, c, c+1)
		}
		if slices.Equal(header, columns) {
			missing, known = some, true
		}
	}
	if !known {
		return nil, fmt.Errorf("the first line is not %s", strings.Join(playerColumns, ","))
	}
	var players []Player
	for line := 2; ; line++ {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return players, nil
		}
		if err != nil {
			return nil, err
		}
		var p Player
		for _, c := range slices.Backward(missing) {
			row = slices.Insert(row, c, map[int]string{gateColumn: "", ceilingColumn: "0"}[c])
		}
		for column, into := range []any{&p.Layer, &p.Gate, &p.Index, &p.Worth, &p.Ceiling, &p.Price, &p.Participation, &p.Epoch, &p.Reason} {
			switch into := into.(type) {
			case *string:
				*into = strings.Clone(row[column])
			case *game.Reason:
				*into = game.Reason(strings.Clone(row[column]))
			default:
				if _, err := fmt.Sscan(row[column], into); err != nil {
					return nil, fmt.Errorf("line %d: %s %q is not a number", line, playerColumns[column], row[column])
				}
			}
		}
		if slices.Contains(missing, gateColumn) {
			p.Gate = PerceptronGate(p.Layer)
		}
		players = append(players, p)
	}
}
