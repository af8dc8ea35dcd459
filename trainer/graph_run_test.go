package trainer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/compensation"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// graphRun is a network that is no plain perceptron.
type graphRun struct {
	nodes   []network.Node
	players []network.PlayerKind
	keep    int
}

// graphRuns has a residual sum, whose stream has one player at two gate points, a concat,
// and gates on the inputs: on each pixel, and on each row of the image.
func graphRuns(features, classes int) map[string]graphRun {
	input, dense, relu := networktest.Input(features), networktest.Dense, network.ReLU
	side := int(math.Sqrt(float64(features)))
	return map[string]graphRun{
		"residual": {networktest.Chain(input,
			dense("stem", 24), networktest.Activate("a", relu), dense("inner", 12), networktest.Activate("b", network.GELU),
			dense("outer", 24), networktest.Add("sum", 2, 5), networktest.Activate("c", relu), dense("head", classes)),
			network.DefaultPlayers, 15},
		"concat": {networktest.Chain(input,
			dense("x", 16, 0), networktest.Activate("a", relu, 1), dense("y", 12, 0), networktest.Activate("b", network.Tanh, 3),
			networktest.Concat("both", 2, 4), dense("head", classes)),
			network.DefaultPlayers, 12},
		"inputs": {networktest.Chain(input, dense("0", 24), networktest.Activate("1", relu), dense("2", classes)),
			network.PlayerKinds, (features + 24) / 5},
		"image": {networktest.Chain(networktest.Input(side, side), networktest.Flatten("flat"), dense("0", 24), networktest.Activate("1", relu), dense("2", classes)),
			[]network.PlayerKind{network.Neurons, network.Inputs}, (side + 24) / 2},
		"features": {networktest.Chain(networktest.Input(side, side), networktest.Flatten("flat"), dense("0", 24), networktest.Activate("1", relu), dense("2", classes)),
			network.PlayerKinds, (side + features + 24) / 3},
		"branches": {networktest.Chain(slices.Concat([]network.Node{input, dense("stem", 8), networktest.Activate("act", relu)},
			block(0), block(1), block(2), block(3), []network.Node{dense("head", classes)})...),
			[]network.PlayerKind{network.Branches}, 0},
	}
}

// block is a residual block of 1,028 parameters after 3+4k nodes.
func block(k int) []network.Node {
	name, from := fmt.Sprint("block", k), 2+4*k
	return []network.Node{
		networktest.Dense(name+".in", 60, from), networktest.Activate(name+".act", network.ReLU), networktest.Dense(name+".out", 8), networktest.Add(name+".add", from, from+3),
	}
}

func (g graphRun) graph(t *testing.T) *network.Graph {
	t.Helper()
	graph, err := network.NewGraph(g.nodes, g.players)
	if err != nil {
		t.Fatal(err)
	}
	return graph
}

// graphConfig is a run of half a second.
func graphConfig(keep int) settings.Config {
	c := settings.Default()
	c.Data, c.Device = "digits:train=2000,test=500,difficulty=0.5", "gonum"
	c.Batch, c.Epochs, c.Rounds, c.Keep, c.Sparsity = 40, 3, 8, cost.Limit(keep), 0
	return c
}

// graphGames are the ways to remove players that a graph is run with.
var graphGames = map[string]func(*settings.Config){
	"market":     func(*settings.Config) {},
	"parameters": func(c *settings.Config) { c.Keep, c.MaxParameters = 0, 8000 },
	"paper": func(c *settings.Config) {
		c.Game, c.Keep, c.Benefit, c.BenefitGradient = game.PaperGame, 0, game.Descent, game.OfEffective
		c.Alpha, c.Beta, c.Gamma, c.ParticipationRate = 30, 0.001, 0.1, 0.2
	},
	"magnitude":      func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.Magnitude },
	"path-magnitude": func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.PathMagnitude },
	"fisher":         func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.Fisher },
	"obs": func(c *settings.Config) {
		c.Game, c.Criterion, c.Compensate = game.RankingGame, game.OBS, compensation.Full
	},
}

// playedOn lists the games that each graph is run with: all of them on the first, and two
// or three on each other. Short tests play the first of each.
var playedOn = map[string][]string{
	"residual": {"market", "parameters", "paper", "magnitude", "path-magnitude", "fisher", "obs"},
	"concat":   {"paper", "market", "obs"},
	"inputs":   {"fisher", "market"},
	"image":    {"market", "parameters"},
	"features": {"market"},
	"branches": {"parameters"}, // at most one of four
}

