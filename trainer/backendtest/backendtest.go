// Package backendtest is the one suite that every backend must pass. It compares
// a candidate with a reference that computes in float64, tensor by tensor, from
// identical state, and says for each how much of its rounding bound the largest
// difference took. The reference itself is compared with the plain loops of this
// package, so that an error that both backends share is seen too. Tests run it over every backend, and a command can print it
// for users.
package backendtest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Opener opens an engine of the backend under test.
type Opener func(d *dataset.Dataset, o trainer.EngineOptions, s *trainer.State) (trainer.Engine, error)

// Check is the comparison of one quantity in one case.
type Check struct {
	Case     string  `json:"case"`
	Quantity string  `json:"quantity"`
	Elements int     `json:"elements"`
	Error    float64 `json:"error"`      // the largest difference
	Used     float64 `json:"bound_used"` // the largest part of its bound that a difference took; at most 1
	Detail   string  `json:"detail,omitempty"`
}

// OK reports whether every difference is within its bound.
func (c Check) OK() bool { return c.Used <= 1 }

// Report is what a comparison found.
type Report struct {
	Checks []Check `json:"checks"`
}

// Failed returns the checks in which a bound is broken.
func (r Report) Failed() []Check {
	var failed []Check
	for _, c := range r.Checks {
		if !c.OK() {
			failed = append(failed, c)
		}
	}
	return failed
}

// Compare runs the cases on both backends. The candidate computes with the given
// unit roundoff, 2^-24 in float32. An error means that a backend failed to
// compute, not that it computed something wrong.
func Compare(reference, candidate Opener, unit float64, cases []Case) (Report, error) {
	var report Report
	for _, c := range cases {
		s := &session{
			Case: c, unit: unit, reference: reference, candidate: candidate, report: &report,
			data: c.Data(), start: c.State(),
		}
		for _, part := range []func() error{
			s.step, s.transfer, s.moveMarket, s.movePaper, s.compact, s.fold, s.evaluate, s.measure, s.trajectory, s.stop,
		} {
			if err := part(); err != nil {
				return report, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	return report, nil
}

// session is the comparison of one case.
type session struct {
	Case
	unit                 float64
	reference, candidate Opener
	report               *Report
	data                 *dataset.Dataset
	start                *trainer.State // never changed; engines are given copies
}

// engines opens both backends at the state of the case.
func (s *session) engines(run func(reference, candidate trainer.Engine) error) error {
	return s.with(s.reference, func(reference trainer.Engine) error {
		return s.with(s.candidate, func(candidate trainer.Engine) error { return run(reference, candidate) })
	})
}

// with opens one backend at the state of the case and closes it afterwards.
func (s *session) with(open Opener, run func(trainer.Engine) error) (err error) {
	engine, err := open(s.data, trainer.EngineOptions{Batch: s.Batch, Optimiser: s.Optimiser}, s.State())
	if err != nil {
		return err
	}
	defer func() {
		if closing := engine.Close(); err == nil {
			err = closing
		}
	}()
	return run(engine)
}

// compare adds a check of got against want with a bound for each element.
func (s *session) compare(quantity string, got, want, bounds []float64) {
	check := Check{Case: s.Name, Quantity: quantity, Elements: len(want)}
	if len(got) != len(want) {
		check.Used, check.Detail = math.Inf(1), fmt.Sprintf("%d elements instead of %d", len(got), len(want))
	} else {
		for i := range want {
			difference := math.Abs(got[i] - want[i])
			if !(difference <= bounds[i]) && !(difference/bounds[i] <= check.Used) {
				check.Detail = fmt.Sprintf("element %d is %g, want %g within %g", i, got[i], want[i], bounds[i])
			}
			if math.IsNaN(difference) {
				check.Error, check.Used = math.NaN(), math.Inf(1)
				break
			}
			check.Error = max(check.Error, difference)
			if difference > 0 {
				check.Used = max(check.Used, difference/bounds[i])
			}
		}
	}
	s.report.Checks = append(s.report.Checks, check)
}

// step compares every tensor of one training step.
func (s *session) step() error {
	return s.engines(func(reference, candidate trainer.Engine) error {
		// So that the step has to clear what another one left behind.
		for _, e := range []trainer.Engine{reference, candidate} {
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
		found := map[string]trainer.Tensor{}
		for _, t := range got {
			found[t.Name] = t
		}
		values := map[string][]float64{}
		for _, t := range want {
			values[t.Name] = t.Values
		}
		bounds, expected := s.stepBounds(values)
		for _, t := range want {
			bound, ok := bounds[t.Name]
			if !ok {
				return fmt.Errorf("the suite has no bound for %q", t.Name)
			}
			s.compare("step/"+t.Name, found[t.Name].Values, t.Values, bound)
			if computed, ok := expected[t.Name]; ok {
				s.compare("reference step/"+t.Name, t.Values, computed, bound)
			}
		}
		if len(got) != len(want) {
			s.compare("step: number of tensors", []float64{float64(len(got))}, []float64{float64(len(want))}, []float64{0})
		}
		return nil
	})
}

// transfer checks that pulling a state gives what was pushed, to the bit, also
// after a smaller network and after steps.
func (s *session) transfer() error {
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		small := &trainer.State{Network: s.start.Network.Keep(s.survivors())}
		if err := candidate.Push(small); err != nil {
			return err
		}
		if _, err := candidate.Train(context.Background(), s.stretch(2, false)); err != nil {
			return err
		}
		if err := candidate.Push(s.State()); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		s.exactly("transfer", got, s.start)
		return nil
	})
}

// exactly adds checks that two states agree to the bit.
func (s *session) exactly(quantity string, got, want *trainer.State) {
	g, w := flatten(got), flatten(want)
	s.compare(quantity, g, w, make([]float64, len(w)))
}

// moveMarket compares one move of the market with the one that package game
// makes of the candidate's own statistics.
func (s *session) moveMarket() error {
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		statistics, err := candidate.Statistics()
		if err != nil {
			return err
		}
		const damping = 0.5
		var (
			prices       []float64
			want, bounds []float64
		)
		for l, layer := range statistics {
			worths := layer.Worths()
			price := game.ClearingPrice(worths, (len(worths)+1)/2)
			if l%2 == 1 { // and one that is nobody's worth
				price *= 1.01
			}
			prices = append(prices, price)
			market := game.Market{Price: price}
			for i, participation := range layer.Participation {
				want = append(want, market.Respond(worths[i], participation, damping))
				// The worth takes three operations and the response four; an
				// error of the worth moves p/h by that much of itself, and p/h
				// is at most 1 where the response is not simply zero.
				bounds = append(bounds, 8*s.unit)
			}
		}
		moved, err := candidate.Move(prices, damping)
		if err != nil {
			return err
		}
		var got []float64
		for _, m := range moved {
			got = append(got, m...)
		}
		s.compare("market move", got, want, bounds)
		return nil
	})
}

