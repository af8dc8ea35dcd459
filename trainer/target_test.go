package trainer

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// TestCostsAreWhatTheNetworkLoses: a player costs what a network without it takes
// less, of each resource.
func TestCostsAreWhatTheNetworkLoses(t *testing.T) {
	widths := []int{20, 30, 15, 4}
	for _, c := range []struct {
		resource Resource
		want     []float64
	}{
		{Players, []float64{1, 1}},
		{Parameters, []float64{20 + 1 + 15, 30 + 1 + 4}},
		{MACs, []float64{20 + 15, 30 + 4}},
		{Latency, []float64{20*1e-3 + 15*2e-3 + 0.25, 30*2e-3 + 4*5e-4 + 0.5}},
	} {
		got := c.resource.costs(widths, testLatencyModel())
		for l, want := range c.want {
			for n, cost := range got[l] {
				if math.Abs(cost-want) > 1e-12*40 || len(got[l]) != widths[l+1] { // the difference of two times of about 40 us
					t.Errorf("%s: player %d of layer %d costs %g, want %g", c.resource, n, l, cost, want)
				}
			}
		}
	}
	if !slices.Equal(widths, []int{20, 30, 15, 4}) {
		t.Errorf("the widths were changed: %v", widths)
	}
}

// TestCostsAreNeverNothing: where a model finds that width takes no time, players
// still have an order.
func TestCostsAreNeverNothing(t *testing.T) {
	flat := &LatencyModel{Base: 7, PerMAC: []float64{0, 0, 0}, PerNeuron: []float64{0, 0}}
	for _, want := range [][]float64{{1, 1}, {0.05, 5}} {
		for l, costs := range Latency.costs([]int{20, 30, 15, 4}, flat) {
			for _, cost := range costs {
				if math.Abs(cost-want[l]) > 1e-13 { // of times near 80
					t.Errorf("players of layer %d cost %v", l, costs)
				}
			}
		}
		flat.PerNeuron[1] = 5
	}
}

// TestCostsAreAHundredthAtLeast of those of the most expensive layer, and left as they are
// above that.
func TestCostsAreAHundredthAtLeast(t *testing.T) {
	for measured, want := range map[float64]float64{0.04: 0.05, 0.06: 0.06} {
		m := &LatencyModel{Base: 7, PerMAC: []float64{0, 0, 0}, PerNeuron: []float64{measured, 5}}
		costs := Latency.costs([]int{20, 30, 15, 4}, m)[0]
		if len(costs) != 30 || math.Abs(costs[0]-want) > 1e-13 || math.Abs(costs[29]-want) > 1e-13 { // of times near 80
			t.Errorf("players that take %g us cost %v", measured, costs)
		}
	}
}

// TestBudgetsFallToTheirLimit along the cubic schedule, and never rise.
func TestBudgetsFallToTheirLimit(t *testing.T) {
	target := Target{Resource: Parameters, Limit: 100}
	for _, c := range []struct{ t, want float64 }{{0, 900}, {0.5, 200}, {1, 100}, {2, 100}} {
		if got := target.budget(900, c.t); got != c.want {
			t.Errorf("at %g: %g, want %g", c.t, got, c.want)
		}
	}
	if got := target.budget(80, 0.3); got != 100 {
		t.Errorf("a network within the limit may take %g", got)
	}
}

func targetConfig(change func(*Config)) Config {
	c := testConfig()
	c.Keep, c.Model, c.Rounds = 0, "mlp:30-15", marketRounds
	change(&c)
	return c
}