// gamesOn returns the games of a graph in this run of the tests.
func gamesOn(graph string) []string {
	if testing.Short() {
		return playedOn[graph][:1]
	}
	return playedOn[graph]
}

// TestGraphRuns trains graphs of every operator, plays the games on them, and removes and
// folds what loses: the gated and the compacted network agree, and the file of the second
// reads back with the same accuracy.
func TestGraphRuns(t *testing.T) {
	for name, run := range graphRuns(784, 10) {
		for _, played := range gamesOn(name) {
			t.Run(name+", "+played, func(t *testing.T) {
				c := graphConfig(run.keep)
				graphGames[played](&c)
				graphRunHolds(t, run.graph(t), c)
			})
		}
	}
}

func graphRunHolds(t *testing.T, g *network.Graph, c settings.Config) {
	dir := filepath.Join(t.TempDir(), "run")
	result, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir, Graph: g})
	if err != nil {
		t.Fatal(err)
	}
	pruned := result.Pruned
	follow := slices.ContainsFunc(g.Gates, func(gate network.Gate) bool { return gate.Kind == network.Features }) // channels that are removed
	if pruned.Players != g.Players() || c.Keep > 0 && (pruned.Kept > int(c.Keep) || pruned.Kept < int(c.Keep) && !follow) || pruned.Kept == pruned.Players || pruned.Kept == 0 {
		t.Fatalf("%d of %d players are kept, asked for %v", pruned.Kept, pruned.Players, c.Keep)
	}
	if c.MaxParameters > 0 && (pruned.Parameters > int(c.MaxParameters) || pruned.Parameters < int(c.MaxParameters)/2) {
		t.Errorf("%d parameters are left of at most %v", pruned.Parameters, c.MaxParameters)
	}
	if !(result.Gated.BoundUsed <= 1) {
		t.Errorf("removal used %g of its rounding bound", result.Gated.BoundUsed)
	}
	if *pruned.Accuracy < 40 { // chance is 10 %
		t.Errorf("the pruned network is right in %g %%", *pruned.Accuracy)
	}

	players, err := record.ReadPlayers(bytes.NewReader(read(t, dir, record.PlayersFile)))
	if err != nil || len(players) != g.Players() {
		t.Fatalf("%d players in the table, want %d (%v)", len(players), g.Players(), err)
	}
	live := make(network.Survivors, len(g.Gates))
	for gate := range live {
		live[gate] = []int{}
	}
	for _, p := range players {
		if p.Reason == game.Kept {
			live[p.Layer] = append(live[p.Layer], p.Index)
		}
	}
	cut, err := g.Cut(live)
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
	if err != nil {
		t.Fatal(err)
	}
	left, err := cut.Of(network.New(g)).WithoutBranches()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(n.Widths(), left.Widths()) || n.ParameterCount() != cut.Graph.ParameterCount() || pruned.Parameters != n.ParameterCount() || pruned.MACs != n.MACs() {
		t.Errorf("the file has gates of %v players and %d parameters, the table of players leaves %v and %d, the result says %d",
			n.Widths(), n.ParameterCount(), left.Widths(), cut.Graph.ParameterCount(), pruned.Parameters)
	}
	if got, want := n.Graph.Input().Features(), cut.Graph.Input().Features(); !slices.Equal(got, want) {
		t.Errorf("the file reads the features %v, the table of players leaves %v", got, want)
	}
	for p, param := range n.Graph.Params {
		if want := left.Graph.Params[p]; param.Name != want.Name || !slices.Equal(param.Shape, want.Shape) {
			t.Errorf("the file has %s of shape %v, want %s of %v", param.Name, param.Shape, want.Name, want.Shape)
		}
	}

	again, err := trainer.Eval(t.Context(), filepath.Join(dir, record.PrunedFile), trainer.EvalOptions{Device: c.Device})
	if err != nil {
		t.Fatal(err)
	}
	if *again.Network.Accuracy != *pruned.Accuracy || *again.Network.Loss != *pruned.Loss || again.Network.Parameters != pruned.Parameters {
		t.Errorf("the file is right in %g %% with a loss of %g, the result says %g %% and %g", *again.Network.Accuracy, *again.Network.Loss, *pruned.Accuracy, *pruned.Loss)
	}
}

