package session

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

func testLatencyModel() *cost.Model {
	return &cost.Model{
		Device: "a device", Batch: 128, Base: 40, PerMAC: []float64{1e-3, 2e-3, 5e-4}, PerNeuron: []float64{0.25, 0.5}, Shapes: 26,
	}
}

func targetConfig(change func(*settings.Config)) settings.Config {
	c := testConfig()
	c.Keep, c.Model, c.Rounds = 0, "mlp:30-15", marketRounds
	change(&c)
	return c
}

// TestTargetsHold plays markets with every target and every cost to their end: what
// is left is within the limit, and one more player of the layer that lost last is not.
func TestTargetsHold(t *testing.T) {
	model := testLatencyModel()
	for name, change := range map[string]func(*settings.Config){
		"keep":                func(c *settings.Config) { c.Keep = 9 },
		"keep for parameters": func(c *settings.Config) { c.Keep, c.Cost = 9, cost.Parameters },
		"keep for time":       func(c *settings.Config) { c.Keep, c.Cost = 9, cost.Latency },
		"parameters":          func(c *settings.Config) { c.MaxParameters = 300 },
		"parameters, players": func(c *settings.Config) { c.MaxParameters, c.Cost = 300, cost.Players },
		"macs":                func(c *settings.Config) { c.MaxMACs = 300 },
		"time":                func(c *settings.Config) { c.MaxLatencyUS = 44 },
		"time for macs":       func(c *settings.Config) { c.MaxLatencyUS, c.Cost = 44, cost.MACs },
		"all players":         func(c *settings.Config) { c.MaxParameters = 1 << 20 },
	} {
		c, err := targetConfig(change).Resolve()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e := new(scripted)
		training, q := scriptedTraining(t, e)
		if training.Plan, err = NewPlan(c, game.MarketGame, planGraph(), 160, Given{Latency: model}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := training.Run(context.Background()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		target := training.Plan.Target
		left := e.network.Widths()
		amount := target.Resource.Amount(planGraph(), left, model)
		if amount > target.Limit {
			t.Errorf("%s: %v takes %g of %g", name, left, amount, target.Limit)
		}
		if target.Resource == cost.Players && amount != target.Limit {
			t.Errorf("%s: %v are left", name, left)
		}
		if name == "all players" {
			if !slices.Equal(left, planGraph().Widths()) {
				t.Errorf("%s: %v are left", name, left)
			}
			continue
		}
		fuller := 0
		for l := range left {
			more := slices.Clone(left)
			more[l]++
			if target.Resource.Amount(planGraph(), more, model) > target.Limit {
				fuller++
			}
		}
		if fuller == 0 {
			t.Errorf("%s: another player of any layer would fit beside %v", name, left)
		}
		for _, line := range q.rounds {
			if line.Costs != nil && c.Cost == "" {
				t.Errorf("%s: round %d has the costs %v", name, line.Round, line.Costs)
			}
		}
		certificate := training.FinalCertificate(q.rounds)
		for l, layer := range certificate.Layers {
			if layer.Players > 0 && ((layer.Cost > 0) != (c.Cost != "") || layer.Demand < 2 || layer.Demand > layer.Players) {
				t.Errorf("%s: layer %d is certified as %+v", name, l, layer)
			}
		}
	}
}

// TestTargetsAreRefused: what cannot be had is refused with the least that can.
func TestTargetsAreRefused(t *testing.T) {
	least := networktest.Perceptron(20, 2, 2, 4).ParameterCount()
	for word, change := range map[string]func(*settings.Config){
		"--max-params 59 is less than the least network has, with 2 players a layer: 60": func(c *settings.Config) { c.MaxParameters = cost.Limit(least - 1) },
		"--max-macs 51 is less than the least network has, with 2 players a layer: 52":   func(c *settings.Config) { c.MaxMACs = 51 },
		"--max-latency-us 30 is less than the least network takes":                       func(c *settings.Config) { c.MaxLatencyUS = 30 },
		"both say how much stays":                   func(c *settings.Config) { c.MaxMACs, c.Keep = 100, 9 },
		"--max-params and --max-latency-us":         func(c *settings.Config) { c.MaxLatencyUS, c.MaxParameters = 50, 100 },
		"--max-accuracy-drop 1 needs samples that":  func(c *settings.Config) { c.MaxAccuracyDrop = 1 },
		"--max-accuracy-drop is for classes":        func(c *settings.Config) { c.MaxAccuracyDrop, c.Task, c.Validation = 1, dataset.Regression, 0.1 },
		"--max-accuracy-drop is 101":                func(c *settings.Config) { c.MaxAccuracyDrop, c.Validation = 101, 0.1 },
		"--max-params is 101%":                      func(c *settings.Config) { c.MaxParameters = -101 },
		"--max-macs is 10.5":                        func(c *settings.Config) { c.MaxMACs = 10.5 },
		"--max-macs 1% (11) is less than the least": func(c *settings.Config) { c.MaxMACs = -1 },
		"--max-latency-us is NaN":                   func(c *settings.Config) { c.MaxLatencyUS = cost.Limit(math.NaN()) },
		"players, parameters, macs or latency":      func(c *settings.Config) { c.Cost = "gold" },
		"--latency-model is for --cost latency":     func(c *settings.Config) { c.Keep, c.LatencyModel = 9, "file" },
	} {
		c, err := targetConfig(change).Resolve()
		if err == nil {
			p := Plan{Config: c, Game: game.MarketGame, Graph: planGraph(), Given: Given{Latency: testLatencyModel()}}
			err = p.aim()
		}
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want %q", err, word)
		}
	}
}

// TestShapesAtTheirEnds: a layer may keep all players and the least.
func TestShapesAtTheirEnds(t *testing.T) {
	c, err := targetConfig(func(c *settings.Config) { c.Shape = "2-15" }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if shares, err := c.Shares([]int{30, 15}); err != nil || !slices.Equal(shares, []int{2, 15}) {
		t.Errorf("%v, %v", shares, err)
	}
	for _, beyond := range []string{"1-15", "2-16", "2", "two"} {
		if _, err := targetConfig(func(c *settings.Config) { c.Shape = beyond }).Resolve(); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("--shape %s: %v", beyond, err)
		}
	}
}

// TestBudgetsForetellAShape: until it is known who stays, layers are expected to shrink
// alike, to within a hundredth of what the budget leaves.
func TestBudgetsForetellAShape(t *testing.T) {
	c, err := targetConfig(func(c *settings.Config) { c.MaxParameters = 300 }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(c, game.MarketGame, planGraph(), 160, Given{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.shares, []int{10, 5}) { // 20-10-5-4 has 289 parameters, and with an eleventh player 315
		t.Errorf("%v of %v are expected to stay", p.shares, planWidths[1:3])
	}
}

// seeing is a scripted engine whose accuracy depends on how many players take part.
type seeing struct {
	scripted
	accuracy func(participation float64) float64
}

func (e *seeing) Evaluate(context.Context, backend.Part, backend.Want) (backend.Evaluation, error) {
	total := 0.
	for _, participation := range e.network.Participations {
		for _, s := range participation {
			total += float64(s)
		}
	}
	const samples = 10_000
	return backend.Evaluation{Samples: samples, Correct: int(samples * e.accuracy(total) / 100)}, e.note("evaluate")
}

// TestAccuracyDropHoldsTheDemand: with an accuracy that falls with every player that
// leaves, the demand stops falling where the allowed drop is used up.
func TestAccuracyDropHoldsTheDemand(t *testing.T) {
	c, err := targetConfig(func(c *settings.Config) { c.MaxAccuracyDrop, c.Validation, c.Rounds = 5, 0.1, 40 }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	play := func(accuracy func(float64) float64) (*Training, []record.RoundLine) {
		e := &seeing{accuracy: accuracy}
		training, q := scriptedTraining(t, &e.scripted)
		training.Engine = e
		training.Data = &dataset.Dataset{Classes: 4}
		var err error
		if training.Plan, err = NewPlan(c, game.MarketGame, planGraph(), 160, Given{}); err != nil {
			t.Fatal(err)
		}
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return training, q.rounds
	}
	_, rounds := play(func(float64) float64 { return 90 })
	free := rounds[len(rounds)-1]
	if free.Held != 0 || *free.ValidationAccuracy != 90 {
		t.Errorf("while nothing is lost, the demand is held in %d rounds", free.Held)
	}
	// Half a point a player below 30 of 45.
	training, rounds := play(func(s float64) float64 { return 90 - 0.5*max(0, 30-s) })
	last := rounds[len(rounds)-1]
	if last.Held == 0 || network.Sum(last.Players) <= network.Sum(free.Players) {
		t.Errorf("held in %d rounds, %v are left; without a loss %v", last.Held, last.Players, free.Players)
	}
	for i, line := range rounds[1:] {
		before := rounds[i]
		if held := line.Held > before.Held; held != slices.Equal(line.Demand, before.Demand) && held {
			t.Errorf("round %d is held and asks for %v after %v", line.Round, line.Demand, before.Demand)
		}
		if fell := training.BestAccuracy-*line.ValidationAccuracy > 5*caution; fell != (line.Held > before.Held) {
			t.Errorf("round %d at %g %%: held %d after %d", line.Round, *line.ValidationAccuracy, line.Held, before.Held)
		}
	}
	if got := *last.ValidationAccuracy; got < 90-5 || got > 90-2.5 {
		t.Errorf("the market ends at %g %%", got)
	}
}

// TestStepsAreUsedUp: where time comes in steps of five neurons, most layers fill their
// last step or keep the least.
func TestStepsAreUsedUp(t *testing.T) {
	model := &cost.Model{
		Batch: 128, Base: 10, PerMAC: make([]float64, 3), PerNeuron: make([]float64, 2), Shapes: 48,
		Step: 5, PerStep: []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
	}
	seen, filled := map[int]bool{}, 0
	for limit := 16.; limit < 40; limit += 2 { // between the least network and the whole
		c, err := targetConfig(func(c *settings.Config) { c.MaxLatencyUS = cost.Limit(limit) }).Resolve()
		if err != nil {
			t.Fatal(err)
		}
		e := new(scripted)
		training, _ := scriptedTraining(t, e)
		if training.Plan, err = NewPlan(c, game.MarketGame, planGraph(), 160, Given{Latency: model}); err != nil {
			t.Fatal(err)
		}
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		left := e.network.Widths()
		if us := model.Time(planGraph(), left); us > limit {
			t.Errorf("%v takes %g us of %g", left, us, limit)
		}
		for _, width := range left {
			seen[width] = true
			if width%5 == 0 || width == game.LeastPerLayer {
				filled++
			}
		}
	}
	if len(seen) < 5 || filled < 18 {
		t.Errorf("of the widths %v %d fill their steps", seen, filled)
	}
}

// TestGatesOfOnePlayer: a gate may have fewer players than a market keeps of others. The
// least network then has all of them, and no more.
func TestGatesOfOnePlayer(t *testing.T) {
	g := networktest.Perceptron(3, 1, 4).Graph
	c, err := targetConfig(func(c *settings.Config) { c.MaxParameters = cost.Limit(g.ParameterCount()) }).ResolveFor(g.Widths())
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(c, game.MarketGame, g, 160, Given{})
	if err != nil {
		t.Fatal(err)
	}
	if work, want := p.StepWork(p.Total), float64(g.MACs()); work != want {
		t.Errorf("a step at the end takes %g multiplications, want %g", work, want)
	}
}
