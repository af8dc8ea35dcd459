package trainer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/filelock"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// weightsConfig is a run of milliseconds whose players are the 960 weights of mlp:20-10 for 36
// inputs and 4 classes.
func weightsConfig(t *testing.T) settings.Config {
	c := tinyConfig(t)
	c.Players, c.Keep = "weights", 200
	return c
}

// books reads what a run says of each weight.
func books(t *testing.T, dir string, w *record.Weights) []*game.Separable {
	t.Helper()
	var names []record.TensorName
	for _, tensor := range w.Tensors {
		names = append(names, tensor.TensorName)
	}
	of, err := record.ReadWeights(bytes.NewReader(read(t, dir, record.WeightsFile)), names)
	if err != nil || len(of) != len(names) {
		t.Fatalf("%d books of %d tensors: %v", len(of), len(names), err)
	}
	return of
}

// TestWeightsRun: markets by every metric and rankings keep as many weights as they are asked
// for, in one market and in one a tensor, and the file of the network has no others.
func TestWeightsRun(t *testing.T) {
	for name, change := range map[string]func(*settings.Config){
		"adam":      func(*settings.Config) {},
		"root":      func(c *settings.Config) { c.WeightWorth = game.RootMetric },
		"fisher":    func(c *settings.Config) { c.WeightWorth, c.Worth = game.FisherMetric, game.Effective },
		"tensors":   func(c *settings.Config) { c.Keep, c.Shape = 0, "150-40-10" },
		"magnitude": func(c *settings.Config) { c.Game = game.RankingGame },
		"random":    func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.Random },
		"outputs":   func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.OutputSquare },
	} {
		c := weightsConfig(t)
		change(&c)
		result, dir := mustRun(t, c)
		p, w := result.Pruned, result.Weights
		if p.Kept != 200 || p.Players != 960 || w == nil || len(w.Tensors) != 3 || result.Equilibrium != nil || result.Gated.BoundUsed > 1 {
			t.Fatalf("%s: %+v, %+v", name, p, w)
		}
		if left := p.MACs - p.ZeroWeights; left < 1 || left > 200 || result.Dense.ZeroWeights != 0 { // each weight is one MAC
			t.Errorf("%s: %d of %d weights are said to be zero", name, p.ZeroWeights, p.MACs)
		}
		kept := 0
		for i, of := range books(t, dir, w) {
			kept += of.Players()
			if tensor := w.Tensors[i]; of.Players() != tensor.Kept || c.Shape != "" && tensor.Kept != []int{150, 40, 10}[i] {
				t.Errorf("%s: %d weights of %+v", name, of.Players(), tensor)
			}
			for at, round := range of.Rounds {
				if price := of.Price(at); round > 0 && float64(of.Worths[at]) > price {
					t.Errorf("%s: weight %d was removed in round %d with %g above the price %g", name, at, round, of.Worths[at], price)
				}
			}
		}
		n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
		if err != nil {
			t.Fatal(err)
		}
		if nonzero, _ := n.NonZero(); kept != 200 || nonzero > kept || nonzero < kept/2 || nonzero != w.Left {
			t.Errorf("%s: the file has %d weights of %d", name, nonzero, kept)
		}
		if name != "random" && *p.Accuracy < 50 {
			t.Errorf("%s: %v %%", name, *p.Accuracy)
		}
	}
}

