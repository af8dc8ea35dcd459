package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nashprune/trainer/backend"
)

// Options say what to measure.
type Options struct {
	Devices []backend.Device
	Cases   []Case
	// Networks are timed in use, at batches from 1 to 4,096, in place of cases.
	Networks []Named
	Samples  int           // of an epoch; fewer where samples are large
	Budget   time.Duration // after which it stops, once a step under way has ended or an engine is open
	Scaling  bool          // also measure how times grow with sizes
	Program  string        // its name and version, for the record
	Observe  func(string)  // receives what begins now; may be nil
}

// comparing is the part of the budget that the cases may take where something
// else is measured besides.
const comparing = 0.4

// mostTurns are enough for quartiles.
const mostTurns = 15

// bench is a measurement under way.
type bench struct {
	Options
	report   *Report
	started  time.Time
	speed    map[string]float64 // operations a second that a device reached at best
	failures []error
}

// Run measures. It returns a report of what was measured also with an error: of the kind
// [backend.ErrInterrupted] when ctx ended, or that of a device that failed, without which
// it went on.
func Run(ctx context.Context, o Options) (*Report, error) {
	b := &bench{Options: o, started: time.Now(), speed: map[string]float64{}}
	b.report = &Report{
		Schema: ReportSchema, Program: o.Program, Platform: platform(), Started: b.started.UTC().Truncate(time.Second),
		Budget: o.Budget.Seconds(), LeftOut: []LeftOut{}, Assumptions: assumptions,
	}
	for _, d := range o.Devices {
		b.report.Devices = append(b.report.Devices, Device{Device: d})
	}
	end := b.started.Add(o.Budget)
	compared := end
	if o.Scaling {
		compared = b.started.Add(time.Duration(comparing * float64(o.Budget)))
	}
	var err error
	switch {
	case len(o.Networks) > 0:
		err = b.use(ctx, end)
	default:
		err = b.compare(ctx, compared)
	}
	if err == nil && o.Scaling && len(o.Networks) == 0 {
		err = b.scale(ctx, end)
	}
	b.report.Seconds = time.Since(b.started).Seconds()
	if ctx.Err() != nil {
		b.report.Interrupted = true
		return b.report, fmt.Errorf("%w: the measurement is not complete", backend.ErrInterrupted)
	}
	return b.report, errors.Join(append(b.failures, err)...)
}

// assumptions are what figures rest on that are counted and not measured.
var assumptions = []string{
	"operations of a step are the additions and multiplications of its matrix products",
	"bytes of a step are those of every tensor once for each pass through it, with Adam, as if no cache kept any",
	"a round's share is taken over the steps between two rounds of a default run on MNIST",
	"a round is the game's alone: no records, checks, bids or asks; of every layer one player is removed",
	"samples are noise in which four pixels in five are background",
}

func (b *bench) announce(format string, values ...any) {
	if b.Observe != nil {
		b.Observe(fmt.Sprintf(format, values...))
	}
}

// live returns the devices that have not failed.
func (b *bench) live() []backend.Device {
	var live []backend.Device
	for _, d := range b.report.Devices {
		if d.Lost == "" {
			live = append(live, d.Device)
		}
	}
	return live
}

// lose notes that a device failed: nothing more is measured there.
func (b *bench) lose(id string, err error) {
	for i := range b.report.Devices {
		if d := &b.report.Devices[i]; d.ID() == id && d.Lost == "" {
			d.Lost = err.Error()
			b.failures = append(b.failures, fmt.Errorf("%s: %w", id, err))
		}
	}
}

// timed returns a context that ends with ctx and when the time is up.
func (b *bench) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, b.started.Add(b.Budget))
}

// leaveOut notes that something is not measured on a device.
func (b *bench) leaveOut(d backend.Device, what, reason string) {
	b.report.LeftOut = append(b.report.LeftOut, LeftOut{d.ID(), what, reason})
}

