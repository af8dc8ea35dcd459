package trainer

import (
	"context"
	"errors"
	"math"
	"path/filepath"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// EvalOptions says what a saved network is judged on.
type EvalOptions struct {
	Device  string
	Data    string // empty: what the model file names
	DataDir string

	// How the data is read and divided, as in [Config].
	Label        string
	Test         string
	TestFraction float64 // 0: the default where Divided says so, else none is drawn
	Seed         uint64
	MaxDataBytes uint64

	// Divided says that the data is that of the run which made the model: where it
	// has no test part, the one that the run drew is drawn again. Other data without
	// a test part is judged whole, unless TestFraction asks for a part of it.
	Divided bool
}

// EvalResult is how a saved network does on the test set.
type EvalResult struct {
	Model        string       `json:"model"` // the file
	Data         string       `json:"data"`
	Device       ResultDevice `json:"device"`
	Network      Judged       `json:"network"`
	Samples      int          `json:"samples"`
	Correct      int          `json:"correct"`
	ClassSamples []int        `json:"class_samples"`
	ClassCorrect []int        `json:"class_correct"`
	ClassNames   []string     `json:"class_names,omitempty"` // of a CSV file
}

// Eval judges a network from its model file on the test set, with the means and
// deviations that the file names: on the device of the run that wrote it, the
// accuracy is the one of that run, if that was judged on the test set.
func Eval(ctx context.Context, path string, o EvalOptions) (*EvalResult, error) {
	n, metadata, err := network.Load(path)
	if err != nil {
		return nil, err
	}
	named := o.Data != ""
	if !named {
		o.Data = metadata.Data
	}
	device, err := FindDevice(o.Device)
	if err != nil {
		return nil, err
	}
	options := dataset.Options{
		Dir: o.DataDir, MaxBytes: int64(min(o.MaxDataBytes, math.MaxInt64)), Label: o.Label, TestFile: o.Test,
		TestFraction: o.TestFraction, Seed: o.Seed, Judge: true, Whole: !o.Divided && o.TestFraction == 0, ClassNames: metadata.ClassNames,
	}
	if metadata.Means != nil {
		options.FeatureNames = metadata.FeatureNames
		options.Standard = &dataset.Standard{Means: metadata.Means, Deviations: metadata.Deviations}
	}
	data, err := openData(o.Data, options)
	if errors.Is(err, ErrUsage) && !named {
		return nil, Usagef("%s was trained on %s: name its folder with --data", path, o.Data)
	}
	if err != nil {
		return nil, err
	}
	if data.Train.Features != n.Layers[0].In || data.Classes > metadata.Classes {
		return nil, Usagef("--data %s has %d features and %d classes, and %s takes %d and knows %d",
			data.Name, data.Train.Features, data.Classes, path, n.Layers[0].In, metadata.Classes)
	}
	data.Mean, data.Deviation = metadata.Mean, metadata.Deviation
	engine, err := device.Open(data, EngineOptions{Batch: latencyBatch, Optimiser: Optimiser{Kind: SGD}}, &State{Network: n})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	evaluation, err := engine.Evaluate(ctx, TestPart, Want{})
	if err != nil {
		return nil, err
	}
	result := &EvalResult{
		Model: filepath.ToSlash(path), Data: data.Name, Network: judged(n),
		Device:  device.result(),
		Samples: evaluation.Samples, Correct: evaluation.Correct,
		ClassSamples: evaluation.ClassSamples, ClassCorrect: evaluation.ClassCorrect,
		ClassNames: metadata.ClassNames,
	}
	result.Network.evaluated(evaluation)
	microseconds, batch, err := latencies(ctx, engine, data.Test.Len(), []*network.Network{n})
	if err != nil {
		return nil, err
	}
	result.Network.LatencyUS, result.Network.LatencyBatch = microseconds[0], batch
	return result, nil
}