// TestPatternRun: every group of four neighbouring inputs keeps two, in the order that it has
// in the file, so no input is removed.
func TestPatternRun(t *testing.T) {
	for _, kind := range []game.Kind{game.MarketGame, game.RankingGame} {
		c := weightsConfig(t)
		c.Game, c.Keep, c.Pattern = kind, 0, "2:4"
		result, dir := mustRun(t, c)
		again, err := trainer.Resume(context.Background(), trainer.Options{Dir: stopped(t, c, trainer.Options{}), Version: "0"})
		if err != nil || !reflect.DeepEqual(again.Market, result.Market) || again.Market != nil && again.Market.Limit != float64(result.Pruned.Kept) {
			t.Errorf("%s: after a stop the market is %+v, else %+v: %v", kind, again.Market, result.Market, err)
		}
		if p := result.Pruned; p.Kept != 20*18+10*10+4*6 || p.Parameters != 960+34 || result.Weights.Pattern != "2:4" {
			t.Errorf("%s: %+v", kind, p)
		}
		n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
		if err != nil {
			t.Fatal(err)
		}
		groups := 0
		for i, p := range n.Masked() {
			of := books(t, dir, result.Weights)[i]
			n.Params[p].Groups(4, func(group []int) {
				groups++
				live := 0
				for _, at := range group {
					if of.Live(at) {
						live++
					} else if n.Parameters[p][at] != 0 {
						t.Errorf("a removed weight is %g", n.Parameters[p][at])
					}
				}
				if live != min(2, len(group)) {
					t.Errorf("%s: %d weights of a group of %d", kind, live, len(group))
				}
			})
		}
		if groups != 20*9+10*5+4*3 {
			t.Errorf("%d groups", groups)
		}
	}
}

// TestPaperWeightsRun: in all readings of the paper's game the files and the result agree on
// who stays, and what is removed is what removal by the threshold leaves.
func TestPaperWeightsRun(t *testing.T) {
	updates := []backend.PaperUpdate{backend.GradientAscent, backend.AdamAscent, backend.BestResponse}
	removed := 0
	for i, benefit := range game.Benefits {
		for j, update := range updates {
			c := weightsConfig(t)
			c.Game, c.Keep, c.Benefit, c.BenefitGradient, c.Update = game.PaperGame, 0, benefit, game.BenefitGradients[(i+j)%2], update
			c.Beta, c.Gamma, c.Eta, c.ParticipationRate, c.Joint = 1e-3, 1e-3, 1e-5, 0.02, (i+j)%2 == 0
			result, dir := mustRun(t, c)
			p, w := result.Pruned, result.Weights
			if p.Players != 960 || w == nil || w.Paper == nil || w.Paper.Players != 960 || result.Gated.BoundUsed > 1 {
				t.Fatalf("%s, %s: %+v, %+v", benefit, update, p, w)
			}
			var names []record.TensorName
			for _, tensor := range w.Tensors {
				names = append(names, tensor.TensorName)
			}
			ends, err := record.ReadPaperWeights(bytes.NewReader(read(t, dir, record.WeightsFile)), names)
			if err != nil {
				t.Fatal(err)
			}
			kept := 0
			for k, end := range ends {
				kept += end.Kept()
				if end.Kept() != w.Tensors[k].Kept {
					t.Errorf("%s, %s: %d weights of %+v", benefit, update, end.Kept(), w.Tensors[k])
				}
				for at, s := range end.Participations {
					if !(s >= 0 && s <= 1) || (float64(s) >= c.Threshold) != (end.Reasons[at] == game.Kept) {
						t.Errorf("%s, %s: weight %d has s = %v, %s", benefit, update, at, s, end.Reasons[at])
					}
				}
			}
			n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile))
			if err != nil {
				t.Fatal(err)
			}
			if nonzero, _ := n.NonZero(); kept != p.Kept || nonzero > kept || kept > 100 && nonzero < kept/4 {
				t.Errorf("%s, %s: the file has %d weights of %d", benefit, update, nonzero, kept)
			}
			removed += 960 - kept
		}
	}
	if removed < 960 {
		t.Errorf("%d weights were removed in all runs: the test shows nothing", removed)
	}
}

