package session

import (
	"cmp"
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
	observed   []game.Interactions
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
	return backend.Progress{Steps: s.Steps(), Samples: len(s.Order), Loss: e.loss}, e.note("train")
}

func (e *scripted) Participations() ([][]float64, error) { return nil, e.note("participations") }

func (e *scripted) Measure(context.Context) ([]backend.Statistics, error) {
	return nil, e.note("measure")
}

// Observe has players of the worths of their places, from 1, each a rival of the next.
func (e *scripted) Observe(context.Context, []int32) (*backend.Observation, error) {
	e.observed = nil
	o := &backend.Observation{}
	for _, participation := range e.network.Participations {
		n := len(participation)
		h := make([]float64, n*n)
		for i := range n {
			h[i*n+i] = e.worth * float64(i+1)
			if i > 0 {
				rivalry := e.worth * 0.4 * float64(i+1)
				h[i*n+i-1], h[(i-1)*n+i] = rivalry, rivalry
			}
		}
		e.observed = append(e.observed, game.Interactions{h})
	}
	o.Interactions = slices.Clone(e.observed)
	for _, node := range e.network.Graph.Readers() {
		width := e.network.Graph.Nodes[e.network.Graph.Nodes[node].In[0]].Shape.Size()
		m := backend.InputMoments{Node: node, Mean: make([]float64, width), Square: make([]float64, width*width)}
		for i := range width { // independent inputs: no other takes over what one gave
			m.Square[i*width+i] = 1
		}
		o.Inputs = append(o.Inputs, m)
	}
	return o, e.note("observe")
}

// ObserveWeights has weights of falling squares.
func (e *scripted) ObserveWeights(context.Context, []int32) ([][]float32, error) {
	var squares [][]float32
	for _, p := range e.network.Masked() {
		row := make([]float32, e.network.Params[p].Size())
		for i := range row {
			row[i] = float32(e.worth) / float32(1+i)
		}
		squares = append(squares, row)
	}
	return squares, e.note("weigh")
}

func (e *scripted) Play(prices, from [][]float64, sweeps int) ([][]float64, error) {
	moved, err := game.PlayOn(e.observed, sweeps)(prices, from)
	return moved, cmp.Or(e.note("play"), err)
}

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

func (e *scripted) Push(s *backend.State) error {
	e.pushed, e.network = s, s.Network.Clone()
	return e.note("push")
}

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
	p, err := NewPlan(testConfig(), game.MarketGame, planGraph(), 1000, Given{})
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
// the market: players are observed and play, some rounds are played twice more for the
// check, and then the losers are removed; the last round restarts the optimiser.
func TestRoundsAreAskedForInOrder(t *testing.T) {
	e := new(scripted)
	training, q := scriptedTraining(t, e)
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var asked []string // without repetitions of plays
	for _, call := range e.asked {
		if call != "play" || asked[len(asked)-1] != "play" {
			asked = append(asked, call)
		}
	}
	const round = "observe play "
	if got := strings.Join(asked[slices.Index(asked, "observe"):], " "); !strings.HasPrefix(got, round+"pull push ") || !strings.Contains(got, round+round+round+"pull push train") || !strings.Contains(got, "train restart train") {
		t.Errorf("asked for %s", got)
	}
	// The demand is 25-12 of 30-15 after one of four rounds, 6-3 after three.
	if n := strings.Count(strings.Join(asked, " "), "pull push"); n != 3 || len(q.rounds) != 4 {
		t.Errorf("%d removals, %d rounds reported", n, len(q.rounds))
	}
	for call, want := range map[string]int{"restart": 1, "participations": 0, "measure": 0} {
		if n := strings.Count(strings.Join(asked, " "), call); n != want {
			t.Errorf("%s is asked for %d times", call, n)
		}
	}
	last := q.rounds[len(q.rounds)-1]
	if !slices.Equal(last.Players, []int{6, 3}) || !slices.Equal(e.network.Widths(), []int{6, 3}) {
		t.Errorf("%v players stay, widths %v", last.Players, e.network.Widths())
	}
	if len(training.Checks) != 1 || training.Certificate.Players == 0 || q.rounds[2].Check == nil || last.Prices[0] != 0 {
		t.Errorf("no certificate: %+v", training.Certificate)
	}
	// The players with the largest worths stay, which are the last ones.
	if live := training.Live(); live[0][5] != 29 || live[1][2] != 14 {
		t.Errorf("%v stay", live)
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
		p, err := NewPlan(c, game.MarketGame, planGraph(), o.samples, Given{})
		if err != nil {
			t.Fatal(err)
		}
		first, again, next := p.observed(1), p.observed(1), p.observed(2)
		if len(first) != o.want || !slices.Equal(first, again) || slices.Equal(first, next) {
			t.Errorf("%d samples in batches of %d: %d observed, want %d; twice alike: %v; in the next round: %v",
				o.samples, o.batch, len(first), o.want, slices.Equal(first, again), slices.Equal(first, next))
		}
		all := slices.Clone(first)
		if enough := 3*o.want <= o.samples; p.checks(4, 4) != enough {
			t.Errorf("%d samples, %d observed: checked %v", o.samples, o.want, !enough)
		} else if enough { // on samples of their own
			all = slices.Concat(all, p.checked(1, 0), p.checked(1, 1))
		}
		count := len(all)
		slices.Sort(all)
		if len(slices.Compact(all)) != count || count != o.want && count != 3*o.want {
			t.Errorf("%d samples: some are observed twice", o.samples)
		}
	}
}

