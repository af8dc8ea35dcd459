package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/study"
)

// The files of a comparison, beside the folders of its runs.
const (
	ReportFile = "compare.json" // Report
	TableFile  = "compare.csv"  // a row a run
)

// The folders of a comparison.
const (
	searchFolder         = "search"
	runFolder            = "runs"
	denseFolder          = "dense"
	sharedPrefixesFolder = "shared-prefixes"
)

// Options say what is compared, and the circumstances.
type Options struct {
	Dir     string // everything is kept there, and the same comparison goes on with it
	Command string
	Version string
	Jobs    int // runs at a time

	// Config is what all runs share: data, network, epochs, optimiser, schedule. Its
	// seed is the first.
	Config    settings.Config
	Keep      []int    // sizes: numbers of players, increasing
	Seeds     int      // of every method, at least 1
	MostSeeds int      // of methods within [Closeness] of the best, where that is more than Seeds
	Search    bool     // choose settings on held-out samples first
	Only      []string // names of methods besides the market; nil: all
	Observe   func(stage string, e study.Event)
}

// heldOut is the fraction of the training part that settings are chosen on.
const heldOut = 0.1

// Closeness is by how many points the mean over the seeds that all methods have may be
// below the best of a size and shape, for a method to be trained with more seeds.
const Closeness = 1

// Run makes the comparison, or what is left of it, and writes its report to the
// folder. The errors are those of [study.Run].
func Run(ctx context.Context, o Options) (*Report, error) {
	c, err := newComparison(o)
	if err != nil {
		return nil, err
	}
	if err := c.trainDense(ctx); err != nil {
		return nil, err
	}
	for _, shape := range Shapes {
		if err := c.compete(ctx, shape); err != nil {
			return nil, err
		}
	}
	if err := c.conclude(ctx); err != nil {
		return nil, err
	}
	for name, write := range map[string]func(io.Writer) error{
		ReportFile: func(w io.Writer) error { return record.WriteJSON(w, &c.report) }, TableFile: c.report.WriteCSV,
	} {
		if err := atomicfile.Write(filepath.Join(o.Dir, name), write); err != nil {
			return nil, err
		}
	}
	return &c.report, os.RemoveAll(c.sharedPrefixes())
}

// comparison is a comparison under way.
type comparison struct {
	Options
	methods  []Method
	widths   []int    // players of each gate
	seeds    []uint64 // of the methods that have most
	entrants []*entrant
	report   Report
}

// entrant is a method at a size and shape, and what came of it.
type entrant struct {
	method  Method
	shape   Shape
	place   place
	setting Setting
	lost    string // why there are no runs; empty: there are
	runs    []SeedRun
	file    string // the network of the first seed; empty where that run diverged
}

