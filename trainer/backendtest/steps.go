package backendtest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"nashprune/trainer/backend"
)

// step compares every tensor of one training step.
func (s *session) step() error {
	return s.engines(func(reference, candidate backend.Engine) error {
		// So that the step has to clear what another one left behind.
		for _, e := range []backend.Engine{reference, candidate} {
			if _, err := e.Measure(context.Background()); err != nil {
				return err
			}
		}
		want, err := reference.Probe(s.order(), s.LearningRate)
		if err != nil {
			return err
		}
		got, err := candidate.Probe(s.order(), s.LearningRate)
		if err != nil {
			return err
		}
		found := map[string]backend.Tensor{}
		for _, t := range got {
			found[t.Name] = t
		}
		bounds, expected := s.stepBounds()
		for _, t := range want {
			bound, ok := bounds[t.Name]
			if !ok {
				return fmt.Errorf("the suite has no bound for %q", t.Name)
			}
			s.compare("step/"+t.Name, found[t.Name].Values, t.Values, bound)
			s.compare("reference step/"+t.Name, t.Values, expected[t.Name], bound)
		}
		if len(got) != len(want) {
			s.compare("step: number of tensors", []float64{float64(len(got))}, []float64{float64(len(want))}, []float64{0})
		}
		return nil
	})
}

// stretch returns steps over the training samples at falling rates; if partial,
// the last takes half a batch, or one sample.
func (s *session) stretch(steps int, partial bool) backend.Stretch {
	var stretch backend.Stretch
	samples := s.data.Train.Len()
	for step := range steps {
		batch := s.Batch
		if partial && step == steps-1 {
			batch = (batch + 1) / 2
		}
		for b := range batch {
			stretch.Order = append(stretch.Order, int32((step*s.Batch+b*7)%samples))
		}
		stretch.LearningRates = append(stretch.LearningRates, s.LearningRate/float64(step+1))
	}
	return stretch
}

// trajectorySteps is the length of a trajectory, and trajectoryTolerance how far
// its end may be from the reference's, as part of the way from its start. A
// rounding is 6e-8 of a number and 20 steps with their rectifiers amplify it;
// a wrong formula is off by far more than a hundredth of the way.
const (
	trajectorySteps     = 20
	trajectoryTolerance = 0.01
)

// trajectory compares where 20 steps lead, and checks that two equal runs of the
// candidate give the same bits: on an engine that has done other things, and on one
// that is fresh.
func (s *session) trajectory() error {
	stretch := s.stretch(trajectorySteps, true)
	run := func(b *side) (end *backend.State, progress backend.Progress, err error) {
		err = s.with(b, func(e backend.Engine) error {
			if progress, err = e.Train(context.Background(), stretch); err != nil {
				return err
			}
			end, err = e.Pull()
			return err
		})
		return end, progress, err
	}
	want, wantProgress, err := run(s.reference)
	if err != nil {
		return err
	}
	got, gotProgress, err := run(s.candidate)
	if err != nil {
		return err
	}
	if err := s.candidate.close(); err != nil {
		return err
	}
	again, _, err := run(s.candidate)
	if err != nil {
		return err
	}
	s.exactly("trajectory/same bits twice", again, got)
	start, end, reference := parameters(s.start), parameters(got), parameters(want)
	s.compare("trajectory/end", []float64{distance(end, reference)}, []float64{0}, []float64{trajectoryTolerance * distance(start, reference)})
	s.compare("trajectory/loss", []float64{gotProgress.Loss}, []float64{wantProgress.Loss}, []float64{trajectoryTolerance * wantProgress.Loss})
	s.compare("trajectory/samples", []float64{float64(gotProgress.Steps), float64(gotProgress.Samples)},
		[]float64{trajectorySteps, float64(len(stretch.Order))}, []float64{0, 0})
	return nil
}

