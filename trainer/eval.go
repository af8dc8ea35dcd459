package trainer

import (
	"context"
	"errors"
	"math"
	"path/filepath"

	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/dataset"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// EvalOptions says what a saved network is evaluated on.
type EvalOptions struct {
	Device  string
	Kernels string // of the device's sets; empty: its own choice
	Data    string // empty: what the model file names
	DataDir string

	// How the data is read and divided, as in [settings.Config].
	Label        string
	Ignore       string
	NoHeader     bool
	DecimalComma bool
	Test         string
	TestFraction float64 // 0: the default where Divided says so, else none is drawn
	Seed         uint64
	MaxDataBytes uint64

	// Divided says that the data is that of the run which made the model: where it
	// has no test part, the one that the run drew is drawn again. Other data without
	// a test part is evaluated whole, unless TestFraction asks for a part of it.
	Divided bool
}

// Eval evaluates a network from its model file on the test set, with the means and
// deviations that the file names: on the device of the run that wrote it, the
// accuracy or the errors are those of that run, if that was evaluated on the test set.
func Eval(ctx context.Context, path string, o EvalOptions) (*record.EvalResult, error) {
	n, metadata, err := modelfile.Load(path)
	if err != nil {
		return nil, err
	}
	named := o.Data != ""
	if !named {
		o.Data = metadata.Data
	}
	device, err := findDevice(o.Device, o.Kernels)
	if err != nil {
		return nil, err
	}
	options := o.reading(metadata)
	data, err := openData(o.Data, options)
	if errors.Is(err, backend.ErrUsage) && !named {
		return nil, unnamed(path, o.Data)
	}
	if err != nil {
		return nil, err
	}
	if err := fit(data, n, metadata, path); err != nil {
		return nil, err
	}
	engine, err := device.Open(data, backend.EngineOptions{Batch: cost.LatencyBatch, Inference: true}, &backend.State{Network: n})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	evaluation, err := evaluateTest(ctx, engine)
	if err != nil {
		return nil, err
	}
	result := &record.EvalResult{
		Model: filepath.ToSlash(path), Data: data.Name, Notes: data.Notes, Network: record.NewNetworkResult(n),
		Device:  record.NewDevice(device),
		Samples: evaluation.Samples,
	}
	if data.Regression() {
		result.Task, result.TargetNames = dataset.Regression, metadata.TargetNames
	} else {
		result.Correct, result.ClassNames = &evaluation.Correct, metadata.ClassNames
		result.LargestClass = record.LargestClass(data.Test)
	}
	record.SetEvaluation(&result.Network, evaluation, data, backend.TestPart)
	microseconds, batch, err := cost.Latencies(ctx, engine, data.Test.Len(), []*network.Network{n})
	if err != nil {
		return nil, err
	}
	result.Network.LatencyUS, result.Network.LatencyBatch = microseconds[0], batch
	return result, nil
}

// evaluateTest evaluates the network of an engine on the test part, with its logits.
func evaluateTest(ctx context.Context, engine backend.Engine) (backend.Evaluation, error) {
	e, err := engine.Evaluate(ctx, backend.TestPart, backend.Want{Logits: true})
	if ended(ctx, err) {
		err = backend.ErrInterrupted
	}
	return e, err
}

// reading returns how data is read for a network that was trained on other data: with its
// features, its classes or targets, and its means and deviations.
func (o EvalOptions) reading(m safetensors.Metadata) dataset.Options {
	options := dataset.Options{
		Regression: m.Regression(),
		Dir:        o.DataDir, MaxBytes: int64(min(o.MaxDataBytes, math.MaxInt64)), Label: o.Label, TestFile: o.Test,
		Ignore: o.Ignore, NoHeader: o.NoHeader, DecimalComma: o.DecimalComma,
		Interleaved:  m.Channels == 0,
		TestFraction: o.TestFraction, Seed: o.Seed, Evaluate: true, Whole: !o.Divided && o.TestFraction == 0,
	}
	if m.Means != nil {
		options.Standard = &dataset.Standard{Means: m.Means, Deviations: m.Deviations}
	}
	return asTrained(options, o.Data, m)
}

// asTrained adds to options what a network knows of the data that it was trained on: the names of
// its features, of its classes or targets and of the column of its labels, how targets are
// scaled, and the shape of images.
func asTrained(o dataset.Options, data string, m safetensors.Metadata) dataset.Options {
	o.Columns, o.FeatureNames, o.LabelName, o.ClassNames = m.Columns, m.FeatureNames, m.Label, m.Names()
	if m.Regression() {
		o.TargetNames, o.TargetStandard = m.TargetNames, &dataset.Standard{Means: m.TargetMeans, Deviations: m.TargetDeviations}
	}
	if m.Channels > 0 && dataset.IsImages(data) {
		o.ImageChannels = m.Channels
		if o.ImageHeight == 0 {
			o.ImageHeight, o.ImageWidth = m.Height, m.Width
		}
	}
	return o
}

// fit says why a network cannot read the data, and gives the data the means and deviations
// of the network's.
func fit(data *dataset.Dataset, n *network.Network, metadata safetensors.Metadata, path string) error {
	switch features := n.Graph.Input().Sample.Size(); {
	case data.Regression() && data.Train.Features != features:
		return backend.Usagef("--data %s has %d features, and %s takes %d", data.Name, data.Train.Features, path, features)
	case data.Train.Features != features || data.Classes > metadata.Classes:
		return backend.Usagef("--data %s has %d features and %d classes, and %s takes %d and knows %d",
			data.Name, data.Train.Features, data.Classes, path, features, metadata.Classes)
	}
	data.Mean, data.Deviation = metadata.Mean, metadata.Deviation
	data.Means, data.Deviations = metadata.ChannelMeans, metadata.ChannelDeviations // nil: those of all
	return nil
}
