package cpufallback

import (
	"context"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

func (e *engine[T]) Train(ctx context.Context, s backend.Stretch) (backend.Progress, error) {
	var progress backend.Progress
	for step, rate := range s.LearningRates {
		if err := ctx.Err(); err != nil {
			return progress, err
		}
		low := step * e.options.Batch
		order := s.Order[low:min(low+e.options.Batch, len(s.Order))]
		shrink := 1.
		if !s.NoDecay {
			shrink = e.options.Optimiser.Shrink(rate)
		}
		progress.Add(e.trainStep(order, rate, shrink, s.Paper != nil, s.Paper))
	}
	return progress, nil
}

// trainStep does one step with the given training samples, and leaves the contributions of
// the players if they are wanted.
func (e *engine[T]) trainStep(order []int32, rate, shrink float64, contributions bool, paper *backend.PaperMove) backend.Progress {
	e.gather(e.data.Train, order)
	e.augment(len(order))
	e.training = true
	e.forward(len(order))
	progress := e.loss(len(order))
	e.backward(len(order), ask{weights: true, contributions: contributions})
	e.training = false
	if paper != nil {
		e.contributeWeights()
	}
	e.maskGradients()
	if paper != nil {
		for i := range e.gates {
			if e.options.Joint {
				e.charge(i, paper.Game)
			}
			e.playPaper(i, paper, e.steps+1)
		}
		for _, g := range e.soft() {
			if e.options.Joint {
				game.AddCostGradient(g.gradient[:len(g.mask)], paper.Game, g.theta[:len(g.mask)], g.mask)
			}
			e.playWeights(g, paper, e.steps+1)
		}
	}
	e.update(rate, shrink)
	e.participate()
	return progress
}

// contributeWeights leaves c = dL/ds of weights that play the paper's game.
func (e *engine[T]) contributeWeights() {
	for _, g := range e.soft() {
		inChunks(len(g.mask), numbersPerChunk, func(_, low, high int) {
			c, theta := g.measured[low:high], g.theta[low:high]
			for i, d := range g.gradient[low:high] {
				c[i] = d * theta[i]
			}
		})
	}
}

// maskGradients makes gradients with respect to s theta those with respect to theta. A weight
// that a market removed stays where it is, with its moments.
func (e *engine[T]) maskGradients() {
	for _, g := range e.groups {
		inChunks(len(g.mask), numbersPerChunk, func(_, low, high int) {
			gradient := g.gradient[low:high]
			for i, s := range g.mask[low:high] {
				gradient[i] *= s
			}
		})
	}
}

// gather copies the given samples into the batch, as the network's inputs.
func (e *engine[T]) gather(from dataset.Samples, order []int32) {
	width := from.Features
	inChunks(len(order), rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			i := int(order[b])
			e.gatherInputs(e.batch.row(b), from, i*width)
			if from.Outputs > 0 {
				targets := e.targets.row(b)
				for k, t := range from.Targets[i*from.Outputs : (i+1)*from.Outputs] {
					targets[k] = T(t)
				}
			} else {
				e.labels[b] = from.Labels[i]
			}
		}
	})
}

// augment moves the images of the batch for the step that comes next.
func (e *engine[T]) augment(rows int) {
	a := e.options.Augmentation
	if a == (dataset.Augmentation{}) {
		return
	}
	shape := [3]int(e.graph.Nodes[0].Shape)
	outside := make([]T, shape[0])
	inChunks(rows, rowsPerChunk, func(_, low, high int) {
		still := make([]T, e.batch.columns)
		for b := low; b < high; b++ {
			copy(still, e.batch.row(b))
			dataset.Apply(a.Move(e.options.Seed, uint32(e.steps+1), uint32(b)), e.batch.row(b), still, shape, outside)
		}
	})
}

// gatherInputs writes the inputs of the sample that begins at a place.
func (e *engine[T]) gatherInputs(row []T, from dataset.Samples, first int) {
	feature := func(j int) int {
		if e.features != nil {
			return e.features[j]
		}
		return j
	}
	switch {
	case from.Values != nil:
		for j := range row {
			row[j] = T(e.data.Input(feature(j), from.At(first+feature(j))))
		}
	case e.features == nil:
		pixels, plane := from.Pixels[first:][:len(row)], len(row)/len(e.inputs)
		for channel := range e.inputs {
			inputs := &e.inputs[channel]
			for j, pixel := range pixels[channel*plane:][:plane] {
				row[channel*plane+j] = inputs[pixel]
			}
		}
	default:
		for j := range row {
			row[j] = e.inputs[e.data.Channel(feature(j))][from.Pixels[first+feature(j)]]
		}
	}
}

// forward computes every stage for the first rows samples of the batch.
func (e *engine[T]) forward(rows int) {
	for _, s := range e.stages {
		s.forward(rows)
	}
}

// backward computes what is asked from the derivative with respect to the output, for
// the first rows samples.
func (e *engine[T]) backward(rows int, ask ask) {
	for _, s := range e.stages {
		s.output().written = false
	}
	for i := len(e.stages) - 1; i >= 0; i-- {
		e.stages[i].backward(rows, ask)
	}
}
