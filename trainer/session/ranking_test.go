package session

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// threeFour is a network of two inputs, two hidden layers of two and one output, whose
// norms are whole numbers.
func threeFour() *network.Network {
	n := networktest.Perceptron(2, 2, 2, 1)
	n.Parameters = [][]float32{
		{2, 3, -3, 0}, {-6, 4}, // norms 7 and 5
		{3, 0, 4, 2}, {4, -4}, // norms 5 and 6
		{-2, 10}, {9},
	}
	n.Participations = [][]float32{{0.5, 1}, {1, 0.25}}
	return n
}

// measuring is an engine whose players have known statistics.
type measuring struct {
	scripted
	statistics []backend.Statistics
}

func (e *measuring) Measure(context.Context) ([]backend.Statistics, error) {
	return e.statistics, e.note("measure")
}

// rankingTraining returns a training at whose rounds players are ranked.
func rankingTraining(t *testing.T, engine backend.Engine, g *network.Graph, change func(*settings.Config)) (*Training, *quiet) {
	t.Helper()
	c := testConfig()
	c.Game = game.RankingGame
	change(&c)
	p, err := NewPlan(c, game.RankingGame, g, 160, Given{})
	if err != nil {
		t.Fatal(err)
	}
	q := new(quiet)
	return &Training{Name: record.RankingTraining, Plan: p, Engine: engine, Data: &dataset.Dataset{Classes: g.Outputs()}, Journal: q, Position: Start(p)}, q
}

// TestCriteria holds the scores of every criterion to closed forms.
func TestCriteria(t *testing.T) {
	n := threeFour()
	// The layer above takes in layer 0 by the columns (3, 4 s) and (0, 2 s) with
	// s = 1 and 0.25 for its rows; layer 1 feeds the output by -2 and 10.
	measured := []backend.Statistics{
		{Participation: []float64{0.5, 1}, MeanContribution: []float64{-0.4, 0.1}, MeanSquare: []float64{0.36, 0.04}},
		{Participation: []float64{1, 0.25}, MeanContribution: []float64{0.3, -2}, MeanSquare: []float64{0.5, 8}},
	}
	for criterion, want := range map[game.Criterion][][]float64{
		game.Magnitude:     {{3.5, 5}, {5, 1.5}},
		game.PathMagnitude: {{3.5 * math.Sqrt(9+1), 5 * 0.5}, {5 * 2, 1.5 * 10}},
		game.Taylor:        {{0.2, 0.1}, {0.3, 0.5}},
		game.Fisher:        {{0.09, 0.04}, {0.5, 0.5}},
		game.OutputSquare:  {{0.09 * (1 + game.Ridge), 0.04 * (1 + game.Ridge)}, {0.5 * (1 + game.Ridge), 0.5 * (1 + game.Ridge)}},
		game.OBS:           {{25 * (1 + compensation.Ridge), 4 * (1 + compensation.Ridge)}, {4 * (1 + compensation.Ridge), 100 * (1 + compensation.Ridge)}},
		game.Participation: {{0.5, 1}, {1, 0.25}},
	} {
		e := &measuring{scripted: scripted{network: n}, statistics: measured}
		training, _ := rankingTraining(t, e, n.Graph, func(c *settings.Config) { c.Keep, c.Criterion = 4, criterion })
		observed := &backend.Observation{Interactions: []game.Interactions{{{0.09, 1, 1, 0.04}}, {{0.5, 1, 1, 0.5}}}}
		for _, node := range n.Graph.Readers() {
			observed.Inputs = append(observed.Inputs, backend.InputMoments{Node: node, Mean: []float64{0, 0}, Square: []float64{1, 0, 0, 1}})
		}
		got, err := training.scores(&backend.State{Network: n}, observed)
		if err != nil {
			t.Fatal(err)
		}
		for l := range want {
			for i, x := range want[l] {
				// A few float64 operations on numbers of float32.
				if math.Abs(got[l][i]-x) > 1e-14*math.Abs(x) {
					t.Errorf("%s of %d:%d is %v, want %v", criterion, l, i, got[l][i], x)
				}
			}
		}
		if asked := slices.Contains(e.asked, "measure"); asked != (criterion == game.Taylor || criterion == game.Fisher) {
			t.Errorf("%s: measured %v", criterion, asked)
		}
	}
}

