package trainer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/BurntSushi/toml"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// The files of a run folder.
const (
	ConfigFile      = "config.toml"            // the resolved configuration
	MetricsFile     = "metrics.jsonl"          // a line an epoch and a round
	ResultFile      = "result.json"            // Result
	DenseFile       = "dense.safetensors"      // the network trained without the game
	PrunedFile      = "pruned.safetensors"     // what the game left
	PlayersFile     = "players.csv"            // a row a player
	CertificateFile = "equilibrium.json"       // Certificate
	CheckpointFile  = "checkpoint.safetensors" // until the run is finished
)

// checkpointEvery is how much work a killed process may lose, beside an epoch.
const checkpointEvery = 10 * time.Second

// Options are the circumstances of a run, which do not change what it finds.
type Options struct {
	Dir     string      // the run folder
	Command string      // as the user gave it, for the record
	Version string      // of the program
	Observe func(Event) // told of the progress; may be nil

	// Beginnings is a folder in which runs leave the state that they have just before
	// their first round, and from which those that are the same until then go on. Times
	// of training contain that of the beginning. Empty: none are kept.
	Beginnings string
}

// Event is a report of progress.
type Event struct {
	Message string // what begins now; empty in reports of a training

	Training  string // GameTraining or DenseTraining
	Epoch     int    // under way, from 1
	Epochs    int
	Players   []int         // of each hidden layer
	Loss      float64       // mean over the epoch so far
	Accuracy  float64       // percent, likewise; 0 in regression
	Line      *EpochLine    // of the epoch that just ended, else nil
	Done      float64       // fraction of the run's work
	Remaining time.Duration // estimated; negative where nothing is known yet
}

// stage is what a run is at.
type stage string

const (
	stageGame  stage = "game"  // the training that the run is about, with its game if there is one
	stageDense stage = "dense" // the baseline
)

// run is a run under way.
type run struct {
	Options
	config Config
	data   *dataset.Dataset
	device Device
	loss   Loss
	hidden []int
	// samples says where the device finds them, once that is decided.
	samples Placement
	// latency is the model of latencies, where the market needs one.
	latency *LatencyModel

	result  Result
	stage   stage
	metrics *os.File
	length  int64 // of the metrics

	started    time.Time
	before     float64 // seconds of earlier sittings
	saved      time.Time
	workDone   float64 // so far, as plan.work counts it
	workAll    float64
	workAtOpen float64 // done before this sitting
	lastLine   *EpochLine
}

