package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/spf13/pflag"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
	"nashprune/trainer/settings"
)

// A setting comes from its flag, else from the environment, else from a TOML
// file, else from its default. Each source in turn fills in the flags that are
// still open.

// withoutVariable are the flags of commands that no variable stands in for.
var withoutVariable = []string{"resume", "help"}

// settleFromEnvironment sets the flags that are still open from their variables,
// those excepted. An empty variable is none.
func settleFromEnvironment(f *pflag.FlagSet, except ...string) error {
	open := stillOpen(f)
	var err error
	f.VisitAll(func(flag *pflag.Flag) {
		variable := settings.Variable(flag.Name)
		value := os.Getenv(variable) // "" for the settings without one
		if err != nil || value == "" || !open(flag) || slices.Contains(except, flag.Name) || slices.Contains(withoutVariable, flag.Name) {
			return
		}
		if bad := f.Set(flag.Name, value); bad != nil {
			err = backend.Usagef("$%s: %v", variable, bad)
		}
	})
	return err
}

// stillOpen returns which flags of f the next source may set: not those that are
// set already, nor, where a target is set or a game without one is chosen, a target.
func stillOpen(f *pflag.FlagSet) func(*pflag.Flag) bool {
	target, shape := len(givenTargets(f)) == 0, false
	if f.Changed("game") {
		switch game.Kind(f.Lookup("game").Value.String()) {
		case game.MarketGame, game.RankingGame:
		case game.NoGame: // the dense network may have a shape
			target, shape = false, target
		default:
			target = false
		}
	}
	return func(flag *pflag.Flag) bool {
		if s := settings.Find(flag.Name); s != nil && s.Target != settings.NoTarget {
			return target || shape && s.Name == "shape"
		}
		return !flag.Changed
	}
}

// maxConfig bounds the size of a configuration file, in bytes.
const maxConfig = 1 << 20

// settleFromFile sets the flags that are still open from a TOML file whose keys
// are their names.
func settleFromFile(f *pflag.FlagSet, path string) error {
	if path == "" { // as a shell makes of a variable that is not set
		return backend.Usagef("--config needs a TOML file")
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxConfig {
		return backend.Usagef("--config %s has %d bytes: a configuration has at most %d", path, info.Size(), maxConfig)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return backend.Usagef("--config: %v", err)
	}
	if err := settleFromText(f, string(text)); err != nil {
		return backend.Usagef("--config %s: %v", path, err)
	}
	return nil
}

func settleFromText(f *pflag.FlagSet, text string) error {
	values, err := settings.Parse([]byte(text))
	if err != nil {
		return err
	}
	read, err := settings.Read([]byte(text))
	if err != nil {
		return err
	}
	// A cost that follows from a target is replaced with it: a run writes both.
	targets, _ := read.Targets()
	replaced := len(givenTargets(f)) > 0 && len(targets) == 1 && targets[0].Resource == read.Cost
	open := stillOpen(f)
	for _, v := range values {
		if v.Name == "cost" && replaced || !open(f.Lookup(v.Name)) {
			continue
		}
		if err := f.Set(v.Name, fmt.Sprint(v.Value)); err != nil {
			return fmt.Errorf("%s: %w", v.Name, err)
		}
	}
	return nil
}

// ofData are the settings that say which samples a run trained on and which it did not.
var ofData = []string{"data", "data-dir", "image-size", "label", "ignore", "header", "decimal-comma", "missing-is-class", "test", "test-fraction", "validation", "task", "seed"}

// settleFromRun makes the source of a run folder the network that it holds, the pruned or else
// the dense one. Where the user names no data, the flags of the data that are still open get
// the values of the run that made the source.
func settleFromRun(f *pflag.FlagSet, c *settings.Config) error {
	info, err := os.Stat(c.Source)
	if c.Source == "" || err != nil {
		return nil // which reading says
	}
	folder := c.Source
	if !info.IsDir() {
		folder = filepath.Dir(folder)
	}
	of, err := report.ReadConfig(folder)
	if _, unfinished := os.Stat(filepath.Join(folder, record.ResultFile)); errors.Is(err, os.ErrNotExist) || err != nil && unfinished != nil {
		return nil // a file, or a folder of files, that no run made, maybe beside another program's configuration
	}
	if err != nil {
		return err
	}
	if c.Source, err = modelOf(c.Source, info); err != nil || c.Data != "" {
		return err
	}
	if err := checkPaths(folder, of); err != nil {
		return err
	}
	open := stillOpen(f)
	for _, name := range ofData {
		value := reflect.ValueOf(settings.Find(name).Field(&of)).Elem().Interface()
		if !open(f.Lookup(name)) {
			continue
		}
		if err := f.Set(name, fmt.Sprint(value)); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
	}
	return nil
}