// TestRandomScores: they follow from the seed, differ between layers, and a player's
// does not depend on who is still there.
func TestRandomScores(t *testing.T) {
	n := networktest.Perceptron(20, 300, 300, 4)
	draw := func(seed uint64, live []int) [][]float64 {
		training, _ := rankingTraining(t, &scripted{}, n.Graph, func(c *settings.Config) { c.Keep, c.Criterion, c.Seed = 9, game.Random, seed })
		if live != nil {
			training.Ledgers[0].Live = live
		}
		scores, err := training.scores(&backend.State{Network: n}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	all, some, other := draw(3, nil), draw(3, []int{7, 250}), draw(4, nil)
	if some[0][0] != all[0][7] || some[0][1] != all[0][250] || !slices.Equal(some[1], all[1]) {
		t.Error("scores depend on who is there")
	}
	if slices.Equal(all[0], all[1]) || slices.Equal(all[0], other[0]) {
		t.Error("layers or seeds have the same scores")
	}
	mean := 0.
	for _, x := range all[0] {
		mean += x / float64(len(all[0]))
	}
	// Four deviations of the mean of 300 uniform numbers.
	if math.Abs(mean-0.5) > 4*math.Sqrt(1./12/300) {
		t.Errorf("their mean is %g", mean)
	}
}

// TestRankingsAskInOrder: like the market's rounds, but no player moves and nothing is
// certified; the optimiser restarts after the last.
func TestRankingsAskInOrder(t *testing.T) {
	for _, shape := range []string{"", "4-5"} {
		e := &scripted{network: networktest.Perceptron(planWidths...)}
		for l, players := range e.network.Widths() { // row i has the norm i+1 in layer 0, and ten times that in layer 1
			bias := e.network.Parameters[2*l+1]
			for i := range players {
				bias[i] = float32(i+1) * float32(1+9*l)
			}
		}
		training, q := rankingTraining(t, e, planGraph(), func(c *settings.Config) {
			if c.Shape = shape; shape != "" {
				c.Keep = 0
			}
		})
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		asked := strings.Join(e.asked, " ")
		if n := strings.Count(asked, "pull pull push"); n != 3 && (n != 4 || shape != "") || len(q.rounds) != 4 {
			t.Errorf("%d rounds asked for, %d told of", n, len(q.rounds))
		}
		for _, never := range []string{"observe", "play", "measure"} {
			if strings.Contains(asked, never) {
				t.Errorf("%s is asked for: %s", never, asked)
			}
		}
		if !strings.Contains(asked, "restart train") || strings.Count(asked, "restart") != 1 {
			t.Errorf("the last round does not restart: %s", asked)
		}
		// All of the second layer are larger than most of the first, so 9 players at
		// free shape are 2 and 7; the best of a layer are its last.
		want := []int{2, 7}
		if shape != "" {
			want = []int{4, 5}
		}
		last := q.rounds[len(q.rounds)-1]
		if !slices.Equal(last.Players, want) || !slices.Equal(last.Demand, want) || training.Live()[0][0] != 30-want[0] || training.Live()[1][0] != 15-want[1] {
			t.Errorf("shape %q: %v stay: %v", shape, last.Players, training.Live())
		}
		// The cubic schedule in between: N = 45, K = 9, K + (N-K)(1-k/4)^3.
		for k, total := range []int{24, 14, 10, 9} {
			if got := network.Sum(q.rounds[k].Players); shape == "" && got != total {
				t.Errorf("round %d leaves %d, want %d", k+1, got, total)
			}
		}
	}
}

// TestRankingsWithinABudget: under a budget of parameters the best two of each layer stay,
// then the others in the order of score per parameter; a layer whose next does not fit is full.
func TestRankingsWithinABudget(t *testing.T) {
	for seed := range uint64(5) {
		n := networktest.Perceptron(planWidths...)
		training, q := rankingTraining(t, &scripted{network: n}, n.Graph, func(c *settings.Config) {
			c.Criterion, c.Seed, c.Rounds, c.Keep, c.MaxParameters, c.Cost = game.Random, seed, 1, 0, 400, cost.Parameters
		})
		scores, err := training.scores(&backend.State{Network: n}, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Of the first layer a player has 20 weights, a bias, and 15 weights that read it.
		costs := []float64{20 + 1 + 15, 30 + 1 + 4}
		parameters := func(first, second int) int { return 21*first + (first+1)*second + 4*(second+1) }
		var want [2]int
		type candidate struct {
			layer int
			value float64
		}
		var rest []candidate
		for l, row := range scores {
			slices.SortFunc(row, func(a, b float64) int { return cmp.Compare(b, a) })
			want[l] = game.LeastPerLayer
			for _, score := range row[game.LeastPerLayer:] {
				rest = append(rest, candidate{l, score / costs[l]})
			}
		}
		slices.SortFunc(rest, func(a, b candidate) int { return cmp.Compare(b.value, a.value) })
		var full [2]bool
		for _, next := range rest {
			want[next.layer]++
			if full[next.layer] || parameters(want[0], want[1]) > 400 {
				want[next.layer]--
				full[next.layer] = true
			}
		}
		if err := training.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := q.rounds[0].Players; !slices.Equal(got, want[:]) {
			t.Errorf("seed %d: %v stay, want %v", seed, got, want)
		}
	}
}

// TestRankingsStopAtTheFirstFailure as the market does.
func TestRankingsStopAtTheFirstFailure(t *testing.T) {
	for _, call := range []string{"train", "pull", "measure", "push", "restart"} {
		e := &measuring{scripted: scripted{network: networktest.Perceptron(planWidths...), fail: call}}
		for _, width := range planWidths[1 : len(planWidths)-1] {
			e.statistics = append(e.statistics, backend.Statistics{
				Participation: make([]float64, width), MeanContribution: make([]float64, width), MeanSquare: make([]float64, width),
			})
		}
		training, _ := rankingTraining(t, e, planGraph(), func(c *settings.Config) { c.Rounds, c.Criterion = 1, game.Fisher })
		if err := training.Run(context.Background()); err == nil || e.asked[len(e.asked)-1] != call {
			t.Errorf("%s fails: %v, last asked for %s", call, err, e.asked[len(e.asked)-1])
		}
	}
}

// TestBackwardElimination: a round removes exactly the players that are eliminated first, and
// their readers take over what they gave.
func TestBackwardElimination(t *testing.T) {
	e := &scripted{network: networktest.Random(planGraph())}
	for _, s := range e.network.Participations {
		for i := range s {
			s[i] = 1
		}
	}
	at := e.network.Clone()
	observation, err := e.Observe(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	training, q := rankingTraining(t, e, planGraph(), func(c *settings.Config) {
		c.Criterion, c.Compensate, c.Rounds = game.OBS, compensation.Full, 1
	})
	if err := training.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	stay := q.rounds[0].Players
	if network.Sum(stay) != 9 || !strings.Contains(strings.Join(e.asked, " "), "pull observe pull push restart") {
		t.Errorf("%v stay: %v", stay, e.asked)
	}
	for gate, live := range training.Live() {
		scores := compensation.Eliminate(at, gate, observation.Inputs)
		order := network.Indices(len(scores))
		slices.SortFunc(order, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
		if want := slices.Sorted(slices.Values(order[:stay[gate]])); !slices.Equal(live, want) {
			t.Errorf("of gate %d %v stay, want %v", gate, live, want)
		}
	}
}

// TestWhatCannotBeEliminated is refused before training.
func TestWhatCannotBeEliminated(t *testing.T) {
	c := testConfig()
	c.Criterion = game.OBS
	wide := networktest.PerceptronOf(network.ReLU, 20, backend.LargestMoments+1, 4)
	for kind, refused := range map[game.Kind]bool{game.RankingGame: true, game.MarketGame: false} {
		c.Game = kind
		_, err := NewPlan(c, kind, wide, 160, Given{})
		if errors.Is(err, backend.ErrUsage) != refused || refused && !strings.Contains(err.Error(), "--criterion obs") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestScoresThatAreNotFiniteAreSeen(t *testing.T) {
	n := threeFour()
	n.Parameters[1][0] = float32(math.NaN())
	training, _ := rankingTraining(t, &scripted{network: n}, n.Graph, func(c *settings.Config) { c.Keep, c.Criterion = 4, game.Magnitude })
	if _, err := training.scores(&backend.State{Network: n}, nil); err == nil {
		t.Error("a norm that is no number is ranked")
	}
	training.Plan.Config.Criterion = game.OBS
	moments := backend.InputMoments{Node: n.Graph.Readers()[0], Mean: []float64{0, math.Inf(1)}, Square: make([]float64, 4)}
	var diverged *DivergedError
	if _, err := training.scores(&backend.State{Network: n}, &backend.Observation{Inputs: []backend.InputMoments{moments}}); !errors.As(err, &diverged) {
		t.Errorf("moments that are not finite: %v", err)
	}
}

// TestThePaperIsPlayedUntilTheRanking: players of the paper's game move with every step
// until the last removal where participations are ranked, and never elsewhere.
func TestThePaperIsPlayedUntilTheRanking(t *testing.T) {
	for _, criterion := range game.Criteria {
		training, _ := rankingTraining(t, &scripted{}, planGraph(), func(c *settings.Config) { c.Criterion = criterion })
		p := training.Plan
		for step := 0; step < p.Total; step = p.next(step) {
			played := p.stretch(p.order(step/p.PerEpoch), step, p.next(step)).Paper != nil
			if want := criterion == game.Participation && step < p.closes; played != want {
				t.Errorf("%s: after step %d the paper's game is played: %v", criterion, step, played)
			}
		}
	}
}

// TestNormsBehindBatchNorms: what a batch norm undoes, rows that are scaled and biases, changes
// no score, and the group lasso shrinks none of it.
func TestNormsBehindBatchNorms(t *testing.T) {
	window := network.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Padding: [2]int{1, 1}}
	g := networktest.Build(networktest.Chain(
		networktest.Input(2, 5, 5),
		networktest.BiasedConv("a", 4, window), networktest.Norm("an"), networktest.Activate("ar", network.ReLU),
		networktest.Conv("b", 3, window, 1), networktest.Norm("bn"), networktest.Activate("br", network.ReLU),
		networktest.GlobalAverage("pool"), networktest.Flatten("flat"), networktest.Dense("out", 2),
	)...)
	n := networktest.Random(g)
	scaled := n.Clone()
	factors := []float32{0.25, 1, 4, 64} // powers of two round nothing
	for p, param := range g.Params {
		v := scaled.Parameters[p]
		for i := range v {
			factor := factors[i/(len(v)/param.Shape[0])%len(factors)]
			switch param.Name {
			case "a.weight", "b.weight", "an.running_mean", "bn.running_mean":
				v[i] *= factor
			case "a.bias":
				v[i] += factor
			case "an.running_var", "bn.running_var":
				v[i] *= factor * factor
			}
		}
	}
	score := func(n *network.Network, criterion game.Criterion) [][]float64 {
		training, _ := rankingTraining(t, &scripted{}, g, func(c *settings.Config) { c.Keep, c.Criterion = 6, criterion })
		scores, err := training.scores(&backend.State{Network: n}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return scores
	}
	for _, criterion := range []game.Criterion{game.Magnitude, game.PathMagnitude} {
		want, got := score(n, criterion), score(scaled, criterion)
		for gate := range want {
			for i, x := range want[gate] {
				// Epsilon, 1e-5, is not scaled with variances, of 1/16 of some tenths at least.
				if math.Abs(got[gate][i]-x) > 0.02*x {
					t.Errorf("%s of %d:%d is %v with scaled rows, %v before", criterion, gate, i, got[gate][i], x)
				}
			}
		}
	}
	shrunk := n.Clone()
	shrinkGroups(shrunk, 0.01)
	for p, param := range g.Params {
		same := slices.Equal(shrunk.Parameters[p], n.Parameters[p])
		if shrinks := strings.HasPrefix(param.Name, "an.") || strings.HasPrefix(param.Name, "bn."); same == (shrinks && !param.Statistic) {
			t.Errorf("%s: unchanged by the group lasso: %v", param.Name, same)
		}
	}
}
