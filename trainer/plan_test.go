package trainer

import (
	"errors"
	"math"
	"testing"

	"nashprune/game"
)

func testConfig() Config {
	c := DefaultConfig()
	c.Epochs, c.Batch, c.Rounds, c.Keep = 10, 16, 4, 9
	return c
}

var planWidths = []int{20, 30, 15, 4}

// TestStretchesCoverEveryStepOnce walks plans from end to end: stretches follow
// on one another, stay within an epoch, a phase and a round, and bring every
// sample of every epoch exactly once.
func TestStretchesCoverEveryStepOnce(t *testing.T) {
	for _, samples := range []int{16, 17, 100, 1000, 1601} {
		for _, kind := range []GameKind{MarketGame, PaperGame, NoGame} {
			c := testConfig()
			c.WarmUp = 0.13 // so that the market opens within an epoch
			if samples%2 == 1 {
				c.Worth = game.Effective // so that some steps keep statistics
			}
			p, err := newPlan(c, kind, planWidths, samples)
			if err != nil {
				t.Fatal(err)
			}
			rounds, step := 0, 0
			seen := make([]int, samples)
			order := p.order(0)
			for step < p.total {
				end := p.next(step)
				if end <= step || end > p.total || end-step > longestStretch {
					t.Fatalf("%s, %d samples: a stretch from %d to %d", kind, samples, step, end)
				}
				for s := step; s < end; s++ {
					if s > step && (s%p.perEpoch == 0 || p.roundAt(s) > 0 || kind == MarketGame && s == p.opens) {
						t.Fatalf("%s, %d samples: the stretch from %d to %d runs past %d", kind, samples, step, end, s)
					}
					if p.tracking(s) != p.tracking(step) {
						t.Fatalf("%s, %d samples: tracking changes at %d within a stretch", kind, samples, s)
					}
					if p.open(s) != p.open(step) {
						t.Fatalf("%s, %d samples: the market opens or closes at %d within a stretch", kind, samples, s)
					}
				}
				stretch := p.stretch(order, step, end)
				if stretch.Steps() != end-step || (stretch.Paper != nil) != (kind == PaperGame) {
					t.Fatalf("%s, %d samples: stretch %+v from %d to %d", kind, samples, stretch, step, end)
				}
				if want := kind == MarketGame && p.opens <= step && step < p.closes; stretch.NoDecay != want {
					t.Fatalf("%s, %d samples: NoDecay is %v from step %d to %d", kind, samples, stretch.NoDecay, step, end)
				}
				for _, sample := range stretch.Order {
					seen[sample]++
				}
				if round := p.roundAt(end); round > 0 {
					rounds++
					if round != rounds || p.roundEnd(round) != end {
						t.Fatalf("%s, %d samples: round %d after step %d, %d rounds so far", kind, samples, round, end, rounds)
					}
				}
				step = end
			}
			want := 0
			if kind == MarketGame {
				want = p.config.Rounds
				if last := p.demands(rounds); last[0] != 6 || last[1] != 3 {
					t.Errorf("the last demand is %v", last)
				}
			}
			if rounds != want {
				t.Errorf("%s, %d samples: %d rounds, want %d", kind, samples, rounds, want)
			}
			for sample, n := range seen {
				if n != p.config.Epochs {
					t.Fatalf("%s, %d samples: sample %d comes %d times", kind, samples, sample, n)
				}
			}
		}
	}
}

func TestOrdersAreOfTheSeedAndTheEpoch(t *testing.T) {
	p, err := newPlan(testConfig(), NoGame, planWidths, 50)
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.config.Seed++
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
		schedule ScheduleKind
		kind     GameKind
		step     int
		want     float64
	}{
		{Constant, NoGame, 0, 0.5 * 1 / 20}, // 10 steps an epoch
		{Constant, NoGame, 9, 0.5 * 10 / 20},
		{Constant, NoGame, 20, 0.5},
		{Constant, NoGame, 99, 0.5},
		{Cosine, NoGame, 50, 0.5 * (0.01 + 0.99/2)},
		{Cosine, MarketGame, 49, 0.5}, // the market closes after step 50
		{Cosine, MarketGame, 50, 0.5},
		{Cosine, MarketGame, 75, 0.5 * (0.01 + 0.99/2)},
		{Cosine, MarketGame, 99, 0.5 * (0.01 + 0.99*(1+math.Cos(math.Pi*49/50))/2)},
		{Step, NoGame, 24, 0.5}, // 2.5 epochs a step
		{Step, NoGame, 25, 0.5 * 0.2},
		{Step, MarketGame, 99, 0.5 * 0.2 * 0.2 * 0.2},
	} {
		c.Schedule = test.schedule
		p, err := newPlan(c, test.kind, planWidths, 160)
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
	if _, err := newPlan(c, MarketGame, planWidths, 160); !errors.Is(err, ErrUsage) {
		t.Errorf("41 rounds in 40 steps: %v", err)
	}
	c.Rounds = 40
	if _, err := newPlan(c, MarketGame, planWidths, 160); err != nil {
		t.Errorf("40 rounds in 40 steps: %v", err)
	}
}

// TestWork checks that work adds up, and that the market makes a run cheaper.
func TestWork(t *testing.T) {
	market, err := newPlan(testConfig(), MarketGame, planWidths, 1000)
	if err != nil {
		t.Fatal(err)
	}
	dense, err := newPlan(testConfig(), NoGame, planWidths, 1000)
	if err != nil {
		t.Fatal(err)
	}
	macs := 20.*30 + 30*15 + 15*4
	if got, want := dense.work(0, dense.total), macs*float64(dense.total); got != want {
		t.Errorf("dense work %g, want %g", got, want)
	}
	if got, want := market.stepWork(market.total-1), 20.*6+6*3+3*4; got != want {
		t.Errorf("work of the last step %g, want %g", got, want)
	}
	if m, d := market.work(0, market.total), dense.work(0, dense.total); m >= d/1.5 {
		t.Errorf("the market's work %g is not much below the dense %g", m, d)
	}
}
