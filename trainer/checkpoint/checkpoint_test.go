package checkpoint

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// testCheckpoint is a run in the middle of its market: one player of the first
// gate was removed.
func testCheckpoint() *Checkpoint {
	whole := networktest.Perceptron(4, 3, 2, 2)
	if err := whole.Initialise(network.He, 1); err != nil {
		panic(err)
	}
	ledgers := []*game.Ledger{game.NewLedger(3), game.NewLedger(2)}
	stay := ledgers[0].Settle([]float64{1, 0.25, 2}, []float64{0.75, 0.125, 1.5}, []float64{1.25, 0.375, 3}, []float64{0.9, 0, 0.8}, 0.5, nil, 2)
	gated, err := whole.Keep(network.Survivors{stay, {0, 1}})
	if err != nil {
		panic(err)
	}
	gated.Participations[0] = []float32{0.9, 0.8}
	state := &backend.State{
		Network: gated, First: gated.Clone().Parameters, Second: gated.Clone().Parameters, Steps: 11,
		Slopes: []backend.SlopeMoments{
			{First: []float32{0.1, 0.2}, Second: []float32{0.3, 0.4}}, {First: []float32{0.5, 0.6}, Second: []float32{0.7, 0.8}},
		},
	}
	for p := range state.First {
		state.First[p][0], state.Second[p][0] = 0.5, 0.75
	}
	departed := networktest.Perceptron(4, 3, 2, 2)
	departed.Parameters[0][5] = 0.25
	known := session.Market{
		Checks: []record.RoundCheck{{Samples: 750, Gap: 1. / 3, Expected: 0.25}},
		Layers: []record.CertifiedLayer{
			{Players: 3, Gap: 0.5, Price: 0.5, Cost: 2, Demand: 2, Supply: 1.75, Lambda: 1.5, Potential: -1, Best: -0.75},
			{Players: 2, Gap: 0.25, Price: 0, Cost: 3, Demand: 2, Supply: 2, Lambda: 1, Potential: -2, Best: -2},
		},
		MostTempted: &record.PlayerName{Layer: 0, Index: 2},
	}
	config := settings.Default()
	config.Keep, config.Sparsity = 4, 0
	config, err = config.Resolve()
	if err != nil {
		panic(err)
	}
	return &Checkpoint{
		Schema: Schema, Config: config, Stage: GameStage, Steps: state.Steps, Metrics: 99,
		Position: session.Position{Step: 42, Unfinished: backend.Progress{Steps: 2, Samples: 256, Correct: 3, Loss: 1.0 / 3}, Ledgers: ledgers, Market: known},
		Result:   record.Result{Schema: record.ResultSchema, Command: "nashprune train", Seed: 1},
		Graph:    gated.Graph, Whole: departed.Graph, State: state, Departed: departed,
	}
}

// compare holds a checkpoint to the one that was saved. Graphs are compared as JSON, since
// what a cut leaves of one knows its axes in another form than a graph that was read.
func compare(t *testing.T, got, want *Checkpoint) {
	t.Helper()
	plain := func(c *Checkpoint) (Checkpoint, string) {
		text, err := json.Marshal([]*network.Graph{c.Graph, c.Whole, c.State.Network.Graph})
		if err != nil {
			t.Fatal(err)
		}
		copied, state := *c, *c.State
		state.Network = &network.Network{Parameters: c.State.Network.Parameters, Participations: c.State.Network.Participations}
		copied.Graph, copied.Whole, copied.State = nil, nil, &state
		for _, n := range []**network.Network{&copied.Departed, &copied.BestNetwork} {
			if *n != nil {
				*n = &network.Network{Parameters: (*n).Parameters, Participations: (*n).Participations}
			}
		}
		return copied, string(text)
	}
	a, aGraphs := plain(got)
	b, bGraphs := plain(want)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %+v\nwant %+v", a, b)
	}
	if aGraphs != bGraphs {
		t.Errorf("got  graphs %s\nwant graphs %s", aGraphs, bGraphs)
	}
}

