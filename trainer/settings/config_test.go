package settings_test

import (
	"cmp"
	"errors"
	"math"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/settings"
)

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*settings.Config)
		keep   cost.Limit
	}{
		{"default", func(*settings.Config) {}, 38},
		{"sparsity", func(c *settings.Config) { c.Sparsity = 0.5 }, 384},
		{"sparsity zero keeps all", func(c *settings.Config) { c.Sparsity = 0 }, 768},
		{"keep goes first", func(c *settings.Config) { c.Keep = 15 }, 15},
		{"all", func(c *settings.Config) { c.Keep = 768 }, 768},
		{"least", func(c *settings.Config) { c.Keep = 4 }, 4},
		{"paper", func(c *settings.Config) { c.Game = game.PaperGame }, 0},
	} {
		config := settings.Default()
		c.change(&config)
		got, err := config.Resolve()
		if err != nil || got.Keep != c.keep || got.Sparsity != 0 || got.Schedule == "" {
			t.Errorf("%s: keep %v, sparsity %g, schedule %q, %v; want keep %v", c.name, got.Keep, got.Sparsity, got.Schedule, err, c.keep)
		}
		config.DataOnDevice = "auto"
		if same, err := config.Resolve(); err != nil || same != got {
			t.Errorf("%s: where samples may be anywhere it is %+v, %v", c.name, same, err)
		}
		again, err := got.Resolve()
		if err != nil || c.keep > 0 && again != got {
			t.Errorf("%s: resolving twice gives %+v, %v", c.name, again, err)
		}
	}
}

