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
	Config  settings.Config
	Keep    []int    // numbers of players, increasing
	Seeds   int      // at least 1
	Search  bool     // choose settings on held-out samples first
	Only    []string // names of methods besides the market; nil: all
	Observe func(stage string, e study.Event)
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

// newComparison checks the options. Errors are of the kind [backend.ErrUsage].
func newComparison(o Options) (*comparison, error) {
	hidden, err := network.Parse(o.Config.Model)
	if err != nil {
		return nil, backend.Usagef("--model: %v", err)
	}
	c := &comparison{Options: o, hidden: hidden, chosen: map[entrant]Setting{}}
	if len(o.Keep) == 0 || o.Seeds < 1 {
		return nil, backend.Usagef("--keep names %d numbers of players and --seeds is %d: it takes one of each at least", len(o.Keep), o.Seeds)
	}
	for i, keep := range o.Keep {
		if _, err := game.Split(keep, hidden); err != nil {
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

// job is a run that is wanted.
type job struct {
	name    string
	method  Method
	shape   Shape
	keep    int
	setting Setting
	seed    uint64
}

// config returns the configuration of a job, which may follow a run of the market.
func (c *comparison) config(j job, followed SeedRun) settings.Config {
	p := place{keep: j.keep, followed: followed}
	if j.shape == Equal {
		p.layers, _ = game.Split(j.keep, c.hidden) // checked when the comparison began
	}
	run := c.Config
	run.Seed, run.Baseline = j.seed, false
	j.method.configure(&run, p)
	j.setting.apply(&run)
	return run
}

// marketDiverged is what becomes of a run that follows a market of which nothing came.
const marketDiverged = "the market that it follows diverged"

// make makes the runs of all jobs, those that follow others last, with configurations
// that are changed as change says, and returns their outcomes in order.
func (c *comparison) make(ctx context.Context, stage string, jobs []job, change func(*settings.Config)) ([]study.Outcome, error) {
	outcomes := make([]study.Outcome, len(jobs))
	for _, following := range []bool{false, true} {
		var (
			cells []study.Cell
			of    []int // the job of each cell
		)
		for i, j := range jobs {
			if (j.method.follows != "") != following {
				continue
			}
			var followed SeedRun
			if following && j.shape == Free {
				if followed = followedBy(jobs, outcomes, j); followed.Figure == nil {
					outcomes[i].Cell.Config.Seed, outcomes[i].Diverged = j.seed, marketDiverged
					continue
				}
			}
			run := c.config(j, followed)
			change(&run)
			cells, of = append(cells, study.Cell{Name: j.name, Config: run}), append(of, i)
		}
		made, err := study.Run(ctx, cells, study.Options{
			Dir: c.Dir, Command: c.Command, Version: c.Version, Jobs: c.Jobs, SharedPrefixes: c.sharedPrefixes(),
			Observe: func(e study.Event) {
				if c.Observe != nil {
					c.Observe(stage, e)
				}
			},
		})
		if err != nil {
			return nil, err
		}
		for k, i := range of {
			outcomes[i] = made[k]
		}
	}
	return outcomes, nil
}

// followedBy returns the run of the market that a job follows, for its number of
// players and its seed, with the best setting where several were made; without a figure
// if there is none.
func followedBy(jobs []job, outcomes []study.Outcome, j job) (best SeedRun) {
	for i, other := range jobs {
		if other.method.Name != Reference || other.shape != j.method.follows || other.keep != j.keep || other.seed != j.seed {
			continue
		}
		if run := newRun(outcomes[i]); run.Figure != nil && (best.Figure == nil || *run.Figure > *best.Figure) {
			best = run
		}
	}
	return best
}

// sharedPrefixes is the folder of what runs share. It is large and goes when all is done.
func (c *comparison) sharedPrefixes() string { return filepath.Join(c.Dir, sharedPrefixesFolder) }

// searchKeep returns the number of players that settings are chosen for, the middle
// one.
func (c *comparison) searchKeep() int { return c.Keep[(len(c.Keep)-1)/2] }

// search tries the settings of every method with the first seed and chooses the best
// on the samples held out; of equals the first.
func (c *comparison) search(ctx context.Context) error {
	search := &Search{Keep: c.searchKeep(), Seed: c.Config.Seed}
	var jobs []job
	c.each(func(m Method, shape Shape) {
		for i, s := range m.Settings {
			jobs = append(jobs, job{
				name: fmt.Sprintf("%s/%s-%s/%d", searchFolder, m.Name, shape, i+1), method: m, shape: shape,
				keep: search.Keep, setting: s, seed: search.Seed,
			})
		}
	})
	outcomes, err := c.make(ctx, "search", jobs, func(run *settings.Config) { run.Validation, run.EvaluateOn = heldOut, backend.ValidationPart })
	if err != nil {
		return err
	}
	best := map[entrant]int{} // the trial
	for i, j := range jobs {
		run, name := newRun(outcomes[i]), entrant{j.method.Name, j.shape}
		if r := outcomes[i].Result; r != nil {
			search.Held = r.Data.Validation
		}
		search.Trials = append(search.Trials, Trial{
			Method: j.method.Name, Shape: j.shape, Setting: j.setting.Name, Figure: run.Figure, Diverged: run.Diverged,
		})
		if b, ok := best[name]; run.Figure != nil && (!ok || *run.Figure > *search.Trials[b].Figure) {
			best[name] = i
		}
	}
	clear(c.chosen)
	for name, i := range best {
		search.Trials[i].Chosen = true
		c.chosen[name] = jobs[i].setting
	}
	c.report.Search = search
	return nil
}

// dense is the network without removals.
var dense = Method{Name: "dense", configure: func(c *settings.Config, _ place) { c.Game = game.NoGame }}

// runAll makes the runs that are compared.
func (c *comparison) runAll(ctx context.Context) error {
	var jobs []job
	for _, seed := range c.report.Seeds {
		jobs = append(jobs, job{
			name: fmt.Sprintf("%s/seed-%d", denseFolder, seed), method: dense, seed: seed,
			setting: Setting{apply: func(*settings.Config) {}},
		})
	}
	for _, keep := range c.Keep {
		c.each(func(m Method, shape Shape) {
			setting, ok := c.chosen[entrant{m.Name, shape}]
			if !ok {
				return
			}
			c.report.Entries = append(c.report.Entries, Entry{Method: m.Name, Shape: shape, Keep: keep, Setting: setting.Name})
			for _, seed := range c.report.Seeds {
				jobs = append(jobs, job{
					name: fmt.Sprintf("%s/%s-%s/%d/seed-%d", runFolder, m.Name, shape, keep, seed), method: m, shape: shape,
					keep: keep, setting: setting, seed: seed,
				})
			}
		})
	}
	outcomes, err := c.make(ctx, "compare", jobs, func(*settings.Config) {})
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
		e.Mean, e.Deviation = Summary(e.Runs)
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

// timeAll measures the latency of the networks, one of every shape, all in turns and
// with nothing else under way.
func (c *comparison) timeAll(ctx context.Context) error {
	var files, layers []string
	for i, file := range c.files {
		if run := c.report.Entries[i].Runs[0]; file != "" && !slices.Contains(layers, network.JoinWidths(run.Layers)) {
			files, layers = append(files, file), append(layers, network.JoinWidths(run.Layers))
		}
	}
	if len(files) == 0 {
		return errors.New("every run diverged: there is nothing to compare; try a smaller --learning-rate")
	}
	microseconds, err := trainer.Latencies(ctx, c.Config, files)
	if err != nil {
		return err
	}
	for i := range c.report.Entries {
		e := &c.report.Entries[i]
		if k := slices.Index(layers, network.JoinWidths(e.Runs[0].Layers)); k >= 0 {
			e.LatencyUS = microseconds[k]
		}
	}
	return nil
}
