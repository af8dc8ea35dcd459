// Package compare sets the market beside other ways to come to a small network, on
// equal terms: the same data, epochs, optimiser, removal and tail; the same number of
// settings searched for each on held-out samples; the same seeds on the test part.
package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/network"
	"nashprune/trainer/study"
)

// The files of a comparison, beside the folders of its runs.
const (
	ReportFile = "compare.json" // Report
	TableFile  = "compare.csv"  // a row a run
)

// The folders of a comparison.
const (
	searchFolder     = "search"
	runFolder        = "runs"
	denseFolder      = "dense"
	beginningsFolder = "beginnings"
)

// Options say what is compared, and the circumstances.
type Options struct {
	Dir     string // everything is kept there, and the same comparison goes on with it
	Command string
	Version string
	Jobs    int // runs at a time

	// Config is what all runs share: data, network, epochs, optimiser, schedule. Its
	// seed is the first.
	Config  trainer.Config
	Keep    []int    // numbers of players, increasing
	Seeds   int      // at least 1
	Search  bool     // choose settings on held-out samples first
	Only    []string // names of methods besides the market; nil: all
	Observe func(study.Event)
}

// heldOut is the fraction of the training part that settings are chosen on.
const heldOut = 0.1

// Run makes the comparison, or what is left of it, and writes its report to the
// folder. The errors are those of [study.Run].
func Run(ctx context.Context, o Options) (*Report, error) {
	c, err := newComparison(o)
	if err != nil {
		return nil, err
	}
	if o.Search {
		if err := c.search(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.runAll(ctx); err != nil {
		return nil, err
	}
	if err := c.timeAll(ctx); err != nil {
		return nil, err
	}
	for name, write := range map[string]func(io.Writer) error{ReportFile: c.report.Write, TableFile: c.report.WriteCSV} {
		if err := atomicfile.Write(filepath.Join(o.Dir, name), write); err != nil {
			return nil, err
		}
	}
	return &c.report, os.RemoveAll(c.beginnings())
}

// comparison is a comparison under way.
type comparison struct {
	Options
	methods []Method
	hidden  []int
	chosen  map[entrant]Setting // of those for which some setting did not diverge
	report  Report
	files   []string // model files of the first seed, in the order of the entries
}

// entrant is a method at a shape.
type entrant struct {
	method string
	shape  Shape
}

// newComparison checks the options. Errors are of the kind [trainer.ErrUsage].
func newComparison(o Options) (*comparison, error) {
	hidden, err := network.Parse(o.Config.Model)
	if err != nil {
		return nil, trainer.Usagef("--model: %v", err)
	}
	c := &comparison{Options: o, hidden: hidden, chosen: map[entrant]Setting{}}
	if len(o.Keep) == 0 || o.Seeds < 1 {
		return nil, trainer.Usagef("--keep names %d numbers of players and --seeds is %d: it takes one of each at least", len(o.Keep), o.Seeds)
	}
	for i, keep := range o.Keep {
		if _, err := game.Split(keep, hidden); err != nil {
			return nil, trainer.Usagef("--keep: %v", err)
		}
		if i > 0 && keep <= o.Keep[i-1] {
			return nil, trainer.Usagef("--keep has %d after %d: name every number once, increasing", keep, o.Keep[i-1])
		}
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(Methods(o.Config), func(m Method) bool { return m.Name == name }) {
			return nil, trainer.Usagef("--method %q is not known: %s", name, names(Methods(o.Config)))
		}
	}
	for _, m := range Methods(o.Config) {
		if o.Only == nil || m.Name == Reference || slices.Contains(o.Only, m.Name) {
			c.methods = append(c.methods, m)
			for _, shape := range m.Shapes {
				c.chosen[entrant{m.Name, shape}] = m.Settings[len(m.Settings)/2]
			}
		}
	}
	c.report = Report{
		Schema: Schema, Program: "nashprune " + o.Version, Command: o.Command, Task: o.Config.Task, Model: o.Config.Model, Epochs: o.Config.Epochs,
	}
	for i := range o.Seeds {
		c.report.Seeds = append(c.report.Seeds, o.Config.Seed+uint64(i))
	}
	return c, nil
}

func names(methods []Method) string {
	text := "there is"
	for _, m := range methods {
		text += " " + m.Name
	}
	return text
}

// each calls do for every method at each of its shapes.
func (c *comparison) each(do func(m Method, shape Shape)) {
	for _, m := range c.methods {
		for _, shape := range m.Shapes {
			do(m, shape)
		}
	}
}

// config returns the configuration of a method's run.
func (c *comparison) config(m Method, shape Shape, keep int, s Setting, seed uint64) trainer.Config {
	p := place{keep: keep}
	if shape == Equal {
		p.layers, _ = game.Split(keep, c.hidden) // checked when the comparison began
	}
	run := c.Config
	run.Seed, run.Baseline = seed, false
	m.configure(&run, p)
	s.apply(&run)
	return run
}

func (c *comparison) study(ctx context.Context, cells []study.Cell) ([]study.Outcome, error) {
	return study.Run(ctx, cells, study.Options{
		Dir: c.Dir, Command: c.Command, Version: c.Version, Jobs: c.Jobs, Observe: c.Observe,
		Beginnings: c.beginnings(),
	})
}

// beginnings is the folder of what runs share. It is large and goes when all is done.
func (c *comparison) beginnings() string { return filepath.Join(c.Dir, beginningsFolder) }

// searchKeep returns the number of players that settings are chosen for, the middle
// one.
func (c *comparison) searchKeep() int { return c.Keep[(len(c.Keep)-1)/2] }

// search tries the settings of every method with the first seed and chooses the best
// on the samples held out; of equals the first.
func (c *comparison) search(ctx context.Context) error {
	search := &Search{Keep: c.searchKeep(), Seed: c.Config.Seed}
	var cells []study.Cell
	c.each(func(m Method, shape Shape) {
		for i, s := range m.Settings {
			run := c.config(m, shape, search.Keep, s, search.Seed)
			run.Validation, run.EvaluateOn = heldOut, trainer.ValidationPart
			cells = append(cells, study.Cell{Name: fmt.Sprintf("%s/%s-%s/%d", searchFolder, m.Name, shape, i+1), Config: run})
		}
	})
	outcomes, err := c.study(ctx, cells)
	if err != nil {
		return err
	}
	c.each(func(m Method, shape Shape) {
		best := -1
		first := len(search.Trials)
		for i, s := range m.Settings {
			run := newRun(outcomes[0])
			if r := outcomes[0].Result; r != nil {
				search.Held = r.Data.Validation
			}
			outcomes = outcomes[1:]
			search.Trials = append(search.Trials, Trial{Method: m.Name, Shape: shape, Setting: s.Name, Figure: run.Figure, Diverged: run.Diverged})
			if run.Figure != nil && (best < 0 || *run.Figure > *search.Trials[first+best].Figure) {
				best = i
			}
		}
		if best < 0 {
			delete(c.chosen, entrant{m.Name, shape})
			return
		}
		search.Trials[first+best].Chosen = true
		c.chosen[entrant{m.Name, shape}] = m.Settings[best]
	})
	c.report.Search = search
	return nil
}

// runAll makes the runs that are compared.
func (c *comparison) runAll(ctx context.Context) error {
	var cells []study.Cell
	for _, seed := range c.report.Seeds {
		run := c.Config
		run.Seed, run.Baseline, run.Game = seed, false, trainer.NoGame
		cells = append(cells, study.Cell{Name: fmt.Sprintf("%s/seed-%d", denseFolder, seed), Config: run})
	}
	for _, keep := range c.Keep {
		c.each(func(m Method, shape Shape) {
			setting, ok := c.chosen[entrant{m.Name, shape}]
			if !ok {
				return
			}
			c.report.Entries = append(c.report.Entries, Entry{Method: m.Name, Shape: shape, Keep: keep, Setting: setting.Name})
			for _, seed := range c.report.Seeds {
				cells = append(cells, study.Cell{
					Name:   fmt.Sprintf("%s/%s-%s/%d/seed-%d", runFolder, m.Name, shape, keep, seed),
					Config: c.config(m, shape, keep, setting, seed),
				})
			}
		})
	}
	outcomes, err := c.study(ctx, cells)
	if err != nil {
		return err
	}
	take := func() (runs []SeedRun, first study.Outcome) {
		first = outcomes[0]
		for range c.report.Seeds {
			if r := outcomes[0].Result; r != nil {
				c.report.Device, c.report.Data = r.Device, r.Data
			}
			runs = append(runs, newRun(outcomes[0]))
			outcomes = outcomes[1:]
		}
		return runs, first
	}
	c.report.Dense, _ = take()
	for i := range c.report.Entries {
		e := &c.report.Entries[i]
		var first study.Outcome
		e.Runs, first = take()
		e.summarise()
		c.files = append(c.files, modelFile(first))
	}
	c.report.differ()
	return nil
}

// newRun states what came of a cell.
func newRun(o study.Outcome) SeedRun {
	run := SeedRun{Seed: o.Cell.Config.Seed, Diverged: o.Diverged}
	if o.Result == nil {
		return run
	}
	judged := o.Result.Dense
	if o.Result.Pruned != nil {
		judged = o.Result.Pruned.Judged
	}
	run.Figure, run.Loss = judged.Accuracy, judged.Loss
	if judged.R2 != nil {
		percent := 100 * *judged.R2
		run.Figure = &percent
	}
	run.Layers = judged.Shape[1 : len(judged.Shape)-1]
	run.Parameters, run.MACs, run.Seconds = judged.Parameters, judged.MACs, o.Result.Seconds.Train
	return run
}

// modelFile names the network that a cell ended with, empty where it diverged.
func modelFile(o study.Outcome) string {
	switch {
	case o.Result == nil:
		return ""
	case o.Result.Pruned == nil:
		return filepath.Join(o.Dir, trainer.DenseFile)
	default:
		return filepath.Join(o.Dir, trainer.PrunedFile)
	}
}

// timeAll measures the latency of a network of every entry, all in turns and with
// nothing else under way.
func (c *comparison) timeAll(ctx context.Context) error {
	var files []string
	for _, file := range c.files {
		if file != "" {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return errors.New("every run diverged: there is nothing to compare; try a smaller --learning-rate")
	}
	microseconds, err := trainer.Latencies(ctx, c.Config, files)
	if err != nil {
		return err
	}
	for i, file := range c.files {
		if file != "" {
			c.report.Entries[i].LatencyUS, microseconds = microseconds[0], microseconds[1:]
		}
	}
	return nil
}
