package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
)

// scripted is an engine that trains nothing: it notes what it is asked for, and
// its players are worth their index.
type scripted struct {
	network *network.Network
	asked   []string
	loss    float64 // of a step
	worth   float64 // times the index
	fail    string  // the call that fails

	validation []float64 // losses of evaluations, in turn
	pushed     *backend.State
}

var errScripted = errors.New("scripted failure")

func (e *scripted) note(call string) error {
	e.asked = append(e.asked, call)
	if call == e.fail {
		return errScripted
	}
	return nil
}

func (e *scripted) Train(_ context.Context, s backend.Stretch) (backend.Progress, error) {
	call := "train"
	if s.Track {
		call = "track"
	}
	return backend.Progress{Steps: s.Steps(), Samples: len(s.Order), Loss: e.loss}, e.note(call)
}

func (e *scripted) statistics() []backend.Statistics {
	var all []backend.Statistics
	for _, participation := range e.network.Participations {
		var s backend.Statistics
		for i, p := range participation {
			s.Participation = append(s.Participation, float64(p))
			s.MeanSquare = append(s.MeanSquare, e.worth*float64(i+1))
		}
		all = append(all, s)
	}
	return all
}

func (e *scripted) Statistics() ([]backend.Statistics, error) {
	return e.statistics(), e.note("statistics")
}

func (e *scripted) Measure(context.Context) ([]backend.Statistics, error) {
	return e.statistics(), e.note("measure")
}

func (e *scripted) EstimateContributions(context.Context, []int32) error { return e.note("estimate") }

func (e *scripted) Move(prices []float64, damping float64) ([][]float64, error) {
	var moved [][]float64
	for gate, participation := range e.network.Participations {
		market := game.Market{Price: prices[gate]}
		var row []float64
		for i, s := range participation {
			worth := game.Worth(float64(s), e.worth*float64(i+1))
			participation[i] = float32(market.Respond(worth, float64(s), damping))
			row = append(row, float64(participation[i]))
		}
		moved = append(moved, row)
	}
	return moved, e.note("move")
}

func (e *scripted) Remove(cut *network.Cut) error {
	e.network = cut.Of(e.network)
	return e.note("cut")
}

func (e *scripted) Fold() error { e.network.Fold(); return e.note("fold") }

func (e *scripted) RestartOptimiser() error { return e.note("restart") }

func (e *scripted) Evaluate(context.Context, backend.Part, backend.Want) (backend.Evaluation, error) {
	var evaluation backend.Evaluation
	if len(e.validation) > 0 {
		evaluation.Loss, e.validation = e.validation[0], e.validation[1:]
	}
	return evaluation, e.note("evaluate")
}

func (e *scripted) Infer(int) error { return e.note("infer") }

func (e *scripted) Pull() (*backend.State, error) {
	return &backend.State{Network: e.network.Clone()}, e.note("pull")
}

func (e *scripted) Push(s *backend.State) error { e.pushed = s; return e.note("push") }

func (e *scripted) Probe([]int32, float64) ([]backend.Tensor, error) { return nil, e.note("probe") }

func (e *scripted) Timings() []backend.Timing { return nil }

func (e *scripted) Close() error { return nil }

// quiet is a journal that forgets.
type quiet struct{ rounds []record.RoundLine }

func (q *quiet) EpochEnded(*Training, record.EpochLine) error { return nil }

func (q *quiet) StretchEnded(*Training, int) error { return nil }

func (q *quiet) RoundEnded(_ *Training, line record.RoundLine) error {
	q.rounds = append(q.rounds, line)
	return nil
}

var _ backend.Engine = (*scripted)(nil)