// TestResolveRefuses changes one value at a time to something that makes no
// sense and expects the error to name its flag.
func TestResolveRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for word, changes := range map[string][]func(*settings.Config){
		"--data-on-device": {func(c *settings.Config) { c.DataOnDevice = "here" }},
		"--data":           {func(c *settings.Config) { c.Data = "" }},
		"--validation":     {func(c *settings.Config) { c.Validation = nan }, func(c *settings.Config) { c.Validation = 1 }, func(c *settings.Config) { c.Validation = -0.1 }},
		"--evaluate-on": {
			func(c *settings.Config) { c.EvaluateOn = "train" },
			func(c *settings.Config) { c.EvaluateOn = backend.ValidationPart },
		},
		"--model": {func(c *settings.Config) { c.Model = "cnn" }, func(c *settings.Config) { c.Model = "mlp:1" }},
		"--init":  {func(c *settings.Config) { c.Initialisation = "zero" }},
		"--epochs": {
			func(c *settings.Config) { c.Epochs = 0 }, func(c *settings.Config) { c.Epochs = -3 },
			func(c *settings.Config) { c.Epochs = math.MaxInt },
		},
		"--batch":     {func(c *settings.Config) { c.Batch = 0 }, func(c *settings.Config) { c.Batch = 1 << 20 }},
		"--optimiser": {func(c *settings.Config) { c.Optimiser = "lion" }},
		"--learning-rate is": {
			func(c *settings.Config) { c.LearningRate = -1 }, func(c *settings.Config) { c.LearningRate = nan },
			func(c *settings.Config) { c.LearningRate = inf }, func(c *settings.Config) { c.LearningRate = 1e9 },
		},
		"--momentum": {func(c *settings.Config) { c.Momentum = 1 }, func(c *settings.Config) { c.Momentum = nan }},
		"--schedule": {func(c *settings.Config) { c.Schedule = "stairs" }},
		"it must be a number of epochs, or 0 for a third of all":     {func(c *settings.Config) { c.StepEpochs = -1 }, func(c *settings.Config) { c.StepEpochs = nan }},
		"--step-epochs is for --schedule step; --schedule is cosine": {func(c *settings.Config) { c.StepEpochs = 2 }},
		"--step-epochs is for --schedule step; --schedule is constant": {
			func(c *settings.Config) { c.StepEpochs, c.Schedule = 2, settings.Constant },
			func(c *settings.Config) { c.StepEpochs, c.Game = 2, game.PaperGame },
		},
		"--step-factor is for --schedule step": {func(c *settings.Config) { c.StepFactor = 0.5 }, func(c *settings.Config) { c.StepFactor, c.Schedule = 0.5, settings.Constant }},
		"--step-factor":                        {func(c *settings.Config) { c.StepFactor = 0 }, func(c *settings.Config) { c.StepFactor = 2 }, func(c *settings.Config) { c.StepFactor = nan }},
		"--task":                               {func(c *settings.Config) { c.Task = "ranking" }},
		"--activation":                         {func(c *settings.Config) { c.Activation = "swish" }, func(c *settings.Config) { c.Activation = "" }},
		"--weight-decay": {
			func(c *settings.Config) { c.WeightDecay = -1 }, func(c *settings.Config) { c.WeightDecay = nan },
			func(c *settings.Config) { c.Optimiser, c.WeightDecay = backend.AdamW, 1000 },
		},
		"--clip-norm":       {func(c *settings.Config) { c.ClipNorm = -1 }, func(c *settings.Config) { c.ClipNorm = inf }},
		"--label-smoothing": {func(c *settings.Config) { c.LabelSmoothing = 1 }, func(c *settings.Config) { c.Task, c.LabelSmoothing = dataset.Regression, 0.1 }},
		"--class-weights": {
			func(c *settings.Config) { c.ClassWeights = "1,two" }, func(c *settings.Config) { c.ClassWeights = "1,-2" },
			func(c *settings.Config) { c.ClassWeights = "0,0" }, func(c *settings.Config) { c.ClassWeights = "1,NaN" },
			func(c *settings.Config) { c.Task, c.ClassWeights = dataset.Regression, settings.BalancedWeights },
		},
		"--patience": {
			func(c *settings.Config) { c.Patience = 3 }, func(c *settings.Config) { c.Patience, c.Validation = -1, 0.1 },
			func(c *settings.Config) { c.Patience, c.Validation, c.Game = 3, 0.1, game.PaperGame },
		},
		"--learning-rate-warm-up": {func(c *settings.Config) { c.LearningRateWarmUp = 21 }, func(c *settings.Config) { c.LearningRateWarmUp = nan }},
		"--game is":               {func(c *settings.Config) { c.Game = "chess" }},
		"--keep": {
			func(c *settings.Config) { c.Keep = -101 }, func(c *settings.Config) { c.Keep = 3 },
			func(c *settings.Config) { c.Keep = 769 }, func(c *settings.Config) { c.Sparsity = 0.9999 },
		},
		"--sparsity":                {func(c *settings.Config) { c.Sparsity = 1 }, func(c *settings.Config) { c.Sparsity = nan }},
		"--warm-up is":              {func(c *settings.Config) { c.WarmUp = -0.1 }, func(c *settings.Config) { c.WarmUp = nan }},
		"--game-share":              {func(c *settings.Config) { c.GameShare = 0 }, func(c *settings.Config) { c.GameShare = 0.95 }},
		"--rounds":                  {func(c *settings.Config) { c.Rounds = 0 }},
		"--worth is":                {func(c *settings.Config) { c.Worth = "potential" }},
		"--compensate is":           {func(c *settings.Config) { c.Compensate = "some" }},
		"--certify-steps is":        {func(c *settings.Config) { c.CertifySteps = -1 }, func(c *settings.Config) { c.CertifySteps = 1<<16 + 1 }},
		"--update":                  {func(c *settings.Config) { c.Update = "newton" }},
		"--update is hard-concrete": {func(c *settings.Config) { c.Game, c.Update = game.PaperGame, backend.HardConcrete }},
		"--multiplier-rate": {
			func(c *settings.Config) { c.MultiplierRate = 0.1 }, // with another update
			func(c *settings.Config) { c.Update, c.MultiplierRate = backend.HardConcrete, -0.1 }, func(c *settings.Config) { c.Update, c.MultiplierRate = backend.HardConcrete, nan },
		},
		"--participation-rate": {func(c *settings.Config) { c.ParticipationRate = inf }, func(c *settings.Config) { c.ParticipationRate, c.Update = 2, backend.BestResponse }},
		"--threshold":          {func(c *settings.Config) { c.Threshold = 1.5 }},
		"--joint":              {func(c *settings.Config) { c.Joint = true }}, // with the market
		"--alpha":              {func(c *settings.Config) { c.Alpha = nan }},
		"--gamma":              {func(c *settings.Config) { c.Gamma = -1 }},
		"--benefit is":         {func(c *settings.Config) { c.Benefit = game.Benefit("charity") }},
		"--benefit-gradient":   {func(c *settings.Config) { c.BenefitGradient = "loss" }},
		"--baseline":           {func(c *settings.Config) { c.Game, c.Baseline = game.NoGame, true }},
		"--players has branches": {
			func(c *settings.Config) {
				c.Players, c.Model, c.Game, c.Sparsity = "branches", "resnet8", game.PaperGame, 0
			},
			func(c *settings.Config) {
				c.Players, c.Model, c.Game, c.MaxMACs, c.Sparsity = "filters,branches", "resnet8", game.RankingGame, 1e6, 0
			},
		},
		"--group-lasso is": {
			func(c *settings.Config) { c.GroupLasso = 0.1 }, func(c *settings.Config) { c.Game, c.GroupLasso = game.PaperGame, 0.1 },
			func(c *settings.Config) { c.Game, c.GroupLasso = game.RankingGame, -1 }, func(c *settings.Config) { c.Game, c.GroupLasso = game.RankingGame, nan },
		},
	} {
		for i, change := range changes {
			config := settings.Default()
			change(&config)
			_, err := config.Resolve()
			if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, change %d: %v", word, i, err)
			}
		}
	}
}

// TestWorths: every valuation is a worth that may be set, and an empty one is that by the
// loss.
func TestWorths(t *testing.T) {
	for _, v := range append([]game.Valuation{""}, game.Valuations...) {
		c := settings.Default()
		c.Worth = v
		if got, err := c.Resolve(); err != nil || got.Worth != cmp.Or(v, game.Effective) {
			t.Errorf("--worth %q: %q, %v", v, got.Worth, err)
		}
	}
	if c := settings.Default(); c.Worth != game.Outputs || c.CertifySteps != 200 {
		t.Errorf("by default --worth is %q and --certify-steps %d", c.Worth, c.CertifySteps)
	}
}
