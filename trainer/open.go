package trainer

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/checkpoint"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// open opens what a resolved configuration names, for a new run, for one that goes on
// from a checkpoint (else from is nil), for a dry run and for latencies: all in the
// order below. It trains nothing, allocates nothing on the device and writes nothing.
// Run and plan come also with an error of the kind [backend.ErrOutOfMemory].
func open(c settings.Config, o Options, from *checkpoint.Checkpoint) (*run, session.Plan, error) {
	r := &run{Options: o, config: c, given: c, from: from, stage: checkpoint.GameStage, result: record.Result{Command: o.Command}, started: time.Now()}
	if from != nil {
		r.stage, r.result, r.before = from.Stage, from.Result, from.Result.Seconds.Total
	}
	for _, step := range []func() error{
		r.findDevice, r.findRuntime, r.readSource, r.readData, r.checkNetwork, r.placeSamples, r.findMarket,
	} {
		if err := step(); err != nil {
			return nil, session.Plan{}, err
		}
	}
	p, err := r.firstPlan()
	if err != nil {
		return nil, p, err
	}
	r.from = nil // its state may go once the engine has it
	if err := r.memory.Check(); err != nil {
		return r, p, fmt.Errorf("%s: %w", r.device.ID(), err)
	}
	return r, p, nil
}

// findDevice finds the device of a new run by its configuration. One that goes on has the
// device that the user names, or else, wherever that may be listed now, the one that was
// last at work.
func (r *run) findDevice() (err error) {
	if r.from == nil {
		r.device, err = findDevice(r.config.Device, r.config.Kernels)
		return err
	}
	was := r.from.Result.Device
	same := func(d backend.Device) bool { return record.NewDevice(d).Same(was) }
	if r.Options.Device != "" {
		r.device, err = backend.FindDevice(r.Options.Device)
	} else if r.device, err = backend.FindAgain(r.config.Device, same); err != nil {
		err = fmt.Errorf("--resume %s: the run was computed on %s: %w; go on with another by --device", r.Dir, was.Words(), err)
	}
	if err != nil {
		return err
	}
	kernels := r.Options.Kernels
	if kernels == "" && same(r.device) {
		kernels = was.Kernels
	}
	if r.device, err = r.device.WithKernels(kernels); err != nil {
		return err
	}
	reason := "as before"
	if is := record.NewDevice(r.device); !is.SameBits(was) {
		reason = "until here " + was.Words() + "; the bits will differ from those of a run on one device"
	}
	r.note("device: " + backend.Choice{Device: r.device, Reason: reason}.String())
	return nil
}

// noteDevice notes in the result on which device a run begins or goes on.
func (r *run) noteDevice() {
	r.result.Device = record.NewDevice(r.device)
	r.result.Device.Samples = r.samples
	use := record.DeviceUse{Device: r.result.Device, Training: trainingName(r.kind())}
	if r.from != nil {
		use.FromStep = r.from.Position.Step
	}
	if r.from == nil || !r.result.Device.SameBits(r.from.Result.Device) {
		r.result.Devices = append(slices.Clip(r.result.Devices), use)
	}
}

// findDevice returns the device that a user's words mean, with one of its sets of
// kernels; empty: its own choice.
func findDevice(words, kernels string) (backend.Device, error) {
	device, err := backend.FindDevice(words)
	if err != nil {
		return device, err
	}
	return device.WithKernels(kernels)
}