// movePaper compares one move in every reading of the paper's game, with a
// learning rate of zero so that the weights stay, against the move that package
// game makes of the candidate's own contributions.
func (s *session) movePaper() error {
	for _, benefit := range game.Benefits {
		for _, update := range []trainer.PaperUpdate{trainer.GradientAscent, trainer.BestResponse} {
			move := trainer.PaperMove{
				Game:   game.Paper{Benefit: benefit, Alpha: 1.5, Beta: 0.02, Gamma: 0.01, Eta: 0.005},
				Update: update, Rate: 0.5,
			}
			if err := s.movePaperOnce(move); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) movePaperOnce(move trainer.PaperMove) error {
	var contributions map[string][]float64
	err := s.with(s.candidate, func(candidate trainer.Engine) error {
		tensors, err := candidate.Probe(s.order(), 0)
		contributions = map[string][]float64{}
		for _, t := range tensors {
			contributions[t.Name] = t.Values
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		before, err := candidate.Measure(context.Background())
		if err != nil {
			return err
		}
		stretch := trainer.Stretch{Order: s.order(), LearningRates: []float64{0}, Paper: &move}
		if _, err := candidate.Train(context.Background(), stretch); err != nil {
			return err
		}
		after, err := candidate.Statistics()
		if err != nil {
			return err
		}
		var got, want, bounds []float64
		for l, layer := range before {
			layer.MeanContribution = contributions[fmt.Sprintf("%d.contribution.mean", l)]
			field := layer.Field()
			moved := append([]float64{}, layer.Participation...)
			if move.Update == trainer.BestResponse {
				move.Game.Respond(field, moved, move.Rate)
			} else {
				move.Game.Ascend(field, moved, move.Rate)
			}
			for i := range moved {
				got, want = append(got, after[l].Participation[i]), append(want, moved[i])
				// The slope is a sum of terms of the size of Scale, each with a
				// few roundings; the competition among them is itself a long
				// sum, whose roundings grow with its length.
				slope := (8*move.Game.Scale(field, i) + move.Game.Eta*s.competitionSize(l, i)) * s.unit
				bound := s.unit + move.Rate*slope
				if move.Update == trainer.BestResponse {
					bound = 4*s.unit + move.Rate*slope/(2*move.Game.Beta*field.SquaredNorm[i])
				}
				bounds = append(bounds, bound)
			}
		}
		s.compare(fmt.Sprintf("paper move/%s/%s", move.Game.Benefit, move.Update), got, want, bounds)
		return nil
	})
}

// compact checks that removal leaves exactly the numbers of the survivors.
func (s *session) compact() error {
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		state, keep := s.start, s.survivors()
		if err := candidate.Compact(keep); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		want := &trainer.State{Network: state.Network.Keep(keep), First: state.First.Keep(keep), Steps: state.Steps, Tracked: state.Tracked}
		if state.Second != nil {
			want.Second = state.Second.Keep(keep)
		}
		for l, c := range state.Contributions {
			want.Contributions = append(want.Contributions, trainer.Contributions{
				Mean: network.Select(c.Mean, keep[l]), MeanSquare: network.Select(c.MeanSquare, keep[l]),
			})
		}
		s.exactly("compact", got, want)
		// And the smaller network computes what the same one does on its own.
		after, err := candidate.Evaluate(context.Background(), trainer.TestPart, trainer.Want{Logits: true})
		if err != nil {
			return err
		}
		if err := candidate.Push(want); err != nil {
			return err
		}
		fresh, err := candidate.Evaluate(context.Background(), trainer.TestPart, trainer.Want{Logits: true})
		if err != nil {
			return err
		}
		s.compare("compact/logits", widen(after.Logits), widen(fresh.Logits), make([]float64, len(fresh.Logits)))
		_, err = candidate.Train(context.Background(), s.stretch(2, true))
		return err
	})
}

// fold checks that folding takes one rounding a number, and that a fresh
// optimiser has forgotten everything.
func (s *session) fold() error {
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		if err := candidate.Fold(); err != nil {
			return err
		}
		if err := candidate.RestartOptimiser(); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		want := s.State()
		want.Network.Fold()
		want.Steps = 0
		for _, moments := range []*network.Network{want.First, want.Second} {
			if moments == nil {
				continue
			}
			for _, layer := range moments.Layers {
				clear(layer.Weight)
				clear(layer.Bias)
			}
		}
		g, w := flatten(got), flatten(want)
		bounds := make([]float64, len(w))
		for i := range bounds {
			bounds[i] = s.unit * math.Abs(w[i])
		}
		s.compare("fold and restart", g, w, bounds)
		return nil
	})
}

