package trainer

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"nashprune/trainer/atomicfile"
)

var _ journal = (*run)(nil)

func (r *run) epochEnded(t *training, line EpochLine) error {
	if t.plan.conditionsDue(line.Epoch) {
		state, err := t.engine.Pull()
		if err != nil {
			return err
		}
		line.ConditionNumbers = conditionNumbers(state.Network)
	}
	r.lastLine = &line
	return r.appendMetrics(line)
}

func (r *run) roundEnded(_ *training, line RoundLine) error { return r.appendMetrics(line) }

// stretchEnded reports progress, and writes a checkpoint at the end of an epoch
// when the last one is old enough to matter.
func (r *run) stretchEnded(t *training, from int) error {
	r.workDone += t.plan.work(from, t.Step)
	if t.Stopped { // what is left of its plan counts as done, and not as done in this time
		skipped := t.plan.work(t.Step, t.plan.total)
		r.workDone += skipped
		r.workAtOpen += skipped
	}
	r.report(t)
	if err := r.saveSharedPrefix(t); err != nil {
		return err
	}
	if t.Step%t.plan.perEpoch == 0 && (t.Step == t.plan.total || t.Stopped || time.Since(r.saved) > checkpointEvery) {
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
func (r *run) rounds() ([]RoundLine, error) {
	rounds, err := readRounds(io.NewSectionReader(r.metrics, 0, r.length), r.result.Market)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.metrics.Name(), err)
	}
	return rounds, nil
}

// tell reports what begins now.
func (r *run) tell(message string) {
	if r.Observe != nil {
		r.Observe(Event{Message: message})
	}
}

// report reports how far a training is.
func (r *run) report(t *training) {
	line := r.lastLine
	r.lastLine = nil
	if r.Observe == nil {
		return
	}
	e := Event{
		Training: t.name, Epoch: t.plan.epochOf(t.Step), Epochs: t.plan.config.Epochs, Line: line,
		Players: t.players(), Done: r.workDone / r.workAll, Remaining: -1,
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
func (r *run) estimate(p plan, at position) error {
	step := at.Step
	if at.Stopped {
		step = p.total
	}
	r.workDone = p.work(0, step)
	first, err := r.plan(r.config.Game)
	if err != nil {
		return err
	}
	r.workAll = first.work(0, first.total)
	if r.config.Baseline {
		dense, err := r.plan(NoGame)
		if err != nil {
			return err
		}
		r.workAll += dense.work(0, dense.total)
	}
	if r.stage == stageDense {
		r.workDone += first.work(0, first.total)
	}
	r.workAtOpen = r.workDone
	return nil
}

// sharedPrefix returns the checkpoint of the run's shared prefix, or nil if there is
// none.
func (r *run) sharedPrefix(p plan) (*checkpoint, error) {
	if r.SharedPrefixes == "" || p.sharedSteps() == 0 {
		return nil, nil
	}
	path, err := sharedPrefixPath(r.SharedPrefixes, r.config, r.result.Data, r.device, r.Version)
	if err != nil {
		return nil, err
	}
	return loadSharedPrefix(path, p)
}

// saveSharedPrefix keeps the state of the run's own training for others, if this is
// where its shared prefix ends.
func (r *run) saveSharedPrefix(t *training) error {
	if r.SharedPrefixes == "" || r.stage != stageGame || t.Step != t.plan.sharedSteps() || t.Step == 0 {
		return nil
	}
	path, err := sharedPrefixPath(r.SharedPrefixes, r.config, r.result.Data, r.device, r.Version)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	lines := make([]byte, r.length)
	if _, err := r.metrics.ReadAt(lines, 0); err != nil {
		return err
	}
	state, err := t.engine.Pull()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.SharedPrefixes, 0o755); err != nil {
		return atomicfile.Advised(err)
	}
	c := r.newCheckpoint(t, state)
	c.Lines = string(lines)
	return c.save(path)
}
