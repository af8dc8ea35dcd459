package trainer_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"nashprune/game"
	"nashprune/trainer"
)

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*trainer.Config)
		keep   int
	}{
		{"default", func(*trainer.Config) {}, 38},
		{"sparsity", func(c *trainer.Config) { c.Sparsity = 0.5 }, 384},
		{"sparsity zero keeps all", func(c *trainer.Config) { c.Sparsity = 0 }, 768},
		{"keep goes first", func(c *trainer.Config) { c.Keep = 15 }, 15},
		{"all", func(c *trainer.Config) { c.Keep = 768 }, 768},
		{"least", func(c *trainer.Config) { c.Keep = 4 }, 4},
		{"paper", func(c *trainer.Config) { c.Game = trainer.PaperGame }, 0},
	} {
		config := trainer.DefaultConfig()
		c.change(&config)
		got, err := config.Resolve()
		if err != nil || got.Keep != c.keep || got.Sparsity != 0 || got.Schedule == "" {
			t.Errorf("%s: keep %d, sparsity %g, schedule %q, %v; want keep %d", c.name, got.Keep, got.Sparsity, got.Schedule, err, c.keep)
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
	for word, changes := range map[string][]func(*trainer.Config){
		"--data-on-device": {func(c *trainer.Config) { c.DataOnDevice = "here" }},
		"--data":           {func(c *trainer.Config) { c.Data = "" }},
		"--validation":     {func(c *trainer.Config) { c.Validation = nan }, func(c *trainer.Config) { c.Validation = 1 }, func(c *trainer.Config) { c.Validation = -0.1 }},
		"--evaluate-on": {
			func(c *trainer.Config) { c.EvaluateOn = "train" },
			func(c *trainer.Config) { c.EvaluateOn = trainer.ValidationPart },
		},
		"--model": {func(c *trainer.Config) { c.Model = "cnn" }, func(c *trainer.Config) { c.Model = "mlp:1" }},
		"--init":  {func(c *trainer.Config) { c.Initialisation = "zero" }},
		"--epochs": {
			func(c *trainer.Config) { c.Epochs = 0 }, func(c *trainer.Config) { c.Epochs = -3 },
			func(c *trainer.Config) { c.Epochs = math.MaxInt },
		},
		"--batch":     {func(c *trainer.Config) { c.Batch = 0 }, func(c *trainer.Config) { c.Batch = 1 << 20 }},
		"--optimiser": {func(c *trainer.Config) { c.Optimiser = "lion" }},
		"--learning-rate is": {
			func(c *trainer.Config) { c.LearningRate = 0 }, func(c *trainer.Config) { c.LearningRate = -1 },
			func(c *trainer.Config) { c.LearningRate = nan }, func(c *trainer.Config) { c.LearningRate = inf },
			func(c *trainer.Config) { c.LearningRate = 1e9 },
		},
		"--momentum": {func(c *trainer.Config) { c.Momentum = 1 }, func(c *trainer.Config) { c.Momentum = nan }},
		"--schedule": {func(c *trainer.Config) { c.Schedule = "stairs" }},
		": it is a number of epochs, above 0, or 0 for a third of all":        {func(c *trainer.Config) { c.StepEpochs = -1 }, func(c *trainer.Config) { c.StepEpochs = nan }},
		"--step-epochs is for --schedule step, and this is --schedule cosine": {func(c *trainer.Config) { c.StepEpochs = 2 }},
		"--step-epochs is for --schedule step, and this is --schedule constant": {
			func(c *trainer.Config) { c.StepEpochs, c.Schedule = 2, trainer.Constant },
			func(c *trainer.Config) { c.StepEpochs, c.Game = 2, trainer.PaperGame },
		},
		"--step-factor is for --schedule step": {func(c *trainer.Config) { c.StepFactor = 0.5 }, func(c *trainer.Config) { c.StepFactor, c.Schedule = 0.5, trainer.Constant }},
		"--step-factor":                        {func(c *trainer.Config) { c.StepFactor = 0 }, func(c *trainer.Config) { c.StepFactor = 2 }, func(c *trainer.Config) { c.StepFactor = nan }},
		"--task":                               {func(c *trainer.Config) { c.Task = "ranking" }},
		"--activation":                         {func(c *trainer.Config) { c.Activation = "swish" }, func(c *trainer.Config) { c.Activation = "" }},
		"--weight-decay": {
			func(c *trainer.Config) { c.WeightDecay = -1 }, func(c *trainer.Config) { c.WeightDecay = nan },
			func(c *trainer.Config) { c.Optimiser, c.WeightDecay = trainer.AdamW, 1000 },
		},
		"--clip-norm":       {func(c *trainer.Config) { c.ClipNorm = -1 }, func(c *trainer.Config) { c.ClipNorm = inf }},
		"--label-smoothing": {func(c *trainer.Config) { c.LabelSmoothing = 1 }, func(c *trainer.Config) { c.Task, c.LabelSmoothing = trainer.Regression, 0.1 }},
		"--class-weights": {
			func(c *trainer.Config) { c.ClassWeights = "1,two" }, func(c *trainer.Config) { c.ClassWeights = "1,-2" },
			func(c *trainer.Config) { c.ClassWeights = "0,0" }, func(c *trainer.Config) { c.ClassWeights = "1,NaN" },
			func(c *trainer.Config) { c.Task, c.ClassWeights = trainer.Regression, trainer.BalancedWeights },
		},
		"--patience": {
			func(c *trainer.Config) { c.Patience = 3 }, func(c *trainer.Config) { c.Patience, c.Validation = -1, 0.1 },
			func(c *trainer.Config) { c.Patience, c.Validation, c.Game = 3, 0.1, trainer.PaperGame },
		},
		"--learning-rate-warm-up": {func(c *trainer.Config) { c.LearningRateWarmUp = 21 }, func(c *trainer.Config) { c.LearningRateWarmUp = nan }},
		"--game is":               {func(c *trainer.Config) { c.Game = "chess" }},
		"--keep": {
			func(c *trainer.Config) { c.Keep = -1 }, func(c *trainer.Config) { c.Keep = 3 },
			func(c *trainer.Config) { c.Keep = 769 }, func(c *trainer.Config) { c.Sparsity = 0.9999 },
		},
		"--sparsity":           {func(c *trainer.Config) { c.Sparsity = 1 }, func(c *trainer.Config) { c.Sparsity = nan }},
		"--warm-up is":         {func(c *trainer.Config) { c.WarmUp = -0.1 }, func(c *trainer.Config) { c.WarmUp = nan }},
		"--game-share":         {func(c *trainer.Config) { c.GameShare = 0 }, func(c *trainer.Config) { c.GameShare = 0.95 }},
		"--rounds":             {func(c *trainer.Config) { c.Rounds = 0 }},
		"--damping":            {func(c *trainer.Config) { c.Damping = 0 }, func(c *trainer.Config) { c.Damping = 1.1 }, func(c *trainer.Config) { c.Damping = nan }},
		"--update":             {func(c *trainer.Config) { c.Update = "newton" }},
		"--participation-rate": {func(c *trainer.Config) { c.ParticipationRate = inf }, func(c *trainer.Config) { c.ParticipationRate, c.Update = 2, trainer.BestResponse }},
		"--threshold":          {func(c *trainer.Config) { c.Threshold = 1.5 }},
		"alpha":                {func(c *trainer.Config) { c.Alpha = nan }},
		"gamma":                {func(c *trainer.Config) { c.Gamma = -1 }},
		"benefit":              {func(c *trainer.Config) { c.Benefit = game.Benefit("charity") }},
		"gradient of":          {func(c *trainer.Config) { c.BenefitGradient = "loss" }},
		"--baseline":           {func(c *trainer.Config) { c.Game, c.Baseline = trainer.NoGame, true }},
	} {
		for i, change := range changes {
			config := trainer.DefaultConfig()
			change(&config)
			_, err := config.Resolve()
			if !errors.Is(err, trainer.ErrUsage) || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, change %d: %v", word, i, err)
			}
		}
	}
}