// TestPaperWeightsClosedForm: without a benefit and costs of size s = 1 - rate gamma t. What
// stays is multiplied with it, and below the threshold nothing but biases is left.
func TestPaperWeightsClosedForm(t *testing.T) {
	c := weightsConfig(t)
	c.Game, c.Keep, c.Batch, c.Epochs, c.Alpha = game.PaperGame, 0, 2, 1, 0 // 500 steps
	c.Gamma, c.ParticipationRate = 1, 1./1024
	result, _ := mustRun(t, c)
	for _, tensor := range result.Weights.Tensors {
		for _, s := range tensor.Participations {
			if s != 1-500./1024 { // exact in float32
				t.Errorf("%s has s = %v", tensor.Name, s)
			}
		}
	}
	if p := result.Pruned; p.Kept != 960 || *p.Accuracy < 50 || *result.Gated.Accuracy != *p.Accuracy {
		t.Errorf("%+v of %+v", p, result.Gated)
	}
	c.ParticipationRate = 1. / 256
	result, _ = mustRun(t, c)
	if w, p := result.Weights, result.Pruned; p.Kept != 0 || w.Tensors[0].Dominated != 720 || w.Paper.RelativeGap != 0 || !w.Paper.Claimed {
		t.Errorf("%+v, %+v", p, w)
	}
	if *result.Pruned.Accuracy != 25 { // the test set is balanced, and the logits are the same for all
		t.Errorf("%v %% without weights", *result.Pruned.Accuracy)
	}
}

// TestBaselineOfWeights: the dense network has all weights as players in every line.
func TestBaselineOfWeights(t *testing.T) {
	c := weightsConfig(t)
	c.Baseline = true
	_, dir := mustRun(t, c)
	dense := 0
	for _, line := range metricsWithoutTimes(t, dir) {
		if line["training"] == record.DenseTraining {
			dense++
			if got := fmt.Sprint(line["players"]); got != "[720 200 40]" {
				t.Errorf("players %s", got)
			}
		}
	}
	if dense != c.Epochs {
		t.Errorf("%d lines of the dense network", dense)
	}
}

// TestPlannedWeights: a plan counts single weights, and those that stay.
func TestPlannedWeights(t *testing.T) {
	c := weightsConfig(t)
	for _, keep := range []int{200, 20*18 + 10*10 + 4*6} {
		d, err := trainer.PlanRun(c, trainer.Options{})
		if err != nil || d.Players != 960 || d.Keep != keep {
			t.Errorf("%+v, %v", d, err)
		}
		c.Keep, c.Pattern = 0, "2:4"
	}
}

// TestWhatWeightsDoNotPlay: one error says what to do.
func TestWhatWeightsDoNotPlay(t *testing.T) {
	for words, change := range map[string]func(*settings.Config){
		"weights takes --max-bytes":   func(c *settings.Config) { c.Players = "neurons,weights" },
		"--max-bytes is 5000; it":     func(c *settings.Config) { c.Players, c.Keep, c.MaxBytes = "neurons", 0, 5000 },
		"it must be 2 or more":        func(c *settings.Config) { c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,weights", 0, 5000, 1 },
		"--max-bytes and --keep both": func(c *settings.Config) { c.MaxBytes = 5000 },
		"--criterion is obs":          func(c *settings.Config) { c.Game, c.Criterion = game.RankingGame, game.OBS },
		"leave out --cost":            func(c *settings.Config) { c.Keep, c.MaxParameters = 0, 500 },
		"--worth is lottery":          func(c *settings.Config) { c.Worth = game.Lottery },
		"--compensate is mean":        func(c *settings.Config) { c.Compensate = "mean" },
		"leave out --keep":            func(c *settings.Config) { c.Pattern = "2:4" },
		"--optimiser sgd has none":    func(c *settings.Config) { c.Optimiser = backend.SGD },
		"and --epochs is 0":           func(c *settings.Config) { c.Source, c.Epochs = "model.safetensors", 0 },
		"for --players weights":       func(c *settings.Config) { c.Players, c.Keep, c.Pattern = "", 0, "2:4" },
		"N from 1 to M-1":             func(c *settings.Config) { c.Keep, c.Pattern = 0, "4:4" },
		"--keep: cannot keep 961":     func(c *settings.Config) { c.Keep = 961 },
		"players that each of the 3 ": func(c *settings.Config) { c.Keep, c.Shape = 0, "3-4" },
	} {
		c := weightsConfig(t)
		change(&c)
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: filepath.Join(t.TempDir(), "run")})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// TestWeightsOfATrainedNetwork: zeros of a file are removed first, and need no training.
func TestWeightsOfATrainedNetwork(t *testing.T) {
	c := weightsConfig(t)
	_, dir := mustRun(t, c)
	c.Source, c.Model, c.Epochs, c.Rounds = filepath.Join(dir, record.PrunedFile), "", 0, 3
	c.Keep, c.WeightWorth = 100, game.RootMetric
	result, _ := mustRun(t, c)
	if p := result.Pruned; p.Kept != 100 {
		t.Errorf("%+v", p)
	}
	if n := network.Sum([]int{result.Weights.Tensors[0].Dead, result.Weights.Tensors[1].Dead}); n == 0 {
		t.Error("no zero was dead")
	}

	// Zeros do not stay zero in training, which the run says.
	c.Epochs = 1
	var notes []string
	o := trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Observe: func(e trainer.Event) {
		if e.Lasting {
			notes = append(notes, e.Message)
		}
	}}
	if _, err := trainer.Run(context.Background(), c, o); err != nil || !strings.Contains(strings.Join(notes, "\n"), "weights are zero; training changes them like the others, and --keep and --sparsity count them") {
		t.Errorf("%q, %v", notes, err)
	}
}

