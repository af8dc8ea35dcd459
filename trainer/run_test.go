package trainer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	cpufallback "nashprune/cpu_fallback"
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

// smallConfig is a run of a second: every phase is there, digits are the real
// ones, though fewer and easier.
func smallConfig() settings.Config {
	c := settings.Default()
	c.Data, c.Batch = "digits:train=6000,test=1000,difficulty=0.5", 40
	c.Model, c.Epochs, c.Rounds, c.Keep, c.Device = "mlp:40-20", 3, 12, 15, cpufallback.DriverName
	return c
}

// tinyConfig is a run of milliseconds, on a folder of IDX files with images of
// six by six pixels: each class lights its own pixels, under noise.
func tinyConfig(t *testing.T) settings.Config {
	t.Helper()
	const side, classes = 6, 4
	dir := t.TempDir()
	draw := random.New(1, random.Testing, 0, 0)
	write := func(name string, header []byte, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), append(header, content...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, samples := range map[string]int{"train": 1000, "t10k": 300} {
		var pixels, labels []byte
		for i := range samples {
			for pixel := range side * side {
				value := draw.Below(150)
				if pixel%classes == i%classes {
					value += 60
				}
				pixels = append(pixels, byte(value))
			}
			labels = append(labels, byte(i%classes))
		}
		size := []byte{0, 0, byte(samples >> 8), byte(samples)}
		write(prefix+"-images-idx3-ubyte", append([]byte{0, 0, 8, 3}, append(size, 0, 0, 0, side, 0, 0, 0, side)...), pixels)
		write(prefix+"-labels-idx1-ubyte", append([]byte{0, 0, 8, 1}, size...), labels)
	}
	c := smallConfig()
	c.Data, c.Model, c.Batch, c.Epochs, c.Keep = dir, "mlp:20-10", 16, 4, 9
	return c
}

func mustRun(t *testing.T, c settings.Config) (*record.Result, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	result, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir, Command: "test", Version: "0"})
	if err != nil {
		t.Fatal(err)
	}
	return result, dir
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// artefacts are the files of a run in which nothing depends on the time.
var artefacts = []string{record.ConfigFile, record.DenseFile, record.PrunedFile, record.PlayersFile, record.CertificateFile, record.WeightsFile}