// decay checks what a step without decay keeps of the weights: what one with it takes
// by itself, rate times decay of each in AdamW, and nothing with any other optimiser.
func (s *session) decay() error {
	if s.Optimiser.WeightDecay == 0 {
		return nil
	}
	return s.engines(func(_, candidate backend.Engine) error {
		var after [2]*backend.State
		for i, none := range []bool{true, false} {
			if err := candidate.Push(s.start); err != nil {
				return err
			}
			_, err := candidate.Train(context.Background(), backend.Stretch{
				Order: s.order(), LearningRates: []float64{s.LearningRate}, NoDecay: none,
			})
			if err != nil {
				return err
			}
			if after[i], err = candidate.Pull(); err != nil {
				return err
			}
		}
		kept, decayed := after[0], after[1]
		var got, want, bounds []float64
		for p, param := range s.start.Network.Graph.Params {
			if !param.Weight {
				continue
			}
			for i, w := range s.start.Network.Parameters[p] {
				w, ends := float64(w), decayed.Network.Parameters[p][i]
				less := 0.
				if s.Optimiser.Kind == backend.AdamW {
					less = s.LearningRate * s.Optimiser.WeightDecay * w
				}
				got = append(got, float64(kept.Network.Parameters[p][i])-float64(ends))
				want = append(want, less)
				// The factor is rounded, and each end twice; where nothing decays nothing differs.
				bounds = append(bounds, 0)
				if less != 0 {
					bounds[len(bounds)-1] = s.unit * (2*math.Abs(w) + 3*(math.Abs(w)+math.Abs(float64(ends))))
				}
			}
			decayed.Network.Parameters[p] = kept.Network.Parameters[p]
		}
		s.compare("decay/weights", got, want, bounds)
		s.exactly("decay/nothing else", decayed, kept)
		return nil
	})
}

// oneStep checks that a step of a training gives the same bits as the step that
// a probe makes, whose every tensor is compared.
func (s *session) oneStep() error {
	after := func(step func(backend.Engine) error) (state *backend.State, err error) {
		err = s.with(s.candidate, func(candidate backend.Engine) (err error) {
			if err = step(candidate); err == nil {
				state, err = candidate.Pull()
			}
			return err
		})
		return state, err
	}
	want, err := after(func(e backend.Engine) error {
		_, err := e.Probe(s.order(), s.LearningRate)
		return err
	})
	if err != nil {
		return err
	}
	got, err := after(func(e backend.Engine) error {
		_, err := e.Train(context.Background(), backend.Stretch{Order: s.order(), LearningRates: []float64{s.LearningRate}})
		return err
	})
	if err != nil {
		return err
	}
	s.exactly("train/one step", got, want)
	return nil
}

// epsilon compares the first step of plain Adam with inputs so small that its epsilon
// matters, against the suite's own sums: as both moments begin at zero, a weight
// moves by rate g / (|g| + 1e-8).
func (s *session) epsilon() error {
	if s.Optimiser != (backend.Optimiser{Kind: backend.Adam}) {
		return nil
	}
	small := *s
	data := *s.data
	data.Deviation = 3e6 // gradients around 1e-8
	data.Means, data.Deviations = nil, nil
	small.data = &data
	order := s.order()
	p := small.training(data.Train, order)
	derivative, _ := small.lossDerivative(s.Loss, p, answersOf(data.Train, order))
	g := small.backward(p, derivative)
	gradient := bounded{g.Parameters[0], g.bounds.Parameters[0]}
	move := func(g float64) float64 { return s.LearningRate * g / (math.Abs(g) + 1e-8) }
	old := s.start.Network.Parameters[0]
	var want, bounds []float64
	for i, g := range gradient.values {
		e := gradient.entries[i]
		want = append(want, float64(old[i])-move(g))
		// 1 - beta2 is off by u relative to one, where a backend works it out in
		// its own arithmetic.
		bounds = append(bounds, max(move(g+e)-move(g), move(g)-move(g-e))+
			(8/(1-backend.AdamBeta2)*math.Abs(move(g))+math.Abs(float64(old[i])))*s.unit)
	}
	return small.with(s.candidate, func(candidate backend.Engine) error {
		if err := candidate.Push(&backend.State{Network: s.State().Network}); err != nil {
			return err
		}
		if _, err := candidate.Train(context.Background(), backend.Stretch{Order: order, LearningRates: []float64{s.LearningRate}}); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		s.compare("train/epsilon of adam", widen(got.Network.Parameters[0]), want, bounds)
		return nil
	})
}

