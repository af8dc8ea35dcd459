package trainer

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
)

// testCheckpoint is a run in the middle of its market: one player of the first
// layer has left.
func testCheckpoint() *checkpoint {
	gated := network.New([]int{4, 3, 2, 2})
	if err := gated.Initialise(network.He, 1); err != nil {
		panic(err)
	}
	ledgers := []*game.Ledger{game.NewLedger(3), game.NewLedger(2)}
	ledgers[0].Quote([]float64{1, 0, 2}, 2)
	stay := ledgers[0].Settle([]float64{0.9, 0, 0.8}, 2)
	keep := network.Survivors{stay, {0, 1}}
	state := &State{
		Network: gated.Keep(keep), First: gated.Keep(keep), Second: gated.Keep(keep), Steps: 11, Tracked: 7,
		Contributions: []Contributions{
			{Mean: []float32{1, 2}, MeanSquare: []float32{3, 4}}, {Mean: []float32{5, 6}, MeanSquare: []float32{7, 8}},
		},
		Slopes: []SlopeMoments{
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
	known := market{
		WhenItLeft: [][]float64{{0, 1e-3, 0}, {0, 0}}, AtTheEnd: [][]float64{{0, -1e-3, 0}, {0, 0}},
		Closing: []closing{
			{Players: []int{0, 2}, Worths: []float64{1, 2}, Participations: []float64{0.9, 0.8}, Demand: 1, Price: 0.5, Cost: 2},
			{Players: []int{0, 1}, Worths: []float64{3, 4}, Participations: []float64{0.7, 0.6}, Demand: 2, Price: 0, Cost: 3},
		},
	}
	config := DefaultConfig()
	config.Keep, config.Sparsity = 4, 0
	return &checkpoint{
		Schema: checkpointSchema, Config: config, Stage: stageGame, Steps: state.Steps, Tracked: state.Tracked, Metrics: 99,
		Position: position{Step: 42, Unfinished: Progress{Steps: 2, Samples: 256, Correct: 3, Loss: 1.0 / 3}, Ledgers: ledgers, market: known},
		Result:   Result{Schema: ResultSchema, Command: "nashprune train", Seed: 1},
		state:    state, departed: departed,
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), CheckpointFile)
	want := testCheckpoint()
	if err := want.save(path); err != nil {
		t.Fatal(err)
	}
	got, err := loadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// A training without a market, optimised by SGD, has fewer tensors.
	want.Position.Ledgers, want.state.Second = nil, nil
	want.Position.market, want.departed = market{}, nil
	if err := want.save(path); err != nil {
		t.Fatal(err)
	}
	if got, err = loadCheckpoint(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

// TestCheckpointRefuses damages one part of a checkpoint at a time.
func TestCheckpointRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*checkpoint)
		word   string
	}{
		"layout":        {func(c *checkpoint) { c.Schema = 99 }, "layout 99"},
		"no network":    {func(c *checkpoint) { c.state.Network = &network.Network{} }, "no network"},
		"averages":      {func(c *checkpoint) { c.state.Contributions = c.state.Contributions[:1] }, "contributions of layer 1"},
		"slopes":        {func(c *checkpoint) { c.state.Slopes[0].Second = nil }, "slopes of layer 0"},
		"moments":       {func(c *checkpoint) { c.state.First = network.New([]int{4, 3, 2, 2}) }, "moments"},
		"market layers": {func(c *checkpoint) { c.Position.Ledgers = c.Position.Ledgers[:1] }, "layers of the network"},
		"market size":   {func(c *checkpoint) { c.Position.Ledgers[0] = game.NewLedger(3) }, "market of layer 0"},
		"market order":  {func(c *checkpoint) { c.Position.Ledgers[0].Live = []int{2, 0} }, "cannot have"},
		"put back":      {func(c *checkpoint) { c.Position.WhenItLeft[0] = nil }, "market of layer 0"},
		"at the end":    {func(c *checkpoint) { c.Position.AtTheEnd = c.Position.AtTheEnd[:1] }, "layers of the network"},
		"closing":       {func(c *checkpoint) { c.Position.Closing[1].Worths = nil }, "market of layer 1"},
		"closing order": {func(c *checkpoint) { c.Position.Closing[1].Players = []int{1, 0} }, "market of layer 1"},
		"closing range": {func(c *checkpoint) { c.Position.Closing[0].Players = []int{0, 3} }, "market of layer 0"},
		"departed":      {func(c *checkpoint) { c.departed = network.New([]int{4, 2, 2, 2}) }, "those who left"},
		"no gates":      {func(c *checkpoint) { c.state.Network.Layers[0].Participation = nil }, "participations"},
		"step":          {func(c *checkpoint) { c.Position.Step = -1 }, "step"},
		"stage":         {func(c *checkpoint) { c.Stage = "lunch" }, "stage"},
		"config":        {func(c *checkpoint) { c.Config.Epochs = 0 }, "--epochs"},
	} {
		damaged := testCheckpoint()
		c.damage(damaged)
		path := filepath.Join(t.TempDir(), CheckpointFile)
		if err := damaged.save(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := loadCheckpoint(path); err == nil || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), path) {
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
		config := DefaultConfig()
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
		p, err := newPlan(config, MarketGame, widths, 1000)
		if err != nil {
			t.Fatal(err)
		}
		at := newPosition(p)
		if c.rounds > 0 {
			at.Step = p.roundEnd(c.rounds)
		}
		for _, ledger := range at.Ledgers {
			ledger.Rounds = c.rounds
		}
		at.BestAccuracy, at.Held = c.best, c.held
		err = (&checkpoint{Config: config, Position: at, state: &State{Network: network.New(widths)}}).fits(p)
		if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), "rounds") {
			t.Errorf("%+v: %v", c, err)
		}

		// The same of what stands in the metrics of its rounds and in its result.
		market := &ResultMarket{Target: p.target}
		for _, line := range []string{`{"round":1}`, `{"round":1,"validation_accuracy":90}`, `{"round":1,"validation_accuracy":101}`} {
			_, err := readRounds(strings.NewReader(line+"\n"), market)
			if want := strings.Contains(line, "accuracy") == (c.drop > 0) && !strings.Contains(line, "101"); (err == nil) != want {
				t.Errorf("drop %g, %s: %v", c.drop, line, err)
			}
		}
		half, beyond := 50., 101.
		for _, known := range []*ValidationPair{nil, {}, {Pruned: &half}, {Dense: &beyond}, {Pruned: &beyond}} {
			market.Validation = known
			want := (known != nil) == (c.drop > 0) && (known == nil || known.Dense != &beyond && known.Pruned != &beyond)
			if _, err := (&checkpoint{Config: config, Result: Result{Market: market}}).market(); (err == nil) != want {
				t.Errorf("drop %g, %+v: %v", c.drop, known, err)
			}
		}
	}
}