func TestTrainingStopsAtTheFirstFailure(t *testing.T) {
	for _, call := range []string{"train", "observe", "play", "pull", "push", "restart"} {
		e := &scripted{fail: call}
		training, _ := scriptedTraining(t, e)
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
// the fifth of ten epochs, so the sixth is the first that counts; the state of the best
// one is what the training ends with.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		name     string
		patience int
		after    []float64 // losses of the epochs from the fifth on, which does not count
		ends     int       // epochs that are trained
		best     int
	}{
		{"no patience", 0, []float64{9, 1, 2, 3, 4, 5}, 10, 0},
		{"gets better", 2, []float64{9, 5, 4, 3, 2, 1}, 10, 10},
		{"gets worse", 2, []float64{9, 1, 2, 3, 4, 5}, 8, 6},
		{"equal is not better", 1, []float64{9, 1, 1, 0, 0, 0}, 7, 6},
		{"recovers in time", 3, []float64{9, 3, 4, 4, 2, 5}, 10, 9},
		{"best at the close", 2, []float64{1, 2, 3, 4, 5, 6}, 8, 6},
	} {
		e := &scripted{validation: append([]float64{0, 0, 0, 0}, c.after...)}
		training, _ := scriptedTraining(t, e)
		training.Plan.Config.Validation, training.Plan.Config.Patience = 0.1, c.patience
		training.Data.Validation.Labels = []uint8{0}
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if epochs := training.Step / training.Plan.PerEpoch; epochs != c.ends || training.Stopped != (c.ends < 10) {
			t.Errorf("%s: %d epochs, stopped %v; want %d", c.name, epochs, training.Stopped, c.ends)
		}
		switch {
		case c.best == 0:
			if training.Best != nil || e.pushed.First != nil {
				t.Errorf("%s: best %+v, pushed %v", c.name, training.Best, e.pushed)
			}
		case training.Best == nil || training.Best.Epoch != c.best || training.Best.ValidationLoss != c.after[c.best-5]:
			t.Errorf("%s: best %+v, want epoch %d", c.name, training.Best, c.best)
		case e.pushed == nil || e.pushed.Network != training.BestNetwork || e.asked[len(e.asked)-1] != "push":
			t.Errorf("%s: the training does not end with its best epoch", c.name)
		}
	}
}
