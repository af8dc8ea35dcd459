package reproduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/stat"

	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
	"nashprune/trainer/study"
)

// Options say what to reproduce, and how.
type Options struct {
	Data   string // mnist, or another data set of classes; ignored by Quick
	Device string
	Seeds  int  // of full runs, at least 1
	Quick  bool // a small version, on digits that are drawn
	Jobs   int  // runs at a time; 0: one
	// Readings are patterns, as path.Match knows them, of the names of readings; a reading
	// is screened if it matches one of them. Empty: all are.
	Readings []string

	Dir              string // all runs, also of a stopped study
	Command, Version string // for the record
	// Observe receives the progress of the screen and of the full runs; may be nil.
	Observe func(stage string, e study.Event)
}

// The two stages, which are folders below Dir.
const (
	ScreenStage = "screen"
	FullStage   = "full"
)

// candidates is how many readings of each row are run in full.
const candidates = 3

// Paper runs the experiment. When it is stopped, the same call goes on with what Dir
// holds. Its errors are those of [study.Run]; every run of the screen diverging is an
// error, too.
func Paper(ctx context.Context, o Options) (*Report, error) {
	p := wholePlan(o.Data)
	if o.Quick {
		p = quickPlan()
	}
	if o.Seeds < 1 {
		return nil, backend.Usagef("--seeds is %d: it takes at least one", o.Seeds)
	}
	if o.Jobs < 0 {
		return nil, backend.Usagef("--jobs is %d; it must be a number of runs at a time, at least 1", o.Jobs)
	}
	if o.Dir == "" {
		return nil, backend.Usagef("name a folder for the runs with --out")
	}
	if err := p.only(o.Readings); err != nil {
		return nil, err
	}
	return p.run(ctx, o)
}

// run screens the readings of the plan and runs the nearest in full.
func (p plan) run(ctx context.Context, o Options) (*Report, error) {
	r := &Report{
		Schema: ReportSchema, Command: o.Command, Version: o.Version,
		Data: p.data, Model: p.model, Epochs: p.epochs, ScreenEpochs: p.screenEpochs, Validation: p.validation,
		Readings: len(p.readings), Seeds: o.Seeds, Threshold: settings.Default().Threshold, LeftOut: p.leftOut,
	}
	screened, err := p.study(ctx, o, ScreenStage, p.screen())
	if err != nil {
		return nil, err
	}
	var chosen []trial
	for _, row := range Rows() {
		report := RowReport{Row: row}
		for _, t := range screened {
			if t.row.Name == row.Name {
				report.Screen = append(report.Screen, t.run)
			}
		}
		r.Rows = append(r.Rows, report)
		for _, reading := range nearest(report.Screen) {
			for seed := range o.Seeds {
				chosen = append(chosen, trial{row: row, run: Run{Reading: reading, Seed: uint64(seed) + 1}})
			}
		}
	}
	r.Single = single(r.Rows)
	for _, row := range r.Rows {
		slices.SortStableFunc(row.Screen, nearer)
	}
	full, err := p.study(ctx, o, FullStage, chosen)
	if err != nil {
		return nil, err
	}
	if len(full) == 0 {
		return nil, errors.New("every training of the screen diverged")
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		first := row.compare(slices.DeleteFunc(slices.Clone(full), func(t trial) bool { return t.row.Name != row.Name }))
		if first == nil {
			continue
		}
		if row.Curve, err = first.curve(); err != nil {
			return nil, err
		}
		if row.Histogram, err = first.histogram(); err != nil {
			return nil, err
		}
	}
	for _, t := range full {
		if t.outcome.Result != nil {
			r.Device = t.outcome.Result.Device.Name
		}
	}
	return r, nil
}

// screen returns the short runs: every row with every reading.
func (p plan) screen() []trial {
	var all []trial
	for _, row := range Rows() {
		for _, reading := range p.readings {
			all = append(all, trial{row: row, run: Run{Reading: reading, Seed: 1}})
		}
	}
	return all
}

// study makes the runs of a stage and reads what they found.
func (p plan) study(ctx context.Context, o Options, stage string, trials []trial) ([]trial, error) {
	var cells []study.Cell
	for _, t := range trials {
		epochs, on := p.screenEpochs, backend.ValidationPart
		if stage == FullStage {
			epochs, on = p.epochs, backend.TestPart
		}
		c := p.config(t.row, t.run.Reading, epochs, t.run.Seed)
		c.Device, c.EvaluateOn = o.Device, on
		name := fmt.Sprintf("%s/%s/seed-%d", t.row.folder, t.run.folder(), t.run.Seed)
		cells = append(cells, study.Cell{Name: name, Config: c})
	}
	options := study.Options{Dir: filepath.Join(o.Dir, stage), Command: o.Command, Version: o.Version, Jobs: o.Jobs}
	if o.Observe != nil {
		options.Observe = func(e study.Event) { o.Observe(stage, e) }
	}
	outcomes, err := study.Run(ctx, cells, options)
	if err != nil {
		return nil, err
	}
	for i, outcome := range outcomes {
		trials[i].outcome = outcome
		if err := trials[i].read(); err != nil {
			return nil, err
		}
	}
	return trials, nil
}