// Run trains, prunes and judges as the configuration says, and leaves
// everything in the run folder. The errors are of the kinds [ErrUsage],
// [ErrNoDevice] and [ErrInterrupted], a [DivergedError], or of reading and
// writing. After [ErrInterrupted] the folder holds a checkpoint for [Resume].
func Run(ctx context.Context, c Config, o Options) (*Result, error) {
	c, err := c.Resolve()
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, Usagef("name a folder for the run with --out")
	}
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // said before data is read and latencies are measured
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(o.Dir, CheckpointFile)); err == nil {
			return nil, Usagef("--out %s holds an interrupted run: name another folder, or go on with it by --resume %s", o.Dir, o.Dir)
		}
		return nil, Usagef("--out %s is not empty: name another folder, or empty it", o.Dir)
	}
	r := &run{Options: o, config: c, stage: stageGame, result: Result{Command: o.Command}}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.checkPlacement(); err != nil {
		return nil, err
	}
	if err := r.readLatencyModel(); err != nil {
		return nil, err
	}
	if _, err := r.placeSamples(); err != nil {
		return nil, err
	}
	start, err := r.initial()
	if err != nil {
		return nil, err
	}
	p, err := r.plan(c.Game)
	if err != nil {
		return nil, err
	}
	from, err := r.beginning(p)
	if err != nil {
		return nil, err
	}
	if from == nil {
		from = &checkpoint{Position: newPosition(p), state: &State{Network: start}}
	}
	engine, err := r.openEngine(from)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	if p, err = r.openMarket(ctx, engine, p, start); err != nil {
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
// and command are the run's own. Its errors are those of [Run].
func Resume(ctx context.Context, o Options) (*Result, error) {
	path := filepath.Join(o.Dir, CheckpointFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, noCheckpoint(o.Dir)
	}
	unlock, err := lockFolder("resume", o.Dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	c, err := loadCheckpoint(path)
	if errors.Is(err, os.ErrNotExist) { // since another process has finished the run just now
		return nil, noCheckpoint(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, config: c.Config, stage: c.Stage, result: c.Result, before: c.Result.Seconds.Total}
	if err := r.open(); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(r.result.Data, c.Result.Data) {
		return nil, fmt.Errorf("--resume %s: the data is not what the run began with: it was %+v and is %+v", o.Dir, c.Result.Data, r.result.Data)
	}
	// What is left of the network may fit where all of it would not.
	if _, err := r.placeSamples(); err != nil && !errors.Is(err, ErrOutOfMemory) {
		return nil, err
	}
	if err := r.reopenMarket(c.Result.Market); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	kind := r.config.Game
	if c.Stage == stageDense {
		kind = NoGame
	}
	p, err := r.plan(kind)
	if err != nil {
		return nil, err
	}
	if err := c.fits(p); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	engine, err := r.openEngine(c)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	if r.metrics, err = os.OpenFile(filepath.Join(o.Dir, MetricsFile), os.O_RDWR, 0); err != nil {
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
	if p.game == MarketGame {
		if _, err := r.rounds(); err != nil { // they are needed when the market has closed
			return nil, fmt.Errorf("--resume %s: %w", o.Dir, err)
		}
	}
	return r.finish(ctx, engine, p, c)
}

// noCheckpoint says why there is nothing to go on from in a folder.
func noCheckpoint(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, ResultFile)); err == nil {
		return Usagef("--resume %s: the run is finished, its result lies there", dir)
	}
	return Usagef("--resume %s: there is no %s to go on from: train anew into another folder", dir, CheckpointFile)
}

// openEngine opens the device at the state of a checkpoint.
func (r *run) openEngine(from *checkpoint) (Engine, error) {
	return r.device.Open(r.data, r.engineOptions(), from.state)
}

func (r *run) engineOptions() EngineOptions {
	return EngineOptions{
		Batch: r.config.Batch, Optimiser: r.config.optimiser(), Loss: r.loss, Valuation: r.config.Worth, Samples: r.samples,
		NeverCompacts: !r.config.Game.inRounds(), // the paper's game removes on the host, from a network that is pushed
	}
}

// open finds the device and the data, and fills in what the result says of them.
func (r *run) open() error {
	r.started = time.Now()
	device, err := FindDevice(r.config.Device)
	if err != nil {
		return err
	}
	if r.device, err = device.WithKernels(r.config.Kernels); err != nil {
		return err
	}
	if r.hidden, err = network.Parse(r.config.Model); err != nil {
		return Usagef("--model: %v", err)
	}
	r.tell("reading " + r.config.Data)
	r.data, err = openData(r.config.Data, r.config.dataOptions())
	if err != nil {
		return err
	}
	switch {
	case r.config.Label != "" || !dataset.IsCSV(r.config.Data):
	case r.data.Regression():
		r.tell(fmt.Sprintf("target: the column %q of %s; --label names another, or several", r.data.TargetNames[0], r.config.Data))
	default:
		r.tell(fmt.Sprintf("labels: the column %q of %s; --label names another", r.data.Label, r.config.Data))
	}
	if r.loss, err = r.config.loss(r.data); err != nil {
		return err
	}
	if r.config.EvaluateOn.Of(r.data).Len() == 0 {
		return Usagef("--evaluate-on %s: %s has no such samples", r.config.EvaluateOn, r.data.Name)
	}
	widths := r.widths()
	if parameters := network.ParametersOf(widths); parameters > maxParameters {
		return Usagef("--model %s has %d parameters, more than the %d that this program takes", r.config.Model, parameters, maxParameters)
	}
	if activations := max(min(r.config.Batch, r.data.Train.Len()), InferLimit) * sum(widths); activations > maxActivations {
		return Usagef("--batch %d of --model %s has %d activations, more than the %d that this program takes", r.config.Batch, r.config.Model, activations, maxActivations)
	}
	r.samples = r.config.DataOnDevice
	r.result.Schema, r.result.Seed = ResultSchema, r.config.Seed
	r.result.Device = r.device.result()
	r.result.Data = ResultData{
		Name: r.data.Name, Train: r.data.Train.Len(), Validation: r.data.Validation.Len(),
		Test: r.data.Test.Len(), EvaluatedOn: r.config.EvaluateOn,
		Label: r.data.Label, ClassNames: r.data.ClassNames, TargetNames: r.data.TargetNames,
	}
	if r.data.Regression() {
		r.result.Task = Regression
	}
	return nil
}

// openData opens a data set; what the user asked for wrongly is of the kind
// [ErrUsage].
func openData(name string, o dataset.Options) (*dataset.Dataset, error) {
	data, err := dataset.Open(name, o)
	switch {
	case errors.Is(err, dataset.ErrUnknown):
		return nil, Usagef("--data: %v", err)
	case errors.Is(err, dataset.ErrFraction):
		return nil, Usagef("--validation: %v", err)
	case errors.Is(err, dataset.ErrOption):
		return nil, Usagef("%v", err)
	}
	return data, err
}

// widths returns the widths of the network before the game.
func (r *run) widths() []int {
	return append(append([]int{r.data.Train.Features}, r.hidden...), r.data.Outputs())
}

// initial returns the network that both trainings start from.
func (r *run) initial() (*network.Network, error) {
	n := network.New(r.widths())
	n.Activation = r.config.Activation
	return n, n.Initialise(r.config.Initialisation, r.config.Seed)
}

func (r *run) plan(kind GameKind) (plan, error) {
	p, err := newPlan(r.config, kind, r.widths(), r.data.Train.Len())
	if err == nil && kind == MarketGame && r.latency != nil {
		p.latency = r.latency
		err = p.aim()
	}
	return p, err
}

// createFolder makes the run folder with its configuration and empty metrics, and
// locks it. Of two runs that begin at once in one folder, one fails here.
func (r *run) createFolder() (unlock func(), err error) {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if unlock, err = lockFolder("out", r.Dir); err != nil {
		return nil, err
	}
	r.metrics, err = os.OpenFile(filepath.Join(r.Dir, MetricsFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil { // where no locks are known, or the other run was quick
		unlock()
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	if err := r.write(ConfigFile, func(w io.Writer) error { return toml.NewEncoder(w).Encode(r.config) }); err != nil {
		r.metrics.Close()
		unlock()
		return nil, err
	}
	return unlock, nil
}

// write writes a file of the run folder, whole or not at all.
func (r *run) write(name string, content func(io.Writer) error) error {
	return atomicfile.Write(filepath.Join(r.Dir, name), content)
}

// finish runs what is left of a run from a checkpoint, which may be its start.
// A run that diverges leaves no checkpoint: going on would only diverge again.
// Whoever sees another failure, such as a full disk, learns that there is one.
func (r *run) finish(ctx context.Context, engine Engine, p plan, from *checkpoint) (*Result, error) {
	result, err := r.runStages(ctx, engine, p, from)
	if diverged := new(DivergedError); errors.As(err, &diverged) {
		return nil, errors.Join(err, r.removeCheckpoint())
	}
	if err != nil && !errors.Is(err, ErrInterrupted) {
		if _, missing := os.Stat(filepath.Join(r.Dir, CheckpointFile)); missing == nil {
			err = fmt.Errorf("%w; the last checkpoint is kept: go on from it with nashprune train --resume %s", err, r.Dir)
		}
	}
	return result, err
}

// runStages runs the trainings that are left, judges what they leave, and
// concludes the run.
func (r *run) runStages(ctx context.Context, engine Engine, p plan, from *checkpoint) (*Result, error) {
	if err := r.estimate(p, from.Position); err != nil {
		return nil, err
	}
	r.saved = time.Now()
	t := r.training(p, engine, from.Position)
	t.best, t.departed = from.best, from.departed
	if r.stage == stageGame {
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
	if r.stage == stageDense {
		if err := r.train(ctx, t); err != nil {
			return nil, err
		}
		if err := r.concludeDense(ctx, t, FromBaseline); err != nil {
			return nil, err
		}
	}
	return r.conclude(ctx, engine)
}

// training returns a training of this run at a position.
func (r *run) training(p plan, engine Engine, at position) *training {
	name := GameTraining
	switch p.game {
	case RankingGame:
		name = RankingTraining
	case NoGame:
		name = DenseTraining
	}
	t := &training{name: name, plan: p, engine: engine, data: r.data, loss: r.loss, journal: r, position: at}
	if p.game == MarketGame {
		t.witnesses = newWitnesses(r.data, r.loss, int(p.stepWork(0)))
	}
	return t
}

// ended tells whether an error is that of a ctx that has ended. What else went wrong is
// told as that, also where the user meanwhile wanted to stop.
func ended(ctx context.Context, err error) bool {
	cause := ctx.Err()
	return cause != nil && errors.Is(err, cause)
}

// train runs a training to its end. When ctx ends on the way it writes a
// checkpoint and returns an error of the kind [ErrInterrupted].
func (r *run) train(ctx context.Context, t *training) error {
	err := t.run(ctx)
	if !ended(ctx, err) {
		return err
	}
	if err := r.checkpoint(t); err != nil {
		return fmt.Errorf("interrupted, and no checkpoint could be written: %w", err)
	}
	return fmt.Errorf("%w in epoch %d of the %s training: go on with nashprune train --resume %s",
		ErrInterrupted, t.plan.epochOf(t.Step), t.name, r.Dir)
}

// checkpoint writes the state of a training and of the run.
func (r *run) checkpoint(t *training) error {
	state, err := t.engine.Pull()
	if err != nil {
		return err
	}
	// The checkpoint counts on the metrics, also after a power failure.
	if err := r.metrics.Sync(); err != nil {
		return atomicfile.Advised(err)
	}
	r.addSeconds(t)
	r.saved = time.Now()
	return r.newCheckpoint(t, state).save(filepath.Join(r.Dir, CheckpointFile))
}

// newCheckpoint returns the checkpoint of a training whose engine has the given
// state.
func (r *run) newCheckpoint(t *training, state *State) *checkpoint {
	return &checkpoint{
		Schema: checkpointSchema, Config: r.config, Stage: r.stage, Position: t.position,
		Steps: state.Steps, Tracked: state.Tracked, Metrics: r.length, Result: r.result, state: state,
		best: t.best, departed: t.departed,
	}
}

// addSeconds brings the times in the result up to date.
func (r *run) addSeconds(t *training) {
	s := &r.result.Seconds
	s.Total = r.before + time.Since(r.started).Seconds()
	if r.stage == stageDense {
		s.Baseline = t.Seconds.Training
	} else {
		s.Train, s.Game, s.Tail = t.Seconds.Training, t.Seconds.Game, t.Seconds.Tail
	}
}

// startBaseline begins the training of the dense network, from the same initial
// weights and with the same order of samples.
func (r *run) startBaseline(engine Engine) (*training, error) {
	start, err := r.initial()
	if err != nil {
		return nil, err
	}
	p, err := r.plan(NoGame)
	if err != nil {
		return nil, err
	}
	if err := engine.Push(&State{Network: start}); err != nil {
		return nil, err
	}
	r.stage = stageDense
	t := r.training(p, engine, newPosition(p))
	return t, r.checkpoint(t)
}

// removeCheckpoint removes the checkpoint, if there is one.
func (r *run) removeCheckpoint() error {
	if err := os.Remove(filepath.Join(r.Dir, CheckpointFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
