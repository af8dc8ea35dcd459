package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"nashprune/game"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/checkpoint"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/onnxruntime"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// checkpointEvery is how much work a killed process may lose, beside an epoch.
const checkpointEvery = 10 * time.Second

// Options are the circumstances of a run, which do not change what it finds.
type Options struct {
	Dir     string      // the run folder
	Command string      // as the user gave it, for the record
	Version string      // of the program
	Observe func(Event) // receives the progress; may be nil

	// Watch receives the run's engine and its network before any removal, and returns the engine
	// that the run works with: one that looks on and passes everything to the other. Nil: that
	// one itself.
	Watch func(backend.Engine, *network.Graph) backend.Engine

	// SharedPrefixes is a folder in which runs keep the state that they have just before
	// their first round, and from which runs that are the same until then go on. Times
	// of training contain that of the shared prefix. Empty: none are kept.
	SharedPrefixes string

	// Device and Kernels, in [Resume], name the device to go on with, as settings.Config
	// does. Empty: the one that the run was computed on last.
	Device, Kernels string

	// Digest is that of the samples of runs with which this one belongs; other samples are
	// refused. Empty: any will do.
	Digest string

	// Graph is the network in place of the one that the configuration's Model names. Its
	// inputs and outputs fit the data. Nil: the model's. [Resume] takes that of the checkpoint.
	Graph *network.Graph

	// Dataset is the data in place of that which the configuration's Data names, such as that of
	// [dataset.FromRows]; [Resume] takes the same again. Nil: the configuration's.
	Dataset *dataset.Dataset

	// Network is a trained network to begin with, in place of a file that the configuration's Source
	// names, and of its Model. It is folded and not changed, and its figures are those of the dense
	// network. Its inputs and outputs fit the data, which is scaled as the configuration says.
	// [Resume] takes the same again. Nil: none.
	Network *network.Network

	// PlayerCosts are what players cost beside the others of their gate, a number a player, by the
	// names of gates ([network.Graph] has them, and nashprune inspect prints them): in the market
	// a player pays the price of its gate times its cost. Players of other gates cost 1. It takes a
	// number of players to keep, with a market a gate. [Resume] takes those of the checkpoint.
	PlayerCosts map[string][]float64

	// read is the data that the configuration names, where it is read already; nil: it is not.
	read *dataset.Dataset

	// structured is what the first part of a mixed run came to, where this is the second.
	structured *record.Structured
}

// resolve resolves the configuration of a new run.
func (o Options) resolve(c settings.Config) (_ settings.Config, err error) {
	if o.Network != nil {
		c.Source, c.Model, o.Graph = inMemory, "", o.Network.Graph
	}
	if o.Graph != nil {
		c, err = c.ResolveFor(o.Graph.MarketWidths())
	} else {
		c, err = c.Resolve()
	}
	if err == nil && c.LearningRate == 0 && c.Source == "" { // of a trained network it follows from the graph
		err = backend.Usagef("--learning-rate is 0; it must be above 0")
	}
	return c, err
}

// run is a run under way.
type run struct {
	Options
	config settings.Config // all of it decided
	given  settings.Config // as far as it is decided without the data, for the run's file
	data   *dataset.Dataset
	device backend.Device
	loss   backend.Loss
	graph  *network.Graph // before any removal
	// model and trained are the trained network that the run begins with; nil where it begins
	// with initial weights.
	model   modelfile.Model
	trained *network.Network
	// dataOfModel says that the model, not the user, names the data.
	dataOfModel bool
	runtime     *onnxruntime.Runtime // that times networks besides the device; nil: none does
	// samples says where the device finds them, once that is decided; memory is what its
	// engine takes.
	samples backend.Placement
	memory  backend.MemoryPlan
	// latency is the model of latencies, where the market needs one.
	latency *cost.Model
	costs   game.Costs // of players; nil: 1 each

	result  record.Result
	stage   checkpoint.Stage
	from    *checkpoint.Checkpoint // that the run goes on from, only while it is opened; nil: it is new
	metrics *os.File
	length  int64 // of the metrics

	started   time.Time
	before    float64 // seconds of earlier processes
	saved     time.Time
	workDone  float64 // so far, as [session.Plan.Work] counts it
	workAll   float64
	pace      pace
	lastLine  *record.EpochLine
	lastRound *record.RoundLine
}

