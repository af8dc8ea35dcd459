package settings

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"nashprune/game"
	"nashprune/trainer/cost"
)

// Setting is one setting of a run: a flag of commands, a key of TOML files and a
// variable of the environment.
type Setting struct {
	Name     string
	Section  string // of the help text
	Help     string // the word in `backquotes` is what the flag takes
	Compared bool   // it is a flag of the command compare, too
	Target   TargetKind
	Among    []string // the words that it may be, where they are few

	// Field returns a pointer to the value in a configuration.
	Field func(*Config) any

	omit        bool // files have no line for a zero, which is what the missing line means
	named       bool // environment is its variable, or empty for none
	environment string
	reset       func(*Config) // to the default
	problem     func(Config) string
}

// TargetKind says how a setting says how much of the network stays, of which a run has
// one.
type TargetKind int

const (
	NoTarget       TargetKind = iota // it does not
	CountedTarget                    // in players, parameters, multiplications, bytes or microseconds, for markets and rankings
	MeasuredTarget                   // in accuracy, for markets alone
)

// Played reports whether a setting has an effect in the game of a configuration. It says so, too, of
// what is no game or no value, for which there are errors of their own.
func (s *Setting) Played(c Config) bool {
	switch {
	case s.problem(c) != "" || !slices.Contains(game.Kinds, c.Game):
		return true
	case s.Name == "shape":
		return c.Game != game.PaperGame
	case s.Name == "structured-part":
		return c.Mixed()
	case s.Section == market && slices.Contains(marketOnly, s.Name):
		return c.Game == game.MarketGame
	case s.Section == market:
		return c.Game.InRounds()
	case s.Section == ranking:
		return c.Game == game.RankingGame
	case s.Section == paper:
		return c.Game == game.PaperGame || c.Game == game.RankingGame && c.Criterion == game.Participation
	}
	return true
}

// marketOnly are the settings of the market that rankings do not have.
var marketOnly = []string{"worth", "certify-steps", "weight-worth"}

// PlayedByWeights reports whether a setting that is played has an effect on the players, where
// these are single weights. The first part of a mixed run has other players.
func (s *Setting) PlayedByWeights(c Config) bool {
	switch {
	case !c.PlaysWeights(), c.Mixed():
		return true
	case s.Name == "worth":
		return c.WeightWorth.Observes()
	}
	return s.Name != "certify-steps"
}

// PlayedWith says in which games a setting has an effect.
func (s *Setting) PlayedWith() string {
	switch {
	case s.Section == ranking:
		return "--game ranking"
	case s.Section == paper:
		return "--game paper, or --game ranking with --criterion participation"
	case slices.Contains(marketOnly, s.Name):
		return "--game market"
	case s.Name == "structured-part":
		return "--players with other kinds beside weights"
	}
	return "--game market and ranking"
}

// rule is what holds for a value by itself. The words say what it must be.
type rule[T any] struct {
	holds func(T) bool
	words string
	among []string // the words that hold, where they are few
}

func (r rule[T]) in(words string) rule[T] { return rule[T]{holds: r.holds, words: words} }

func anything[T any]() rule[T] { return rule[T]{holds: func(T) bool { return true }} }

// No rule holds for NaN.
func within[T int | float64 | cost.Limit](low, high T) rule[T] {
	return rule[T]{holds: func(x T) bool { return x >= low && x <= high }, words: fmt.Sprintf("from %v to %v", low, high)}
}

func above0(high float64) rule[float64] {
	return rule[float64]{holds: func(x float64) bool { return x > 0 && x <= high }, words: fmt.Sprintf("above 0 and at most %v", high)}
}

var below1 = rule[float64]{holds: func(x float64) bool { return x >= 0 && x < 1 }, words: "at least 0 and below 1"}

// inTOML holds for what TOML can write.
var inTOML = rule[uint64]{holds: func(x uint64) bool { return x <= math.MaxInt64 }, words: fmt.Sprintf("at most %d, the largest number in TOML", math.MaxInt64)}

// oneOf holds for the words of a list; messages leave out the empty one.
func oneOf[T ~string](known ...T) rule[T] {
	var words []string
	for _, word := range known {
		if word != "" {
			words = append(words, string(word))
		}
	}
	list := words[len(words)-1]
	if before := words[:len(words)-1]; len(before) > 0 {
		list = strings.Join(before, ", ") + " or " + list
	}
	return rule[T]{func(x T) bool { return slices.Contains(known, x) }, list, words}
}

// declare declares a setting. Of words that are chosen from a list help names the list.
func declare[T comparable](section, name string, field func(*Config) *T, initial T, r rule[T], help string) *Setting {
	if kind := reflect.TypeFor[T](); kind.Kind() == reflect.String && kind != reflect.TypeFor[string]() {
		before, more, found := strings.Cut(help, " (default")
		help = before + ": " + r.words
		if found {
			help += " (default" + more
		}
	}
	return &Setting{
		Name: name, Section: section, Help: help, Among: r.among,
		Field: func(c *Config) any { return field(c) },
		reset: func(c *Config) { *field(c) = initial },
		problem: func(c Config) string {
			value := *field(&c)
			if r.holds(value) {
				return ""
			}
			format := "--%s is %v; it must be %s"
			if reflect.TypeFor[T]().Kind() == reflect.String {
				format = "--%s is %q; it must be %s"
			}
			return fmt.Sprintf(format, name, value, r.words)
		},
	}
}

func (s *Setting) compared() *Setting           { s.Compared = true; return s }
func (s *Setting) omitted() *Setting            { s.omit = true; return s }
func (s *Setting) target(k TargetKind) *Setting { s.Target = k; return s }

func (s *Setting) variable(name string) *Setting {
	s.named, s.environment = true, name
	return s
}

// Default returns the defaults: digits, 784-512-256-10, the market.
func Default() Config {
	var c Config
	for _, s := range All {
		s.reset(&c)
	}
	return c
}