// TestInterruptedGraphRunsGoOn: a run of each graph that is interrupted and resumed gives
// the same bits as one that is not.
func TestInterruptedGraphRunsGoOn(t *testing.T) {
	for name, run := range graphRuns(36, 4) {
		for _, played := range gamesOn(name) {
			if name != "branches" && !slices.Contains([]string{"market", "paper", "fisher"}, played) {
				continue
			}
			t.Run(name+", "+played, func(t *testing.T) {
				c := tinyConfig(t)
				c.Device, c.Keep = "gonum", cost.Limit(run.keep)
				graphGames[played](&c)
				if name == "branches" {
					c.MaxParameters = 2600 // two of four
				}
				options := func() trainer.Options {
					return trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Command: "test", Version: "0", Graph: run.graph(t)}
				}
				whole, stopped := options(), options()
				if _, err := trainer.Run(t.Context(), c, whole); err != nil {
					t.Fatal(err)
				}
				// In the warm-up, between two rounds and after the last.
				_, err := trainer.Run(newCountdown(30), c, stopped)
				stops := 0
				for ; errors.Is(err, backend.ErrInterrupted); stops++ {
					var ctx context.Context = t.Context()
					if stops < 4 {
						ctx = newCountdown(45)
					}
					_, err = trainer.Resume(ctx, stopped)
				}
				if err != nil || stops < 3 {
					t.Fatalf("stopped %d times, then %v", stops, err)
				}
				for _, file := range artefactsIn(whole.Dir) {
					if !bytes.Equal(read(t, stopped.Dir, file), read(t, whole.Dir, file)) {
						t.Errorf("%s is not what an uninterrupted run gives", file)
					}
				}
			})
		}
	}
}

// TestSharedPlayersContributeASum: a stream that two layers write to has one player a
// channel. What a player contributes is the sum over both gate points: added before it
// is squared, and the derivative of the loss with respect to its one participation.
func TestSharedPlayersContributeASum(t *testing.T) {
	c := tinyConfig(t)
	data, err := dataset.Open(c.Data, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(graphRuns(36, data.Outputs())["residual"].graph(t))
	if err := n.Initialise(network.He, 1); err != nil {
		t.Fatal(err)
	}
	draw := random.New(1, random.Testing, 0, 0)
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(0.5 + 0.5*draw.Float64())
		}
	}
	stream := n.Gates[0]
	if stream.Name != "stem" || stream.Kind != network.Channels || stream.Players != 24 || len(stream.Points) != 2 || len(n.Participations[0]) != 24 {
		t.Fatalf("the stream's gate is %+v", stream)
	}
	device, err := backend.FindDevice("gonum")
	if err != nil {
		t.Fatal(err)
	}
	e, err := device.Open(data, backend.EngineOptions{Batch: 16, Optimiser: backend.Optimiser{Kind: backend.SGD}}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	measured, err := e.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	// The same in float64, point by point.
	samples := data.Train
	rows := samples.Len()
	inputs := make([]float64, rows*samples.Features)
	for i := range inputs {
		inputs[i] = data.Input(i, samples.At(i))
	}
	pass := n.Values().Forward(inputs, rows)
	outputs := make([]float64, 0, rows*n.Outputs())
	for b := range rows {
		sum, z := 0., pass.Output(b)
		for _, x := range z {
			sum += math.Exp(x)
		}
		for k, x := range z {
			d := math.Exp(x) / sum
			if k == int(samples.Labels[b]) {
				d--
			}
			outputs = append(outputs, d)
		}
	}
	gradients, _ := pass.Backward(outputs, nil)
	for i := range stream.Players {
		mean, square, apart := 0., 0., 0.
		for b := range rows {
			sum := 0.
			for _, point := range stream.Points {
				at := b*stream.Players + i
				one := gradients.After[point][at] * pass.Before[point][at]
				sum += one
				apart += one * one / float64(rows)
			}
			mean += sum / float64(rows)
			square += sum * sum / float64(rows)
		}
		near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-4*(1e-3+math.Abs(want)) } // float32, a thousand samples
		if got := measured[0]; !near(got.MeanContribution[i], mean) || !near(got.MeanSquare[i], square) {
			t.Errorf("player %d contributes %g with a square of %g, the points together %g and %g", i, got.MeanContribution[i], got.MeanSquare[i], mean, square)
		}
		if square > 1e-6 && near(apart, square) {
			t.Errorf("player %d: squares of points add up to that of their sum, %g: the test shows nothing", i, square)
		}
	}

	const h = 0.01
	loss := func(player int, change float32) float64 {
		moved := n.Clone()
		moved.Participations[0][player] += change
		if err := e.Push(&backend.State{Network: moved}); err != nil {
			t.Fatal(err)
		}
		evaluation, err := e.Evaluate(t.Context(), backend.TrainPart, backend.Want{})
		if err != nil {
			t.Fatal(err)
		}
		return evaluation.Loss
	}
	for i := range stream.Players {
		// Logits of float32 are off by 1e-6, and rectifiers have kinks.
		slope := (loss(i, h) - loss(i, -h)) / (2 * h)
		if got := measured[0].MeanContribution[i]; math.Abs(got-slope) > 1e-3*(1+math.Abs(slope)) {
			t.Errorf("player %d contributes %g, the loss has the slope %g", i, got, slope)
		}
	}
}