// Run trains, prunes and evaluates as the configuration says, and writes all results to
// the run folder. The errors are of the kinds [backend.ErrUsage],
// [backend.ErrNoDevice] and [backend.ErrInterrupted], a [session.DivergedError], or of reading and
// writing. After [backend.ErrInterrupted], [Resume] goes on where [Resumable] says so: before the
// training there is no folder yet.
func Run(ctx context.Context, c settings.Config, o Options) (*record.Result, error) {
	if err := o.checkEmpty(); err != nil {
		return nil, err
	}
	if c.Mixed() {
		return runMixed(ctx, c, o)
	}
	r, p, err := o.openNew(c)
	if err != nil {
		return nil, err
	}
	r.result.Structured = o.structured
	start, err := r.initial()
	if err != nil {
		return nil, err
	}
	from, err := r.sharedPrefix(p)
	if err != nil {
		return nil, err
	}
	if from == nil {
		from = &checkpoint.Checkpoint{Position: session.Start(p), State: &backend.State{Network: start}}
	}
	if p, err = r.openMarket(ctx, p, start); err != nil {
		return nil, err
	}
	engine, err := r.openEngine(from.State)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	if err := r.evaluateSource(ctx, engine); err != nil {
		return nil, err
	}
	// Only now is all known to be well that can be.
	unlock, err := r.createFolder()
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer r.metrics.Close()
	if err := r.writeMetrics([]byte(from.Lines)); err != nil {
		return nil, err
	}
	return r.finish(ctx, engine, p, from)
}