// artefactsIn returns those that a run has written.
func artefactsIn(dir string) []string {
	return slices.DeleteFunc(slices.Clone(artefacts), func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestMarketRun(t *testing.T) {
	c := smallConfig()
	c.Baseline = true
	result, dir := mustRun(t, c)

	pruned, dense := result.Pruned, result.Dense
	if !slices.Equal(pruned.Shape, []int{784, 10, 5, 10}) || pruned.Kept != 15 || pruned.Players != 60 || pruned.Sparsity != 75 {
		t.Errorf("pruned %+v", pruned)
	}
	if !slices.Equal(dense.Shape, []int{784, 40, 20, 10}) || dense.Source != record.FromBaseline {
		t.Errorf("dense %+v", dense)
	}
	if want := 785*10 + 11*5 + 6*10; pruned.Parameters != want || pruned.Bytes != 4*want || pruned.MACs != 7840+50+50 {
		t.Errorf("%d parameters, %d bytes, %d MACs; want %d parameters", pruned.Parameters, pruned.Bytes, pruned.MACs, want)
	}
	// Far from chance: a run of three epochs reaches 85 to 95 %.
	if *dense.Accuracy < 85 || *pruned.Accuracy < 75 || *dense.Accuracy > 100 {
		t.Errorf("accuracies %g dense, %g pruned", *dense.Accuracy, *pruned.Accuracy)
	}
	if *result.Gated.Accuracy != *pruned.Accuracy && result.Gated.MaxLogitDifference == 0 {
		t.Errorf("gated %+v, pruned %g", result.Gated, *pruned.Accuracy)
	}
	if result.Gated.BoundUsed > 1 {
		t.Errorf("gated %+v", result.Gated)
	}
	e := result.Equilibrium
	if e.Kept != 15 || e.Dead+e.Dominated+e.PricedOut != 45 || e.Forced != 0 || e.Model == "" || e.BelowThreshold != 0 || e.RelativeGap < 0 || e.MaxGap > 1 {
		t.Errorf("equilibrium %+v", e)
	}
	if dense.LatencyUS <= 0 || pruned.LatencyUS <= 0 || dense.LatencyBatch != 128 {
		t.Errorf("latencies %g and %g us for %d", dense.LatencyUS, pruned.LatencyUS, dense.LatencyBatch)
	}
	if s := result.Seconds; s.Total < s.Train+s.Baseline || s.Train < s.Game+s.Tail || s.Game <= 0 || s.Tail <= 0 {
		t.Errorf("seconds %+v", s)
	}

	var saved record.Result
	if err := json.Unmarshal(read(t, dir, record.ResultFile), &saved); err != nil || saved.Pruned.Kept != 15 {
		t.Errorf("result.json: %+v, %v", saved, err)
	}
	players, err := record.ReadPlayers(bytes.NewReader(read(t, dir, record.PlayersFile)))
	if err != nil || len(players) != 60 {
		t.Fatalf("%d players, %v", len(players), err)
	}
	kept := map[int]int{}
	for _, p := range players {
		switch {
		case p.Reason == game.Kept:
			kept[p.Layer]++
		case p.Epoch < 1 || p.Epoch > 2: // the market closes in the second epoch
			t.Errorf("player %+v left outside the market", p)
		case p.Participation > 0 || p.Worth > p.Price && p.Ceiling > 0:
			t.Errorf("player %+v left with that participation", p)
		}
	}
	if kept[0] != 10 || kept[1] != 5 {
		t.Errorf("kept by layer: %v", kept)
	}
	if _, err := os.Stat(filepath.Join(dir, record.CheckpointFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a finished run still has its checkpoint: %v", err)
	}

	// The saved networks give the same accuracy to the last digit.
	for file, want := range map[string]float64{record.PrunedFile: *pruned.Accuracy, record.DenseFile: *dense.Accuracy} {
		got, err := trainer.Eval(context.Background(), filepath.Join(dir, file), trainer.EvalOptions{Device: cpufallback.DriverName})
		if err != nil || *got.Network.Accuracy != want {
			t.Errorf("%s: %v, %v; the run says %v", file, got, err, want)
		}
	}
}

// TestSameSeedSameBits runs the same configuration with other numbers of
// processors and compares every file.
func TestSameSeedSameBits(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	// Wide enough that gonum and the loops cut their work into pieces.
	c := tinyConfig(t)
	c.Model, c.Batch, c.Baseline = "mlp:200-100", 128, true
	_, first := mustRun(t, c)
	for _, processors := range []int{1, 5} {
		old := runtime.GOMAXPROCS(processors)
		_, again := mustRun(t, c)
		runtime.GOMAXPROCS(old)
		for _, name := range artefactsIn(first) {
			if !bytes.Equal(read(t, first, name), read(t, again, name)) {
				t.Errorf("%s differs with %d processors", name, processors)
			}
		}
	}
	c.Seed++
	_, other := mustRun(t, c)
	if bytes.Equal(read(t, first, record.PrunedFile), read(t, other, record.PrunedFile)) {
		t.Error("another seed gives the same network")
	}
}

// TestInterruptedRunsGoOn stops runs at many points and goes on with each until
// it is finished: every file is then the same to the bit as without stopping.
func TestInterruptedRunsGoOn(t *testing.T) {
	for name, change := range map[string]func(*settings.Config){
		"market":     func(c *settings.Config) { c.Baseline = true },
		"effective":  func(c *settings.Config) { c.Worth = game.Effective }, // statistics are under way when it stops
		"parameters": func(c *settings.Config) { c.Keep, c.MaxParameters = 0, -18 },
		"accuracy drop": func(c *settings.Config) {
			c.Keep, c.MaxAccuracyDrop, c.Validation, c.Baseline = 0, 3, 0.2, true
		},
		"latency": func(c *settings.Config) {
			c.Cost, c.LatencyModel = cost.Latency, latencyModel(t, "0.1,0.1,0", "3,1")
		},
		"ranking within a latency": func(c *settings.Config) {
			c.Game, c.Criterion, c.Keep = game.RankingGame, game.Fisher, 0
			c.MaxLatencyUS, c.LatencyModel = 40, latencyModel(t, "0.01,0.1,0", "3,1")
		},
		"paper": func(c *settings.Config) { c.Game, c.Keep, c.Gamma, c.Beta = game.PaperGame, 0, 0.5, 0.001 },
		"sgd":   func(c *settings.Config) { c.Optimiser, c.Momentum, c.LearningRate = backend.SGD, 0.9, 0.05 },
		"adam": func(c *settings.Config) {
			c.Game, c.Keep, c.Beta, c.Update, c.BenefitGradient = game.PaperGame, 0, 0.1, backend.AdamAscent, game.OfEffective
		},
		"ranking": func(c *settings.Config) {
			c.Game, c.Criterion = game.RankingGame, game.Taylor
		},
		"weights": func(c *settings.Config) { // also those of the best epoch
			c.Players, c.Keep, c.WeightWorth, c.Validation, c.Patience, c.Epochs = "weights", 200, game.RootMetric, 0.2, 1, 6
		},
		"paper weights": func(c *settings.Config) {
			c.Players, c.Game, c.Keep, c.Benefit, c.BenefitGradient = "weights", game.PaperGame, 0, game.Descent, game.OfEffective
			c.Update, c.Gamma, c.Beta, c.Eta, c.ParticipationRate, c.Joint, c.Baseline = backend.AdamAscent, 1e-3, 1e-3, 1e-5, 0.02, true, true
		},
		"obs": func(c *settings.Config) {
			c.Game, c.Criterion, c.Compensate = game.RankingGame, game.OBS, compensation.Full
		},
		"group lasso": func(c *settings.Config) {
			c.Game, c.Rounds, c.GroupLasso = game.RankingGame, 1, 0.01
		},
		"gates": func(c *settings.Config) {
			c.Game, c.Criterion, c.Rounds, c.Benefit, c.Update = game.RankingGame, game.Participation, 1, game.Descent, backend.AdamAscent
			c.Gamma = 0.01
		},
		"drawn gates": func(c *settings.Config) {
			c.Game, c.Criterion, c.Rounds, c.Benefit, c.BenefitGradient = game.RankingGame, game.Participation, 1, game.Descent, game.OfEffective
			c.Update, c.ParticipationRate, c.Gamma, c.MultiplierRate = backend.HardConcrete, 1, 1e-3, 0.1
		},
		"patience": func(c *settings.Config) {
			c.Epochs, c.Validation, c.Patience, c.Baseline = 9, 0.2, 1, true
			c.Optimiser, c.WeightDecay, c.ClipNorm, c.Activation, c.LabelSmoothing = backend.AdamW, 0.1, 1, network.GELU, 0.1
		},
	} {
		if testing.Short() && !slices.Contains([]string{"market", "patience", "weights", "paper weights"}, name) {
			continue
		}
		c := tinyConfig(t)
		change(&c)
		whole, want := mustRun(t, c)

		dir := filepath.Join(t.TempDir(), "run")
		stops := 0
		for sitting := 0; ; sitting++ {
			// Each sitting lasts a little longer than the one before, so that
			// stops fall into every phase, also while networks are evaluated, which
			// begins anew each time.
			ctx := newCountdown(5 + 3*sitting + sitting*sitting/3)
			options := trainer.Options{Dir: dir, Command: "test", Version: "0"}
			var result *record.Result
			var err error
			if sitting == 0 {
				result, err = trainer.Run(ctx, c, options)
			} else {
				// As a killed process would leave them: lines that the
				// checkpoint does not know.
				metrics := filepath.Join(dir, record.MetricsFile)
				if err := os.WriteFile(metrics, append(read(t, dir, record.MetricsFile), "{\"epoch\":99}\n{\"ha"...), 0o600); err != nil {
					t.Fatal(err)
				}
				result, err = trainer.Resume(ctx, options)
			}
			if err == nil {
				if is, want := result.Market, whole.Market; want != nil && (is.Target != want.Target || is.Reached != want.Reached) {
					t.Errorf("%s: %+v, and of an uninterrupted run %+v", name, is, want)
				}
				break
			}
			if !errors.Is(err, backend.ErrInterrupted) {
				t.Fatalf("%s, sitting %d: %v", name, sitting, err)
			}
			stops++
		}
		if stops < 8 {
			t.Errorf("%s: stopped only %d times, want 8", name, stops)
		}
		for _, file := range artefactsIn(want) {
			if !bytes.Equal(read(t, dir, file), read(t, want, file)) {
				t.Errorf("%s: %s is not what an uninterrupted run gives", name, file)
			}
		}
		if a, b := bytes.Count(read(t, dir, record.MetricsFile), []byte("\n")), bytes.Count(read(t, want, record.MetricsFile), []byte("\n")); a != b {
			t.Errorf("%s: %d lines of metrics instead of %d", name, a, b)
		}
	}
}

// countdown is a ctx that ends once it has been asked a number of times.
type countdown struct {
	context.Context
	left atomic.Int64
}

func newCountdown(left int) *countdown {
	c := &countdown{Context: context.Background()}
	c.left.Store(int64(left))
	return c
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestPaperRun prices every player out of the paper's game: with a benefit of
// about nothing and a linear cost, s falls by rate*gamma a step, so all are below
// the threshold at the end, zero dominates, and nothing but biases is left.
func TestPaperRun(t *testing.T) {
	c := tinyConfig(t)
	c.Model, c.Keep, c.Batch = "mlp:40-20", 0, 2 // 500 steps
	c.Game, c.Epochs, c.Alpha, c.Gamma, c.ParticipationRate = game.PaperGame, 1, 0, 1, 0.02
	result, dir := mustRun(t, c)
	if result.Pruned.Kept != 0 || !slices.Equal(result.Pruned.Shape, []int{36, 0, 0, 4}) || result.Equilibrium.Dominated != 60 {
		t.Errorf("%+v, %+v", result.Pruned, result.Equilibrium)
	}
	if *result.Pruned.Accuracy != 25 { // the test set is balanced, and the logits are the same for all
		t.Errorf("a network of biases is right in %g %%", *result.Pruned.Accuracy)
	}
	if g := result.Gated; g.Masked == nil || *g.Masked.Accuracy != 25 {
		t.Errorf("with all participations at zero the network is right in %+v %%", g.Masked)
	}
	if s := result.Seconds; s.Game != s.Train || s.Tail != 0 {
		t.Errorf("the paper's game lasts from end to end, and the times are %+v", s)
	}
	if result.Equilibrium.MaxGap != 0 {
		t.Errorf("with all participations at zero and zero dominant, a player gains %g", result.Equilibrium.MaxGap)
	}
	if n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile)); err != nil || n.Players() != 0 {
		t.Errorf("%v, %v", n, err)
	}
	// Without any cost and with an absolute benefit all stay at one.
	c.Alpha, c.Gamma, c.Benefit = 1, 0, game.Absolute
	if result, _ = mustRun(t, c); result.Pruned.Kept != 60 || result.Equilibrium.Kept != 60 {
		t.Errorf("%+v", result.Pruned)
	}
}

// TestDigitsAreAQuestion holds the drawn digits to what they promise: a softmax
// regression stays under 93 %, a dense 512-256 network gets over 97 %.
func TestDigitsAreAQuestion(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	data, err := dataset.Open("digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := networktest.Perceptron(784, 10)
	device, err := backend.FindDevice(cpufallback.DriverName)
	if err != nil {
		t.Fatal(err)
	}
	const epochs, batch = 5, 128
	e, err := device.Open(data, backend.EngineOptions{Batch: batch, Optimiser: backend.Optimiser{Kind: backend.Adam}}, &backend.State{Network: n})
	if err != nil {
		t.Fatal(err)
	}
	var stretch backend.Stretch
	for i := range epochs * data.Train.Len() {
		stretch.Order = append(stretch.Order, int32(i%data.Train.Len()))
	}
	for i := range (len(stretch.Order) + batch - 1) / batch {
		stretch.LearningRates = append(stretch.LearningRates, 2e-3/(1+float64(i)/300))
	}
	if _, err := e.Train(context.Background(), stretch); err != nil {
		t.Fatal(err)
	}
	evaluation, err := e.Evaluate(context.Background(), backend.TestPart, backend.Want{})
	if err != nil {
		t.Fatal(err)
	}
	if a := evaluation.Accuracy(); a >= 93 || a < 80 {
		t.Errorf("softmax regression: %g %%, want under 93 and far over chance", a)
	}

	c := settings.Default()
	c.Game, c.Epochs, c.Device = game.NoGame, 3, cpufallback.DriverName
	result, _ := mustRun(t, c)
	if *result.Dense.Accuracy <= 97 || result.Dense.Source != record.FromRun || result.Pruned != nil {
		t.Errorf("dense: %g %%, want over 97; %+v", *result.Dense.Accuracy, result)
	}
}

func TestValidationIsHeldOutAndEvaluatedOn(t *testing.T) {
	c := tinyConfig(t)
	c.Epochs, c.Validation, c.EvaluateOn = 2, 0.1, backend.ValidationPart
	result, dir := mustRun(t, c)
	if d := result.Data; d.Train != 900 || d.Validation != 100 || d.Test != 300 || d.EvaluatedOn != backend.ValidationPart {
		t.Errorf("%+v", d)
	}
	// The last line about an epoch was measured on the same network.
	var last record.EpochLine
	for _, line := range bytes.Split(bytes.TrimSpace(read(t, dir, record.MetricsFile)), []byte("\n")) {
		var l record.EpochLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.Step > 0 {
			last = l
		}
	}
	if last.ValidationAccuracy == nil || *last.ValidationAccuracy != *result.Pruned.Accuracy || math.IsNaN(last.Loss) {
		t.Errorf("%+v, evaluated %g", last, *result.Pruned.Accuracy)
	}
}

// TestPatienceKeepsTheBestEpoch lets trainings that overfit stop early, and expects
// the networks to be those of the epochs that were best on the validation part.
func TestPatienceKeepsTheBestEpoch(t *testing.T) {
	c := tinyConfig(t)
	c.Epochs, c.Validation, c.EvaluateOn, c.Patience, c.Baseline = 30, 0.5, backend.ValidationPart, 2, true
	c.Optimiser, c.LearningRate = backend.Adam, 0.02 // without decay it overfits
	result, dir := mustRun(t, c)
	losses := map[string][]float64{}
	for _, line := range bytes.Split(bytes.TrimSpace(read(t, dir, record.MetricsFile)), []byte("\n")) {
		var l record.EpochLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.Step > 0 && l.ValidationLoss != nil {
			losses[l.Training] = append(losses[l.Training], *l.ValidationLoss)
		}
	}
	for name, evaluated := range map[string]record.NetworkResult{record.GameTraining: result.Pruned.NetworkResult, record.DenseTraining: result.Dense} {
		all, best := losses[name], evaluated.Best
		if best == nil || best.Epoch+c.Patience != len(all) || len(all) == c.Epochs {
			t.Fatalf("%s: best %+v of %d epochs", name, best, len(all))
		}
		if all[best.Epoch-1] != best.ValidationLoss || *evaluated.Loss != best.ValidationLoss {
			t.Errorf("%s: epoch %d had the loss %g, and %g is what the network was evaluated at", name, best.Epoch, all[best.Epoch-1], *evaluated.Loss)
		}
	}
}

func TestFindDevice(t *testing.T) {
	for words, driver := range map[string]string{
		"auto": cpufallback.DriverName, "": cpufallback.DriverName, "cpu": cpufallback.DriverName, "cpu:0": cpufallback.DriverName,
		"CROOKED": "crooked", "rook": "crooked", // a part of the name is enough; a software GPU only by name
	} {
		if d, err := backend.FindDevice(words); err != nil || d.Driver != driver {
			t.Errorf("%q is %+v, %v; want %s", words, d, err, driver)
		}
	}
	for _, words := range []string{"cpu:9", "vulkan", "geforce"} {
		if d, err := backend.FindDevice(words); !errors.Is(err, backend.ErrNoDevice) {
			t.Errorf("%q is %+v, %v", words, d, err)
		}
	}
	if _, err := (backend.Device{Driver: "nobody"}).Open(nil, backend.EngineOptions{}, nil); !errors.Is(err, backend.ErrNoDevice) {
		t.Errorf("%v", err)
	}
}
