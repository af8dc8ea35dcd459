//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"math"

	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

func (e *engine) Train(ctx context.Context, s backend.Stretch) (_ backend.Progress, err error) {
	defer convert(&err)
	m := mode{kind: training, rows: min(e.options.Batch, e.batchRows)}
	if s.Paper != nil {
		m.paper = *s.Paper
	}
	e.sparse = false
	f := e.feed(batches{backend.TrainPart, s.Order, e.options.Batch})
	defer f.stop()
	var progress backend.Progress
	for progress.Steps < s.Steps() {
		if err := ctx.Err(); err != nil {
			return progress, err
		}
		// The first step of a stretch measures the time of the kernels.
		m.timed = progress.Steps == 0
		p, err := e.program(m)
		if err != nil {
			return progress, err
		}
		steps := f.ready(progress.Steps)
		if m.timed {
			steps = 1
		} else {
			steps = p.steps(min(steps, s.Steps()-progress.Steps))
		}
		for slot := range steps {
			step := progress.Steps + slot
			constants := e.stepAfter(slot, s.LearningRates[step])
			if s.NoDecay {
				constants.Shrink = 1
			}
			e.plan(slot, f, step, constants)
		}
		if err := e.submit(p, steps); err != nil {
			return progress, err
		}
		e.steps += steps
		for slot := range steps {
			e.addOutcomes(slot, len(f.of(progress.Steps)), &progress)
		}
	}
	return progress, nil
}

// stepAfter returns what a step of training depends on, when so many more have
// been taken than now.
func (e *engine) stepAfter(more int, rate float64) shaders.Step {
	o, number := e.options.Optimiser, float64(e.steps+more+1)
	step := shaders.Step{
		Rate: float32(rate), Shrink: float32(o.Shrink(rate)),
		Memory:      1,
		FirstSlope:  float32(1 / (1 - math.Pow(game.AscentBeta1, number))),
		SecondSlope: float32(1 / (1 - math.Pow(game.AscentBeta2, number))),
		Number:      uint32(e.steps + more + 1),
	}
	if o.Kind.IsAdam() {
		step.Rate = float32(rate / (1 - math.Pow(backend.AdamBeta1, number)))
		step.SecondScale = float32(1 / (1 - math.Pow(backend.AdamBeta2, number)))
	}
	return step
}

// addOutcomes takes a step that has run into the progress.
func (e *engine) addOutcomes(slot, rows int, p *backend.Progress) {
	step := backend.Progress{Steps: 1, Samples: rows}
	for _, o := range e.outcomes(slot, rows) {
		step.Loss += float64(o.Loss)
		step.Correct += int(o.Correct)
	}
	p.Add(step)
}

// evaluate runs steps of a mode over samples of a part of the data and calls visit
// after each with its place in the submission, the place of its first sample and its
// size. It makes as many steps a submission as limit allows.
func (e *engine) evaluate(ctx context.Context, m mode, part backend.Part, order []int32, limit int, visit func(slot, first, rows int) error) error {
	f := e.feed(batches{part, order, m.rows})
	defer f.stop()
	for done := 0; done < f.steps(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := e.program(m)
		if err != nil {
			return err
		}
		steps := p.steps(min(limit, f.ready(done)))
		for slot := range steps {
			step := done + slot
			// A running mean: of all samples so far, this batch has so many.
			rows, place := len(f.of(step)), step*m.rows
			memory := float32(rows) / float32(place+rows)
			e.plan(slot, f, step, shaders.Step{Memory: memory, Place: uint32(place)})
		}
		if err := e.submit(p, steps); err != nil {
			return err
		}
		for slot := range steps {
			if err := visit(slot, done*m.rows, len(f.of(done))); err != nil {
				return err
			}
			done++
		}
	}
	return nil
}

// runSteps runs steps of a kind over samples to train on. What they find is left behind.
func (e *engine) runSteps(ctx context.Context, k kind, order []int32) error {
	m := mode{kind: k, rows: evaluationBatch}
	return e.evaluate(ctx, m, backend.TrainPart, order, planLength, func(int, int, int) error { return nil })
}

func (e *engine) Evaluate(ctx context.Context, part backend.Part, want backend.Want) (_ backend.Evaluation, err error) {
	defer convert(&err)
	samples := part.Of(e.data)
	order := want.Of(samples)
	result := backend.Evaluation{Samples: len(order)}
	if !e.data.Regression() {
		result.ClassSamples, result.ClassCorrect = make([]int, e.output.width), make([]int, e.output.width)
	}
	limit := planLength
	if want.Logits { // each batch overwrites those of the one before
		limit = 1
	}
	total := 0.
	err = e.evaluate(ctx, mode{kind: evaluating, rows: evaluationBatch, sparse: e.sparse}, part, order, limit, func(slot, first, rows int) error {
		for b, o := range e.outcomes(slot, rows) {
			total += float64(o.Loss)
			if e.data.Regression() {
				continue
			}
			label := samples.Labels[order[first+b]]
			result.Correct += int(o.Correct)
			result.ClassSamples[label]++
			result.ClassCorrect[label] += int(o.Correct)
		}
		if !want.Logits {
			return nil
		}
		logits, err := e.readBatch(e.output.values, rows, e.output.width)
		result.Logits = append(result.Logits, logits...)
		return err
	})
	if result.Samples > 0 {
		result.Loss = total / float64(result.Samples)
	}
	return result, err
}

// readBatch returns the first rows rows of a buffer that holds a batch, without
// their padding.
func (e *engine) readBatch(b compute.Buffer, rows, width int) ([]float32, error) {
	v, err := e.read(b.Part(0, 4*rows*padded(width)))
	if err != nil {
		return nil, err
	}
	numbers := make([]float32, 0, rows*width)
	for r := range rows {
		numbers = append(numbers, v[r*padded(width):][:width]...)
	}
	return numbers, nil
}

func (e *engine) Infer(count int) (err error) {
	defer convert(&err)
	if err := e.options.CheckInfer(e.data, count); err != nil {
		return err
	}
	p, err := e.program(mode{kind: inferring, rows: count, sparse: e.sparse})
	if err != nil {
		return err
	}
	f := e.feedInferred(count)
	defer f.stop()
	f.ready(0)
	e.plan(0, f, 0, shaders.Step{})
	return e.submit(p, 1)
}

// feedInferred brings the first count test samples. Streamed ones that still lie in
// a chunk since the last time are not copied there again, so that to time Infer is to
// time the network.
func (e *engine) feedInferred(count int) *feed {
	b := batches{backend.TestPart, backend.InOrder(count), max(1, count)}
	if s := &e.samples; s.streamed && count <= s.inferred {
		return &feed{batches: b, engine: e, end: 1, next: 1}
	}
	f := e.feed(b)
	e.samples.inferred = count
	return f
}