// compare measures the cases: those that do the same work in turns with each
// other, each in its part of the time that is left.
func (b *bench) compare(ctx context.Context, end time.Time) error {
	var contests [][]Case
	for _, c := range b.Cases {
		at := slices.IndexFunc(contests, func(cases []Case) bool { return cases[0].comparable(c) })
		if at < 0 {
			at, contests = len(contests), append(contests, nil)
		}
		contests[at] = append(contests[at], c)
	}
	for i, cases := range contests {
		share := time.Until(end) / time.Duration(len(contests)-i)
		if err := b.contest(ctx, cases, i == 0, time.Now().Add(share)); err != nil {
			return err
		}
	}
	return nil
}

// contest measures cases on all devices in turns, with the devices' ceilings if
// asked.
func (b *bench) contest(ctx context.Context, cases []Case, ceilings bool, end time.Time) error {
	var gauges []*gauge
	var runners [][]*runner // by case
	var all []contestant
	defer func() { closeAll(all) }()
	for _, c := range cases {
		var start material
		if time.Now().Before(end) { // else nothing is opened
			start = material{c.data(b.Samples), c.state()}
		}
		var of []*runner
		for _, d := range b.live() {
			b.announce("%s: %s", d.ID(), c)
			r, err := b.open(ctx, d, c, start, true, time.Until(end)/time.Duration(len(b.Devices)))
			if err != nil {
				return err
			}
			if r != nil {
				of, all = append(of, r), append(all, r)
			}
		}
		runners = append(runners, of)
	}
	if ceilings {
		gauges = b.openGauges()
		for _, g := range gauges {
			all = append(all, g)
		}
	}
	b.takeTurns(ctx, all, mostTurns, end, func(turn int) { b.announce("%s: turn %d", cases[0], turn) })
	b.noteCeilings(gauges)
	for i, c := range cases {
		b.leaveOutUnmeasured(ctx, c.String(), runners[i])
		b.report.Cases = append(b.report.Cases, b.caseReport(c, cases[0], runners[i], runners[0]))
	}
	return ctx.Err()
}

// openGauges opens what measures ceilings, one for devices that share them.
func (b *bench) openGauges() (gauges []*gauge) {
	for _, d := range b.live() {
		if slices.ContainsFunc(gauges, func(g *gauge) bool { return g.on.SharesCeilings(d) }) {
			continue
		}
		b.announce("%s: ceilings", d.ID())
		g, err := newGauge(d)
		switch {
		case errors.Is(err, backend.ErrDeviceLost):
			b.lose(d.ID(), err)
		case err != nil:
			b.leaveOut(d, "ceilings", err.Error())
		default:
			gauges = append(gauges, g)
		}
	}
	return gauges
}

// stepsToKnow is how many steps it takes to know anything: to warm up, to count
// how many fit into a turn, and a turn. With the game they are the more that
// [runner.warmUp] and [runner.turn] train after rounds, where a step fills a turn.
func stepsToKnow(withGame bool) float64 {
	if withGame {
		return 7
	}
	return 4
}

// open opens a case on a device. It returns nil where the device cannot or, by what
// is known of its speed, would take longer than there is time, and notes that.
// The error is that of ctx.
func (b *bench) open(ctx context.Context, d backend.Device, c Case, start material, withGame bool, time time.Duration) (*runner, error) {
	if time <= 0 {
		b.leaveOut(d, c.String(), fmt.Sprintf("the time, %v, was up before", b.Budget))
		return nil, ctx.Err()
	}
	if speed := b.speed[d.ID()]; speed > 0 {
		if needed := stepsToKnow(withGame) * c.Operations() / speed; needed > time.Seconds() {
			b.leaveOut(d, c.String(), fmt.Sprintf("it would take about %.0f s, and of %v there are %.0f s for it", needed, b.Budget, time.Seconds()))
			return nil, ctx.Err()
		}
	}
	timed, cancel := b.timed(ctx)
	defer cancel()
	r, err := newRunner(timed, d, c, start, withGame)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		b.leaveOut(d, c.String(), fmt.Sprintf("the time, %v, was up while it was opened and warmed up", b.Budget))
		return nil, nil
	case errors.Is(err, backend.ErrOutOfMemory), errors.Is(err, backend.ErrUsage):
		b.leaveOut(d, c.String(), err.Error())
		return nil, nil
	case err != nil:
		b.lose(d.ID(), err)
		return nil, nil
	}
	return r, nil
}

