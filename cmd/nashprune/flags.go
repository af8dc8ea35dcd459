package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/network"
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

// configFlags declares a flag for every field of the configuration, by the name
// of its TOML key.
func configFlags(f *pflag.FlagSet, c *trainer.Config) {
	f.StringVar(&c.Data, "data", c.Data, "data set, or a folder of IDX files (nashprune data list)")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "folder to look for data sets in first (then $NASHPRUNE_DATA, then the user's cache)")
	f.Float64Var(&c.Validation, "validation", c.Validation, "fraction of the training set to hold out")
	f.Var(word[trainer.Part]{&c.EvaluateOn}, "evaluate-on", "judge the result on the `part` test or validation")
	f.StringVar(&c.Model, "model", c.Model, "network: mlp: and the widths of its hidden layers")
	f.Var(word[network.Initialisation]{&c.Initialisation}, "init", "initial weights: he, xavier or pytorch")
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of all random numbers")
	f.StringVar(&c.Device, "device", c.Device, "auto, cpu, or a part of a device's name (nashprune devices)")

	f.IntVar(&c.Epochs, "epochs", c.Epochs, "passes over the training set")
	f.IntVar(&c.Batch, "batch", c.Batch, "samples a training step")
	f.Var(word[trainer.OptimiserKind]{&c.Optimiser}, "optimiser", "adam or sgd")
	f.Float64Var(&c.LearningRate, "learning-rate", c.LearningRate, "learning rate of the weights")
	f.Float64Var(&c.Momentum, "momentum", c.Momentum, "momentum of sgd")
	f.Var(word[trainer.ScheduleKind]{&c.Schedule}, "schedule", "learning rate: constant or cosine (default: cosine; in the paper's game constant)")
	f.Float64Var(&c.LearningRateWarmUp, "learning-rate-warm-up", c.LearningRateWarmUp, "epochs over which the learning rate rises from zero")

	f.Var(word[trainer.GameKind]{&c.Game}, "game", "market, paper or off")
	f.IntVar(&c.Keep, "keep", c.Keep, "market: players that stay")
	f.Float64Var(&c.Sparsity, "sparsity", c.Sparsity, "market: fraction of players to remove, if --keep is not given")
	f.Float64Var(&c.WarmUp, "warm-up", c.WarmUp, "market: fraction of the run before it opens")
	f.Float64Var(&c.GameShare, "game-share", c.GameShare, "market: fraction of the run while it is open")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "market: rounds")
	f.Float64Var(&c.Damping, "damping", c.Damping, "market: fraction of the way to the best response in a round")

	f.Float64Var(&c.Alpha, "alpha", c.Alpha, "paper: weight of the benefit")
	f.Float64Var(&c.Beta, "beta", c.Beta, "paper: weight of the quadratic cost of size")
	f.Float64Var(&c.Gamma, "gamma", c.Gamma, "paper: weight of the linear cost of participation")
	f.Float64Var(&c.Eta, "eta", c.Eta, "paper: weight of the competition")
	f.Var(word[game.Benefit]{&c.Benefit}, "benefit", "paper: reading of the benefit: printed, descent or absolute")
	f.Var(word[trainer.PaperUpdate]{&c.Update}, "update", "paper: players move by gradient or best-response")
	f.Float64Var(&c.ParticipationRate, "participation-rate", c.ParticipationRate, "paper: step of a move")
	f.Float64Var(&c.Threshold, "threshold", c.Threshold, "paper: players that end below this participation are removed")

	f.BoolVar(&c.Baseline, "baseline", c.Baseline, "train the dense network as long without the game, and compare")
}

// environmentPrefix begins the variables that stand in for flags:
// NASHPRUNE_LEARNING_RATE for --learning-rate.
const environmentPrefix = "NASHPRUNE_"

// environmentNames are the flags whose variable is not named after them.
// $NASHPRUNE_DATA is the folder of data sets, which package dataset looks at.
var environmentNames = map[string]string{"data": "NASHPRUNE_DATASET", "data-dir": ""}

func environmentName(flag string) string {
	if name, ok := environmentNames[flag]; ok {
		return name
	}
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settle fills in the flags that were not given from the environment, and what
// is then still open from a TOML file, if path is not empty.
func settle(f *pflag.FlagSet, path string) error {
	var err error
	f.VisitAll(func(flag *pflag.Flag) {
		value, set := os.LookupEnv(environmentName(flag.Name))
		if err != nil || flag.Changed || !set || environmentName(flag.Name) == "" {
			return
		}
		if bad := f.Set(flag.Name, value); bad != nil {
			err = trainer.Usagef("$%s: %v", environmentName(flag.Name), bad)
		}
	})
	if err != nil || path == "" {
		return err
	}
	return settleFromFile(f, path)
}

// maxConfig bounds the size of a configuration file, in bytes.
const maxConfig = 1 << 20

// settleFromFile sets the flags that are not set from a TOML file whose keys are
// their names.
func settleFromFile(f *pflag.FlagSet, path string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > maxConfig {
		return trainer.Usagef("--config %s has %d bytes: a configuration has at most %d", path, info.Size(), maxConfig)
	}
	var values map[string]any
	if _, err := toml.DecodeFile(path, &values); err != nil {
		return trainer.Usagef("--config %s: %v", path, err)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		flag := f.Lookup(name)
		if flag == nil {
			return trainer.Usagef("--config %s: there is no setting %q (nashprune train --help lists them)", path, name)
		}
		if flag.Changed {
			continue
		}
		switch value := values[name].(type) {
		case string, int64, float64, bool:
			if err := f.Set(name, fmt.Sprint(value)); err != nil {
				return trainer.Usagef("--config %s: %s: %v", path, name, err)
			}
		default:
			return trainer.Usagef("--config %s: %s is neither a number, a string nor a truth value", path, name)
		}
	}
	return nil
}

// checkGiven finds contradictions among what the user gave that the resolved
// configuration cannot show.
func checkGiven(f *pflag.FlagSet, c trainer.Config) error {
	keep, sparsity := f.Changed("keep"), f.Changed("sparsity")
	switch {
	case keep && sparsity:
		return trainer.Usagef("--keep %d and --sparsity %v both say how much stays: give one of them", c.Keep, c.Sparsity)
	case (keep || sparsity) && c.Game != trainer.MarketGame:
		return trainer.Usagef("--keep and --sparsity belong to --game market, and this is --game %s", c.Game)
	case keep && c.Keep < 1:
		return trainer.Usagef("--keep %d leaves no network: keep at least %d players a hidden layer", c.Keep, game.LeastPerLayer)
	}
	return nil
}
