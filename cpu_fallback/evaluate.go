package cpufallback

import (
	"context"

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
	order := want.Of(part.Of(e.data))
	result := backend.Evaluation{Samples: len(order)}
	if !e.data.Regression() {
		result.ClassSamples, result.ClassCorrect = make([]int, e.graph.Outputs()), make([]int, e.graph.Outputs())
	}
	total := 0.
	err := e.eachBatch(ctx, part, order, func(_, rows int) {
		for b := range rows {
			loss, correct := e.sampleLoss(b, backend.Loss{}, 1)
			total += float64(loss)
			if want.Logits {
				result.Logits = append(result.Logits, convert[float32](e.output.values.row(b))...)
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

func (e *engine[T]) Participations() ([][]float64, error) {
	var all [][]float64
	for _, g := range e.gates {
		all = append(all, convert[float64](g.participation))
	}
	for _, g := range e.soft() {
		all = append(all, convert[float64](g.mask))
	}
	return all, nil
}

func (e *engine[T]) Measure(ctx context.Context) ([]backend.Statistics, error) {
	var all []backend.Statistics
	for i, g := range e.gates {
		s := backend.Statistics{
			Participation:    convert[float64](g.participation),
			MeanContribution: make([]float64, len(g.participation)),
			MeanSquare:       make([]float64, len(g.participation)),
		}
		e.measureTheta(i, &s, true)
		all = append(all, s)
	}
	soft := e.soft()
	means := make([][]float64, len(soft)) // of the derivatives of weights
	for i, g := range soft {
		means[i] = make([]float64, len(g.mask))
	}
	order := backend.InOrder(e.data.Train.Len())
	err := e.eachBatch(ctx, backend.TrainPart, order, func(first, rows int) {
		e.target(first, rows)
		e.backward(rows, ask{contributions: true, weights: soft != nil})
		share := float64(rows) / float64(len(order))
		for i, g := range e.gates {
			for j := range g.batchMean {
				all[i].MeanContribution[j] += share * float64(g.batchMean[j])
				all[i].MeanSquare[j] += share * float64(g.batchSquare[j])
			}
		}
		for i, g := range soft {
			for j, d := range g.gradient[:len(g.mask)] {
				means[i][j] += share * float64(d)
			}
		}
	})
	for i, g := range soft {
		all = append(all, backend.OfWeights(g.theta[:len(g.mask)], g.mask, means[i]))
	}
	return all, err
}

// target leaves the derivative of what contributions are taken to.
func (e *engine[T]) target(first, rows int) {
	if e.options.Valuation.ByOutputs() {
		e.outputSample(first, rows)
	} else {
		e.loss(rows)
	}
}

func (e *engine[T]) Infer(count int) error {
	if err := e.options.CheckInfer(e.data, count); err != nil {
		return err
	}
	e.gather(e.data.Test, backend.InOrder(count))
	e.forward(count)
	return nil
}

func (e *engine[T]) Probe(order []int32, learningRate float64) ([]backend.Tensor, error) {
	if err := e.options.CheckProbe(order); err != nil {
		return nil, err
	}
	progress := e.trainStep(order, learningRate, e.options.Optimiser.Shrink(learningRate), true, nil)
	rows := len(order)
	var tensors []backend.Tensor
	add := func(name string, v []T, shape ...int) {
		tensors = append(tensors, backend.Tensor{Name: name, Shape: shape, Values: convert[float64](v)})
	}
	batch := func(name string, m matrix[T]) { add(name, m.top(rows).data, rows, m.columns) }
	batch("input", e.batch)
	add("loss", []T{T(progress.Loss / float64(rows))}, 1)
	for _, stage := range e.stages[1:] { // the first is the inputs
		if stage.output().inner {
			continue
		}
		batch(stage.output().name+".output", stage.output().values)
		switch s := stage.(type) {
		case *denseStage[T]:
			name := e.graph.Nodes[s.group.params[0].Node].Name
			batch(name+".derivative", s.out.derivative)
			if !s.plain() {
				batch(name+".affine", s.affine)
			}
		case *gateStage[T]:
			batch(s.in.name+".derivative", s.in.derivative)
			batch(s.in.name+".affine", s.in.values)
		}
	}
	for _, group := range e.groups {
		for i, p := range group.params {
			if p.Statistic {
				add(p.Name, group.of(group.parameters, i), p.Shape...)
				continue
			}
			add("gradient."+p.Name, group.of(group.gradient, i), p.Shape...)
			add(p.Name, group.of(group.theta, i), p.Shape...)
			add("first."+p.Name, group.of(group.first, i), p.Shape...)
			if group.second != nil {
				add("second."+p.Name, group.of(group.second, i), p.Shape...)
			}
		}
	}
	for i, g := range e.gates {
		name, players := "gate."+e.graph.Gates[i].Name, len(g.participation)
		add(name+".contribution.mean", g.batchMean, players)
		add(name+".contribution.square", g.batchSquare, players)
	}
	return tensors, nil
}
