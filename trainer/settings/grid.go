package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Combination is the configuration of one run of a grid.
type Combination struct {
	Varied []Value // what differs from run to run, in the order of the file
	Config Config
	named  map[string]bool
}

// Named reports whether the file gives the run a value of a setting.
func (c Combination) Named(setting string) bool { return c.named[setting] }

const (
	maxGridNesting = 1024 // as maxNesting; the text of a grid has lists
	maxRuns        = 10_000

	gridKey = "grid"
	listKey = "list"
)

// ParseGrid reads a TOML file of many runs:
//
//	data = "mnist"          # settings that all runs share
//	[[list]]                # runs with these settings,
//	game = "ranking"
//	[[list]]                # and with these,
//	game = "market"
//	[grid]                  # each with every combination of these
//	keep = [15, 38]
//	seed = [1, 2, 3]
//
// in the order of the list and then of the grid, whose last line varies fastest. A setting
// stands in one of the three places. Runs that name a source have the defaults of
// [Trained].
func ParseGrid(text []byte) ([]Combination, error) {
	if err := checkNesting(text, maxGridNesting); err != nil {
		return nil, err
	}
	var table map[string]any
	meta, err := toml.Decode(string(text), &table)
	if err != nil {
		return nil, err
	}
	grid, list, err := cutGrid(table)
	if err != nil {
		return nil, err
	}
	shared, err := valuesOf(table)
	if err != nil {
		return nil, err
	}
	runs := [][]Value{nil}
	if list != nil {
		runs = nil
	}
	for i, entry := range list {
		values, err := valuesOf(entry)
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", listKey, i+1, err)
		}
		runs = append(runs, values)
	}
	for _, key := range meta.Keys() {
		if len(key) != 2 || key[0] != gridKey {
			continue
		}
		if runs, err = times(runs, key[1], grid[key[1]]); err != nil {
			return nil, err
		}
	}
	return combine(shared, runs)
}

// cutGrid takes the grid and the list out of a table.
func cutGrid(table map[string]any) (grid map[string]any, list []map[string]any, err error) {
	var ok bool
	if found := table[gridKey]; found != nil {
		if grid, ok = found.(map[string]any); !ok {
			return nil, nil, fmt.Errorf("%s must be a table, [%s], with lines such as seed = [1, 2, 3]", gridKey, gridKey)
		}
	}
	if found := table[listKey]; found != nil {
		if list, ok = found.([]map[string]any); !ok {
			return nil, nil, fmt.Errorf("%s must be tables, each begun with [[%s]]", listKey, listKey)
		}
	}
	delete(table, gridKey)
	delete(table, listKey)
	return grid, list, nil
}

// times returns every run with every value of a line of the grid.
func times(runs [][]Value, name string, line any) ([][]Value, error) {
	list, is := line.([]any)
	if !is || len(list) == 0 {
		return nil, fmt.Errorf("%s: %s must be a list of one value or more, such as [1, 2, 3]", gridKey, name)
	}
	if len(list)*len(runs) > maxRuns {
		return nil, fmt.Errorf("more than %d runs; split the file", maxRuns)
	}
	var all [][]Value
	for _, run := range runs {
		for _, value := range list {
			v, err := valueOf(name, value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", gridKey, err)
			}
			all = append(all, append(slices.Clip(run), v))
		}
	}
	return all, nil
}

// combine gives every run its configuration.
func combine(shared []Value, runs [][]Value) ([]Combination, error) {
	var all []Combination
	seen := map[Config]bool{}
	for _, varied := range runs {
		values := slices.Concat(shared, varied)
		given := map[string]bool{}
		var targets []string
		for _, v := range values {
			if given[v.Name] {
				return nil, fmt.Errorf("%s is set twice: it may stand above, in the %s or in the %s", v.Name, listKey, gridKey)
			}
			given[v.Name] = true
			if v.Target != NoTarget {
				targets = append(targets, v.Name)
			}
		}
		if len(targets) > 1 {
			return nil, fmt.Errorf("a run has the targets %s; it must have one", strings.Join(targets, " and "))
		}
		c := Default()
		if given["source"] {
			c = Trained()
		}
		for _, v := range values {
			v.set(&c)
		}
		if seen[c] {
			return nil, fmt.Errorf("two runs have the same settings: %s", CombinationName(varied))
		}
		seen[c] = true
		all = append(all, Combination{varied, c, given})
	}
	return all, nil
}

// CombinationName writes what differs from run to run as NAME=VALUE, with commas in between.
func CombinationName(varied []Value) string {
	var words []string
	for _, v := range varied {
		words = append(words, v.Name+"="+v.Text())
	}
	return strings.Join(words, ",")
}

// Text writes the value as the command line has it.
func (v Value) Text() string { return fmt.Sprint(v.Value) }