// TestTargetsHold plays markets with every target and every cost to their end: what
// is left is within the limit, and one more player of the layer that lost last is not.
func TestTargetsHold(t *testing.T) {
	model := testLatencyModel()
	for name, change := range map[string]func(*Config){
		"keep":                func(c *Config) { c.Keep = 9 },
		"keep for parameters": func(c *Config) { c.Keep, c.Cost = 9, Parameters },
		"keep for time":       func(c *Config) { c.Keep, c.Cost = 9, Latency },
		"parameters":          func(c *Config) { c.MaxParameters = 300 },
		"parameters, players": func(c *Config) { c.MaxParameters, c.Cost = 300, Players },
		"macs":                func(c *Config) { c.MaxMACs = 300 },
		"time":                func(c *Config) { c.MaxLatencyUS = 44 },
		"time for macs":       func(c *Config) { c.MaxLatencyUS, c.Cost = 44, MACs },
		"everybody":           func(c *Config) { c.MaxParameters = 1 << 20 },
	} {
		c, err := targetConfig(change).Resolve()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e := new(scripted)
		training, q := scriptedTraining(t, e)
		if training.plan, err = newPlan(c, MarketGame, planWidths, 160); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		training.plan.latency = model
		if err := training.plan.aim(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := training.run(context.Background()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		target := training.plan.target
		left := e.network.Widths()
		amount := target.Resource.amount(left, model)
		if amount > target.Limit {
			t.Errorf("%s: %v takes %g of %g", name, left, amount, target.Limit)
		}
		if target.Resource == Players && amount != target.Limit {
			t.Errorf("%s: %v are left", name, left)
		}
		if name == "everybody" {
			if !slices.Equal(left, planWidths) {
				t.Errorf("%s: %v are left", name, left)
			}
			continue
		}
		fuller := 0
		for l := 1; l < len(left)-1; l++ {
			more := slices.Clone(left)
			more[l]++
			if target.Resource.amount(more, model) > target.Limit {
				fuller++
			}
		}
		if fuller == 0 {
			t.Errorf("%s: another player of any layer would fit beside %v", name, left)
		}
		for _, line := range q.rounds {
			if (line.Costs != nil) != (c.Cost != "") {
				t.Errorf("%s: round %d has the costs %v", name, line.Round, line.Costs)
			}
		}
		certificate := training.certificate(q.rounds)
		for l, layer := range certificate.Layers {
			if (layer.Cost > 0) != (c.Cost != "") || layer.Demand < 2 || layer.Demand > layer.Players {
				t.Errorf("%s: layer %d is certified as %+v", name, l, layer)
			}
		}
		if gap := certificate.RelativeGap; math.Abs(gap-training.Certificate.RelativeGap()) > 1e-15 {
			t.Errorf("%s: the gap is %g and %g", name, gap, training.Certificate.RelativeGap())
		}
	}
}

// TestTargetsAreRefused: what cannot be had is refused with the least that can.
func TestTargetsAreRefused(t *testing.T) {
	least := network.ParametersOf([]int{20, 2, 2, 4})
	for word, change := range map[string]func(*Config){
		"--max-params 59 is less than the least network has, with 2 players a layer: 60": func(c *Config) { c.MaxParameters = least - 1 },
		"--max-macs 51 is less than the least network has, with 2 players a layer: 52":   func(c *Config) { c.MaxMACs = 51 },
		"--max-latency-us 30 is less than the least network takes":                       func(c *Config) { c.MaxLatencyUS = 30 },
		"both say how much stays":                func(c *Config) { c.MaxMACs, c.Keep = 100, 9 },
		"--max-params and --max-latency-us":      func(c *Config) { c.MaxLatencyUS, c.MaxParameters = 50, 100 },
		"--max-accuracy-drop 1 looks at samples": func(c *Config) { c.MaxAccuracyDrop = 1 },
		"--max-accuracy-drop is about classes":   func(c *Config) { c.MaxAccuracyDrop, c.Task, c.Validation = 1, Regression, 0.1 },
		"--max-accuracy-drop is 101":             func(c *Config) { c.MaxAccuracyDrop, c.Validation = 101, 0.1 },
		"--max-params is -1":                     func(c *Config) { c.MaxParameters = -1 },
		"--max-macs is -1":                       func(c *Config) { c.MaxMACs = -1 },
		"--max-latency-us is NaN":                func(c *Config) { c.MaxLatencyUS = math.NaN() },
		"players, parameters, macs or latency":   func(c *Config) { c.Cost = "gold" },
		"--latency-model is for --cost latency":  func(c *Config) { c.Keep, c.LatencyModel = 9, "file" },
	} {
		c, err := targetConfig(change).Resolve()
		if err == nil {
			p := plan{config: c, game: MarketGame, widths: planWidths, latency: testLatencyModel()}
			err = p.aim()
		}
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want %q", err, word)
		}
	}
}

// TestShapesAtTheirEnds: a layer may keep everybody and the least.
func TestShapesAtTheirEnds(t *testing.T) {
	c, err := targetConfig(func(c *Config) { c.Shape = "2-15" }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if shares, err := c.shares([]int{30, 15}); err != nil || !slices.Equal(shares, []int{2, 15}) {
		t.Errorf("%v, %v", shares, err)
	}
	for _, beyond := range []string{"1-15", "2-16", "2", "two"} {
		if _, err := targetConfig(func(c *Config) { c.Shape = beyond }).Resolve(); !errors.Is(err, ErrUsage) {
			t.Errorf("--shape %s: %v", beyond, err)
		}
	}
}

// TestBudgetsForetellAShape: until it is known who stays, layers are expected to shrink
// alike, to within a hundredth of what the budget leaves.
func TestBudgetsForetellAShape(t *testing.T) {
	c, err := targetConfig(func(c *Config) { c.MaxParameters = 300 }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(c, MarketGame, planWidths, 160)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.shares, []int{10, 5}) { // 20-10-5-4 has 289 parameters, and with an eleventh player 315
		t.Errorf("%v of %v are expected to stay", p.shares, planWidths[1:3])
	}
}

// TestBudgetsDecideTheCost: a budget without --cost plays one market for what it
// bounds; a count of players stays a market a layer.
func TestBudgetsDecideTheCost(t *testing.T) {
	for want, changes := range map[Resource][]func(*Config){
		"":         {func(c *Config) { c.Keep = 9 }, func(c *Config) { c.MaxAccuracyDrop, c.Validation = 1, 0.1 }},
		Parameters: {func(c *Config) { c.MaxParameters = 500 }},
		MACs:       {func(c *Config) { c.MaxMACs = 500 }},
		Latency:    {func(c *Config) { c.MaxLatencyUS = 50 }},
		Players:    {func(c *Config) { c.MaxLatencyUS, c.Cost = 50, Players }, func(c *Config) { c.Keep, c.Cost = 9, Players }},
	} {
		for _, change := range changes {
			c, err := targetConfig(change).Resolve()
			if err != nil || c.Cost != want {
				t.Errorf("cost %q, %v; want %q", c.Cost, err, want)
			}
			if again, err := c.Resolve(); err != nil || again != c {
				t.Errorf("resolving twice gives %+v, %v", again, err)
			}
		}
	}
}

// seeing is a scripted engine whose accuracy depends on how many players take part.
type seeing struct {
	scripted
	accuracy func(participation float64) float64
}

func (e *seeing) Evaluate(context.Context, Part, Want) (Evaluation, error) {
	total := 0.
	for _, layer := range e.network.Hidden() {
		for _, s := range layer.Participation {
			total += float64(s)
		}
	}
	const samples = 10_000
	return Evaluation{Samples: samples, Correct: int(samples * e.accuracy(total) / 100)}, e.note("evaluate")
}

// TestAccuracyDropHoldsTheDemand: with an accuracy that falls with every player that
// leaves, the demand stops falling where the allowed drop is used up.
func TestAccuracyDropHoldsTheDemand(t *testing.T) {
	c, err := targetConfig(func(c *Config) { c.MaxAccuracyDrop, c.Validation, c.Rounds = 5, 0.1, 40 }).Resolve()
	if err != nil {
		t.Fatal(err)
	}
	play := func(accuracy func(float64) float64) (*training, []RoundLine) {
		e := &seeing{accuracy: accuracy}
		training, q := scriptedTraining(t, &e.scripted)
		training.engine = e
		training.data = &dataset.Dataset{Classes: 4}
		var err error
		if training.plan, err = newPlan(c, MarketGame, planWidths, 160); err != nil {
			t.Fatal(err)
		}
		if err := training.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return training, q.rounds
	}
	_, rounds := play(func(float64) float64 { return 90 })
	free := rounds[len(rounds)-1]
	settled := int(settling * float64(c.Rounds))
	led := 0
	for i, line := range rounds[1:] {
		if before := rounds[i]; line.Round <= c.Rounds-settled && float64(network.Sum(before.Players)) > furthestLead*float64(network.Sum(before.Demand)) {
			led++
		}
	}
	if free.Held != settled+led || *free.ValidationAccuracy != 90 {
		t.Errorf("while nothing is lost, the demand is held in %d rounds, want the last %d and %d in which it leads too far", free.Held, settled, led)
	}
	// Half a point a player below 30 of 45.
	training, rounds := play(func(s float64) float64 { return 90 - 0.5*max(0, 30-s) })
	last := rounds[len(rounds)-1]
	if last.Held <= settled || network.Sum(last.Players) <= network.Sum(free.Players) {
		t.Errorf("held in %d rounds, %v are left; without a loss %v", last.Held, last.Players, free.Players)
	}
	for i, line := range rounds[1:] {
		before := rounds[i]
		if held := line.Held > before.Held; held != slices.Equal(line.Demand, before.Demand) && held {
			t.Errorf("round %d is held and asks for %v after %v", line.Round, line.Demand, before.Demand)
		}
		caution := cautionSettled
		if network.Sum(before.Players) > network.Sum(before.Demand) {
			caution = cautionUnderWay
		}
		fell := training.BestAccuracy-*line.ValidationAccuracy > 5*caution || line.Round > c.Rounds-settled ||
			float64(network.Sum(before.Players)) > furthestLead*float64(network.Sum(before.Demand))
		if fell != (line.Held > before.Held) {
			t.Errorf("round %d at %g %%: held %d after %d", line.Round, *line.ValidationAccuracy, line.Held, before.Held)
		}
	}
	// The whole drop and no more: whoever was on the way when the demand was held
	// left, too.
	if got := *last.ValidationAccuracy; got < 90-5 || got > 90-2.5 {
		t.Errorf("the market ends at %g %%", got)
	}
}

// TestStepsAreUsedUp: where time comes in steps of five neurons and in nothing else, what
// is left of each layer fills its last step, or is the least that a layer keeps.
func TestStepsAreUsedUp(t *testing.T) {
	model := &LatencyModel{
		Batch: 128, Base: 10, PerMAC: make([]float64, 3), PerNeuron: make([]float64, 2), Shapes: 48,
		Step: 5, PerStep: []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
	}
	seen := map[int]bool{}
	for limit := 16.; limit < 40; limit += 2 { // between the least network and the whole
		c, err := targetConfig(func(c *Config) { c.MaxLatencyUS = limit }).Resolve()
		if err != nil {
			t.Fatal(err)
		}
		e := new(scripted)
		training, _ := scriptedTraining(t, e)
		if training.plan, err = newPlan(c, MarketGame, planWidths, 160); err != nil {
			t.Fatal(err)
		}
		training.plan.latency = model
		if err := training.plan.aim(); err != nil {
			t.Fatal(err)
		}
		if err := training.run(context.Background()); err != nil {
			t.Fatal(err)
		}
		left := e.network.Widths()
		if us := model.Time(left); us > limit {
			t.Errorf("%v takes %g us of %g", left, us, limit)
		}
		for _, width := range left[1 : len(left)-1] {
			seen[width] = true
			if width%5 != 0 && width != game.LeastPerLayer {
				t.Errorf("%g us: %v are left", limit, left)
			}
		}
	}
	if len(seen) < 5 {
		t.Errorf("only the widths %v are left: the test shows little", seen)
	}
}
