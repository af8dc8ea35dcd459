package trainer

import (
	"context"
	"errors"
	"math"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/modelfile"
)

// Prediction is what a network says of one sample.
type Prediction struct {
	Name string `json:"name"` // the number of the row from 1, or the path of the image
	// Class is the likeliest class, by its name or its number, and Probabilities are those of
	// all classes; both absent in regression.
	Class         string    `json:"class,omitempty"`
	Probabilities []float64 `json:"probabilities,omitempty"`
	// Values are the targets in their own units; absent in classification.
	Values []float64 `json:"values,omitempty"`
}

// predictedAtOnce is how many numbers of samples are in memory together.
const predictedAtOnce = 1 << 24

// Predict makes predictions for unlabelled samples with the network of a model file. Before the
// first it calls begin with the names of the classes or targets, and visit with each, in order.
// Of a table no more rows are in memory together than have [predictedAtOnce] numbers. Notes say what
// the data holds that the network does not know. Errors are those of the file, of the data, of the
// device, and of begin and visit.
func Predict(ctx context.Context, path string, o EvalOptions, begin func(names []string, regression bool) error, visit func(Prediction) error) (notes []string, err error) {
	n, metadata, err := modelfile.Load(path)
	if err != nil {
		return nil, err
	}
	device, err := findDevice(o.Device, o.Kernels)
	if err != nil {
		return nil, err
	}
	names := metadata.Names()
	if metadata.Regression() {
		names = metadata.TargetNames
	}
	begun := false
	most := max(1, predictedAtOnce/max(n.Inputs(), 1))
	notes, err = dataset.Unlabelled(o.Data, o.reading(metadata), most, func(data *dataset.Dataset, rows []string) error {
		if err := fit(data, n, metadata, path); err != nil {
			return err
		}
		engine, err := device.Open(data, backend.EngineOptions{Batch: min(len(rows), backend.InferLimit), Inference: true}, &backend.State{Network: n})
		if err != nil {
			return err
		}
		defer engine.Close()
		evaluation, err := evaluateTest(ctx, engine)
		if err != nil {
			return err
		}
		if !begun {
			if err := begin(names, metadata.Regression()); err != nil {
				return err
			}
			begun = true
		}
		width := n.Outputs()
		for i, row := range rows {
			outputs := evaluation.Logits[i*width : (i+1)*width]
			p := Prediction{Name: row}
			if metadata.Regression() {
				for k, z := range outputs {
					p.Values = append(p.Values, float64(z)*metadata.TargetDeviations[k]+metadata.TargetMeans[k])
				}
			} else {
				class := evaluation.Class(i)
				p.Probabilities = softmax(outputs, class)
				p.Class = names[class]
			}
			if err := visit(p); err != nil {
				return err
			}
		}
		return nil
	})
	for _, usage := range []error{dataset.ErrUnknown, dataset.ErrOption} {
		if errors.Is(err, usage) {
			return notes, backend.Usagef("--data: %v", err)
		}
	}
	return notes, err
}

// softmax returns exp(z_k) / sum_j exp(z_j) for each logit, in float64; that of class is the largest.
func softmax(logits []float32, class int) []float64 {
	probabilities, sum := make([]float64, len(logits)), 0.
	most := float64(logits[class])
	for k, z := range logits {
		probabilities[k] = math.Exp(float64(z) - most)
		sum += probabilities[k]
	}
	for k := range probabilities {
		probabilities[k] /= sum
	}
	return probabilities
}