// evaluate compares logits within their bounds, and checks that counts and loss
// follow from the candidate's own logits.
func (s *session) evaluate() error {
	return s.engines(func(reference, candidate trainer.Engine) error {
		want, err := reference.Evaluate(context.Background(), trainer.TestPart, trainer.Want{Logits: true})
		if err != nil {
			return err
		}
		got, err := candidate.Evaluate(context.Background(), trainer.TestPart, trainer.Want{Logits: true})
		if err != nil {
			return err
		}
		samples := s.data.Test
		bounds := s.logitBounds(samples)
		s.compare("evaluate/logits", widen(got.Logits), widen(want.Logits), bounds)
		p := s.forward(samples, everyone(samples.Len()))
		s.compare("reference evaluate/logits", widen(want.Logits), p.output[len(p.output)-1].values, bounds)
		loss, correct := 0., 0
		perClass, ofClass := make([]float64, s.Classes), make([]float64, s.Classes)
		for b, label := range samples.Labels {
			row := widen(got.Logits[b*s.Classes : (b+1)*s.Classes])
			ofClass[label]++
			l, hit := crossEntropy(row, int(label))
			loss += l / float64(samples.Len())
			if hit {
				correct++
				perClass[label]++
			}
		}
		s.compare("evaluate/correct", []float64{float64(got.Correct)}, []float64{float64(correct)}, []float64{0})
		s.compare("evaluate/class correct", counts(got.ClassCorrect), perClass, make([]float64, s.Classes))
		s.compare("evaluate/class samples", counts(got.ClassSamples), ofClass, make([]float64, s.Classes))
		s.compare("evaluate/loss", []float64{got.Loss}, []float64{loss}, []float64{s.lossRoundings() * s.unit * (1 + math.Abs(loss))})
		if err := s.evaluateEachPart(candidate); err != nil {
			return err
		}
		return candidate.Infer(min(samples.Len(), trainer.InferLimit))
	})
}

// evaluateEachPart checks that every part of the data is judged on its own
// samples.
func (s *session) evaluateEachPart(candidate trainer.Engine) error {
	for _, part := range []trainer.Part{trainer.TrainPart, trainer.ValidationPart, trainer.TestPart} {
		samples := part.Of(s.data)
		got, err := candidate.Evaluate(context.Background(), part, trainer.Want{})
		if err != nil {
			return err
		}
		p := s.forward(samples, everyone(samples.Len()))
		_, bound := s.lossDerivative(p, samples.Labels)
		loss := 0.
		for b, label := range samples.Labels {
			l, _ := crossEntropy(p.output[len(p.output)-1].values[b*s.Classes:(b+1)*s.Classes], int(label))
			loss += l / float64(samples.Len())
		}
		s.compare(fmt.Sprintf("evaluate/%s loss", part), []float64{got.Loss}, []float64{loss}, []float64{bound})
		s.compare(fmt.Sprintf("evaluate/%s samples", part), []float64{float64(got.Samples)}, []float64{float64(samples.Len())}, []float64{0})
	}
	return nil
}