// TestBudgetOfBytes: the file that is written keeps its budget, and uses it: it has room for no
// further weight of eight bytes, but for those that training and dead units took: one weight more may
// bring back others that are dead without it.
func TestBudgetOfBytes(t *testing.T) {
	for _, budget := range []int{1300, 1400, 1600, 2200, 3000, 4000, 6000} {
		for _, kind := range []game.Kind{game.MarketGame, game.RankingGame} {
			c := weightsConfig(t)
			c.Game, c.Keep, c.MaxBytes = kind, 0, cost.Limit(budget)
			result, dir := mustRun(t, c)
			bytes := len(read(t, dir, record.PrunedFile))
			if bytes > budget || bytes < budget*85/100 && result.Pruned.Kept < 960 {
				t.Errorf("%s: the file has %d bytes of %d, with %d weights", kind, bytes, budget, result.Pruned.Kept)
			}
			if m := result.Market; kind == game.MarketGame && (m == nil || int(m.Reached) != bytes || int(m.Limit) != budget) {
				t.Errorf("%+v of %d bytes", m, bytes)
			}
			if n, _, err := safetensors.LoadModel(filepath.Join(dir, record.PrunedFile)); err != nil {
				t.Error(err)
			} else if nonzero, _ := n.NonZero(); nonzero > result.Pruned.Kept {
				t.Errorf("%d weights of %d", nonzero, result.Pruned.Kept)
			}
		}
	}
	c := weightsConfig(t)
	c.Keep, c.MaxBytes = 0, 500
	if _, err := trainer.PlanRun(c, trainer.Options{}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "--max-bytes is 500; without any weights the file has ") {
		t.Errorf("%v", err)
	}
}