// Resume goes on with an interrupted run from its folder, o.Dir; configuration
// and command are the run's own. Other data, or a file of the configuration that was
// changed, is refused. Its errors are those of [Run].
func Resume(ctx context.Context, o Options) (*record.Result, error) {
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		return nil, noCheckpoint(o.Dir)
	}
	if result, mixed, err := resumeMixed(ctx, o); mixed {
		return result, err
	}
	path := filepath.Join(o.Dir, record.CheckpointFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, noCheckpoint(o.Dir)
	}
	unlock, err := lockFolder("resume", o.Dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := atomicfile.RemoveTemporary(o.Dir); err != nil {
		return nil, atomicfile.Advised(err)
	}
	c, err := checkpoint.Load(path)
	if errors.Is(err, os.ErrNotExist) { // since another process has finished the run just now
		return nil, noCheckpoint(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err := checkConfig(o.Dir, c); err != nil {
		return nil, err
	}
	r, p, err := open(c.Config, o, c)
	if r == nil { // else what is left of the network may fit where all of it would not
		return nil, err
	}
	engine, err := r.openEngine(c.State)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	if r.metrics, err = os.OpenFile(filepath.Join(o.Dir, record.MetricsFile), os.O_RDWR, 0); err != nil {
		return nil, atomicfile.Advised(err)
	}
	defer r.metrics.Close()
	if info, err := r.metrics.Stat(); err != nil {
		return nil, err
	} else if info.Size() < c.Metrics {
		return nil, fmt.Errorf("%s has %d bytes and had %d at the checkpoint: it is damaged", r.metrics.Name(), info.Size(), c.Metrics)
	}
	if err := r.metrics.Truncate(c.Metrics); err != nil {
		return nil, err
	}
	if r.length, err = r.metrics.Seek(c.Metrics, io.SeekStart); err != nil {
		return nil, err
	}
	if p.Game == game.MarketGame {
		if _, err := r.rounds(); err != nil { // they are needed when the market has closed
			return nil, fmt.Errorf("--resume %s: %w", o.Dir, err)
		}
	}
	return r.finish(ctx, engine, p, c)
}

// finish runs the rest of a run from a checkpoint, which may be its start. A diverging
// run has no checkpoint: continuing would only diverge again. Another failure, such as a
// full disk, names the checkpoint.
func (r *run) finish(ctx context.Context, engine backend.Engine, p session.Plan, from *checkpoint.Checkpoint) (*record.Result, error) {
	result, err := r.runStages(ctx, engine, p, from)
	if diverged := new(session.DivergedError); errors.As(err, &diverged) {
		return nil, errors.Join(err, r.removeCheckpoint())
	}
	if err != nil && !errors.Is(err, backend.ErrInterrupted) && has(r.Dir, record.CheckpointFile) {
		err = fmt.Errorf("%w; the last checkpoint is kept: go on from it with nashprune train --resume %s", err, r.Dir)
	}
	return result, err
}

// runStages runs the trainings that are left, evaluates their networks, and concludes the
// run.
func (r *run) runStages(ctx context.Context, engine backend.Engine, p session.Plan, from *checkpoint.Checkpoint) (*record.Result, error) {
	if err := r.estimate(p, from.Position); err != nil {
		return nil, err
	}
	r.saved = time.Now()
	t := r.training(p, engine, from.Position)
	t.BestNetwork, t.Departed = from.BestNetwork, from.Departed
	if r.stage == checkpoint.GameStage {
		if p.Total == 0 {
			r.announce("removing players, without training")
		}
		if err := r.train(ctx, t); err != nil {
			return nil, err
		}
		if err := r.concludeGame(ctx, t); err != nil {
			return nil, err
		}
		if r.config.Baseline {
			var err error
			if t, err = r.startBaseline(engine); err != nil {
				return nil, err
			}
		}
	}
	if r.stage == checkpoint.DenseStage {
		if err := r.train(ctx, t); err != nil {
			return nil, err
		}
		if err := r.concludeDense(ctx, t, record.FromBaseline); err != nil {
			return nil, err
		}
	}
	return r.conclude(ctx, engine)
}

// Training returns a training of this run at a position.
func (r *run) training(p session.Plan, engine backend.Engine, at session.Position) *session.Training {
	r.pace.begin(at.Seconds)
	return &session.Training{Name: trainingName(p.Game), Plan: p, Engine: engine, Data: r.data, Loss: r.loss, Journal: r, Position: at}
}

// trainingName is what records call a training with a game.
func trainingName(kind game.Kind) string {
	switch kind {
	case game.RankingGame:
		return record.RankingTraining
	case game.NoGame:
		return record.DenseTraining
	default:
		return record.GameTraining
	}
}

// ended reports whether an error is that of a ctx that has ended. Another error is
// reported as such, also where the user wanted to stop meanwhile.
func ended(ctx context.Context, err error) bool {
	cause := ctx.Err()
	return cause != nil && errors.Is(err, cause)
}

// interrupted turns the error of a ctx that has ended into one of the kind [backend.ErrInterrupted].
func interrupted(ctx context.Context, err error, when string) error {
	if !ended(ctx, err) {
		return err
	}
	return fmt.Errorf("%w %s", backend.ErrInterrupted, when)
}

// train runs a training to its end. When ctx ends on the way it writes a
// checkpoint and returns an error of the kind [backend.ErrInterrupted].
func (r *run) train(ctx context.Context, t *session.Training) error {
	err := t.Run(ctx)
	if !ended(ctx, err) {
		return err
	}
	if err := r.checkpoint(t); err != nil {
		return fmt.Errorf("interrupted, and no checkpoint could be written: %w", err)
	}
	return fmt.Errorf("%w in epoch %d of the %s training: go on with nashprune train --resume %s",
		backend.ErrInterrupted, t.Plan.EpochOf(t.Step), t.Name, r.Dir)
}

// checkpoint writes the state of a training and of the run.
func (r *run) checkpoint(t *session.Training) error {
	state, err := t.Engine.Pull()
	if err != nil {
		return err
	}
	// The checkpoint counts on the metrics, also after a power failure.
	if err := r.metrics.Sync(); err != nil {
		return atomicfile.Advised(err)
	}
	r.addSeconds(t)
	r.saved = time.Now()
	return r.newCheckpoint(t, state).Save(filepath.Join(r.Dir, record.CheckpointFile))
}

// newCheckpoint returns the checkpoint of a training whose engine has the given
// state.
func (r *run) newCheckpoint(t *session.Training, state *backend.State) *checkpoint.Checkpoint {
	return &checkpoint.Checkpoint{
		Schema: checkpoint.Schema, Config: r.config, Stage: r.stage, Position: t.Position,
		Steps: state.Steps, Metrics: r.length, Result: r.result, State: state, Whole: r.graph,
		BestNetwork: t.BestNetwork, Departed: t.Departed,
	}
}

// addSeconds brings the times in the result up to date.
func (r *run) addSeconds(t *session.Training) {
	s := &r.result.Seconds
	s.Total = r.before + time.Since(r.started).Seconds()
	if r.stage == checkpoint.DenseStage {
		s.Baseline = t.Seconds.Training
	} else {
		s.Train, s.Game, s.Tail = t.Seconds.Training, t.Seconds.Game, t.Seconds.Tail
		s.Rounds, s.Certify = t.Seconds.Rounds, t.Seconds.Certify
	}
}

// startBaseline begins the training of the dense network, from the same initial
// weights and with the same order of samples.
func (r *run) startBaseline(engine backend.Engine) (*session.Training, error) {
	start, err := r.initial()
	if err != nil {
		return nil, err
	}
	p, err := r.plan(game.NoGame)
	if err != nil {
		return nil, err
	}
	if err := engine.Push(&backend.State{Network: start}); err != nil {
		return nil, err
	}
	r.stage = checkpoint.DenseStage
	t := r.training(p, engine, session.Start(p))
	return t, r.checkpoint(t)
}
