package checkpoint

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// ledgerCheckpoint is a run whose only gate has so many players, after its market. Every
// reason to be removed occurs.
func ledgerCheckpoint(t *testing.T, players int) *Checkpoint {
	t.Helper()
	whole, err := network.MLP([]int{1, players, 2}, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	ledger := game.NewLedger(players)
	var live []int
	for i := range ledger.Records {
		r := &ledger.Records[i]
		r.Worth, r.Own, r.Ceiling = 1/float64(i+1), 1/float64(i+2), 3/float64(i+1)
		r.Price, r.Participation, r.Reason = 1e-300*float64(i), 1/float64(i+3), game.Reasons[i%len(game.Reasons)]
		if r.Reason == game.Kept {
			live = append(live, i)
		} else {
			r.Round = 1 + i%7
		}
	}
	ledger.Live, ledger.Rounds = live, 7
	known := session.Market{
		Checks: []record.RoundCheck{{Samples: 750, Gap: 1. / 3, Expected: 0.25}},
		Layers: []record.CertifiedLayer{{Players: players, Price: 1. / 3, Demand: len(live), Cost: 2}},
	}
	cut, err := whole.Cut(network.Survivors{live})
	if err != nil {
		t.Fatal(err)
	}
	config := settings.Default()
	config.Keep = game.LeastPerLayer
	config, err = config.ResolveFor(whole.Widths())
	if err != nil {
		t.Fatal(err)
	}
	return &Checkpoint{
		Schema: Schema, Config: config, Stage: GameStage,
		Position: session.Position{Ledgers: []*game.Ledger{ledger}, Market: known},
		Result:   record.Result{Schema: record.ResultSchema, Seed: 1},
		Whole:    whole, State: &backend.State{Network: network.New(cut.Graph)},
	}
}

// TestLedgersOfAnySize: a checkpoint of as many players as the widest networks have is
// saved and read back whole. Its header, which has a limit of 16 MiB, does not grow with
// the number of players.
func TestLedgersOfAnySize(t *testing.T) {
	header := func(players int) int {
		path := filepath.Join(t.TempDir(), record.CheckpointFile)
		want := ledgerCheckpoint(t, players)
		if err := want.Save(path); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Position, want.Position) {
			t.Errorf("%d players: the position is not what was saved", players)
		}
		if !reflect.DeepEqual(got.State.Network.Parameters, want.State.Network.Parameters) {
			t.Errorf("%d players: the network is not what was saved", players)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var length uint64
		if err := binary.Read(file, binary.LittleEndian, &length); err != nil {
			t.Fatal(err)
		}
		return int(length)
	}
	const digits = 256 // that the numbers in shapes and offsets may take more
	few, many := header(len(game.Reasons)), header(200_000)
	if many > few+digits {
		t.Errorf("the header takes %d bytes with a few players and %d with 200000", few, many)
	}
}
