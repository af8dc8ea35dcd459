package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/evidence"
	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// testCheckpoint is a run in the middle of its market: one player of the first
// layer has left.
func testCheckpoint() *Checkpoint {
	gated := network.New([]int{4, 3, 2, 2})
	if err := gated.Initialise(network.He, 1); err != nil {
		panic(err)
	}
	ledgers := []*game.Ledger{game.NewLedger(3), game.NewLedger(2)}
	ledgers[0].Quote([]float64{1, 0, 2}, 2)
	stay := ledgers[0].Settle([]float64{0.9, 0, 0.8}, 2)
	keep := network.Survivors{stay, {0, 1}}
	state := &backend.State{
		Network: gated.Keep(keep), First: gated.Keep(keep), Second: gated.Keep(keep), Steps: 11, Tracked: 7,
		Contributions: []backend.Contributions{
			{Mean: []float32{1, 2}, MeanSquare: []float32{3, 4}}, {Mean: []float32{5, 6}, MeanSquare: []float32{7, 8}},
		},
		Slopes: []backend.SlopeMoments{
			{First: []float32{0.1, 0.2}, Second: []float32{0.3, 0.4}}, {First: []float32{0.5, 0.6}, Second: []float32{0.7, 0.8}},
		},
	}
	state.Network.Layers[0].Participation = []float32{0.9, 0.8}
	for _, moments := range []*network.Network{state.First, state.Second} {
		for l := range moments.Layers {
			moments.Layers[l].Weight[0] = 0.5
		}
	}
	departed := network.New([]int{4, 3, 2, 2})
	departed.Layers[0].Weight[5] = 0.25
	known := session.Market{
		WhenItLeft: [][]float64{{0, 1e-3, 0}, {0, 0}}, AtTheEnd: [][]float64{{0, -1e-3, 0}, {0, 0}},
		Closing: []evidence.Closing{
			{Players: []int{0, 2}, Worths: []float64{1, 2}, Participations: []float64{0.9, 0.8}, Demand: 1, Price: 0.5, Cost: 2},
			{Players: []int{0, 1}, Worths: []float64{3, 4}, Participations: []float64{0.7, 0.6}, Demand: 2, Price: 0, Cost: 3},
		},
	}
	config := settings.Default()
	config.Keep, config.Sparsity = 4, 0
	return &Checkpoint{
		Schema: Schema, Config: config, Stage: GameStage, Steps: state.Steps, Tracked: state.Tracked, Metrics: 99,
		Position: session.Position{Step: 42, Unfinished: backend.Progress{Steps: 2, Samples: 256, Correct: 3, Loss: 1.0 / 3}, Ledgers: ledgers, Market: known},
		Result:   record.Result{Schema: record.ResultSchema, Command: "nashprune train", Seed: 1},
		State:    state, Departed: departed,
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), record.CheckpointFile)
	want := testCheckpoint()
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// A training without a market, optimised by SGD, has fewer tensors.
	want.Position.Ledgers, want.State.Second = nil, nil
	want.Position.Market, want.Departed = session.Market{}, nil
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	if got, err = Load(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestCheckpointRefuses damages one part of a checkpoint at a time.
func TestCheckpointRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*Checkpoint)
		word   string
	}{
		"layout":        {func(c *Checkpoint) { c.Schema = 99 }, "layout 99"},
		"no network":    {func(c *Checkpoint) { c.State.Network = &network.Network{} }, "no network"},
		"averages":      {func(c *Checkpoint) { c.State.Contributions = c.State.Contributions[:1] }, "contributions of layer 1"},
		"slopes":        {func(c *Checkpoint) { c.State.Slopes[0].Second = nil }, "slopes of layer 0"},
		"moments":       {func(c *Checkpoint) { c.State.First = network.New([]int{4, 3, 2, 2}) }, "moments"},
		"market layers": {func(c *Checkpoint) { c.Position.Ledgers = c.Position.Ledgers[:1] }, "layers of the network"},
		"market size":   {func(c *Checkpoint) { c.Position.Ledgers[0] = game.NewLedger(3) }, "market of layer 0"},
		"market order":  {func(c *Checkpoint) { c.Position.Ledgers[0].Live = []int{2, 0} }, "cannot have"},
		"put back":      {func(c *Checkpoint) { c.Position.WhenItLeft[0] = nil }, "market of layer 0"},
		"at the end":    {func(c *Checkpoint) { c.Position.AtTheEnd = c.Position.AtTheEnd[:1] }, "layers of the network"},
		"closing":       {func(c *Checkpoint) { c.Position.Closing[1].Worths = nil }, "market of layer 1"},
		"closing order": {func(c *Checkpoint) { c.Position.Closing[1].Players = []int{1, 0} }, "market of layer 1"},
		"closing range": {func(c *Checkpoint) { c.Position.Closing[0].Players = []int{0, 3} }, "market of layer 0"},
		"departed":      {func(c *Checkpoint) { c.Departed = network.New([]int{4, 2, 2, 2}) }, "its removed players"},
		"no gates":      {func(c *Checkpoint) { c.State.Network.Layers[0].Participation = nil }, "participations"},
		"step":          {func(c *Checkpoint) { c.Position.Step = -1 }, "step"},
		"stage":         {func(c *Checkpoint) { c.Stage = "lunch" }, "stage"},
		"config":        {func(c *Checkpoint) { c.Config.Epochs = 0 }, "--epochs"},
	} {
		damaged := testCheckpoint()
		c.damage(damaged)
		path := filepath.Join(t.TempDir(), record.CheckpointFile)
		if err := damaged.Save(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAccuraciesBelongToTheirTarget: accuracies on the validation part are known of rounds
// that were played for a target that looks at them, and are percentages.
func TestAccuraciesBelongToTheirTarget(t *testing.T) {
	for _, c := range []struct {
		drop, best float64
		rounds     int
		held       int
		fits       bool
	}{
		{drop: 0, rounds: 3, fits: true},
		{drop: 0, rounds: 3, best: 90},
		{drop: 0, rounds: 3, held: 1},
		{drop: 2, rounds: 3, best: 90, held: 2, fits: true},
		{drop: 2, rounds: 3, best: 100, fits: true},
		{drop: 2, rounds: 3, best: 0, fits: true}, // nothing was right
		{drop: 2, rounds: 3, best: 100.5},
		{drop: 2, rounds: 3, best: -1},
		{drop: 2, rounds: 3, best: 90, held: 4},
		{drop: 2, rounds: 0, fits: true},
		{drop: 2, rounds: 0, best: 90},
	} {
		config := settings.Default()
		config.Model, config.Validation, config.Sparsity, config.MaxAccuracyDrop = "mlp:3-2", 0.1, 0, c.drop
		config.Keep = 4
		if c.drop > 0 {
			config.Keep = 0
		}
		config, err := config.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		widths := []int{4, 3, 2, 2}
		p, err := session.NewPlan(config, game.MarketGame, widths, 1000)
		if err != nil {
			t.Fatal(err)
		}
		at := session.Start(p)
		if c.rounds > 0 {
			at.Step = p.RoundEnd(c.rounds)
		}
		for _, ledger := range at.Ledgers {
			ledger.Rounds = c.rounds
		}
		at.BestAccuracy, at.Held = c.best, c.held
		err = (&Checkpoint{Config: config, Position: at, State: &backend.State{Network: network.New(widths)}}).Fits(p)
		if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), "rounds") {
			t.Errorf("%+v: %v", c, err)
		}

		// The same of what stands in the metrics of its rounds and in its result.
		market := &record.Market{Target: p.Target}
		for _, line := range []string{`{"round":1}`, `{"round":1,"validation_accuracy":90}`, `{"round":1,"validation_accuracy":101}`} {
			_, err := record.ReadRounds(strings.NewReader(line+"\n"), market)
			if want := strings.Contains(line, "accuracy") == (c.drop > 0) && !strings.Contains(line, "101"); (err == nil) != want {
				t.Errorf("drop %g, %s: %v", c.drop, line, err)
			}
		}
		half, beyond := 50., 101.
		for _, known := range []*record.ValidationPair{nil, {}, {Pruned: &half}, {Dense: &beyond}, {Pruned: &beyond}} {
			market.Validation = known
			want := (known != nil) == (c.drop > 0) && (known == nil || known.Dense != &beyond && known.Pruned != &beyond)
			if _, err := (&Checkpoint{Config: config, Result: record.Result{Market: market}}).Market(); (err == nil) != want {
				t.Errorf("drop %g, %+v: %v", c.drop, known, err)
			}
		}
	}
}