// TestGraphsWithoutPlayers: the paper's game may remove all players of a graph. What is
// left gives the same outputs for every sample, and its file reads back.
func TestGraphsWithoutPlayers(t *testing.T) {
	for name, run := range graphRuns(36, 4) {
		if name == "branches" { // without which there still is a network
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := tinyConfig(t)
			c.Keep, c.Batch, c.Epochs = 0, 2, 1 // 500 steps
			c.Game, c.Alpha, c.Gamma, c.ParticipationRate = game.PaperGame, 0, 1, 0.02
			dir := filepath.Join(t.TempDir(), "run")
			result, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir, Graph: run.graph(t)})
			if err != nil {
				t.Fatal(err)
			}
			if result.Pruned.Kept != 0 || *result.Pruned.Accuracy != 25 || result.Gated.BoundUsed > 1 {
				t.Errorf("%+v, %+v", result.Pruned, result.Gated)
			}
			again, err := trainer.Eval(t.Context(), filepath.Join(dir, record.PrunedFile), trainer.EvalOptions{Device: "gonum", Data: c.Data})
			if err != nil {
				t.Fatal(err)
			}
			if *again.Network.Loss != *result.Pruned.Loss || again.Network.Parameters != result.Pruned.Parameters {
				t.Errorf("the file has a loss of %g and %d parameters, the result %g and %d", *again.Network.Loss, again.Network.Parameters, *result.Pruned.Loss, result.Pruned.Parameters)
			}
		})
	}
}

// TestGraphsWithoutAGameAreRefused: a network without players plays no game, and is
// refused before a folder is made. It trains with --game off.
func TestGraphsWithoutAGameAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		nodes  []network.Node
		change func(*settings.Config)
		word   string
	}{
		{"market", networktest.Chain(networktest.Input(36), networktest.Dense("0", 4)), func(c *settings.Config) { c.Keep, c.MaxParameters = 0, 8000 }, "0 players"},
		{"paper", networktest.Chain(networktest.Input(36), networktest.Dense("0", 4)), func(c *settings.Config) { c.Game, c.Keep = game.PaperGame, 0 }, "0 players"},
		{"off", networktest.Chain(networktest.Input(36), networktest.Dense("0", 4)), func(c *settings.Config) { c.Game, c.Epochs = game.NoGame, 1 }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			g, err := network.NewGraph(test.nodes, network.DefaultPlayers)
			if err != nil {
				t.Fatal(err)
			}
			c := tinyConfig(t)
			test.change(&c)
			dir := filepath.Join(t.TempDir(), "run")
			_, err = trainer.Run(t.Context(), c, trainer.Options{Dir: dir, Graph: g})
			if test.word == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), test.word) {
				t.Errorf("it says %v, want %q", err, test.word)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder was made: %v", err)
			}
		})
	}
}

// TestTargetsAreOfTheGraph: sparsity and the number of players kept are of the graph, and
// not of the model that the configuration names, which is smaller.
func TestTargetsAreOfTheGraph(t *testing.T) {
	g := graphRuns(36, 4)["inputs"].graph(t) // 60 players
	c := tinyConfig(t)
	c.Device, c.Keep, c.Sparsity = "gonum", 0, 0.5
	options := trainer.Options{Graph: g}
	plan, err := trainer.PlanRun(c, options)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Keep != g.Players()/2 {
		t.Errorf("half of %d players are %d", g.Players(), plan.Keep)
	}
	c.Keep = 50
	options.Dir = stopped(t, c, options)
	result, err := trainer.Resume(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if result.Pruned.Kept != int(c.Keep) {
		t.Errorf("%d players are kept, asked for %v", result.Pruned.Kept, c.Keep)
	}
}
