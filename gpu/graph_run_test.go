//go:build cgo && (linux || windows || darwin || freebsd)

package gpu_test

import (
	"math"
	"path/filepath"
	"testing"

	"nashprune/gpu"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

const (
	digits      = "digits:train=1000,test=400,difficulty=0.5"
	testDigits  = 400
	digitPixels = 784
	digitCount  = 10
)

// digitGraphs returns networks with a residual sum, a concat, and gates on the inputs of a
// perceptron, which have players of every kind, and one of images.
func digitGraphs() map[string]*network.Graph {
	input, dense, activate := networktest.Input(digitPixels), networktest.Dense, networktest.Activate
	return map[string]*network.Graph{
		"residual": networktest.Build(input, dense("stem", 24), activate("a", network.ReLU),
			dense("inner", 12), activate("b", network.GELU), dense("outer", 24),
			networktest.Add("sum", 2, 5), activate("c", network.ReLU), dense("head", digitCount)),
		"concat": networktest.Build(input, dense("x", 16, 0), activate("a", network.ReLU),
			dense("y", 12, 0), activate("b", network.Tanh),
			networktest.Concat("both", 2, 4), dense("head", digitCount)),
		"inputs": networktest.Build(input, dense("0", 24), activate("1", network.ReLU), dense("2", digitCount)),
		"images": digitImages(),
	}
}

// digitImages returns a network of a convolution, a batch norm and a pool, whose filters are
// players.
func digitImages() *network.Graph {
	g, err := network.NewGraph(networktest.Chain(networktest.Input(1, 28, 28),
		networktest.Conv("conv", 16, network.Square(5, 2, 2), 1), networktest.Norm("norm"), networktest.Activate("a", network.ReLU),
		networktest.Max("pool", network.Square(2, 2, 0)), networktest.Flatten("flat"), networktest.Dense("head", digitCount)), network.DefaultPlayers)
	if err != nil {
		panic(err) // a mistake here
	}
	return g
}

// TestGraphRuns trains graphs under the validation layer, plays the market, and removes and
// folds players: the gated and the compacted network agree, and the file of the second is
// as accurate on the CPU but for one sample, which rounding may decide.
func TestGraphRuns(t *testing.T) {
	for name, g := range digitGraphs() {
		if testing.Short() && name != "residual" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := settings.Default()
			c.Data, c.Device = digits, gpu.DriverName
			keep := g.Players() / 5
			c.Batch, c.Epochs, c.Rounds, c.Keep, c.Sparsity = 40, 5, 8, cost.Limit(keep), 0
			dir := filepath.Join(t.TempDir(), "run")
			result, err := trainer.Run(t.Context(), c, trainer.Options{Dir: dir, Graph: g})
			if err != nil {
				t.Fatal(err)
			}
			pruned := result.Pruned
			if pruned.Players != g.Players() || pruned.Kept != keep {
				t.Errorf("%d of %d players are kept, want %d of %d", pruned.Kept, pruned.Players, keep, g.Players())
			}
			if !(result.Gated.BoundUsed <= 1) {
				t.Errorf("removal used %g of its rounding bound", result.Gated.BoundUsed)
			}
			if *pruned.Accuracy < 40 { // chance is 10 %
				t.Errorf("the pruned network is right in %g %%", *pruned.Accuracy)
			}
			again, err := trainer.Eval(t.Context(), filepath.Join(dir, record.PrunedFile), trainer.EvalOptions{Device: "gonum"})
			if err != nil {
				t.Fatal(err)
			}
			const oneSample = 100. / testDigits // %
			if difference := *again.Network.Accuracy - *pruned.Accuracy; !(math.Abs(difference) < 1.5*oneSample) {
				t.Errorf("on the CPU the pruned file is right in %g %%, on Vulkan in %g %%", *again.Network.Accuracy, *pruned.Accuracy)
			}
		})
	}
}

// TestSharedPlayersContributeASum: what a player of a residual stream contributes is the
// sum over both layers that write to it, added before it is squared.
func TestSharedPlayersContributeASum(t *testing.T) {
	const players = 24
	data, err := dataset.Open(digits, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(digitGraphs()["residual"])
	if err := n.Initialise(network.He, 1); err != nil {
		t.Fatal(err)
	}
	draw := random.New(1, random.Testing, 0, 0)
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(0.5 + 0.5*draw.Float64())
		}
	}
	stream := 0
	for n.Graph.Gates[stream].Name != "stem" {
		stream++
	}
	points := n.Graph.Gates[stream].Points
	device, err := backend.FindDevice(gpu.DriverName)
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
	rows := data.Train.Len()
	inputs := make([]float64, rows*digitPixels)
	for i := range inputs {
		inputs[i] = data.Input(i, data.Train.At(i))
	}
	pass := n.Values().Forward(inputs, rows)
	var derivatives []float64
	for b := range rows {
		sum, z := 0., pass.Output(b)
		for _, x := range z {
			sum += math.Exp(x)
		}
		for k, x := range z {
			d := math.Exp(x) / sum
			if k == int(data.Train.Labels[b]) {
				d--
			}
			derivatives = append(derivatives, d)
		}
	}
	gradients, _ := pass.Backward(derivatives, nil)
	if len(points) != 2 {
		t.Fatalf("the stream has %d gate points, want 2", len(points))
	}
	for i := range players {
		var mean, square, first, apart float64
		for b := range rows {
			at := b*players + i
			one := gradients.After[points[0]][at] * pass.Before[points[0]][at]
			two := gradients.After[points[1]][at] * pass.Before[points[1]][at]
			mean += (one + two) / float64(rows)
			square += (one + two) * (one + two) / float64(rows)
			first += one / float64(rows)
			apart += (one*one + two*two) / float64(rows)
		}
		near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-4*(1e-3+math.Abs(want)) } // float32, a thousand samples
		if !near(measured[stream].MeanContribution[i], mean) || !near(measured[stream].MeanSquare[i], square) {
			t.Errorf("player %d contributes %g with a square of %g, both points together %g and %g",
				i, measured[stream].MeanContribution[i], measured[stream].MeanSquare[i], mean, square)
		}
		if square > 1e-6 && (near(first, mean) || near(apart, square)) {
			t.Errorf("player %d: one point alone, or squares added up, give the same: the test shows nothing", i)
		}
	}
}