// FuzzCheckpoint: with any bytes, reading ends in an error or in parts that belong
// together.
func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), record.CheckpointFile)
	if err := testCheckpoint().Save(path); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		checkReadCheckpoint(t, data)
	})
}

// FuzzCheckpointDescription gives the description alone, in a file whose checksum
// holds, which no fuzzing finds.
func FuzzCheckpointDescription(f *testing.F) {
	path := filepath.Join(f.TempDir(), record.CheckpointFile)
	if err := testCheckpoint().Save(path); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	metadata, tensors, err := network.ReadTensors(bytes.NewReader(whole))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(metadata[checkpointKey])
	f.Add(`{"schema":1}`)
	f.Fuzz(func(t *testing.T, description string) {
		var file bytes.Buffer
		metadata := map[string]string{checkpointKey: description, checksumKey: checksum(description, tensors)}
		if err := network.WriteTensors(&file, metadata, tensors); err != nil {
			return // it is not UTF-8
		}
		checkReadCheckpoint(t, file.Bytes())
	})
}

// checkReadCheckpoint reads a checkpoint from bytes, within bounds.
func checkReadCheckpoint(t *testing.T, data []byte) {
	var c *Checkpoint
	var err error
	// What safetensors takes (see package network), and the description once more:
	// three bytes of it may be a player of a market.
	memorytest.Within(t, memorytest.Bound{PerByte: 512, Constant: 1 << 20}, func() int {
		c, err = readCheckpoint(bytes.NewReader(data))
		return len(data)
	})
	if err != nil {
		return
	}
	if c.State.Network == nil || c.consistent() != nil {
		t.Errorf("passes: %+v", c)
	}
	// What the run does next with it may refuse it, too.
	widths := c.State.Network.Widths()
	if p, err := session.NewPlan(c.Config, c.Config.Game, widths, 1000); err == nil {
		_ = c.Fits(p)
	}
}