// FuzzCheckpoint: whatever the bytes, reading ends in an error or in parts that
// belong together.
func FuzzCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), CheckpointFile)
	if err := testCheckpoint().save(path); err != nil {
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
	path := filepath.Join(f.TempDir(), CheckpointFile)
	if err := testCheckpoint().save(path); err != nil {
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
	var c *checkpoint
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
	if c.state.Network == nil || c.consistent() != nil {
		t.Errorf("passes: %+v", c)
	}
	// What the run does next with it may refuse it, too.
	widths := c.state.Network.Widths()
	if p, err := newPlan(c.Config, c.Config.Game, widths, 1000); err == nil {
		_ = c.fits(p)
	}
}

func TestPlayersRoundTrip(t *testing.T) {
	want := []Player{
		{Layer: 0, Index: 3, Worth: 1.0 / 3, Price: 1e-300, Participation: 1, Reason: game.Kept},
		{Layer: 1, Index: 12, Worth: 0, Price: 5, Participation: 0.004, Epoch: 7, Reason: game.PricedOut},
	}
	var file bytes.Buffer
	if err := writePlayers(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPlayers(&file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "a,b\n", "layer,index\n", strings.Join(playerColumns, ",") + "\n1,2,3\n",
		strings.Join(playerColumns, ",") + "\n1,x,3,4,5,6,kept\n"} {
		if _, err := ReadPlayers(strings.NewReader(bad)); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

// FuzzPlayers: whatever is read can be written and read again.
func FuzzPlayers(f *testing.F) {
	f.Add(strings.Join(playerColumns, ",") + "\n0,1,0.5,0.25,0.1,3,dominated\n")
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
		if err := writePlayers(&file, players); err != nil {
			t.Fatal(err)
		}
		again, err := ReadPlayers(&file)
		if err != nil || len(again) != len(players) {
			t.Errorf("%q: %d players, then %d, %v", text, len(players), len(again), err)
		}
	})
}
