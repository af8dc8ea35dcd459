package reproduce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"nashprune/trainer/backend"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// Options say what to reproduce, and how.
type Options struct {
	Data   string // mnist, or another data set of classes; ignored by Quick
	Device string
	Seeds  int  // of full runs, at least 1
	Quick  bool // a small version, on digits that are drawn
	// Readings are patterns, as path.Match knows them, of the names of readings; a reading
	// is screened if it matches one of them. Empty: all are.
	Readings []string

	Dir              string // all runs, also of a stopped reproduction
	Command, Version string // for the record
	Make             sweep.Engine
}

// The two stages, which are folders below Dir.
const (
	screenStage = "screen"
	fullStage   = "full"
)

// candidates is how many readings of each row are run in full.
const candidates = 3

// Paper runs the experiment. When it is stopped, the same call goes on with what Dir
// holds. Its errors are those of [sweep.Complete]; every run of the screen diverging is an
// error, too.
func Paper(ctx context.Context, o Options) (*Report, error) {
	p := wholePlan(o.Data)
	if o.Quick {
		p = quickPlan()
	}
	if o.Seeds < 1 {
		return nil, backend.Usagef("--seeds is %d: it takes at least one", o.Seeds)
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
	for _, row := range Rows() {
		r.Rows = append(r.Rows, RowReport{Row: row})
	}
	screened, err := p.stage(ctx, o, screenStage, 1, r.Rows, func(RowReport) []Reading { return p.readings })
	if err != nil {
		return nil, err
	}
	for i := range r.Rows {
		for _, t := range screened[i] {
			r.Rows[i].Screen = append(r.Rows[i].Screen, t.run)
		}
	}
	r.Single = single(r.Rows)
	for _, row := range r.Rows {
		slices.SortStableFunc(row.Screen, nearer)
	}
	full, err := p.stage(ctx, o, fullStage, o.Seeds, r.Rows, func(row RowReport) []Reading { return nearest(row.Screen) })
	if err != nil {
		return nil, err
	}
	if len(slices.Concat(full...)) == 0 {
		return nil, errors.New("every training of the screen diverged")
	}
	for i := range r.Rows {
		first := r.Rows[i].compare(full[i], o.Seeds)
		if first == nil {
			continue
		}
		r.Device = first.Result.Device.Name
		if err := r.Rows[i].draw(first); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// stage makes the runs of a stage, of every row with its readings, and reads what they found, the
// seeds of a reading together.
func (p plan) stage(ctx context.Context, o Options, stage string, seeds int, rows []RowReport, readings func(RowReport) []Reading) ([][]trial, error) {
	epochs, on := p.screenEpochs, backend.ValidationPart
	if stage == fullStage {
		epochs, on = p.epochs, backend.TestPart
	}
	var cells []sweep.Cell
	trials := make([][]trial, len(rows))
	for i, row := range rows {
		for _, reading := range readings(row) {
			for seed := range uint64(seeds) {
				c := p.config(row.Row, reading, epochs, seed+1)
				c.Device, c.EvaluateOn = o.Device, on
				cells = append(cells, sweep.Cell{Name: fmt.Sprintf("%s/%s/%s/seed-%d", stage, row.folder, reading.folder(), seed+1), Config: c})
				trials[i] = append(trials[i], trial{run: Run{Reading: reading, Seed: seed + 1}})
			}
		}
	}
	made, err := sweep.Complete(ctx, o.Dir, cells, o.Make)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		for k := range trials[i] {
			if err := trials[i][k].read(row.Row, made[0]); err != nil {
				return nil, err
			}
			made = made[1:]
		}
	}
	return trials, nil
}

// nearer orders runs by their distance, those that diverged last.
func nearer(a, b Run) int {
	distance := func(r Run) float64 {
		if r.Diverged != "" {
			return math.Inf(1)
		}
		return r.Distance
	}
	return cmp.Compare(distance(a), distance(b))
}

// nearest returns the first readings of runs in the order of their distance. Where nothing but
// the benefit differs figures are often alike, so only the nearest of such readings is taken.
func nearest(runs []Run) []Reading {
	var chosen []Reading
	for _, run := range runs {
		alike := func(r Reading) bool { return r.Training == run.Training && r.Gradient == run.Gradient }
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

// compare sums up the full runs of the row, so many of a reading, the nearest reading first, and
// returns that one's first run that did not diverge, nil if all did.
func (r *RowReport) compare(full []trial, seeds int) *trial {
	firsts := map[Reading]*trial{}
	for of := range slices.Chunk(full, seeds) {
		c := Candidate{Reading: of[0].run.Reading}
		for i := range of {
			c.Runs = append(c.Runs, of[i].run)
			if of[i].run.Diverged == "" && firsts[c.Reading] == nil {
				firsts[c.Reading] = &of[i]
			}
		}
		c.sumUp(r.Row)
		r.Full = append(r.Full, c)
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
	known := slices.DeleteFunc(slices.Clone(c.Runs), func(r Run) bool { return r.Diverged != "" })
	over := func(figure func(Run) float64) Spread {
		var values []float64
		for _, run := range known {
			values = append(values, figure(run))
		}
		if len(values) < 2 {
			return Spread{Mean: floats.Sum(values)}
		}
		mean, deviation := stat.MeanStdDev(values, nil)
		return Spread{mean, deviation}
	}
	c.Before = over(func(r Run) float64 { return r.Before })
	c.Masked = over(func(r Run) float64 { return r.Masked })
	c.After = over(func(r Run) float64 { return r.After })
	c.Sparsity = over(func(r Run) float64 { return r.Sparsity })
	c.Norm = over(func(r Run) float64 { return r.SquaredNorm })
	c.Gap = over(func(r Run) float64 { return r.RelativeGap })
	c.MaxGap = over(func(r Run) float64 { return r.MaxGap })
	c.Distance = over(func(r Run) float64 { return r.Distance }).Mean
	c.Diverged = len(c.Runs) - len(known)
	c.Reached = c.Diverged == 0 && row.Reached(c.Before.Mean, c.Sparsity.Mean)
}
