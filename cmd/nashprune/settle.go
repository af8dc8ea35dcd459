package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
)

// A setting comes from its flag, else from the environment, else from a TOML
// file, else from its default. Each source in turn fills in the flags that are
// still open.

// environmentPrefix begins the variables that stand in for flags:
// NASHPRUNE_LEARNING_RATE for --learning-rate.
const environmentPrefix = "NASHPRUNE_"

// environmentNames are the flags whose variable is not named after them, or that
// have none. $NASHPRUNE_DATA is the folder of data sets, which package dataset
// looks at.
var environmentNames = map[string]string{"data": "NASHPRUNE_DATASET", "data-dir": "", "resume": "", "help": ""}

func environmentName(flag string) string {
	if name, ok := environmentNames[flag]; ok {
		return name
	}
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settleFromEnvironment sets the flags that are still open from their variables,
// those excepted. An empty variable is none.
func settleFromEnvironment(f *pflag.FlagSet, except ...string) error {
	open := stillOpen(f)
	var err error
	f.VisitAll(func(flag *pflag.Flag) {
		variable := environmentName(flag.Name)
		value := os.Getenv(variable) // "" for the flags without one
		if err != nil || value == "" || !open(flag) || slices.Contains(except, flag.Name) {
			return
		}
		if bad := f.Set(flag.Name, value); bad != nil {
			err = backend.Usagef("$%s: %v", variable, plainly(bad))
		}
	})
	return err
}

// stillOpen returns which flags of f the next source may set: not those that are
// set already, nor, where a target is set or a game without one is chosen, a target.
func stillOpen(f *pflag.FlagSet) func(*pflag.Flag) bool {
	target := len(givenTargets(f)) == 0
	if f.Changed("game") {
		switch game.Kind(f.Lookup("game").Value.String()) {
		case game.MarketGame, game.RankingGame:
		default:
			target = false
		}
	}
	return func(flag *pflag.Flag) bool {
		if slices.Contains(targetNames, flag.Name) {
			return target
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
	if err := settings.CheckText([]byte(text)); err != nil {
		return err
	}
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		return err
	}
	open := stillOpen(f)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		flag := f.Lookup(name)
		if flag == nil {
			return fmt.Errorf("there is no setting %q (nashprune train --help lists them)", name)
		}
		if !hasType(values[name], flag.Value.Type()) {
			return fmt.Errorf("%s takes %s", name, typeNames[flag.Value.Type()])
		}
		if !open(flag) {
			continue
		}
		if err := f.Set(name, fmt.Sprint(values[name])); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// typeNames says what the types of flags are, as TOML writes them.
var typeNames = map[string]string{
	"string": "a text in quotes", "bool": "true or false", "int": "a whole number", "uint64": "a whole number", "float64": "a number",
}

// hasType reports whether a TOML value is of a flag's type.
func hasType(value any, kind string) bool {
	switch value.(type) {
	case string:
		return kind == "string"
	case bool:
		return kind == "bool"
	case int64:
		return kind == "int" || kind == "uint64" || kind == "float64"
	case float64:
		return kind == "float64"
	}
	return false
}
