package record

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/memorytest"
)

func TestPlayersRoundTrip(t *testing.T) {
	want := []Player{
		{Layer: 0, Gate: "0", Index: 3, Worth: 1.0 / 3, Ceiling: 2.0 / 3, Price: 1e-300, Participation: 1, Reason: game.Kept},
		{Layer: 1, Gate: "the \"stream\", scaled", Index: 12, Worth: 0, Price: 5, Participation: 0.004, Epoch: 7, Reason: game.PricedOut},
	}
	var file bytes.Buffer
	if err := WritePlayers(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPlayers(&file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "a,b\n", "layer,index\n", strings.Join(playerColumns, ",") + "\n1,2,3\n",
		strings.Join(playerColumns, ",") + "\n1,2,x,3,4,5,6,kept\n"} {
		if _, err := ReadPlayers(strings.NewReader(bad)); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// The columns that players.csv had before gates had names, and before players interacted.
const (
	firstColumns  = "layer,index,worth,price,participation,epoch,reason"
	secondColumns = "layer,gate,index,worth,price,participation,epoch,reason"
)

// TestPlayersOfEarlierLayouts: a missing gate is that of a perceptron, a missing ceiling 0.
func TestPlayersOfEarlierLayouts(t *testing.T) {
	want := Player{Layer: 1, Gate: "stream", Index: 3, Worth: 0.5, Ceiling: 0.75, Price: 0.25, Participation: 1, Epoch: 4, Reason: game.Dead}
	for _, c := range []struct {
		text    string
		gate    string
		ceiling float64
	}{
		{strings.Join(playerColumns, ",") + "\n1,stream,3,0.5,0.75,0.25,1,4,dead\n", "stream", 0.75},
		{secondColumns + "\n1,stream,3,0.5,0.25,1,4,dead\n", "stream", 0},
		{firstColumns + "\n1,3,0.5,0.25,1,4,dead\n", "2", 0},
	} {
		got, err := ReadPlayers(strings.NewReader(c.text))
		want.Gate, want.Ceiling = c.gate, c.ceiling
		if err != nil || !reflect.DeepEqual(got, []Player{want}) {
			t.Errorf("%q: read %+v, %v, want %+v", c.text, got, err, want)
		}
	}
}

// FuzzPlayers: whatever is read can be written and read again.
func FuzzPlayers(f *testing.F) {
	f.Add(strings.Join(playerColumns, ",") + "\n0,a,1,0.5,0.5,0.25,0.1,3,dominated\n")
	f.Add(secondColumns + "\n0,a,1,0.5,0.25,0.1,3,dominated\n")
	f.Add(firstColumns + "\n0,1,0.5,0.25,0.1,3,dominated\n")
	f.Add("layer\n")
	f.Fuzz(func(t *testing.T, text string) {
		var players []Player
		var err error
		// A row of fourteen bytes is seven strings, and then a player.
		memorytest.Within(t, memorytest.Bound{PerByte: 128, Constant: 1 << 20}, func() int {
			players, err = ReadPlayers(strings.NewReader(text))
			return len(text)
		})
		if err != nil {
			return
		}
		var file bytes.Buffer
		if err := WritePlayers(&file, players); err != nil {
			t.Fatal(err)
		}
		again, err := ReadPlayers(&file)
		if err != nil || len(again) != len(players) {
			t.Errorf("%q: %d players, then %d, %v", text, len(players), len(again), err)
		}
	})
}
