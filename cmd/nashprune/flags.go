package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/settings"
)

// word is a flag for a string type.
type word[T ~string] struct{ value *T }

func (w word[T]) String() string {
	if w.value == nil {
		return ""
	}
	return string(*w.value)
}
func (w word[T]) Set(s string) error { *w.value = T(s); return nil }
func (w word[T]) Type() string       { return "string" }

// configFlags returns a flag for every field of the configuration, by the name
// of its TOML key.
func configFlags(c *settings.Config) *pflag.FlagSet {
	all := newFlagSet()
	section(all, "Data and network", generalFlags(c))
	section(all, "Training", trainingFlags(c))
	section(all, "Market (--game market)", marketFlags(c))
	section(all, "Rankings instead of a game (--game ranking; also the market's settings, but --damping)", rankingFlags(c))
	section(all, "The paper's game (--game paper, or --criterion participation)", paperFlags(c))
	return all
}

// deviceUsage describes the flag --device of every command.
const deviceUsage = "auto, cpu, vulkan, vulkan:N, or a part of a device's name (nashprune devices)"

// kernelsUsage describes the flag --kernels.
const kernelsUsage = "`set` of kernels of a Vulkan device: vec4 or tiled (default: by the device's kind)"

// maxJobs is more runs at a time than any machine has processors for.
const maxJobs = 1024

// checkJobs says what --jobs may be.
func checkJobs(jobs int) error {
	if jobs < 1 || jobs > maxJobs {
		return backend.Usagef("--jobs is %d; it must be at least 1 and at most %d", jobs, maxJobs)
	}
	return nil
}

// plainly rewrites an error of setting a flag without the words of package strconv, which
// errors of lists contain.
func plainly(err error) error {
	var invalid *pflag.InvalidValueError
	if number := new(strconv.NumError); errors.As(err, &invalid) && errors.As(err, &number) {
		return fmt.Errorf("--%[2]s is %[1]q; it must be integers with commas in between", invalid.GetValue(), invalid.GetFlag().Name)
	}
	return err
}

// dataOnDeviceUsage describes the flag --data-on-device.
const dataOnDeviceUsage = "`where` a Vulkan device reads samples: resident in its own memory, streamed from the host, or auto: streamed if they do not fit (default: auto)"

// labelUsage and maxDataBytesUsage describe flags of several commands.
const (
	labelUsage        = "`column` of a CSV file with the labels (default: label, class, target or y, else the last); regression takes several, with commas in between"
	maxDataBytesUsage = "most `bytes` to read of the data, unpacked"
)

func newFlagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
	return f
}

func generalFlags(c *settings.Config) *pflag.FlagSet {
	f := newFlagSet()
	f.StringVar(&c.Data, "data", c.Data, "data set (nashprune data list), a .csv or .npz file, or a folder of IDX files")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "`folder` to look for data sets in first (then $NASHPRUNE_DATA, then the user's cache)")
	f.Uint64Var(&c.MaxDataBytes, "max-data-bytes", c.MaxDataBytes, maxDataBytesUsage)
	f.StringVar(&c.Label, "label", c.Label, labelUsage)
	f.StringVar(&c.Test, "test", c.Test, "CSV `file` with the test samples")
	f.Float64Var(&c.TestFraction, "test-fraction", c.TestFraction, "`fraction` of each class (in regression, of all) to draw as test samples if the data has none (default 0.2)")
	f.Float64Var(&c.Validation, "validation", c.Validation, "`fraction` of the training set to hold out")
	f.Var(word[backend.Part]{&c.EvaluateOn}, "evaluate-on", "evaluate the result on the `part` test or validation")
	f.Var(word[dataset.Task]{&c.Task}, "task", "classification, or regression to predict the numbers of a .csv or .npz file")
	f.StringVar(&c.Model, "model", c.Model, "network: mlp: and the widths of its hidden layers, such as mlp:512-256")
	f.Var(word[network.Activation]{&c.Activation}, "activation", "of hidden neurons: relu, leaky-relu, gelu or tanh")
	f.Var(word[network.Initialisation]{&c.Initialisation}, "init", "initial weights: he or pytorch")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "`number` that determines all random numbers")
	f.StringVar(&c.Device, "device", c.Device, deviceUsage)
	f.StringVar(&c.Kernels, "kernels", c.Kernels, kernelsUsage)
	f.Var(word[backend.Placement]{&c.DataOnDevice}, "data-on-device", dataOnDeviceUsage)
	f.Var(word[game.Kind]{&c.Game}, "game", "market, paper, ranking or off")
	f.BoolVar(&c.Baseline, "baseline", c.Baseline, "also train the dense network for as many epochs without the game, and compare")
	return f
}

