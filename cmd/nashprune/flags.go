package main

import (
	"reflect"
	"strings"

	"github.com/spf13/pflag"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/settings"
)

// word is a flag for a string type.
type word struct{ value reflect.Value }

func (w word) String() string {
	if !w.value.IsValid() {
		return ""
	}
	return w.value.String()
}
func (w word) Set(s string) error { w.value.SetString(s); return nil }
func (w word) Type() string       { return "string" }

// limit is a flag for a number or a percentage.
type limit struct{ *cost.Limit }

func (limit) Type() string { return "limit" }

// limits is a flag for several, with commas in between.
type limits struct{ list *[]cost.Limit }

func (limits) Type() string { return "limits" }

func (l limits) String() string {
	if l.list == nil {
		return ""
	}
	var words []string
	for _, limit := range *l.list {
		words = append(words, limit.String())
	}
	return strings.Join(words, ",")
}

func (l limits) Set(text string) error {
	var list []cost.Limit
	for word := range strings.SplitSeq(text, ",") {
		var limit cost.Limit
		if err := limit.Set(strings.TrimSpace(word)); err != nil {
			return err
		}
		list = append(list, limit)
	}
	*l.list = list
	return nil
}

// configFlags returns a flag for every setting of the configuration, in its section of
// the help text.
func configFlags(c *settings.Config) *pflag.FlagSet {
	all := newFlagSet()
	for _, s := range settings.All {
		addSetting(all, c, s)
		all.Lookup(s.Name).Annotations = map[string][]string{sectionAnnotation: {s.Section}}
	}
	return all
}

// addSetting adds the flag of a setting, whose value goes to c and whose default is c's.
func addSetting(f *pflag.FlagSet, c *settings.Config, s *settings.Setting) {
	switch p := s.Field(c).(type) {
	case *string:
		f.StringVar(p, s.Name, *p, s.Help)
	case *int:
		f.IntVar(p, s.Name, *p, s.Help)
	case *uint64:
		f.Uint64Var(p, s.Name, *p, s.Help)
	case *float64:
		f.Float64Var(p, s.Name, *p, s.Help)
	case *cost.Limit:
		f.Var(limit{p}, s.Name, s.Help)
	case *bool:
		f.BoolVar(p, s.Name, *p, s.Help)
	default:
		f.Var(word{reflect.ValueOf(p).Elem()}, s.Name, s.Help)
	}
}

// help returns the help of a setting, for commands with a flag of the same meaning.
func help(setting string) string { return settings.Find(setting).Help }

// maxJobs is more runs at a time than any machine has processors for.
const maxJobs = 1024

// checkJobs says what --jobs may be.
func checkJobs(jobs int) error {
	if jobs < 1 || jobs > maxJobs {
		return backend.Usagef("--jobs is %d; it must be at least 1 and at most %d", jobs, maxJobs)
	}
	return nil
}

func newFlagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SortFlags = false
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
	case f.Changed("shape") && c.Game == game.PaperGame:
		return backend.Usagef("--shape is for --game market, ranking and off; --game is %s", c.Game)
	case len(given) == 1 && given[0].Name != "shape" && (c.Game == game.PaperGame || c.Game == game.NoGame):
		return backend.Usagef("--cost and the targets that begin with --max are for --game market and --game ranking; --game is %s", c.Game)
	case len(given) == 1 && c.Game == game.RankingGame && settings.Find(given[0].Name).Target == settings.MeasuredTarget:
		return backend.Usagef("--%s is for --game market; --game %s takes --keep, --sparsity, --shape, --max-params, --max-macs, --max-bytes or --max-latency-us", given[0].Name, c.Game)
	case f.Changed("cost") && !c.Game.InRounds():
		return backend.Usagef("--cost is for --game market and --game ranking; --game is %s", c.Game)
	case (f.Changed("keep") || f.Changed("sparsity")) && c.Pattern != "":
		return backend.Usagef("--sparsity-pattern %s says how many weights stay: leave out --keep and --sparsity", c.Pattern)
	case f.Changed("keep") && f.Lookup("keep").Value.String() == "0":
		return backend.Usagef("--keep is 0; it must be at least %d players a gate", game.LeastPerLayer)
	case len(given) == 1 && given[0].Name != "sparsity" && given[0].Value.String() == "0":
		return backend.Usagef("--%s is 0; it must be above 0, or left out", given[0].Name)
	}
	for _, s := range settings.All {
		flag := f.Lookup(s.Name)
		switch {
		case !flag.Changed || flag.Value.String() == flag.DefValue:
		case !s.Played(c):
			return backend.Usagef("--%s %s has no effect: it is for %s; --game is %s: leave it out", s.Name, flag.Value, s.PlayedWith(), c.Game)
		case !s.PlayedByWeights(c):
			return backend.Usagef("--%s %s has no effect with --players weights and --weight-worth %s: leave it out", s.Name, flag.Value, c.WeightWorth)
		}
	}
	return nil
}

// givenTargets returns the flags that say how much stays, of which a run has one, as far
// as they are set.
func givenTargets(f *pflag.FlagSet) (given []*pflag.Flag) {
	for _, s := range settings.All {
		if flag := f.Lookup(s.Name); s.Target != settings.NoTarget && flag != nil && flag.Changed {
			given = append(given, flag)
		}
	}
	return given
}