// stop ends the ctx of a stretch after each of its steps in turn: the engine has
// to say how far it came, and going on from there has to give the same bits as
// never having stopped. It also compares the losses and hits of each step with
// those of the reference.
func (s *session) stop() error {
	const steps = 3
	whole := s.stretch(steps, true)
	var want *backend.State
	err := s.with(s.candidate, func(candidate backend.Engine) (err error) {
		if _, err = candidate.Train(context.Background(), whole); err == nil {
			want, err = candidate.Pull()
		}
		return err
	})
	if err != nil {
		return err
	}
	for checks := range steps + 1 {
		err := s.with(s.candidate, func(candidate backend.Engine) error {
			ctx := &countdown{Context: context.Background(), left: checks}
			progress, err := candidate.Train(ctx, whole)
			if err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			if err == nil && progress.Steps < steps {
				s.compare("stop/no error", []float64{float64(progress.Steps)}, []float64{steps}, []float64{0})
				return nil
			}
			if checks == 0 {
				s.compare("stop/at once", []float64{float64(progress.Steps)}, []float64{0}, []float64{0})
				if err := s.stopEvaluations(candidate); err != nil {
					return err
				}
			}
			rest := backend.Stretch{
				Order: whole.Order[min(progress.Steps*s.Batch, len(whole.Order)):], LearningRates: whole.LearningRates[progress.Steps:],
			}
			if _, err := candidate.Train(context.Background(), rest); err != nil {
				return err
			}
			got, err := candidate.Pull()
			if err != nil {
				return err
			}
			s.exactly(fmt.Sprintf("stop/after %d checks", checks), got, want)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.hits()
}

// stopEvaluations checks that nothing is evaluated for a ctx that has ended.
func (s *session) stopEvaluations(candidate backend.Engine) error {
	ended, end := context.WithCancel(context.Background())
	end()
	_, evaluating := candidate.Evaluate(ended, backend.TestPart, backend.Want{})
	_, measuring := candidate.Measure(ended)
	_, observing := candidate.Observe(ended, s.order())
	stopped := 0.
	for _, err := range []error{evaluating, measuring, observing} {
		if errors.Is(err, context.Canceled) {
			stopped++
		} else if err != nil {
			return err
		}
	}
	s.compare("stop/evaluations", []float64{stopped}, []float64{3}, []float64{0})
	return nil
}

// hits checks the count of correct samples and the loss of one step against
// those that the suite works out, where no two logits are so near that rounding
// decides.
func (s *session) hits() error {
	order := s.order()
	answers := answersOf(s.data.Train, order)
	p := s.training(s.data.Train, order)
	logits := outputs(p)
	sure, unsure, loss := 0., 0., 0.
	for b := range order {
		row, entries := logits.values[b*s.Outputs:(b+1)*s.Outputs], logits.entries[b*s.Outputs:(b+1)*s.Outputs]
		l, hit := answers.lossOf(s.Loss, b, row)
		loss += l
		if s.Regression {
			continue
		}
		label, near := answers.labels[b], false
		for k, z := range row {
			near = near || k != int(label) && math.Abs(z-row[label]) <= entries[k]+entries[label]
		}
		switch {
		case near:
			unsure++
		case hit:
			sure++
		}
	}
	_, bound := s.lossDerivative(s.Loss, p, answers)
	return s.with(s.candidate, func(candidate backend.Engine) error {
		var progress backend.Progress
		err := s.keeps("train/players", candidate, func() (err error) {
			progress, err = candidate.Train(context.Background(), backend.Stretch{Order: order, LearningRates: []float64{s.LearningRate}})
			return err
		}, func(before, after *backend.State) { // the players alone are kept
			before.First, before.Second, before.Steps = after.First, after.Second, after.Steps
			before.Network.Parameters = after.Network.Parameters
		})
		if err != nil {
			return err
		}
		s.compare("train/correct", []float64{float64(progress.Correct)}, []float64{sure + unsure/2}, []float64{unsure / 2})
		s.compare("train/loss", []float64{progress.Loss}, []float64{loss}, []float64{bound * float64(len(order))})
		return nil
	})
}

// countdown is a ctx that ends once it has been asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}