// readData reads the data and fills in what the result says of it.
func (r *run) readData() (err error) {
	if r.data = cmp.Or(r.Options.Dataset, r.Options.read); r.data == nil {
		r.announce("reading " + r.config.Data)
		options, err := r.dataOptions()
		if err != nil {
			return err
		}
		r.data, err = openData(r.config.Data, options)
		if r.dataOfModel && errors.Is(err, backend.ErrUsage) {
			return unnamed(r.config.Source, r.config.Data)
		}
		if r.from != nil && errors.Is(err, dataset.ErrNotFound) && !filepath.IsAbs(r.config.Data) {
			return fmt.Errorf("--resume %s: %w; paths are relative to the folder where the run was started: go there", r.Dir, err)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case r.Options.Dataset != nil:
	case r.config.Label != "" || !dataset.IsCSV(r.config.Data):
	case r.data.Regression():
		r.announce(fmt.Sprintf("target: the column %q of %s; --label names another, or several", r.data.TargetNames[0], r.config.Data))
	default:
		r.announce(fmt.Sprintf("labels: the column %q of %s; --label names another", r.data.Label, r.config.Data))
	}
	for _, line := range columnLines(r.data.Uses) {
		r.note(line)
	}
	for _, note := range r.data.Notes {
		r.note("data: " + note)
	}
	if r.loss, err = r.config.Loss(r.data); err != nil {
		return err
	}
	if err := r.config.CheckHeldOut(r.data.Validation.Len() > 0); err != nil {
		return err
	}
	if r.config.EvaluateOn.Of(r.data).Len() == 0 {
		return backend.Usagef("--evaluate-on %s: %s has no such samples", r.config.EvaluateOn, r.data.Name)
	}
	r.result.Schema, r.result.Program, r.result.Seed = record.ResultSchema, r.program(), r.config.Seed
	r.result.Data = record.Data{
		Name: r.data.Name, Train: r.data.Train.Len(), Validation: r.data.Validation.Len(),
		Test: r.data.Test.Len(), EvaluatedOn: r.config.EvaluateOn,
		Label: r.data.Label, ClassNames: r.data.ClassNames, TargetNames: r.data.TargetNames, Notes: r.data.Notes, Columns: r.data.Uses, Digest: r.data.Digest,
		LargestClass: record.LargestClass(r.config.EvaluateOn.Of(r.data)),
	}
	if r.data.Regression() {
		r.result.Task = dataset.Regression
	}
	return r.sameData()
}

// columnLines says what became of the columns of a table, a line each; numbers as they stand are
// on one line.
func columnLines(uses []dataset.ColumnUse) []string {
	var lines, plain []string
	widest := 0
	for _, u := range uses {
		if u.Use != dataset.PlainUse {
			widest = min(max(widest, utf8.RuneCountInString(u.Name)), widestName)
		}
	}
	for _, u := range uses {
		if u.Use == dataset.PlainUse {
			plain = append(plain, u.Name)
			continue
		}
		lines = append(lines, fmt.Sprintf("column: %-*.*s  %s", widest, widestName, u.Name, u.Use))
	}
	switch n := len(plain); {
	case n == 1:
		lines = append(lines, fmt.Sprintf("column: %-*.*s  %s", widest, widestName, plain[0], dataset.PlainUse))
	case n > 1:
		lines = append(lines, fmt.Sprintf("column: %-*s  %s", widest, fmt.Sprintf("%d others", n), "numbers"))
	}
	return lines
}

// widestName is how many letters of the name of a column are printed in a table of columns.
const widestName = 24

// sameData refuses data that is not what the run began with, or what runs have with which
// it belongs.
func (r *run) sameData() error {
	now := r.result.Data
	if r.from == nil {
		if r.Options.Digest != "" && now.Digest != r.Options.Digest {
			return backend.Usagef("the samples of %s are not those of the finished runs (digest %.12s, was %.12s); use the same files, or another folder",
				now.Name, now.Digest, r.Options.Digest)
		}
		return nil
	}
	was, digest := r.from.Result.Data, r.from.Result.Data.Digest
	was.Digest = now.Digest
	if !reflect.DeepEqual(now, was) {
		return fmt.Errorf("--resume %s: the data is not what the run began with: it was %+v and is %+v", r.Dir, was, now)
	}
	if now.Digest != digest {
		return backend.Usagef("--resume %s: the samples of %s are not those that the run began with (digest %.12s, was %.12s); use the same files, or train into another folder",
			r.Dir, now.Name, now.Digest, digest)
	}
	return nil
}

// checkNetwork refuses a network that the device does not run, that has no players for the
// game, or that is larger than what this program takes.
func (r *run) checkNetwork() (err error) {
	switch {
	case r.model != nil:
		if err := r.findTrained(); err != nil {
			return err
		}
	case r.from != nil:
		r.graph = r.from.Whole
	case r.Options.Graph != nil:
		r.graph = r.Options.Graph
	default:
		if r.graph, err = r.config.Graph(r.data.Shape(), r.data.Outputs()); err != nil {
			return err
		}
	}
	if sample := r.graph.Input().Sample; r.config.Augmentation() != (dataset.Augmentation{}) && len(sample) != 3 {
		return backend.Usagef("--crop-padding and --flip move images, and the network reads samples of %s; it must read channels, height and width, as --model lenet5 does", sample)
	}
	if err := r.device.Runs(r.graph); err != nil {
		return err
	}
	if r.from == nil { // else the result has it, of the graph before --shape
		text, err := json.Marshal(r.graph)
		if err != nil {
			return err
		}
		r.result.Model = record.Model{Name: cmp.Or(r.config.Model, r.config.Source), Digest: fmt.Sprintf("%x", sha256.Sum256(text))}
	}
	if len(r.graph.MarketWidths()) == 0 && r.config.Game != game.NoGame {
		return backend.Usagef("the network has 0 players; --game is %s, which takes players: name other --players (nashprune inspect says which there can be), or try --game %s", r.config.Game, game.NoGame)
	}
	if slices.Contains(r.config.PlayerKinds(), network.Branches) && !slices.ContainsFunc(r.graph.Gates, func(g network.Gate) bool { return g.Kind == network.Branches }) {
		r.note("the network has no residual branches that could be players")
	}
	if r.config.LearningRate == 0 {
		depth := r.graph.DepthWithoutNorms()
		r.config.LearningRate = settings.TrainedRateOf(depth)
		r.given.LearningRate = r.config.LearningRate
		if r.config.LearningRate < settings.TrainedRate && r.config.Epochs > 0 {
			r.note(fmt.Sprintf("%d layers follow one another without batch norms: --learning-rate is %.3g", depth, r.config.LearningRate))
		}
	}
	if r.config, err = r.config.ResolveFor(r.graph.MarketWidths()); err != nil {
		return err
	}
	if r.config.Game == game.NoGame && r.config.Shape != "" && r.from == nil {
		if r.graph, err = r.shaped(); err != nil {
			return err
		}
	}
	if parameters := r.graph.ParameterCount(); parameters > settings.MaxNetworkParameters {
		return backend.Usagef("--model %s has %d parameters, more than the %d that this program takes", r.config.Model, parameters, settings.MaxNetworkParameters)
	}
	if activations := max(min(r.config.Batch, r.data.Train.Len()), backend.InferLimit) * r.graph.Activations(); activations > settings.MaxActivations {
		return backend.Usagef("--batch %d of --model %s has %d activations, more than the %d that this program takes", r.config.Batch, r.config.Model, activations, settings.MaxActivations)
	}
	return nil
}

// placeSamples works out the memory of the run's engine, and with it where the samples
// will be: of the network in full width, also when the run goes on with less, since a
// baseline may follow. A new run is refused a placement that the device does nothing
// with; for one that goes on it changes no result and could not be changed any more.
func (r *run) placeSamples() (err error) {
	r.samples = r.config.DataOnDevice
	if r.from == nil && r.samples != backend.AnyPlacement && r.device.Kind == backend.CPU {
		return backend.Usagef("--data-on-device %s is for devices with memory of their own, and %s (%s) computes where the data lie: leave it out, or say %s",
			r.samples, r.device.ID(), r.device.Name, backend.AutoPlacement)
	}
	if r.memory, err = r.device.Plan(r.data, r.engineOptions(), r.graph); err != nil {
		return fmt.Errorf("%s: %w", r.device.ID(), err)
	}
	r.samples = r.memory.Placement
	r.noteDevice()
	if words := r.memory.Placed(); words != "" {
		r.announce("samples: " + words)
	}
	return nil
}

// findMarket takes the market and its model of latencies from the checkpoint, or reads
// the model that the configuration names, if it names one.
func (r *run) findMarket() (err error) {
	switch {
	case r.from != nil:
		if r.result.Market, err = r.from.Market(); err != nil {
			return fmt.Errorf("checkpoint %s: %w", filepath.Join(r.Dir, record.CheckpointFile), err)
		}
		if r.result.Market != nil {
			r.latency = r.result.Market.LatencyModel
		}
	case r.config.LatencyModel != "":
		r.latency, err = cost.ReadModel(r.config.LatencyModel, r.graph)
	}
	if err != nil {
		return err
	}
	return r.findCosts()
}

// findCosts takes the costs of players from the checkpoint, or checks those that are given.
func (r *run) findCosts() (err error) {
	if r.from != nil {
		if r.PlayerCosts = nil; r.result.Market != nil {
			r.PlayerCosts = r.result.Market.PlayerCosts
		}
		if r.costs, err = cost.OfPlayers(r.graph, r.PlayerCosts); err != nil {
			return fmt.Errorf("checkpoint %s: %w", filepath.Join(r.Dir, record.CheckpointFile), err)
		}
		return nil
	}
	if err := r.checkCosts(r.config); err != nil {
		return err
	}
	if r.costs, err = cost.OfPlayers(r.graph, r.PlayerCosts); err != nil {
		return backend.Usagef("%v", err)
	}
	return nil
}

// checkCosts says that the costs of players do not fit a run of c.
func (o Options) checkCosts(c settings.Config) error {
	if o.PlayerCosts != nil && (c.Game != game.MarketGame || c.PlaysWeights() || c.Cost != "") {
		return backend.Usagef("costs of players are for --game market with a number of neurons or filters to keep, such as --keep, and without --cost")
	}
	return nil
}

// firstPlan returns the plan of the training that comes first, which is the one under way
// in a checkpoint.
func (r *run) firstPlan() (session.Plan, error) {
	p, err := r.plan(r.kind())
	if err == nil && r.from != nil {
		if err = r.from.Fits(p); err != nil {
			err = fmt.Errorf("checkpoint %s: %w", filepath.Join(r.Dir, record.CheckpointFile), err)
		}
	}
	return p, err
}

// openEngine opens the device at a state.
func (r *run) openEngine(at *backend.State) (backend.Engine, error) {
	engine, err := r.device.Open(r.data, r.engineOptions(), at)
	if err == nil && r.Watch != nil {
		engine = r.Watch(engine, r.graph)
	}
	return engine, err
}

// openInference opens the device for networks in use, at one of them.
func (r *run) openInference(n *network.Network) (backend.Engine, error) {
	o := backend.EngineOptions{Batch: cost.LatencyBatch, Samples: r.samples, Inference: true}
	return r.device.Open(r.data, o, &backend.State{Network: n})
}

func (r *run) engineOptions() backend.EngineOptions {
	return backend.EngineOptions{
		Batch: r.config.Batch, Optimiser: r.config.UpdateRule(), Loss: r.loss, Valuation: r.config.Worth, Samples: r.samples,
		Joint: r.config.Joint, SoftWeights: r.config.Game == game.PaperGame && r.graph.Masked() != nil, Seed: r.config.Seed,
		Augmentation: r.config.Augmentation(),
	}
}

// openData opens a data set; what the user asked for wrongly is of the kind
// [backend.ErrUsage].
func openData(name string, o dataset.Options) (*dataset.Dataset, error) {
	data, err := dataset.Open(name, o)
	switch {
	case errors.Is(err, dataset.ErrUnknown):
		return nil, backend.Usagef("--data: %v", err)
	case errors.Is(err, dataset.ErrFraction):
		return nil, backend.Usagef("--validation: %v", err)
	case errors.Is(err, dataset.ErrOption):
		return nil, backend.Usagef("%v", err)
	}
	return data, err
}

// shaped returns the graph in the shape that the configuration names: with the first players
// of each gate.
func (r *run) shaped() (*network.Graph, error) {
	shares, err := r.config.Shares(r.graph.Widths())
	if err != nil {
		return nil, err
	}
	var keep network.Survivors
	for _, share := range shares {
		keep = append(keep, network.Indices(share))
	}
	cut, err := r.graph.Cut(keep)
	if err != nil {
		return nil, err
	}
	return cut.Graph, nil
}

// initial returns the network that both trainings start from.
func (r *run) initial() (*network.Network, error) {
	if r.trained != nil {
		return r.trained.Clone(), nil
	}
	n := network.New(r.graph)
	return n, n.Initialise(r.config.Initialisation, r.config.Seed)
}

// kind returns what is played in the training that the run is at.
func (r *run) kind() game.Kind {
	if r.stage == checkpoint.DenseStage {
		return game.NoGame
	}
	return r.config.Game
}

// plan returns the plan of one of the run's trainings.
func (r *run) plan(kind game.Kind) (session.Plan, error) {
	given := session.Given{Latency: r.latency, PlayerCosts: r.costs, FileBytes: r.fileBytes}
	return session.NewPlan(r.config, kind, r.graph, r.data.Train.Len(), given)
}