// nearer orders runs by their distance, those that diverged last.
func nearer(a, b Run) int {
	if (a.Diverged != "") != (b.Diverged != "") {
		if a.Diverged != "" {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Distance, b.Distance)
}

// nearest returns the readings of the runs that are nearest. Where nothing but the
// benefit differs figures are often alike, so only the nearest of such readings
// is taken.
func nearest(runs []Run) []Reading {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, nearer)
	var chosen []Reading
	for _, run := range runs {
		alike := func(r Reading) bool { return r.Training == run.Training }
		if len(chosen) < candidates && run.Diverged == "" && !slices.ContainsFunc(chosen, alike) {
			chosen = append(chosen, run.Reading)
		}
	}
	return chosen
}

// single finds the reading with the smallest sum of distances. Every row has the
// readings in the same order.
func single(rows []RowReport) *Single {
	var best *Single
	for i, run := range rows[0].Screen {
		s := &Single{Reading: run.Reading}
		for _, row := range rows {
			if row.Screen[i].Diverged != "" {
				s.Distance = math.Inf(1)
			}
			s.Distance += row.Screen[i].Distance
			s.Runs = append(s.Runs, row.Screen[i])
		}
		if !math.IsInf(s.Distance, 1) && (best == nil || s.Distance < best.Distance) {
			best = s
		}
	}
	return best
}

// compare sums up the full runs of the row, the nearest reading first, and returns
// that one's first run that did not diverge, nil if all did.
func (r *RowReport) compare(full []trial) *trial {
	firsts := map[Reading]*trial{}
	for i := range full {
		t := &full[i]
		at := slices.IndexFunc(r.Full, func(c Candidate) bool { return c.Reading == t.run.Reading })
		if at < 0 {
			at = len(r.Full)
			r.Full = append(r.Full, Candidate{Reading: t.run.Reading})
		}
		r.Full[at].Runs = append(r.Full[at].Runs, t.run)
		if t.run.Diverged == "" && firsts[t.run.Reading] == nil {
			firsts[t.run.Reading] = t
		}
	}
	for i := range r.Full {
		r.Full[i].sumUp(r.Row)
	}
	slices.SortStableFunc(r.Full, func(a, b Candidate) int { return cmp.Compare(a.rank(), b.rank()) })
	if len(r.Full) == 0 {
		return nil
	}
	return firsts[r.Full[0].Reading]
}

// rank orders candidates: those of which no run has figures come last.
func (c Candidate) rank() float64 {
	if c.Diverged == len(c.Runs) {
		return math.Inf(1)
	}
	return c.Distance
}

// sumUp takes means and deviations over the runs that have figures.
func (c *Candidate) sumUp(row Row) {
	for _, figure := range []struct {
		of   func(Run) float64
		into *Spread
	}{
		{func(r Run) float64 { return r.Before }, &c.Before},
		{func(r Run) float64 { return r.Masked }, &c.Masked},
		{func(r Run) float64 { return r.After }, &c.After},
		{func(r Run) float64 { return r.Sparsity }, &c.Sparsity},
		{func(r Run) float64 { return r.SquaredNorm }, &c.Norm},
		{func(r Run) float64 { return r.RelativeGap }, &c.Gap},
		{func(r Run) float64 { return r.MaxGap }, &c.MaxGap},
	} {
		var values []float64
		for _, run := range c.Runs {
			if run.Diverged == "" {
				values = append(values, figure.of(run))
			}
		}
		*figure.into = spread(values)
		c.Diverged = len(c.Runs) - len(values)
	}
	for _, run := range c.Runs {
		if run.Diverged == "" {
			c.Distance += run.Distance / float64(len(c.Runs)-c.Diverged)
		}
	}
	c.Reached = c.Diverged == 0 && row.Reached(c.Before.Mean, c.Sparsity.Mean)
}

// spread returns the mean and the sample standard deviation.
func spread(values []float64) Spread {
	switch len(values) {
	case 0:
		return Spread{}
	case 1:
		return Spread{Mean: values[0]}
	}
	mean, deviation := stat.MeanStdDev(values, nil)
	return Spread{mean, deviation}
}
