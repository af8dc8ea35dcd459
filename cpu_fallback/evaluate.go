package cpufallback

import (
	"context"
	"errors"
	"fmt"

	"nashprune/game"
	"nashprune/trainer/backend"
)

// evaluationBatch is how many samples are evaluated at a time. Gonum takes sums in
// another order for other sizes, so it is the same for any training batch: a saved
// network then gives the same logits in any process.
const evaluationBatch = backend.InferLimit

// eachBatch runs the network over samples of a part of the data and calls visit
// after each batch with the place of its first sample and its size.
func (e *engine[T]) eachBatch(ctx context.Context, part backend.Part, order []int32, visit func(first, rows int)) error {
	for first := 0; first < len(order); first += evaluationBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch := order[first:min(first+evaluationBatch, len(order))]
		e.gather(part.Of(e.data), batch)
		e.forward(len(batch))
		visit(first, len(batch))
	}
	return nil
}

func (e *engine[T]) Evaluate(ctx context.Context, part backend.Part, want backend.Want) (backend.Evaluation, error) {
	last := e.layers[len(e.layers)-1]
	result := backend.Evaluation{
		Samples: part.Of(e.data).Len(),
	}
	if !e.data.Regression() {
		result.ClassSamples, result.ClassCorrect = make([]int, last.out), make([]int, last.out)
	}
	total := 0.
	err := e.eachBatch(ctx, part, backend.InOrder(result.Samples), func(_, rows int) {
		for b := range rows {
			loss, correct := e.judge(b, backend.Loss{}, 1)
			total += float64(loss)
			if want.Logits {
				result.Logits = append(result.Logits, convert[float32](last.output.row(b))...)
			}
			if e.data.Regression() {
				continue
			}
			result.ClassSamples[e.labels[b]]++
			if correct {
				result.Correct++
				result.ClassCorrect[e.labels[b]]++
			}
		}
	})
	if result.Samples > 0 {
		result.Loss = total / float64(result.Samples)
	}
	return result, err
}

func (e *engine[T]) Statistics() ([]backend.Statistics, error) {
	var all []backend.Statistics
	for _, l := range e.hidden() {
		all = append(all, backend.Statistics{
			Participation:    convert[float64](l.participation),
			MeanContribution: convert[float64](l.mean),
			MeanSquare:       convert[float64](l.square),
		})
	}
	return all, nil
}

func (e *engine[T]) Measure(ctx context.Context) ([]backend.Statistics, error) {
	var all []backend.Statistics
	for _, l := range e.hidden() {
		s := backend.Statistics{
			Participation:    convert[float64](l.participation),
			MeanContribution: make([]float64, l.out),
			MeanSquare:       make([]float64, l.out),
		}
		l.measureTheta(&s, true)
		all = append(all, s)
	}
	return all, e.contributions(ctx, backend.InOrder(e.data.Train.Len()), all)
}

func (e *engine[T]) EstimateContributions(ctx context.Context, order []int32) error {
	all, err := e.Statistics()
	if err != nil {
		return err
	}
	for _, s := range all {
		clear(s.MeanContribution)
		clear(s.MeanSquare)
	}
	if err := e.contributions(ctx, order, all); err != nil {
		return err
	}
	for i, l := range e.hidden() {
		l.mean, l.square = convert[T](all[i].MeanContribution), convert[T](all[i].MeanSquare)
	}
	return nil
}

// contributions adds the means over the given training samples to statistics of zero.
func (e *engine[T]) contributions(ctx context.Context, order []int32, all []backend.Statistics) error {
	return e.eachBatch(ctx, backend.TrainPart, order, func(first, rows int) {
		if e.options.Valuation == game.Outputs {
			e.sway(first, rows)
		} else {
			e.loss(rows)
		}
		e.backward(rows, false, true)
		share := float64(rows) / float64(len(order))
		for i, l := range e.hidden() {
			for j := range l.batchMean {
				all[i].MeanContribution[j] += share * float64(l.batchMean[j])
				all[i].MeanSquare[j] += share * float64(l.batchSquare[j])
			}
		}
	})
}

func (e *engine[T]) Infer(count int) error {
	if available := e.data.Test.Len(); count > min(available, backend.InferLimit) {
		return fmt.Errorf("cannot run %d samples at a time: there are %d and the limit is %d",
			count, available, backend.InferLimit)
	}
	e.gather(e.data.Test, backend.InOrder(count))
	e.forward(count)
	return nil
}

func (e *engine[T]) Probe(order []int32, learningRate float64) ([]backend.Tensor, error) {
	if len(order) == 0 || len(order) > e.options.Batch {
		return nil, errors.New("a probe takes between one sample and a whole batch")
	}
	progress := e.trainStep(order, learningRate, e.options.Optimiser.Shrink(learningRate), true, nil)
	rows := len(order)
	tensors := []backend.Tensor{
		{Name: "input", Shape: []int{rows, e.batch.columns}, Values: convert[float64](e.batch.top(rows).data)},
		{Name: "loss", Shape: []int{1}, Values: []float64{progress.Loss / float64(rows)}},
	}
	add := func(l int, name string, v []T, shape ...int) {
		tensors = append(tensors, backend.Tensor{Name: fmt.Sprintf("%d.%s", l, name), Shape: shape, Values: convert[float64](v)})
	}
	for i, l := range e.layers {
		add(i, "output", l.output.top(rows).data, rows, l.out)
		add(i, "derivative", l.derivative.top(rows).data, rows, l.out)
		for _, p := range []struct {
			name   string
			values []T
		}{{"gradient", l.gradient}, {"", l.parameters}, {"first", l.first}, {"second", l.second}} {
			if p.name == "second" && !e.options.Optimiser.Kind.HasSecond() {
				continue
			}
			prefix := p.name
			if prefix != "" {
				prefix += "."
			}
			add(i, prefix+"weight", l.weightOf(p.values).data, l.out, l.in)
			add(i, prefix+"bias", l.biasOf(p.values), l.out)
		}
		if l.gated {
			add(i, "affine", l.affine.top(rows).data, rows, l.out)
			add(i, "contribution.mean", l.batchMean, l.out)
			add(i, "contribution.square", l.batchSquare, l.out)
			add(i, "average.mean", l.mean, l.out)
			add(i, "average.square", l.square, l.out)
		}
	}
	return tensors, nil
}