// stretch returns steps over the training samples; if partial, the last takes
// half a batch, or one sample.
func (s *session) stretch(steps int, partial bool) trainer.Stretch {
	stretch := trainer.Stretch{Track: true}
	samples := s.data.Train.Len()
	for step := range steps {
		batch := s.Batch
		if partial && step == steps-1 {
			batch = (batch + 1) / 2
		}
		for b := range batch {
			stretch.Order = append(stretch.Order, int32((step*s.Batch+b*7)%samples))
		}
		stretch.LearningRates = append(stretch.LearningRates, s.LearningRate)
	}
	return stretch
}

// measure compares the statistics over the whole training part.
func (s *session) measure() error {
	return s.engines(func(reference, candidate trainer.Engine) error {
		want, err := reference.Measure(context.Background())
		if err != nil {
			return err
		}
		got, err := candidate.Measure(context.Background())
		if err != nil {
			return err
		}
		if len(got) != len(want) {
			return fmt.Errorf("%d layers of statistics instead of %d", len(got), len(want))
		}
		for l, e := range s.statistics() {
			exact := make([]float64, len(want[l].Participation))
			for _, c := range []struct {
				name      string
				got, want []float64
				expected  rows
			}{
				{"mean contribution", got[l].MeanContribution, want[l].MeanContribution, e.mean},
				{"mean square", got[l].MeanSquare, want[l].MeanSquare, e.square},
				{"squared norm", got[l].SquaredNorm, want[l].SquaredNorm, e.norm},
				{"competition", got[l].Competition, want[l].Competition, e.competition},
			} {
				s.compare(fmt.Sprintf("measure/%d.%s", l, c.name), c.got, c.want, c.expected.entries)
				s.compare(fmt.Sprintf("reference measure/%d.%s", l, c.name), c.want, c.expected.values, c.expected.entries)
			}
			s.compare(fmt.Sprintf("measure/%d.participation", l), got[l].Participation, want[l].Participation, exact)
		}
		return nil
	})
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
// candidate give the same bits.
func (s *session) trajectory() error {
	stretch := s.stretch(trajectorySteps, true)
	run := func(open Opener) (end *trainer.State, progress trainer.Progress, err error) {
		err = s.with(open, func(e trainer.Engine) error {
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

// stop ends the ctx of a stretch after each of its steps in turn: the engine has
// to say how far it came, and going on from there has to give the same bits as
// never having stopped. It also compares the losses and hits of each step with
// those of the reference.
func (s *session) stop() error {
	const steps = 3
	whole := s.stretch(steps, true)
	var want *trainer.State
	err := s.with(s.candidate, func(candidate trainer.Engine) (err error) {
		if _, err = candidate.Train(context.Background(), whole); err == nil {
			want, err = candidate.Pull()
		}
		return err
	})
	if err != nil {
		return err
	}
	for checks := range steps + 1 {
		err := s.with(s.candidate, func(candidate trainer.Engine) error {
			ctx := &countdown{Context: context.Background(), left: checks}
			progress, err := candidate.Train(ctx, whole)
			if err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			if err == nil && progress.Steps < steps {
				s.compare("stop/no error", []float64{float64(progress.Steps)}, []float64{steps}, []float64{0})
				return nil
			}
			rest := trainer.Stretch{
				Order: whole.Order[min(progress.Steps*s.Batch, len(whole.Order)):], LearningRates: whole.LearningRates[progress.Steps:], Track: true,
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

// hits checks the count of correct samples and the loss of one step against
// those that the suite works out, where no two logits are so near that rounding
// decides.
func (s *session) hits() error {
	order := s.order()
	labels := make([]uint8, len(order))
	for b, sample := range order {
		labels[b] = s.data.Train.Labels[sample]
	}
	p := s.forward(s.data.Train, order)
	logits := p.output[len(p.output)-1]
	sure, unsure, loss := 0., 0., 0.
	for b, label := range labels {
		row, entries := logits.values[b*s.Classes:(b+1)*s.Classes], logits.entries[b*s.Classes:(b+1)*s.Classes]
		l, hit := crossEntropy(row, int(label))
		loss += l
		near := false
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
	_, bound := s.lossDerivative(p, labels)
	return s.with(s.candidate, func(candidate trainer.Engine) error {
		progress, err := candidate.Train(context.Background(), trainer.Stretch{Order: order, LearningRates: []float64{s.LearningRate}})
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