func scriptedTraining(t testing.TB, e *scripted) (*Training, *quiet) {
	t.Helper()
	p, err := NewPlan(testConfig(), game.MarketGame, planGraph(), 160, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.network = networktest.Perceptron(planWidths...)
	if e.worth == 0 {
		e.worth = 1
	}
	q := new(quiet)
	d := &dataset.Dataset{Classes: p.Graph.Outputs()}
	return &Training{Name: "game", Plan: p, Engine: e, Data: d, Journal: q, Position: Start(p)}, q
}

// TestRoundsAreAskedForInOrder checks what an engine is asked for around each round of
// the market: nothing is removed before it is moved and copied, and the last round
// certifies before any player is forced out and then folds and restarts.
func TestRoundsAreAskedForInOrder(t *testing.T) {
	e := new(scripted)
	training, q := scriptedTraining(t, e)
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	asked := strings.Join(e.asked, " ")
	if n := strings.Count(asked, "statistics move"); n != training.Plan.Config.Rounds || len(q.rounds) != n {
		t.Errorf("%d rounds asked for, %d told of", n, len(q.rounds))
	}
	if !strings.Contains(asked, "statistics move measure cut fold restart train") {
		t.Errorf("the last round is not certified, removed, folded and restarted in this order: %s", asked)
	}
	for _, once := range []string{"measure", "fold", "restart"} {
		if n := strings.Count(asked, once); n != 1 {
			t.Errorf("%s is asked for %d times", once, n)
		}
	}
	last := q.rounds[len(q.rounds)-1]
	if !slices.Equal(last.Players, []int{6, 3}) || !slices.Equal(e.network.Widths(), []int{6, 3}) {
		t.Errorf("%v players stay, widths %v", last.Players, e.network.Widths())
	}
	if training.Certificate.Players == 0 || training.Certificate.Scale == 0 {
		t.Errorf("no certificate: %+v", training.Certificate)
	}
	// The players with the largest worths stay, which are the last ones.
	if live := training.Live(); live[0][5] != 29 || live[1][2] != 14 {
		t.Errorf("%v stay", live)
	}
}

// TestRoundsObserveThePlayers: where players are worth what they do to the outputs, a
// round observes them before it reads their statistics, on samples of its own, and no
// step keeps any; by other worths steps do, and no contributions are estimated.
func TestRoundsObserveThePlayers(t *testing.T) {
	for _, worth := range []game.Valuation{game.Outputs, game.Effective} {
		e := new(scripted)
		training, _ := scriptedTraining(t, e)
		training.Plan.Config.Worth = worth
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		asked := strings.Join(e.asked, " ")
		observed, tracked := strings.Count(asked, "estimate statistics move"), strings.Count(asked, "track")
		if rounds := training.Plan.Config.Rounds; worth == game.Outputs && (observed != rounds || tracked > 0) || worth == game.Effective && (observed > 0 || tracked < rounds) {
			t.Errorf("%s: %d rounds, %d observations, %d tracked stretches", worth, rounds, observed, tracked)
		}
	}
}

func TestObservedSamples(t *testing.T) {
	c := testConfig()
	for _, o := range []struct{ samples, batch, want int }{
		{160, 16, 160},     // no more than there are
		{1000, 1, 256},     // few are trained on between two rounds
		{16000, 16, 500},   // one of 32 of those, as many as an epoch has
		{400000, 16, 1024}, // more than enough
	} {
		c.Batch = o.batch
		p, err := NewPlan(c, game.MarketGame, planGraph(), o.samples, nil)
		if err != nil {
			t.Fatal(err)
		}
		first, again, next := p.observed(1), p.observed(1), p.observed(2)
		if len(first) != o.want || !slices.Equal(first, again) || slices.Equal(first, next) {
			t.Errorf("%d samples in batches of %d: %d observed, want %d; twice alike: %v; in the next round: %v",
				o.samples, o.batch, len(first), o.want, slices.Equal(first, again), slices.Equal(first, next))
		}
		slices.Sort(first)
		if len(slices.Compact(first)) != o.want {
			t.Errorf("%d samples: some are observed twice", o.samples)
		}
	}
}

func TestTrainingStopsAtTheFirstFailure(t *testing.T) {
	for _, call := range []string{"train", "track", "estimate", "statistics", "move", "measure", "cut", "fold", "restart"} {
		e := &scripted{fail: call}
		training, _ := scriptedTraining(t, e)
		if call == "track" {
			training.Plan.Config.Worth = game.Effective
		}
		if err := training.Run(context.Background()); !errors.Is(err, errScripted) || e.asked[len(e.asked)-1] != call {
			t.Errorf("%s fails: %v, last asked for %s", call, err, e.asked[len(e.asked)-1])
		}
	}
}

func TestTrainingSeesNumbersThatAreNotFinite(t *testing.T) {
	for name, e := range map[string]*scripted{
		"loss":  {loss: math.NaN()},
		"loss ": {loss: math.Inf(1)},
		"worth": {worth: math.NaN()},
	} {
		training, _ := scriptedTraining(t, e)
		var diverged *DivergedError
		if err := training.Run(context.Background()); !errors.As(err, &diverged) || !strings.Contains(fmt.Sprint(err), "--learning-rate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPatience scripts the losses on the validation part. The market closes with
// the fifth of ten epochs, so that is the first that counts; the state of the best
// one is what the training ends with.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name     string
		patience int
		after    []float64 // losses of the epochs from the fifth on
		ends     int       // epochs that are trained
		best     int
	}{
		{"no patience", 0, []float64{9, 1, 2, 3, 4, 5}, 10, 0},
		{"gets better", 2, []float64{9, 5, 4, 3, 2, 1}, 10, 10},
		{"gets worse", 2, []float64{9, 1, 2, 3, 4, 5}, 8, 6},
		{"equal is not better", 1, []float64{9, 1, 1, 0, 0, 0}, 7, 6},
		{"recovers in time", 3, []float64{9, 3, 4, 4, 2, 5}, 10, 9},
		{"best at the close", 2, []float64{1, 2, 3, 4, 5, 6}, 7, 5},
	} {
		e := &scripted{validation: append([]float64{0, 0, 0, 0}, c.after...)}
		training, _ := scriptedTraining(t, e)
		training.Plan.Config.Validation, training.Plan.Config.Patience = 0.1, c.patience
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if epochs := training.Step / training.Plan.PerEpoch; epochs != c.ends || training.Stopped != (c.ends < 10) {
			t.Errorf("%s: %d epochs, stopped %v; want %d", c.name, epochs, training.Stopped, c.ends)
		}
		switch {
		case c.best == 0:
			if training.Best != nil || e.pushed != nil {
				t.Errorf("%s: best %+v, pushed %v", c.name, training.Best, e.pushed)
			}
		case training.Best == nil || training.Best.Epoch != c.best || training.Best.ValidationLoss != c.after[c.best-5]:
			t.Errorf("%s: best %+v, want epoch %d", c.name, training.Best, c.best)
		case e.pushed == nil || e.pushed.Network != training.BestNetwork || e.asked[len(e.asked)-1] != "push":
			t.Errorf("%s: the training does not end with its best epoch", c.name)
		}
	}
}