// TestMixedRun: whole units are removed first, then weights, until the file has its size; the
// first part leaves P (B/D)^a parameters at most. Stopped anywhere, it goes on to the same bits.
func TestMixedRun(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 4
	result, want := mustRun(t, c)
	s := result.Structured
	const parameters = 960 + 34
	if most := int(parameters * math.Sqrt(2400./(4*parameters))); s == nil || s.Dense != parameters || s.MaxParameters != most || s.Parameters > most || s.Kept >= s.Players {
		t.Fatalf("%+v", s)
	}
	if n := len(read(t, want, record.PrunedFile)); n > 2400 || result.Weights == nil || result.Dense.Parameters != s.Parameters {
		t.Errorf("%d bytes, %+v", n, result.Dense)
	}
	if held, err := settings.Read(read(t, want, record.MixedFile)); err != nil || held.Sparsity != 0 || held.MaxBytes != 2400 || !held.Mixed() {
		t.Errorf("%s has %+v, %v", record.MixedFile, held, err)
	}
	part := c
	part.MaxBytes, part.Baseline = -50, true // of the file of the whole network, also in the second part
	half, folder := mustRun(t, part)
	whole := len(read(t, filepath.Join(folder, record.StructuredFolder), record.DenseFile))
	if before := half.Structured.Before.Accuracy; before == nil || result.Structured.Before.Accuracy != nil {
		t.Errorf("the accuracy of the network before the first run is %v with --baseline, and else %v", before, result.Structured.Before.Accuracy)
	}
	if m := half.Market; m.Limit < float64(whole)*0.48 || m.Limit > float64(whole)*0.52 || len(read(t, folder, record.PrunedFile)) > int(m.Limit) {
		t.Errorf("half of %d bytes: %+v", whole, half.Market)
	}
	dir := filepath.Join(t.TempDir(), "run")
	stops := 0
	for sitting := 0; ; sitting++ {
		ctx, o := newCountdown(4+2*sitting+sitting*sitting/3), trainer.Options{Dir: dir, Command: "test", Version: "0"}
		var err error
		if sitting == 0 {
			_, err = trainer.Run(ctx, c, o)
		} else {
			_, err = trainer.Resume(ctx, o)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, backend.ErrInterrupted) || !strings.Contains(err.Error(), "--resume "+dir) {
			t.Fatal(err)
		}
		stops++
	}
	if stops < 4 {
		t.Errorf("stopped %d times", stops)
	}
	for _, file := range []string{record.PrunedFile, record.WeightsFile, filepath.Join(record.StructuredFolder, record.PrunedFile)} {
		if !bytes.Equal(read(t, dir, file), read(t, want, file)) {
			t.Errorf("%s is not what an uninterrupted run gives", file)
		}
	}
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "the run is finished") {
		t.Errorf("a finished run: %v", err)
	}
	c.Seed++
	if _, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into the same folder: %v", err)
	}
}

// TestMixedRunReadsItsDataOnce: the data may go away while the first part trains.
func TestMixedRunReadsItsDataOnce(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 2
	var messages []string
	o := trainer.Options{Dir: filepath.Join(t.TempDir(), "run"), Observe: func(e trainer.Event) {
		if e.Message != "" {
			messages = append(messages, e.Message)
		} else if err := os.RemoveAll(c.Data); err != nil {
			t.Error(err)
		}
	}}
	if _, err := trainer.Run(context.Background(), c, o); err != nil {
		t.Error(err)
	}
	if !slices.Contains(messages, "reading "+c.Data) || strings.Count(strings.Join(messages, "\n"), "reading "+c.Data) != 1 {
		t.Errorf("%q", messages)
	}
}

// TestMixedRunBeforeItBegins: what the second run could not do is said before the first is
// trained, and the plan of a mixed run says that there are two.
func TestMixedRunBeforeItBegins(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 5
	d, err := trainer.PlanRun(c, trainer.Options{})
	if err != nil || d.Epochs != 3 || d.Next == nil || *d.Next != (record.NextRun{Players: "weights", Epochs: 2, MaxBytes: 2400}) {
		t.Errorf("%+v, %v", d, err)
	}
	for words, change := range map[string]func(*settings.Config){
		"--max-bytes is 500; without": func(c *settings.Config) { c.MaxBytes = 500 },
		"by --structured-part 1): --max-params 349 is less than": func(c *settings.Config) {
			c.Data, c.Players, c.MaxBytes, c.StructuredPart = "digits:side=16,train=64,test=32", "neurons,weights", 1400, 1
			c.Rounds = 1
		},
	} {
		c, dir := c, filepath.Join(t.TempDir(), "run")
		change(&c)
		_, err := trainer.Run(context.Background(), c, trainer.Options{Dir: dir})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the folder is there: %v", words, err)
		}
	}
}

