package session

import (
	"errors"
	"math"
	"slices"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// TestConditionsAreDueEvenly: at the last epoch always, five times where there are
// as many epochs, and never without a game.
func TestConditionsAreDueEvenly(t *testing.T) {
	for _, epochs := range []int{1, 2, 5, 7, 20, 1001} {
		for _, kind := range []game.Kind{game.MarketGame, game.PaperGame, game.NoGame} {
			p := Plan{Config: settings.Config{Epochs: epochs}, Game: kind}
			due := 0
			for epoch := 1; epoch <= epochs; epoch++ {
				if p.ConditionsDue(epoch) {
					due++
				}
			}
			want := min(epochs, conditionPoints)
			if kind == game.NoGame {
				want = 0
			}
			if due != want || p.ConditionsDue(epochs) != (kind != game.NoGame) {
				t.Errorf("%d epochs with the game %s: due %d times", epochs, kind, due)
			}
		}
	}
}

func testConfig() settings.Config {
	c := settings.Default()
	c.Epochs, c.Batch, c.Rounds, c.Keep = 10, 16, 4, 9
	c.CertifySteps = 0 // bids and asks need an engine that trains: see TestBidsAreTakenAtTheClose
	return c
}

var planWidths = []int{20, 30, 15, 4}

func planGraph() *network.Graph { return networktest.Perceptron(planWidths...).Graph }

// TestStretchesCoverEveryStepOnce walks plans from end to end: stretches follow
// on one another, stay within an epoch, a phase and a round, and bring every
// sample of every epoch exactly once.
func TestStretchesCoverEveryStepOnce(t *testing.T) {
	for _, samples := range []int{16, 17, 100, 1000, 1601} {
		for _, kind := range []game.Kind{game.MarketGame, game.PaperGame, game.NoGame} {
			c := testConfig()
			c.WarmUp = 0.13 // so that the market opens within an epoch
			p, err := NewPlan(c, kind, planGraph(), samples, Given{})
			if err != nil {
				t.Fatal(err)
			}
			rounds, step := 0, 0
			seen := make([]int, samples)
			order := p.order(0)
			for step < p.Total {
				end := p.next(step)
				if end <= step || end > p.Total || end-step > longestStretch {
					t.Fatalf("%s, %d samples: a stretch from %d to %d", kind, samples, step, end)
				}
				for s := step; s < end; s++ {
					if s > step && (s%p.PerEpoch == 0 || p.roundAt(s) > 0 || kind == game.MarketGame && s == p.opens) {
						t.Fatalf("%s, %d samples: the stretch from %d to %d runs past %d", kind, samples, step, end, s)
					}
					if p.open(s) != p.open(step) {
						t.Fatalf("%s, %d samples: the market opens or closes at %d within a stretch", kind, samples, s)
					}
				}
				stretch := p.stretch(order, step, end)
				if stretch.Steps() != end-step || (stretch.Paper != nil) != (kind == game.PaperGame) {
					t.Fatalf("%s, %d samples: stretch %+v from %d to %d", kind, samples, stretch, step, end)
				}
				if want := kind == game.MarketGame && p.opens <= step && step < p.closes; stretch.NoDecay != want {
					t.Fatalf("%s, %d samples: NoDecay is %v from step %d to %d", kind, samples, stretch.NoDecay, step, end)
				}
				for _, sample := range stretch.Order {
					seen[sample]++
				}
				if round := p.roundAt(end); round > 0 {
					rounds++
					if round != rounds || p.RoundEnd(round) != end {
						t.Fatalf("%s, %d samples: round %d after step %d, %d rounds so far", kind, samples, round, end, rounds)
					}
				}
				step = end
			}
			want := 0
			if kind == game.MarketGame {
				want = p.Config.Rounds
				if last := p.demands(rounds); last[0] != 6 || last[1] != 3 {
					t.Errorf("the last demand is %v", last)
				}
			}
			if rounds != want {
				t.Errorf("%s, %d samples: %d rounds, want %d", kind, samples, rounds, want)
			}
			for sample, n := range seen {
				if n != p.Config.Epochs {
					t.Fatalf("%s, %d samples: sample %d comes %d times", kind, samples, sample, n)
				}
			}
		}
	}
}

func TestOrdersAreOfTheSeedAndTheEpoch(t *testing.T) {
	p, err := NewPlan(testConfig(), game.NoGame, planGraph(), 50, Given{})
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.Config.Seed++
	same := func(a, b []int32) bool {
		for i := range a {
			if a[i] != b[i] {
				return false
			}
		}
		return true
	}
	if !same(p.order(3), p.order(3)) || same(p.order(3), p.order(4)) || same(p.order(3), other.order(3)) {
		t.Error("an order depends on seed and epoch, and on nothing else")
	}
}

func TestLearningRates(t *testing.T) {
	c := testConfig()
	c.LearningRate, c.LearningRateWarmUp, c.StepEpochs, c.StepFactor = 0.5, 2, 2.5, 0.2
	for _, test := range []struct {
		schedule settings.ScheduleKind
		kind     game.Kind
		step     int
		want     float64
	}{
		{settings.Constant, game.NoGame, 0, 0.5 * 1 / 20}, // 10 steps an epoch
		{settings.Constant, game.NoGame, 9, 0.5 * 10 / 20},
		{settings.Constant, game.NoGame, 20, 0.5},
		{settings.Constant, game.NoGame, 99, 0.5},
		{settings.Cosine, game.NoGame, 50, 0.5 * (0.01 + 0.99/2)},
		{settings.Cosine, game.MarketGame, 49, 0.5}, // the market closes after step 50
		{settings.Cosine, game.MarketGame, 50, 0.5},
		{settings.Cosine, game.MarketGame, 75, 0.5 * (0.01 + 0.99/2)},
		{settings.Cosine, game.MarketGame, 99, 0.5 * (0.01 + 0.99*(1+math.Cos(math.Pi*49/50))/2)},
		{settings.Step, game.NoGame, 24, 0.5}, // 2.5 epochs a step
		{settings.Step, game.NoGame, 25, 0.5 * 0.2},
		{settings.Step, game.MarketGame, 99, 0.5 * 0.2 * 0.2 * 0.2},
	} {
		c.Schedule = test.schedule
		p, err := NewPlan(c, test.kind, planGraph(), 160, Given{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.learningRate(test.step); math.Abs(got-test.want) > 1e-15 {
			t.Errorf("%s, %s, step %d: %g, want %g", test.schedule, test.kind, test.step, got, test.want)
		}
	}
}

func TestRoundsHaveToFit(t *testing.T) {
	c := testConfig()
	c.Rounds = 41 // the market is open for 40 steps
	if _, err := NewPlan(c, game.MarketGame, planGraph(), 160, Given{}); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("41 rounds in 40 steps: %v", err)
	}
	c.Rounds = 40
	if _, err := NewPlan(c, game.MarketGame, planGraph(), 160, Given{}); err != nil {
		t.Errorf("40 rounds in 40 steps: %v", err)
	}
}

// TestBidSteps: refits take a hundredth of the steps, all together no more than the training, and no fewer
// than ten.
func TestBidSteps(t *testing.T) {
	for _, c := range []struct {
		gates, samples int
		cost           cost.Resource
		steps          int
	}{
		{2, 10_000, "", 62}, {12, 10_000, "", 17}, {12, 10_000, cost.MACs, 62}, {30, 10_000, cost.MACs, 41}, {12, 1000, cost.MACs, 10},
	} {
		config := testConfig()
		config.CertifySteps, config.Cost, config.Keep = 200, c.cost, cost.Limit(2*c.gates)
		widths := append(slices.Repeat([]int{8}, c.gates+1), 2)
		p, err := NewPlan(config, game.MarketGame, networktest.Perceptron(widths...).Graph, c.samples, Given{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.bidSteps(); got != c.steps {
			t.Errorf("%d gates, %d steps, cost %q: refits of %d steps, want %d", c.gates, p.Total, c.cost, got, c.steps)
		}
	}
}

// TestBidWork: bids and asks are work until the market has closed and they are taken.
func TestBidWork(t *testing.T) {
	c := testConfig()
	c.CertifySteps = 200
	p, err := NewPlan(c, game.MarketGame, planGraph(), 1000, Given{})
	if err != nil {
		t.Fatal(err)
	}
	left := &Training{Plan: p, Position: Start(p)}
	networks := float64(2*6*2 + 4 + 1 + 8*5) // of two gates, each a market
	steps := float64(p.bidSteps()) + 1000./float64(3*c.Batch)
	if got, want := left.BidWork(), networks*steps*p.StepWork(p.closes); math.Abs(got-want) > 1e-9*want || got == 0 {
		t.Errorf("bids and asks are %g of work, want %g", got, want)
	}
	if left.Step = p.closes + 1; left.BidWork() != 0 {
		t.Error("they are left after the market has closed")
	}
	left.Step, left.BidAsk = p.closes, &record.BidAsk{}
	if left.BidWork() != 0 {
		t.Error("they are left when they are taken")
	}
	if p.Config.CertifySteps = 0; (&Training{Plan: p}).BidWork() != 0 {
		t.Error("they are left where none are asked for")
	}
}

// TestWork checks that work adds up, and that the market makes a run cheaper.
func TestWork(t *testing.T) {
	market, err := NewPlan(testConfig(), game.MarketGame, planGraph(), 1000, Given{})
	if err != nil {
		t.Fatal(err)
	}
	dense, err := NewPlan(testConfig(), game.NoGame, planGraph(), 1000, Given{})
	if err != nil {
		t.Fatal(err)
	}
	macs := 20.*30 + 30*15 + 15*4
	if got, want := dense.Work(0, dense.Total), (macs+macs*fixedWork)*float64(dense.Total); got != want {
		t.Errorf("dense work %g, want %g", got, want)
	}
	if got, want := market.StepWork(market.Total-1), 20.*6+6*3+3*4+macs*fixedWork; got != want {
		t.Errorf("work of the last step %g, want %g", got, want)
	}
	last := market.RoundEnd(market.Config.Rounds)
	if all, end := market.RoundWork(0, market.Total), market.RoundWork(last-1, last); end != market.StepWork(last) || all <= 4*end || market.RoundWork(last, market.Total) != 0 || dense.RoundWork(0, dense.Total) != 0 {
		t.Errorf("four rounds are %g of work, and the last %g", all, end)
	}
	if m, d := market.Work(0, market.Total), dense.Work(0, dense.Total); m >= d/1.5 {
		t.Errorf("the market's work %g is not much below the dense %g", m, d)
	}
}