func trainingFlags(c *settings.Config) *pflag.FlagSet {
	f := newFlagSet()
	f.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training set")
	f.IntVar(&c.Batch, "batch", c.Batch, "samples a training step")
	f.Var(word[backend.OptimiserKind]{&c.Optimiser}, "optimiser", "adam, adamw, sgd or rmsprop")
	f.Float64Var(&c.LearningRate, "learning-rate", c.LearningRate, "learning rate of the weights")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum of sgd and rmsprop")
	f.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "decay of the weights; that of adamw pauses while players are removed")
	f.Float64Var(&c.ClipNorm, "clip-norm", c.ClipNorm, "greatest length of the gradient; a longer one is scaled down")
	f.Var(word[settings.ScheduleKind]{&c.Schedule}, "schedule", "learning rate: constant, cosine or step (default: cosine; in the paper's game constant)")
	f.Float64Var(&c.StepEpochs, "step-epochs", c.StepEpochs, "`epochs` between two steps of --schedule step (default: a third of all)")
	f.Float64Var(&c.StepFactor, "step-factor", c.StepFactor, "factor of the learning rate at each step")
	f.Float64Var(&c.LearningRateWarmUp, "learning-rate-warm-up", c.LearningRateWarmUp, "`epochs` over which the learning rate rises from zero")
	f.Float64Var(&c.LabelSmoothing, "label-smoothing", c.LabelSmoothing, "`fraction` of each label that is spread over all classes")
	f.StringVar(&c.ClassWeights, "class-weights", c.ClassWeights, "`weights` of the classes in the loss: balanced, or a number for each, with commas in between")
	f.IntVar(&c.Patience, "patience", c.Patience, "`epochs` without a better loss on --validation samples, after which training stops and restores the best epoch")
	return f
}

func marketFlags(c *settings.Config) *pflag.FlagSet {
	f := newFlagSet()
	f.IntVar(&c.Keep, "keep", c.Keep, "number of `players` that stay")
	f.StringVar(&c.Shape, "shape", c.Shape, "`players` that each hidden layer keeps, such as 25-13, instead of --keep")
	f.Float64Var(&c.Sparsity, "sparsity", c.Sparsity, "`fraction` of players to remove, if no other target is given")
	f.IntVar(&c.MaxParameters, "max-params", c.MaxParameters, "most `parameters`, instead of --keep")
	f.IntVar(&c.MaxMACs, "max-macs", c.MaxMACs, "most multiply-`accumulates` a sample, instead of --keep")
	f.Float64Var(&c.MaxLatencyUS, "max-latency-us", c.MaxLatencyUS, "most `microseconds` for a batch of 128 on the device, instead of --keep")
	f.Float64Var(&c.MaxAccuracyDrop, "max-accuracy-drop", c.MaxAccuracyDrop, "most `points` of accuracy to lose on --validation, instead of --keep")
	f.Var(word[cost.Resource]{&c.Cost}, "cost", "what a player pays for in one market of all layers: players, parameters, macs or latency (default: what a --max target bounds, else a market a layer)")
	f.Var(word[game.Valuation]{&c.Worth}, "worth", "what determines the worth of a player: outputs (its effect on the outputs, without class weights) or effective (its effect on the loss)")
	f.StringVar(&c.LatencyModel, "latency-model", c.LatencyModel, "result.json of another run, with the model of latencies (default: measure one)")
	f.Float64Var(&c.WarmUp, "warm-up", c.WarmUp, "`fraction` of the run before the market opens")
	f.Float64Var(&c.GameShare, "game-share", c.GameShare, "`fraction` of the run while the market is open")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "rounds of the market")
	f.Float64Var(&c.Damping, "damping", c.Damping, "`fraction` of the way to its best response that a player moves in a round")
	return f
}

