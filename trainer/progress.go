package trainer

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/checkpoint"
	"nashprune/trainer/evidence"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
)

var _ session.Journal = (*run)(nil)

func (r *run) EpochEnded(t *session.Training, line record.EpochLine) error {
	if t.Plan.ConditionsDue(line.Epoch) {
		state, err := t.Engine.Pull()
		if err != nil {
			return err
		}
		line.ConditionNumbers = evidence.ConditionNumbers(state.Network)
	}
	r.lastLine = &line
	return r.appendMetrics(line)
}

func (r *run) RoundEnded(_ *session.Training, line record.RoundLine) error {
	r.lastRound = &line
	return r.appendMetrics(line)
}

// StretchEnded reports progress, and writes a checkpoint at the end of an epoch
// when the last one is old enough to matter.
func (r *run) StretchEnded(t *session.Training, from int) error {
	r.workDone += t.Plan.Work(from, t.Step)
	if t.Stopped { // what is left of its plan counts as done, and not as done in this time
		skipped := t.Plan.Work(t.Step, t.Plan.Total)
		r.workDone += skipped
		r.workAtOpen += skipped
	}
	if t.Plan.Total > 0 {
		r.report(t)
	}
	if err := r.saveSharedPrefix(t); err != nil {
		return err
	}
	if t.Step%t.Plan.PerEpoch == 0 && (t.Step == t.Plan.Total || t.Stopped || time.Since(r.saved) > checkpointEvery) {
		return r.checkpoint(t)
	}
	return nil
}

func (r *run) appendMetrics(line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return r.writeMetrics(append(text, '\n'))
}

func (r *run) writeMetrics(lines []byte) error {
	n, err := r.metrics.Write(lines)
	r.length += int64(n)
	return atomicfile.Advised(err)
}

// rounds reads the lines about rounds of the market from metrics, as far as they
// are this run's.
func (r *run) rounds() ([]record.RoundLine, error) {
	rounds, err := record.ReadRounds(io.NewSectionReader(r.metrics, 0, r.length), r.result.Market)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.metrics.Name(), err)
	}
	return rounds, nil
}

// note reports what stays of interest.
func (r *run) note(message string) {
	if r.Observe != nil {
		r.Observe(Event{Message: message, Lasting: true})
	}
}

// announce reports what the run does now.
func (r *run) announce(message string) {
	if r.Observe != nil {
		r.Observe(Event{Message: message})
	}
}

// report reports how far a training is.
func (r *run) report(t *session.Training) {
	line, round := r.lastLine, r.lastRound
	r.lastLine, r.lastRound = nil, nil
	if r.Observe == nil {
		return
	}
	e := Event{
		Training: t.Name, Epoch: t.Plan.EpochOf(t.Step), Epochs: t.Plan.Config.Epochs, Line: line, Round: round,
		Players: t.Players(), Live: t.Live(), Done: r.workDone / r.workAll, Remaining: -1,
	}
	if t.Unfinished.Samples > 0 {
		e.Loss = t.Unfinished.Loss / float64(t.Unfinished.Samples)
		e.Accuracy = 100 * float64(t.Unfinished.Correct) / float64(t.Unfinished.Samples)
	}
	if worked := r.workDone - r.workAtOpen; worked > 0 {
		seconds := time.Since(r.started).Seconds() * max(0, r.workAll-r.workDone) / worked
		e.Remaining = time.Duration(math.Round(seconds)) * time.Second
	}
	r.Observe(e)
}

// estimate works out how much work the run is, and how much of it is done when
// its present training stands at the given position.
func (r *run) estimate(p session.Plan, at session.Position) error {
	step := at.Step
	if at.Stopped {
		step = p.Total
	}
	r.workDone = p.Work(0, step)
	first, err := r.plan(r.config.Game)
	if err != nil {
		return err
	}
	r.workAll = first.Work(0, first.Total)
	if r.config.Baseline {
		dense, err := r.plan(game.NoGame)
		if err != nil {
			return err
		}
		r.workAll += dense.Work(0, dense.Total)
	}
	if r.stage == checkpoint.DenseStage {
		r.workDone += first.Work(0, first.Total)
	}
	r.workAtOpen = r.workDone
	return nil
}

// sharedPrefixPath returns the file of the run's shared prefix, empty if it has none.
func (r *run) sharedPrefixPath(p session.Plan) (string, error) {
	if r.SharedPrefixes == "" || p.SharedSteps() == 0 {
		return "", nil
	}
	return checkpoint.SharedPrefixPath(r.SharedPrefixes, r.config, r.result.Data, r.graph, r.device, r.Version)
}

// sharedPrefix returns the checkpoint of the run's shared prefix, or nil if there is
// none.
func (r *run) sharedPrefix(p session.Plan) (*checkpoint.Checkpoint, error) {
	path, err := r.sharedPrefixPath(p)
	if path == "" || err != nil {
		return nil, err
	}
	return checkpoint.LoadSharedPrefix(path, p)
}

// saveSharedPrefix keeps the state of the run's own training for others, if this is
// where its shared prefix ends and one device has computed it.
func (r *run) saveSharedPrefix(t *session.Training) error {
	if r.stage != checkpoint.GameStage || t.Step != t.Plan.SharedSteps() || len(r.result.Devices) > 1 {
		return nil
	}
	path, err := r.sharedPrefixPath(t.Plan)
	if path == "" || err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	lines := make([]byte, r.length)
	if _, err := r.metrics.ReadAt(lines, 0); err != nil {
		return err
	}
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.SharedPrefixes, 0o755); err != nil {
		return atomicfile.Advised(err)
	}
	c := r.newCheckpoint(t, state)
	c.Lines = string(lines)
	return c.Save(path)
}

// Event is a report of progress.
type Event struct {
	Message string // what begins now; empty in reports of a training
	Lasting bool   // the message stays of interest

	Training  string // as [record.EpochLine] has it
	Epoch     int    // under way, from 1
	Epochs    int
	Players   []int             // of each gate
	Live      [][]int           // those players, of all that there were; nil: all are there, or they are single weights
	Loss      float64           // mean over the epoch so far
	Accuracy  float64           // percent, likewise; 0 in regression
	Line      *record.EpochLine // of the epoch that just ended, else nil
	Round     *record.RoundLine // that just ended, else nil
	Done      float64           // fraction of the run's work
	Remaining time.Duration     // estimated; negative where nothing is known yet
}