// takeTurns lets all contestants take turns until there were most of them, it is end or
// ctx ends, but everyone one at least, unless the time of the whole measurement is up.
// Those whose device fails drop out.
func (b *bench) takeTurns(ctx context.Context, all []contestant, most int, end time.Time, before func(turn int)) {
	if len(all) == 0 {
		return
	}
	timed, cancel := b.timed(ctx)
	defer cancel()
	lost := map[string]bool{}
	for turn := 1; turn <= most && (turn == 1 || time.Now().Before(end)); turn++ {
		before(turn)
		for _, c := range all {
			if lost[c.device()] {
				continue
			}
			err := c.turn(timed)
			if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
				return
			}
			if err != nil {
				lost[c.device()] = true
				b.lose(c.device(), err)
			}
		}
	}
}

// leaveOutUnmeasured notes that there was no time for a turn of some runners of what,
// unless ctx has ended.
func (b *bench) leaveOutUnmeasured(ctx context.Context, what string, runners []*runner) {
	for _, r := range runners {
		if ctx.Err() == nil && len(r.step) == 0 && slices.Contains(b.live(), r.on) {
			b.leaveOut(r.on, what, fmt.Sprintf("the time, %v, was up in its first turn", b.Budget))
		}
	}
}

func closeAll(all []contestant) {
	for _, c := range all {
		c.close() // of a device that failed, if any
	}
}

func (b *bench) noteCeilings(gauges []*gauge) {
	for _, g := range gauges {
		measured := g.measured()
		for i := range b.report.Devices {
			if d := &b.report.Devices[i]; g.on.SharesCeilings(d.Device) {
				d.Ceilings = measured
			}
		}
	}
}

// noteSpeed keeps in mind what a device can do, to foresee what larger networks
// take; small ones wait for other things.
func (b *bench) noteSpeed(r *runner) {
	b.speed[r.device()] = max(b.speed[r.device()], r.of.Operations()/NewFigure(r.step).Median)
}

// caseReport puts together what the runners of a case found, beside those of the
// first case of the contest.
func (b *bench) caseReport(c, first Case, runners, ofFirst []*runner) CaseReport {
	result := CaseReport{
		Model: c.Model(), Batch: c.Batch, Parameters: c.parameters(),
		Operations: c.Operations(), Bytes: c.Bytes(), Measured: []Measured{},
	}
	for _, r := range runners {
		result.Samples, result.StepsInEpoch = r.data.Train.Len(), r.stepsInEpoch()
		if len(r.step) == 0 {
			continue
		}
		m := r.measured()
		b.noteSpeed(r)
		for _, d := range b.report.Devices {
			if c := d.Ceilings; c != nil && d.ID() == r.device() {
				m.OfOperations, m.OfBytes = c.Operations.part(m.Operations), c.Bytes.part(m.Bytes)
			}
		}
		for _, other := range runners {
			if other.on.Kind == backend.CPU && other != r && len(other.step) > 0 {
				m.FasterThan = append(m.FasterThan, Faster{other.device(), ratio(other.step, r.step)})
			}
		}
		for _, other := range ofFirst {
			if other != r && other.device() == r.device() && len(other.step) > 0 {
				m.FasterThanCase = &Faster{first.Model(), ratio(other.step, r.step)}
			}
		}
		result.Measured = append(result.Measured, m)
	}
	return result
}