// TestMixedRunGoesOnElsewhere: the device that resuming names is that of a second run which has
// not begun.
func TestMixedRunGoesOnElsewhere(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 2
	_, dir := mustRun(t, c)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != record.StructuredFolder && e.Name() != record.MixedFile {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir, Device: "vulkan:77"}); !errors.Is(err, backend.ErrNoDevice) {
		t.Errorf("%v", err)
	}
	if _, err := trainer.Resume(newCountdown(0), trainer.Options{Dir: dir}); !errors.Is(err, backend.ErrInterrupted) || !strings.Contains(err.Error(), "--resume "+dir) {
		t.Errorf("%v", err)
	}
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir}); err != nil {
		t.Errorf("%v", err)
	}
}

// TestMixedRunKilledEarly: a part that was killed before its first checkpoint is begun again, the first
// and the second, unless a process is at work on it.
func TestMixedRunKilledEarly(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 2
	_, want := mustRun(t, c)
	begun := []string{record.ConfigFile, record.MetricsFile}
	for _, second := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "run")
		part := filepath.Join(dir, record.StructuredFolder)
		if err := os.CopyFS(dir, os.DirFS(want)); err != nil {
			t.Fatal(err)
		}
		if second {
			part = dir
		} else {
			for _, name := range artefactsIn(dir) {
				_ = os.Remove(filepath.Join(dir, name))
			}
		}
		entries, err := os.ReadDir(part)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if keep := append(begun, record.StructuredFolder, record.MixedFile); !slices.Contains(keep, e.Name()) {
				if err := os.Remove(filepath.Join(part, e.Name())); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !second {
			for _, name := range append(begun, record.ResultFile) {
				_ = os.Remove(filepath.Join(dir, name))
			}
		}
		if !trainer.Resumable(dir) {
			t.Errorf("second part %t: it cannot go on", second)
		}
		unlock, err := filelock.Try(filepath.Join(part, trainer.LockFile))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trainer.Resume(t.Context(), trainer.Options{Dir: dir, Command: "test", Version: "0"}); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("while another process is at work: %v", err)
		}
		unlock()
		if _, err := trainer.Resume(t.Context(), trainer.Options{Dir: dir, Command: "test", Version: "0"}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, dir, record.PrunedFile), read(t, want, record.PrunedFile)) {
			t.Errorf("second part %t: the network is another", second)
		}
	}
}

// TestMixedRunThatLearnsNothing: no warning says that the first run has other data than the second.
func TestMixedRunThatLearnsNothing(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs, c.LearningRate = "neurons,inputs,weights", 0, 2400, 2, 1e-9
	result, _ := mustRun(t, c)
	if *result.Dense.Accuracy > 25 { // of four classes of one size
		t.Fatalf("%v %%: the test shows nothing", *result.Dense.Accuracy)
	}
	if result.Source.Warning != "" {
		t.Errorf("%s", result.Source.Warning)
	}
}

// TestMixedRunAfterAKill: where the process was killed while it wrote the first files of the first run, that
// begins again; a file of another kind is not removed.
func TestMixedRunAfterAKill(t *testing.T) {
	c := weightsConfig(t)
	c.Players, c.Keep, c.MaxBytes, c.Epochs = "neurons,inputs,weights", 0, 2400, 2
	_, want := mustRun(t, c)
	dir := filepath.Join(t.TempDir(), "run")
	part := filepath.Join(dir, record.StructuredFolder)
	if err := os.MkdirAll(part, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path string, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, record.MixedFile), read(t, want, record.MixedFile))
	write(filepath.Join(part, record.ConfigFile), read(t, filepath.Join(want, record.StructuredFolder), record.ConfigFile))
	write(filepath.Join(part, ".nashprune-LITTER.tmp"), []byte("half of a write"))
	mine := filepath.Join(part, "notes.txt")
	write(mine, []byte("mine"))
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir, Command: "test", Version: "0"}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), mine+" was not written by the run") {
		t.Errorf("beside a file of the user's: %v", err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.Resume(context.Background(), trainer.Options{Dir: dir, Command: "test", Version: "0"}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, dir, record.PrunedFile), read(t, want, record.PrunedFile)) {
		t.Error("the network is not that of an uninterrupted run")
	}
}
