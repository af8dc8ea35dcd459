package trainer

import (
	"errors"
	"fmt"
	"time"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/checkpoint"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// checkPlacement refuses a placement that the device does nothing with. A run that goes
// on is not asked: it changes no result, and could not be changed any more.
func (r *run) checkPlacement() error {
	if r.samples == backend.AnyPlacement || r.device.Kind != backend.CPU {
		return nil
	}
	return backend.Usagef("--data-on-device %s is for devices with memory of their own, and %s (%s) computes where the data lie: leave it out, or say %s",
		r.samples, r.device.ID(), r.device.Name, backend.AutoPlacement)
}

// placeSamples works out the memory of the run's engine, and with it where the
// samples will be: of the network in full width, also when the run goes on with less,
// since a baseline may follow. The plan comes also with an error of the kind
// [backend.ErrOutOfMemory], when it does not fit.
func (r *run) placeSamples() (backend.MemoryPlan, error) {
	plan, err := r.device.Plan(r.data, r.engineOptions(), r.widths())
	if err == nil {
		r.samples, r.result.Device.Samples = plan.Placement, plan.Placement
		if words := plan.Placed(); words != "" {
			r.tell("samples: " + words)
		}
		err = plan.Check()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", r.device.ID(), err)
	}
	return plan, err
}

// openEngine opens the device at the state of a checkpoint.
func (r *run) openEngine(from *checkpoint.Checkpoint) (backend.Engine, error) {
	return r.device.Open(r.data, r.engineOptions(), from.State)
}

func (r *run) engineOptions() backend.EngineOptions {
	return backend.EngineOptions{
		Batch: r.config.Batch, Optimiser: r.config.UpdateRule(), Loss: r.loss, Valuation: r.config.Worth, Samples: r.samples,
		NeverCompacts: !r.config.Game.InRounds(), // the paper's game removes on the host, from a network that is pushed
	}
}

// open finds the device and the data, and fills in what the result says of them.
func (r *run) open() error {
	r.started = time.Now()
	device, err := backend.FindDevice(r.config.Device)
	if err != nil {
		return err
	}
	if r.device, err = device.WithKernels(r.config.Kernels); err != nil {
		return err
	}
	if r.hidden, err = network.Parse(r.config.Model); err != nil {
		return backend.Usagef("--model: %v", err)
	}
	r.tell("reading " + r.config.Data)
	r.data, err = openData(r.config.Data, r.config.DataOptions())
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
	if r.loss, err = r.config.Loss(r.data); err != nil {
		return err
	}
	if r.config.EvaluateOn.Of(r.data).Len() == 0 {
		return backend.Usagef("--evaluate-on %s: %s has no such samples", r.config.EvaluateOn, r.data.Name)
	}
	widths := r.widths()
	if parameters := network.ParametersOf(widths); parameters > settings.MaxNetworkParameters {
		return backend.Usagef("--model %s has %d parameters, more than the %d that this program takes", r.config.Model, parameters, settings.MaxNetworkParameters)
	}
	if activations := max(min(r.config.Batch, r.data.Train.Len()), backend.InferLimit) * network.Sum(widths); activations > settings.MaxActivations {
		return backend.Usagef("--batch %d of --model %s has %d activations, more than the %d that this program takes", r.config.Batch, r.config.Model, activations, settings.MaxActivations)
	}
	r.samples = r.config.DataOnDevice
	r.result.Schema, r.result.Seed = record.ResultSchema, r.config.Seed
	r.result.Device = record.NewDevice(r.device)
	r.result.Data = record.Data{
		Name: r.data.Name, Train: r.data.Train.Len(), Validation: r.data.Validation.Len(),
		Test: r.data.Test.Len(), EvaluatedOn: r.config.EvaluateOn,
		Label: r.data.Label, ClassNames: r.data.ClassNames, TargetNames: r.data.TargetNames,
	}
	if r.data.Regression() {
		r.result.Task = dataset.Regression
	}
	return nil
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

func (r *run) plan(kind game.Kind) (session.Plan, error) {
	p, err := session.NewPlan(r.config, kind, r.widths(), r.data.Train.Len())
	if err == nil && kind == game.MarketGame && r.latency != nil {
		p.Latency = r.latency
		err = p.Aim()
	}
	return p, err
}
