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
	"strings"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// The files of a comparison, beside the folders of its runs.
const (
	ReportFile = "compare.json" // Report
	TableFile  = "compare.csv"  // a row a run
	ModelFile  = "latency.json" // the model of latencies
)

// Options say what is compared, and the circumstances.
type Options struct {
	Dir     string // everything is kept there, and the same comparison goes on with it
	Command string
	Version string
	Make    sweep.Engine // makes the runs

	// Config is what all runs share: data, network, epochs, optimiser, schedule. Its
	// seed is the first.
	Config    settings.Config
	Keep      []cost.Limit // sizes: players, increasing
	Seeds     int          // of every method, at least 1
	MostSeeds int          // of methods within [Closeness] of the best, where that is more than Seeds
	Search    bool         // choose settings on held-out samples first
	Only      []string     // names of methods besides the market; nil: all
}

// heldOut is the fraction of the training part that settings are chosen on.
const heldOut = 0.1

// Closeness is by how many points the mean over the seeds that all methods have may be
// below the best of a size and shape, for a method to be trained with more seeds.
const Closeness = 1

// Run makes the comparison, or what is left of it, and writes its report to the
// folder. The errors are those of [sweep.Complete].
func Run(ctx context.Context, o Options) (*Report, error) {
	c, err := newComparison(o)
	if err != nil {
		return nil, err
	}
	shared := filepath.Join(c.Dir, sweep.SharedPrefixes) // which is large, and goes when all is done
	if err := os.MkdirAll(shared, 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if err := c.trainDense(ctx); err != nil {
		return nil, err
	}
	if c.time, err = trainer.LatencyModel(ctx, c.Config, filepath.Join(c.Dir, ModelFile)); err != nil {
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
	return &c.report, os.RemoveAll(shared)
}

// comparison is a comparison under way.
type comparison struct {
	Options
	methods  []Method
	widths   []int // players of each gate
	sizes    []int // numbers of players that stay
	time     func(players []int) float64
	seeds    []uint64 // of the methods that have most
	entrants []*entrant
	report   Report
}

// entrant is a method at a size and shape, and what came of it.
type entrant struct {
	Entry
	method Method
	place  place
	lost   string // why there are no runs; empty: there are
	file   string // the network of the first seed; empty where that run diverged
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
	if o.Dir == "" {
		return nil, backend.Usagef("--out is empty; it must be a folder for the comparison, in which the same command continues")
	}
	c := &comparison{Options: o, widths: widths}
	if len(o.Keep) == 0 || o.Seeds < 1 {
		return nil, backend.Usagef("--keep names %d numbers of players and --seeds is %d: it takes one of each at least", len(o.Keep), o.Seeds)
	}
	for i, limit := range o.Keep {
		keep := limit.Players(network.Sum(widths))
		if limit > 0 && cost.Limit(keep) != limit {
			return nil, backend.Usagef("--keep has %v; it must have whole numbers of players, or percentages of all such as 10%%", limit)
		}
		if _, err := game.Split(keep, widths); err != nil {
			return nil, backend.Usagef("--keep: %v", err)
		}
		if i > 0 && keep <= c.sizes[i-1] {
			return nil, backend.Usagef("--keep has %d after %d players: name every number once, increasing", keep, c.sizes[i-1])
		}
		c.sizes = append(c.sizes, keep)
	}
	var names []string
	for _, m := range Methods(o.Config) {
		names = append(names, m.Name)
		if o.Only == nil || m.Name == Reference || slices.Contains(o.Only, m.Name) {
			c.methods = append(c.methods, m)
		}
	}
	for _, name := range o.Only {
		if !slices.Contains(names, name) {
			return nil, backend.Usagef("--method %q is not known: there is %s", name, strings.Join(names, " "))
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

// trainDense makes the runs of the network without removals.
func (c *comparison) trainDense(ctx context.Context) error {
	var cells []sweep.Cell
	for _, seed := range c.report.Seeds {
		run := c.Config
		run.Game, run.Seed, run.Baseline = game.NoGame, seed, false
		cells = append(cells, sweep.Cell{Name: fmt.Sprintf("dense/seed-%d", seed), Config: run})
	}
	rows, err := sweep.Complete(ctx, c.Dir, cells, c.Make)
	for _, r := range rows {
		c.report.Dense = append(c.report.Dense, newRun(r))
	}
	return err
}

// compete compares all methods at a shape, at every size: first those that find a shape,
// then those that follow them, then all that are close to the best with more seeds.
func (c *comparison) compete(ctx context.Context, shape Shape) error {
	for _, following := range []bool{false, true} {
		var entered []*entrant
		for _, keep := range c.sizes {
			for _, m := range c.methods {
				if m.follows == following {
					entered = append(entered, c.enter(m, shape, keep))
				}
			}
		}
		if c.Search {
			if err := c.search(ctx, entered); err != nil {
				return err
			}
		}
		if err := c.train(ctx, entered, c.report.Seeds); err != nil {
			return err
		}
		c.entrants = append(c.entrants, entered...)
	}
	return c.train(ctx, c.close(shape), c.seeds[c.Seeds:])
}

// Why an entrant has no runs.
const (
	shapeDiverged  = "every run that its shape follows from diverged"
	searchDiverged = "every setting of the search diverged"
)

// enter returns a method at a shape and size.
func (c *comparison) enter(m Method, shape Shape, keep int) *entrant {
	e := &entrant{method: m, place: place{keep: keep}, Entry: Entry{Method: m.Name, Shape: shape, Keep: keep, Null: m.null, Setting: m.Settings[len(m.Settings)/2]}}
	var from *entrant
	equal, _ := game.Split(keep, c.widths) // checked when the comparison began
	switch {
	case shape == Equal:
		e.place.layers = equal
		return e
	case shape == Latency && !m.follows:
		e.place.latency, e.place.model = c.time(equal), filepath.Join(c.Dir, ModelFile)
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
	case from == nil || from.Runs[0].Layers == nil:
		e.lost = shapeDiverged
	case shape == Parameters && !m.follows:
		e.place.parameters = from.Runs[0].Parameters
	default:
		e.place.layers = from.Runs[0].Layers
	}
	return e
}

// table returns the entrants of a shape and size.
func (c *comparison) table(shape Shape, keep int) (all []*entrant) {
	for _, e := range c.entrants {
		if e.Shape == shape && e.Keep == keep {
			all = append(all, e)
		}
	}
	return all
}

// find returns the entrant of a method, shape and size.
func (c *comparison) find(method string, shape Shape, keep int) *entrant {
	all := c.table(shape, keep)
	return all[slices.IndexFunc(all, func(e *entrant) bool { return e.Method == method })]
}

// mean returns the mean over the seeds that all entrants have, below all where a run diverged.
func (c *comparison) mean(e *entrant) float64 {
	if mean, _ := Summary(e.Runs[:c.Seeds]); mean != nil {
		return *mean
	}
	return math.Inf(-1)
}

// winner returns the entrant with the highest mean over the seeds that all have, of equals
// the first, among those that find a shape and are no null; nil if all diverged.
func (c *comparison) winner(shape Shape, keep int) (best *entrant) {
	highest := math.Inf(-1)
	for _, e := range c.table(shape, keep) {
		if mean := c.mean(e); !e.method.follows && !e.Null && mean > highest {
			best, highest = e, mean
		}
	}
	return best
}

// close returns the entrants of a shape that are within [Closeness] of the best at their
// size, with the reference, to which they are compared.
func (c *comparison) close(shape Shape) (all []*entrant) {
	for _, keep := range c.sizes {
		best, table := math.Inf(-1), c.table(shape, keep)
		for _, e := range table {
			best = max(best, c.mean(e))
		}
		for _, e := range table {
			if mean := c.mean(e); !math.IsInf(mean, -1) && (mean >= best-Closeness || e.Method == Reference) {
				all = append(all, e)
			}
		}
	}
	return all
}

// cell returns a run of an entrant. Cells of given layers are named by them, so that shapes
// with the same layers have the same runs.
func (c *comparison) cell(folder string, e *entrant, setting Setting, seed uint64, name any) sweep.Cell {
	run := c.Config
	run.Seed, run.Baseline = seed, false
	e.method.configure(&run, e.place)
	setting.apply(&run)
	at := string(e.Shape)
	if e.place.layers != nil {
		at = network.JoinWidths(e.place.layers)
	}
	return sweep.Cell{Name: fmt.Sprintf("%s/%d/%s/%s/%v", folder, e.Keep, e.Method, at, name), Config: run}
}

// each makes n runs of every entrant that is not lost, and takes what came of them.
func (c *comparison) each(ctx context.Context, entered []*entrant, n int, cell func(e *entrant, i int) sweep.Cell, take func(e *entrant, rows []sweep.Row)) error {
	left := slices.DeleteFunc(slices.Clone(entered), func(e *entrant) bool { return e.lost != "" })
	var cells []sweep.Cell
	for _, e := range left {
		for i := range n {
			cells = append(cells, cell(e, i))
		}
	}
	rows, err := sweep.Complete(ctx, c.Dir, cells, c.Make)
	if err != nil {
		return err
	}
	for k, e := range left {
		take(e, rows[k*n:][:n])
	}
	return nil
}

// search tries the settings of every entrant with the first seed and chooses the best on
// the samples held out; of equals the first.
func (c *comparison) search(ctx context.Context, entered []*entrant) error {
	return c.each(ctx, entered, Searched, func(e *entrant, i int) sweep.Cell {
		cell := c.cell("search", e, e.method.Settings[i], c.Config.Seed, i+1)
		cell.Config.Validation, cell.Config.EvaluateOn = heldOut, backend.ValidationPart
		cell.Config.CertifySteps = 0 // which changes no network
		return cell
	}, func(e *entrant, rows []sweep.Row) {
		var trials []Trial
		best := -1
		for i, r := range rows {
			if r.Result != nil {
				c.report.Search.Held = r.Result.Data.Validation
			}
			run := newRun(r)
			trials = append(trials, Trial{Method: e.Method, Shape: e.Shape, Keep: e.Keep, Setting: e.method.Settings[i], Figure: run.Figure, Diverged: run.Diverged})
			if run.Figure != nil && (best < 0 || *run.Figure > *trials[best].Figure) {
				best = i
			}
		}
		if e.lost = searchDiverged; best >= 0 {
			e.lost, e.Setting, trials[best].Chosen = "", trials[best].Setting, true
		}
		c.report.Search.Trials = append(c.report.Search.Trials, trials...)
	})
}

// train makes the runs of entrants with some seeds.
func (c *comparison) train(ctx context.Context, entered []*entrant, seeds []uint64) error {
	for _, e := range entered {
		for _, seed := range seeds {
			if e.lost != "" {
				e.Runs = append(e.Runs, SeedRun{Seed: seed, Diverged: e.lost})
			}
		}
	}
	return c.each(ctx, entered, len(seeds), func(e *entrant, i int) sweep.Cell {
		return c.cell("runs", e, e.Setting, seeds[i], fmt.Sprintf("seed-%d", seeds[i]))
	}, func(e *entrant, rows []sweep.Row) {
		for _, r := range rows {
			if r.Result != nil {
				c.report.Device, c.report.Data = r.Result.Device, r.Result.Data
				if len(e.Runs) == 0 {
					e.file = filepath.Join(r.Dir, r.Result.File())
				}
			}
			e.Runs = append(e.Runs, newRun(r))
		}
	})
}

// newRun states what came of a cell.
func newRun(r sweep.Row) SeedRun {
	run := SeedRun{Seed: r.Config.Seed, Diverged: r.Reason, Device: r.Device}
	if r.Result == nil {
		return run
	}
	ended := r.Result.Ended()
	run.Figure, run.Loss, run.Parameters, run.MACs = ended.Percent(), ended.Loss, ended.Parameters, ended.MACs
	run.Layers, run.Seconds = ended.Shape[1:len(ended.Shape)-1], r.Result.Seconds.Train
	if e := r.Result.Equilibrium; e != nil {
		run.Model, run.Network = e.Model, e.Network
	}
	return run
}

// conclude completes the report: a table for each size and shape, with differences to the
// market and latencies.
func (c *comparison) conclude(ctx context.Context) error {
	latencies, err := c.latencies(ctx)
	if err != nil {
		return err
	}
	for _, keep := range c.sizes {
		for _, shape := range Shapes {
			if w := c.winner(won[shape], keep); w != nil {
				c.report.Winners = append(c.report.Winners, Winner{Shape: shape, Keep: keep, Method: w.Method, Layers: w.Runs[0].Layers})
			}
			for _, m := range c.methods {
				entry := c.find(m.Name, shape, keep).Entry
				entry.LatencyUS = latencies[network.JoinWidths(entry.Runs[0].Layers)]
				entry.Mean, entry.Deviation = Summary(entry.Runs)
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
		if name := network.JoinWidths(e.Runs[0].Layers); e.file != "" && !slices.Contains(layers, name) {
			files, layers = append(files, e.file), append(layers, name)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("every run diverged: there is nothing to compare; try a smaller --learning-rate")
	}
	microseconds, err := trainer.Latencies(ctx, c.Config, files)
	measured := map[string]float64{}
	for i, us := range microseconds {
		measured[layers[i]] = us
	}
	return measured, err
}