// saved saves a checkpoint and loads it.
func saved(t *testing.T, c *Checkpoint) *Checkpoint {
	t.Helper()
	path := filepath.Join(t.TempDir(), record.CheckpointFile)
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCheckpointRoundTrip(t *testing.T) {
	want := testCheckpoint()
	compare(t, saved(t, want), want)
	// The best epoch of a training with patience.
	want.Position.Best = &record.BestEpoch{Epoch: 3, ValidationLoss: 0.5}
	want.BestNetwork = want.State.Network.Clone()
	want.BestNetwork.Parameters[1][1], want.BestNetwork.Participations[1][0] = 7, 0.125
	compare(t, saved(t, want), want)
	// Players that were removed for every reason there is.
	for _, reason := range []game.Reason{game.Dead, game.Dominated, game.PricedOut, game.Forced, game.BelowThreshold, game.RankedOut} {
		want.Position.Ledgers[0].Records[1].Reason = reason
		compare(t, saved(t, want), want)
	}
	// A market that has closed knows of its bids and has nothing of removed players.
	closed := testCheckpoint()
	closed.Departed, closed.Position.BidAsk = nil, testBids()
	compare(t, saved(t, closed), closed)
	// A training without a market, optimised by SGD, has fewer tensors.
	want.Position.Ledgers, want.State.Second, want.Position.Best, want.BestNetwork = nil, nil, nil, nil
	want.Position.Market, want.Departed = session.Market{}, nil
	compare(t, saved(t, want), want)
}

// testBids are bids and asks that conclude to something.
func testBids() *record.BidAsk {
	name := record.PlayerName{Layer: 0, Index: 1}
	b := &record.BidAsk{
		Part: backend.ValidationPart, Samples: 100, Steps: 10, LearningRate: 1e-3, Repeats: 3, Refits: 9, OverConstant: record.Interval{Mean: 1, Low: 0.5, High: 1.5},
		Markets: []record.BidAskMarket{{
			Layers: []int{0}, Kept: 2, Removed: 1, Size: 2, Bids: []record.Quote{{PlayerName: name, Value: 1. / 3}},
			Bid: &record.Confirmed{PlayerName: name, Interval: record.Interval{Mean: 0.25, Low: 0.125, High: 0.5}},
		}},
	}
	b.Conclude()
	return b
}

// TestBidsBelongToAClosedMarket: bids and asks are known after the market has closed, of a
// run that measures them, and at the step of its closing perhaps.
func TestBidsBelongToAClosedMarket(t *testing.T) {
	for _, c := range []struct {
		steps  int // of a refit; 0: bids are not measured
		after  int // the close, in steps; below 0: a round before
		known  bool
		fits   bool
		ranked bool
	}{
		{steps: 100, after: -1, known: false, fits: true},
		{steps: 100, after: -1, known: true, fits: false},
		{steps: 100, after: 0, known: false, fits: true}, // the next that is due
		{steps: 100, after: 0, known: true, fits: true},
		{steps: 100, after: 1, known: true, fits: true},
		{steps: 100, after: 1, known: false, fits: true}, // too few samples
		{steps: 0, after: 1, known: false, fits: true},
		{steps: 0, after: 1, known: true, fits: false},
		{steps: 100, after: 1, known: false, fits: true, ranked: true},
	} {
		config := settings.Default()
		config.Model, config.Sparsity, config.Keep, config.CertifySteps = "mlp:3-2", 0, 4, c.steps
		if c.ranked {
			config.Game = game.RankingGame
		}
		config, err := config.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		n := networktest.Perceptron(4, 3, 2, 2)
		p, err := session.NewPlan(config, config.Game, n.Graph, 1000, session.Given{})
		if err != nil {
			t.Fatal(err)
		}
		at := session.Start(p)
		at.Step = p.RoundEnd(config.Rounds) + c.after
		rounds := config.Rounds
		if c.after < 0 {
			at.Step, rounds = p.RoundEnd(config.Rounds-1), config.Rounds-1
		}
		for _, ledger := range at.Ledgers {
			ledger.Rounds = rounds
		}
		if c.known {
			at.BidAsk = testBids()
		}
		err = (&Checkpoint{Config: config, Position: at, State: &backend.State{Network: n}}).Fits(p)
		if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), "known of its bids") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestCheckpointsOfEveryGraph: all that a state holds comes back, by name, whatever the
// operators, before a removal and after one.
func TestCheckpointsOfEveryGraph(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		g := networktest.Build(nodes...)
		keep := make(network.Survivors, len(g.Gates))
		for i, players := range g.Widths() {
			keep[i] = network.Indices((players + 1) / 2)
		}
		cut, err := g.Cut(keep)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range []*network.Graph{g, cut.Graph} {
			next := float32(0)
			fill := func(tensors [][]float32) [][]float32 {
				for _, v := range tensors {
					for i := range v {
						next++
						v[i] = next / 1024
					}
				}
				return tensors
			}
			n := network.New(g)
			fill(n.Parameters)
			fill(n.Participations)
			want := testCheckpoint()
			want.Config = settings.Default()
			want.Config.Game = game.NoGame // which any number of players fits
			if want.Config, err = want.Config.Resolve(); err != nil {
				t.Fatal(err)
			}
			want.Position.Ledgers, want.Position.Market, want.Departed = nil, session.Market{}, nil
			want.Graph, want.Whole = g, g
			want.State = &backend.State{Network: n, First: fill(n.Clone().Parameters), Steps: 3}
			for i := range g.Gates {
				numbers := fill([][]float32{make([]float32, g.Gates[i].Players), make([]float32, g.Gates[i].Players)})
				want.State.Slopes = append(want.State.Slopes, backend.SlopeMoments{First: numbers[0], Second: numbers[1]})
			}
			want.Steps = want.State.Steps
			t.Run(name, func(t *testing.T) { compare(t, saved(t, want), want) })
		}
	}
}