func rankingFlags(c *settings.Config) *pflag.FlagSet {
	f := newFlagSet()
	f.Var(word[game.Criterion]{&c.Criterion}, "criterion", "score of the players: random, magnitude, path-magnitude, taylor, fisher or participation")
	return f
}

func paperFlags(c *settings.Config) *pflag.FlagSet {
	f := newFlagSet()
	f.Float64Var(&c.Alpha, "alpha", c.Alpha, "weight of the benefit")
	f.Float64Var(&c.Beta, "beta", c.Beta, "weight of the quadratic cost of size")
	f.Float64Var(&c.Gamma, "gamma", c.Gamma, "weight of the linear cost of participation")
	f.Float64Var(&c.Eta, "eta", c.Eta, "weight of the competition")
	f.Var(word[game.Benefit]{&c.Benefit}, "benefit", "reading of the benefit: printed, descent or absolute")
	f.Var(word[game.BenefitGradient]{&c.BenefitGradient}, "benefit-gradient", "variable of the benefit's gradient: theta, or effective for s theta")
	f.Var(word[backend.PaperUpdate]{&c.Update}, "update", "how players move: gradient, adam or best-response")
	f.Float64Var(&c.ParticipationRate, "participation-rate", c.ParticipationRate, "step size of a move")
	f.Float64Var(&c.Threshold, "threshold", c.Threshold, "players that end below this `participation` are removed")
	return f
}

// checkGiven finds contradictions among what the user gave that the resolved
// configuration cannot show.
func checkGiven(f *pflag.FlagSet, c settings.Config) error {
	given := givenTargets(f)
	switch {
	case len(given) > 1:
		first, second := given[0], given[1]
		return backend.Usagef("--%s %s and --%s %s are both targets: give one of them", first.Name, first.Value, second.Name, second.Value)
	case (f.Changed("keep") || f.Changed("sparsity")) && (c.Game == game.PaperGame || c.Game == game.NoGame):
		return backend.Usagef("--keep and --sparsity are for --game market and --game ranking; --game is %s", c.Game)
	case f.Changed("shape") && (c.Game == game.PaperGame || c.Game == game.NoGame):
		return backend.Usagef("--shape is for --game market and --game ranking; --game is %s", c.Game)
	case len(given) == 1 && (c.Game == game.PaperGame || c.Game == game.NoGame):
		return backend.Usagef("--cost and the targets that begin with --max are for --game market; --game is %s", c.Game)
	case len(given) == 1 && c.Game == game.RankingGame && !slices.Contains(countNames, given[0].Name):
		return backend.Usagef("--%s is for --game market; --game %s takes --keep, --sparsity or --shape", given[0].Name, c.Game)
	case f.Changed("cost") && c.Game != game.MarketGame:
		return backend.Usagef("--cost is for --game market; --game is %s", c.Game)
	case f.Changed("keep") && c.Keep < 1:
		return backend.Usagef("--keep is %d; it must be at least %d players a hidden layer", c.Keep, game.LeastPerLayer)
	case len(given) == 1 && given[0].Name != "sparsity" && given[0].Value.String() == "0":
		return backend.Usagef("--%s is 0; it must be above 0, or left out", given[0].Name)
	}
	return nil
}

// targetNames are the flags that say how much stays, of which a run has one.
var targetNames = append(slices.Clip(countNames), "max-params", "max-macs", "max-latency-us", "max-accuracy-drop")

// countNames are those that say it in players, which a ranking takes, too.
var countNames = []string{"keep", "sparsity", "shape"}

// givenTargets returns those of them that are set.
func givenTargets(f *pflag.FlagSet) (given []*pflag.Flag) {
	for _, name := range targetNames {
		if flag := f.Lookup(name); flag != nil && flag.Changed {
			given = append(given, flag)
		}
	}
	return given
}