// newComparison checks the options. Errors are of the kind [backend.ErrUsage].
func newComparison(o Options) (*comparison, error) {
	if o.Config.PlaysWeights() {
		return nil, backend.Usagef("--players is %s, which no method here removes; compare runs of train instead, with --game market and --game ranking", o.Config.Players)
	}
	widths, err := trainer.Widths(o.Config)
	if err != nil {
		return nil, err
	}
	c := &comparison{Options: o, widths: widths}
	if len(o.Keep) == 0 || o.Seeds < 1 {
		return nil, backend.Usagef("--keep names %d numbers of players and --seeds is %d: it takes one of each at least", len(o.Keep), o.Seeds)
	}
	for i, keep := range o.Keep {
		if _, err := game.Split(keep, widths); err != nil {
			return nil, backend.Usagef("--keep: %v", err)
		}
		if i > 0 && keep <= o.Keep[i-1] {
			return nil, backend.Usagef("--keep has %d after %d: name every number once, increasing", keep, o.Keep[i-1])
		}
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(Methods(o.Config), func(m Method) bool { return m.Name == name }) {
			return nil, backend.Usagef("--method %q is not known: %s", name, names(Methods(o.Config)))
		}
	}
	for _, m := range Methods(o.Config) {
		if o.Only == nil || m.Name == Reference || slices.Contains(o.Only, m.Name) {
			c.methods = append(c.methods, m)
		}
	}
	for i := range max(o.Seeds, o.MostSeeds) {
		c.seeds = append(c.seeds, o.Config.Seed+uint64(i))
	}
	c.report = Report{
		Schema: Schema, Program: "nashprune " + o.Version, Command: o.Command, Task: o.Config.Task, Model: o.Config.Model, Epochs: o.Config.Epochs,
		Seeds: c.seeds[:o.Seeds], MostSeeds: len(c.seeds),
	}
	if o.Search {
		c.report.Search = &Search{Seed: o.Config.Seed}
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

// study makes cells, as far as they are not made, and returns their outcomes in order.
func (c *comparison) study(ctx context.Context, stage string, cells []study.Cell) ([]study.Outcome, error) {
	return study.Run(ctx, cells, study.Options{
		Dir: c.Dir, Command: c.Command, Version: c.Version, Jobs: c.Jobs, SharedPrefixes: c.sharedPrefixes(),
		Observe: func(e study.Event) {
			if c.Observe != nil {
				c.Observe(stage, e)
			}
		},
	})
}

// sharedPrefixes is the folder of what runs share. It is large and goes when all is done.
func (c *comparison) sharedPrefixes() string { return filepath.Join(c.Dir, sharedPrefixesFolder) }

// trainDense makes the runs of the network without removals.
func (c *comparison) trainDense(ctx context.Context) error {
	var cells []study.Cell
	for _, seed := range c.report.Seeds {
		run := c.Config
		run.Game, run.Seed, run.Baseline = game.NoGame, seed, false
		cells = append(cells, study.Cell{Name: fmt.Sprintf("%s/seed-%d", denseFolder, seed), Config: run})
	}
	outcomes, err := c.study(ctx, denseFolder, cells)
	for _, o := range outcomes {
		c.report.Dense = append(c.report.Dense, newRun(o))
	}
	return err
}

// compete compares all methods at a shape, at every size: first those that find a shape,
// then those that follow them, then all that are close to the best with more seeds.
func (c *comparison) compete(ctx context.Context, shape Shape) error {
	for _, following := range []bool{false, true} {
		var entered []*entrant
		for _, keep := range c.Keep {
			for _, m := range c.methods {
				if m.follows == following {
					entered = append(entered, c.enter(m, shape, keep))
				}
			}
		}
		if err := c.search(ctx, shape, entered); err != nil {
			return err
		}
		if err := c.train(ctx, fmt.Sprintf("compare, %s", shape), entered, c.report.Seeds); err != nil {
			return err
		}
		c.entrants = append(c.entrants, entered...)
	}
	return c.train(ctx, fmt.Sprintf("more seeds, %s", shape), c.close(shape), c.seeds[c.Seeds:])
}

// Why an entrant has no runs.
const (
	shapeDiverged  = "every run that its shape follows from diverged"
	searchDiverged = "every setting of the search diverged"
)

// enter returns a method at a shape and size.
func (c *comparison) enter(m Method, shape Shape, keep int) *entrant {
	e := &entrant{method: m, shape: shape, place: place{keep: keep}, setting: m.Settings[len(m.Settings)/2]}
	var from *entrant
	switch {
	case shape == Equal:
		e.place.layers, _ = game.Split(keep, c.widths) // checked when the comparison began
		return e
	case won[shape] != "":
		from = c.winner(won[shape], keep)
	case m.follows:
		from = c.find(Reference, shape, keep)
	case shape == Free:
		return e
	default: // Parameters: any network of the equal shape has their number
		from = c.winner(Equal, keep)
	}
	switch {
	case from == nil || from.runs[0].Layers == nil:
		e.lost = shapeDiverged
	case shape == Parameters && !m.follows:
		e.place.parameters = from.runs[0].Parameters
	default:
		e.place.layers = from.runs[0].Layers
	}
	return e
}

// find returns the entrant of a method, shape and size.
func (c *comparison) find(method string, shape Shape, keep int) *entrant {
	for _, e := range c.entrants {
		if e.method.Name == method && e.shape == shape && e.place.keep == keep {
			return e
		}
	}
	return nil
}

// winner returns the entrant with the highest mean over the seeds that all have, of equals
// the first, among those that find a shape and are no null; nil if all diverged.
func (c *comparison) winner(shape Shape, keep int) (best *entrant) {
	for _, e := range c.entrants {
		if e.shape != shape || e.place.keep != keep || e.method.follows || e.method.null {
			continue
		}
		if mean := c.mean(e); mean != nil && (best == nil || *mean > *c.mean(best)) {
			best = e
		}
	}
	return best
}

// mean returns the mean over the seeds that all entrants have, nil where a run diverged.
func (c *comparison) mean(e *entrant) *float64 {
	mean, _ := Summary(e.runs[:c.Seeds])
	return mean
}

// close returns the entrants of a shape that are within [Closeness] of the best at their
// size, with the reference, to which they are compared.
func (c *comparison) close(shape Shape) []*entrant {
	var all []*entrant
	for _, keep := range c.Keep {
		best := math.Inf(-1)
		for _, e := range c.entrants {
			if mean := c.mean(e); e.shape == shape && e.place.keep == keep && mean != nil {
				best = max(best, *mean)
			}
		}
		for _, e := range c.entrants {
			if e.shape != shape || e.place.keep != keep {
				continue
			}
			if mean := c.mean(e); mean != nil && (*mean >= best-Closeness || e.method.Name == Reference) {
				all = append(all, e)
			}
		}
	}
	return all
}

// cell returns a run of an entrant. Cells of given layers are named by them, so that shapes
// with the same layers have the same runs.
func (c *comparison) cell(folder string, e *entrant, setting Setting, seed uint64, name string) study.Cell {
	run := c.Config
	run.Seed, run.Baseline = seed, false
	e.method.configure(&run, e.place)
	setting.apply(&run)
	at := string(e.shape)
	if e.place.layers != nil {
		at = network.JoinWidths(e.place.layers)
	}
	return study.Cell{Name: fmt.Sprintf("%s/%d/%s/%s/%s", folder, e.place.keep, e.method.Name, at, name), Config: run}
}

// search tries the settings of every entrant with the first seed and chooses the best on
// the samples held out; of equals the first.
func (c *comparison) search(ctx context.Context, shape Shape, entered []*entrant) error {
	if !c.Search {
		return nil
	}
	var cells []study.Cell
	for _, e := range entered {
		if e.lost != "" {
			continue
		}
		for i, s := range e.method.Settings {
			cell := c.cell(searchFolder, e, s, c.Config.Seed, fmt.Sprint(i+1))
			cell.Config.Validation, cell.Config.EvaluateOn = heldOut, backend.ValidationPart
			cell.Config.CertifySteps = 0 // which changes no network
			cells = append(cells, cell)
		}
	}
	outcomes, err := c.study(ctx, fmt.Sprintf("search, %s", shape), cells)
	if err != nil {
		return err
	}
	for _, e := range entered {
		if e.lost != "" {
			continue
		}
		var trials []Trial
		best := -1
		for i, s := range e.method.Settings {
			if r := outcomes[i].Result; r != nil {
				c.report.Search.Held = r.Data.Validation
			}
			run := newRun(outcomes[i])
			trials = append(trials, Trial{
				Method: e.method.Name, Shape: shape, Keep: e.place.keep, Setting: s.Name, Figure: run.Figure, Diverged: run.Diverged,
			})
			if run.Figure != nil && (best < 0 || *run.Figure > *trials[best].Figure) {
				best = i
			}
		}
		outcomes = outcomes[len(trials):]
		if best < 0 {
			e.lost = searchDiverged
		} else {
			trials[best].Chosen, e.setting = true, e.method.Settings[best]
		}
		c.report.Search.Trials = append(c.report.Search.Trials, trials...)
	}
	return nil
}

// train makes the runs of entrants with some seeds.
func (c *comparison) train(ctx context.Context, stage string, entered []*entrant, seeds []uint64) error {
	var cells []study.Cell
	for _, e := range entered {
		for _, seed := range seeds {
			if e.lost == "" {
				cells = append(cells, c.cell(runFolder, e, e.setting, seed, fmt.Sprintf("seed-%d", seed)))
			}
		}
	}
	outcomes, err := c.study(ctx, stage, cells)
	if err != nil {
		return err
	}
	for _, e := range entered {
		for _, seed := range seeds {
			if e.lost != "" {
				e.runs = append(e.runs, SeedRun{Seed: seed, Diverged: e.lost})
				continue
			}
			if r := outcomes[0].Result; r != nil {
				c.report.Device, c.report.Data = r.Device, r.Data
			}
			if len(e.runs) == 0 {
				e.file = modelFile(outcomes[0])
			}
			e.runs, outcomes = append(e.runs, newRun(outcomes[0])), outcomes[1:]
		}
	}
	return nil
}

// newRun states what came of a cell.
func newRun(o study.Outcome) SeedRun {
	run := SeedRun{Seed: o.Cell.Config.Seed, Diverged: o.Diverged}
	if o.Result == nil {
		return run
	}
	evaluated := o.Result.Dense
	if o.Result.Pruned != nil {
		evaluated = o.Result.Pruned.NetworkResult
	}
	run.Figure, run.Loss = evaluated.Accuracy, evaluated.Loss
	if evaluated.R2 != nil {
		percent := 100 * *evaluated.R2
		run.Figure = &percent
	}
	run.Layers = evaluated.Shape[1 : len(evaluated.Shape)-1]
	if e := o.Result.Equilibrium; e != nil {
		run.Model, run.Network = e.Model, e.Network
	}
	run.Parameters, run.MACs, run.Seconds = evaluated.Parameters, evaluated.MACs, o.Result.Seconds.Train
	return run
}

// modelFile names the network that a cell ended with, empty where it diverged.
func modelFile(o study.Outcome) string {
	switch {
	case o.Result == nil:
		return ""
	case o.Result.Pruned == nil:
		return filepath.Join(o.Dir, record.DenseFile)
	default:
		return filepath.Join(o.Dir, record.PrunedFile)
	}
}

// conclude completes the report: a table for each size and shape, with differences to the
// market and latencies.
func (c *comparison) conclude(ctx context.Context) error {
	latencies, err := c.latencies(ctx)
	if err != nil {
		return err
	}
	for _, keep := range c.Keep {
		for _, shape := range Shapes {
			if w := c.winner(won[shape], keep); w != nil {
				c.report.Winners = append(c.report.Winners, Winner{Shape: shape, Keep: keep, Method: w.method.Name, Layers: w.runs[0].Layers})
			}
			for _, m := range c.methods {
				e := c.find(m.Name, shape, keep)
				entry := Entry{Method: m.Name, Shape: shape, Keep: keep, Null: m.null, Setting: e.setting.Name, Runs: e.runs, LatencyUS: latencies[network.JoinWidths(e.runs[0].Layers)]}
				entry.Mean, entry.Deviation = Summary(e.runs)
				c.report.Entries = append(c.report.Entries, entry)
			}
			c.report.differ(shape, keep)
		}
	}
	return nil
}

// latencies measures networks of the first seeds, one of every shape, all in turns and with
// nothing else under way, and returns microseconds by their layers.
func (c *comparison) latencies(ctx context.Context) (map[string]float64, error) {
	var files, layers []string
	for _, e := range c.entrants {
		if e.file != "" && !slices.Contains(layers, network.JoinWidths(e.runs[0].Layers)) {
			files, layers = append(files, e.file), append(layers, network.JoinWidths(e.runs[0].Layers))
		}
	}
	if len(files) == 0 {
		return nil, errors.New("every run diverged: there is nothing to compare; try a smaller --learning-rate")
	}
	microseconds, err := trainer.Latencies(ctx, c.Config, files)
	if err != nil {
		return nil, err
	}
	measured := map[string]float64{}
	for i, name := range layers {
		measured[name] = microseconds[i]
	}
	return measured, nil
}