// TestCheckpointRefuses damages one part of a checkpoint at a time.
func TestCheckpointRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(*Checkpoint)
		word   string
	}{
		"layout":        {func(c *Checkpoint) { c.Schema = 99 }, "layout 99"},
		"market gates":  {func(c *Checkpoint) { c.Position.Ledgers = c.Position.Ledgers[:1] }, "gates of the network"},
		"market size":   {func(c *Checkpoint) { c.Position.Ledgers[0] = game.NewLedger(3) }, "market of gate 0"},
		"market order":  {func(c *Checkpoint) { c.Position.Ledgers[0].Live = []int{2, 0} }, "cannot have"},
		"market layers": {func(c *Checkpoint) { c.Position.Layers = c.Position.Layers[:1] }, "of its market is of 1 gates, and the network has 2"},
		"other game":    {func(c *Checkpoint) { c.Config.Game, c.Config.Cost = game.RankingGame, "" }, "knows of a market, and its game is ranking"},
		"departed":      {func(c *Checkpoint) { c.Departed = networktest.Perceptron(4, 2, 2, 2); c.Whole = c.Departed.Graph }, "removed players"},
		"participation": {func(c *Checkpoint) { c.State.Network.Participations[0] = nil }, "gate.0.participation"},
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

// TestCheckpointRefusesTensors takes away or damages one tensor at a time, in files whose
// checksums hold.
func TestCheckpointRefusesTensors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*safetensors.Tensor) // nil: the tensor is missing
		word   string
	}{
		{"network.0.weight", nil, "network.0.weight"},
		{"network.0.weight", func(t *safetensors.Tensor) { t.Shape = []int{4, 2} }, "network.0.weight of shape [2 4]"},
		{"first.2.bias", nil, "first.2.bias"},
		{"second.4.weight", nil, "second.4.weight"},
		{"gate.2.slope.first", nil, "some gates"},
		{"gate.2.slope.second", nil, "gate.2.slope.second"},
		{"gate.2.participation", nil, "gate.2.participation"},
		{"departed.4.bias", nil, "departed.4.bias"},
		{"gate.0.departed.participation", nil, "gate.0.departed.participation"},
		{"gate.0.ledger", nil, "gates of the network"},
		{"gate.0.ledger", func(t *safetensors.Tensor) { t.Shape = []int{3, ledgerRows} }, "has shape [3 7]"},
		{"gate.0.ledger", func(t *safetensors.Tensor) { t.Float64[reasonRow*3+1] = 99 }, "reason number 99"},
		{"gate.0.ledger", func(t *safetensors.Tensor) { t.Float32, t.Float64 = make([]float32, 3*ledgerRows), nil }, "not of float64"},
		{"gate.0.live", nil, "gate.0.live"},
		{"gate.2.rounds", nil, "gate.2.rounds"},
	} {
		metadata, tensors := parts(t)
		at := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == c.name })
		if at < 0 {
			t.Fatalf("a checkpoint has no tensor %s", c.name)
		}
		if c.change == nil {
			tensors = slices.Delete(tensors, at, at+1)
		} else {
			c.change(&tensors[at])
		}
		_, err := readCheckpoint(bytes.NewReader(file(t, metadata[checkpointKey], tensors)))
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %q", c.name, err, c.word)
		}
	}
}

// TestCheckpointRefusesGraphs replaces the graphs of a checkpoint.
func TestCheckpointRefusesGraphs(t *testing.T) {
	metadata, tensors := parts(t)
	graphs := map[string]string{}
	for key, g := range map[string]*network.Graph{"graph": testCheckpoint().Graph, "whole": testCheckpoint().Whole, "shallow": networktest.Perceptron(4, 3, 2).Graph} {
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		graphs[key] = string(text)
	}
	huge := `{"nodes":[{"name":"input","op":"input","set":{"sample":[1]}},{"name":"0","op":"dense","in":["input"],"set":{"out":4000000}}]}`
	for _, c := range []struct{ key, replacement, word string }{
		{"graph", `null`, "no network"},
		{"graph", `{}`, "0 nodes"},
		{"graph", `{"nodes":[{"name":"input","op":"input","set":{"sample":[4]}},{"name":"0","op":"activation","in":["input"],"set":{"function":"relu"}}]}`, "no parameters"},
		{"graph", strings.Replace(graphs["graph"], `"out":2`, `"out":9`, 1), "network.0.weight of shape [9 4]"},
		{"graph", huge, "4000001 entries"},
		{"whole", huge, "4000001 entries"},
		{"whole", graphs["shallow"], "before removals, with the 2 gates"},
	} {
		description := strings.Replace(metadata[checkpointKey], `"`+c.key+`":`+graphs[c.key], `"`+c.key+`":`+c.replacement, 1)
		if description == metadata[checkpointKey] {
			t.Fatalf("no %s in %s", c.key, description)
		}
		if _, err := readCheckpoint(bytes.NewReader(file(t, description, tensors))); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s %s: %v, want %q", c.key, c.replacement, err, c.word)
		}
	}
}

// parts returns what the file of a checkpoint holds.
func parts(t testing.TB) (map[string]string, []safetensors.Tensor) {
	t.Helper()
	path := filepath.Join(t.TempDir(), record.CheckpointFile)
	if err := testCheckpoint().Save(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	metadata, tensors, err := safetensors.Read(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	return metadata, tensors
}

// file returns a file of a description and tensors whose checksum holds; nil where the
// description cannot be written.
func file(t *testing.T, description string, tensors []safetensors.Tensor) []byte {
	t.Helper()
	sum, err := checksum(description, tensors)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := safetensors.Write(&file, map[string]string{checkpointKey: description, checksumKey: sum}, tensors); err != nil {
		return nil
	}
	return file.Bytes()
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
		n := networktest.Perceptron(4, 3, 2, 2)
		p, err := session.NewPlan(config, game.MarketGame, n.Graph, 1000, session.Given{})
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
		err = (&Checkpoint{Config: config, Position: at, State: &backend.State{Network: n}}).Fits(p)
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
			if _, err := (&Checkpoint{Config: config, Result: record.Result{Market: market}, State: &backend.State{Network: n}}).Market(); (err == nil) != want {
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
	metadata, tensors := parts(f)
	f.Add(metadata[checkpointKey])
	f.Add(`{"schema":1}`)
	f.Fuzz(func(t *testing.T, description string) {
		if data := file(t, description, tensors); data != nil { // else it is not UTF-8
			checkReadCheckpoint(t, data)
		}
	})
}

// checkReadCheckpoint reads a checkpoint from bytes, within bounds.
func checkReadCheckpoint(t *testing.T, data []byte) {
	var c *Checkpoint
	var err error
	// What safetensors takes, and graphs, whose axes may have some entries that no number
	// accounts for.
	memorytest.Within(t, memorytest.Bound{PerByte: 512, Constant: 64 << 20}, func() int {
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
	if p, err := session.NewPlan(c.Config, c.Config.Game, c.State.Network.Graph, 1000, session.Given{}); err == nil {
		_ = c.Fits(p)
	}
}
