package backendtest

import (
	"context"
	"fmt"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// evaluate compares logits within their bounds, and checks that counts and loss
// follow from the candidate's own logits.
// evaluateSome evaluates every other sample, the last first: the logits are within rounding
// those of the whole evaluation, since a sample may stand elsewhere in its batch, and the
// labels are those of the samples.
func (s *session) evaluateSome(candidate backend.Engine) error {
	var only []int32
	for i := int32(s.data.Test.Len()) - 1; i >= 0; i -= 2 {
		only = append(only, i)
	}
	some, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true, Only: only})
	if err != nil {
		return err
	}
	expected := outputs(s.forward(s.data.Test, only))
	s.compare("evaluate/some logits", widen(some.Logits), expected.values, expected.entries)
	s.compareCounts(some, s.data.Test, only)
	return nil
}

func (s *session) evaluate() error {
	return s.engines(func(reference, candidate backend.Engine) error {
		want, err := reference.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		got, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		samples := s.data.Test
		expected := outputs(s.forward(samples, backend.InOrder(samples.Len())))
		s.compare("evaluate/logits", widen(got.Logits), widen(want.Logits), expected.entries)
		s.compare("reference evaluate/logits", widen(want.Logits), expected.values, expected.entries)
		again, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		s.compare("evaluate/logits again", widen(again.Logits), widen(got.Logits), make([]float64, len(got.Logits)))
		s.compareCounts(got, samples, backend.InOrder(samples.Len()))
		if err := s.evaluateSome(candidate); err != nil {
			return err
		}
		return s.keeps("evaluate/nothing else", candidate, func() error {
			if err := s.evaluateEachPart(candidate); err != nil {
				return err
			}
			most := min(max(s.Batch, backend.InferLimit), samples.Len())
			if most < samples.Len() && candidate.Infer(most+1) == nil {
				return fmt.Errorf("more than %d samples are inferred at a time", most)
			}
			return candidate.Infer(most)
		}, nil)
	})
}

// infer checks that an engine for inference gives the bits of one that trains, also after another
// network, and brings back the network that it was given.
func (s *session) infer() error {
	want, err := s.evaluated(s.candidate)
	if err != nil {
		return err
	}
	s.inference = true
	defer func() { s.inference = false }()
	got, err := s.evaluated(s.candidate)
	if err != nil {
		return err
	}
	exact := make([]float64, len(want.Logits))
	s.compare("infer/logits", widen(got.Logits), widen(want.Logits), exact)
	s.compare("infer/loss", []float64{got.Loss}, []float64{want.Loss}, []float64{0})
	s.compareCounts(got, s.data.Test, backend.InOrder(s.data.Test.Len()))
	return s.with(s.candidate, func(candidate backend.Engine) error {
		if err := candidate.Push(&backend.State{Network: s.cut().Of(s.start.Network)}); err != nil {
			return err
		}
		most := min(max(s.Batch, backend.InferLimit), s.data.Test.Len())
		if err := candidate.Infer(most); err != nil {
			return err
		}
		if err := candidate.Push(s.State()); err != nil {
			return err
		}
		again, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		s.compare("infer/logits again", widen(again.Logits), widen(want.Logits), exact)
		pulled, err := candidate.Pull()
		if err != nil {
			return err
		}
		s.exactly("infer/network", &backend.State{Network: pulled.Network}, &backend.State{Network: s.start.Network})
		return nil
	})
}

// evaluated evaluates the test samples at the state of the case.
func (s *session) evaluated(b *side) (evaluation backend.Evaluation, err error) {
	err = s.with(b, func(e backend.Engine) error {
		evaluation, err = e.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		return err
	})
	return evaluation, err
}

// compareCounts checks that counts and loss follow from an evaluation's own
// outputs.
func (s *session) compareCounts(got backend.Evaluation, samples dataset.Samples, order []int32) {
	answers := answersOf(samples, order)
	loss, correct := 0., 0
	var perClass, ofClass []float64
	if !s.Regression {
		perClass, ofClass = make([]float64, s.Outputs), make([]float64, s.Outputs)
	}
	for b := range order {
		l, hit := answers.lossOf(backend.Loss{}, b, widen(got.Logits[b*s.Outputs:(b+1)*s.Outputs]))
		loss += l / float64(len(order))
		if s.Regression {
			continue
		}
		label := answers.labels[b]
		ofClass[label]++
		if hit {
			correct++
			perClass[label]++
		}
	}
	s.compare("evaluate/correct", []float64{float64(got.Correct)}, []float64{float64(correct)}, []float64{0})
	s.compare("evaluate/class correct", widen(got.ClassCorrect), perClass, make([]float64, len(perClass)))
	s.compare("evaluate/class samples", widen(got.ClassSamples), ofClass, make([]float64, len(ofClass)))
	s.compare("evaluate/loss", []float64{got.Loss}, []float64{loss}, []float64{s.ownLossBound(loss)})
}

// evaluateExtremes evaluates equal logits, of which the first is the answer, and
// logits whose exponential no float32 holds.
func (s *session) evaluateExtremes() error {
	if s.Regression {
		return nil
	}
	return s.with(s.candidate, func(candidate backend.Engine) error {
		for _, large := range []float32{0, 200} {
			n := network.New(s.start.Network.Graph)
			bias := n.Parameters[len(n.Parameters)-1]
			for k := 1; k < len(bias); k++ {
				bias[k] = large
			}
			logits := n.Values().Forward(make([]float64, n.Inputs()), 1).Output(0) // of every sample
			if err := candidate.Push(&backend.State{Network: n}); err != nil {
				return err
			}
			got, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{})
			if err != nil {
				return err
			}
			loss, correct := 0., 0.
			answers := answersOf(s.data.Test, backend.InOrder(s.data.Test.Len()))
			for b := range s.data.Test.Len() {
				l, hit := answers.lossOf(backend.Loss{}, b, logits)
				loss += l / float64(s.data.Test.Len())
				if hit {
					correct++
				}
			}
			quantity := fmt.Sprintf("evaluate/logits of 0 and %g/", large)
			s.compare(quantity+"correct", []float64{float64(got.Correct)}, []float64{correct}, []float64{0})
			s.compare(quantity+"loss", []float64{got.Loss}, []float64{loss}, []float64{s.ownLossBound(loss)})
		}
		return nil
	})
}

// evaluateEachPart checks that every part of the data is evaluated on its own
// samples.
func (s *session) evaluateEachPart(candidate backend.Engine) error {
	for _, part := range []backend.Part{backend.TrainPart, backend.ValidationPart, backend.TestPart} {
		samples := part.Of(s.data)
		got, err := candidate.Evaluate(context.Background(), part, backend.Want{})
		if err != nil {
			return err
		}
		order := backend.InOrder(samples.Len())
		p, answers := s.forward(samples, order), answersOf(samples, order)
		_, bound := s.lossDerivative(backend.Loss{}, p, answers)
		loss := s.meanLoss(backend.Loss{}, p, answers)
		s.compare(fmt.Sprintf("evaluate/%s loss", part), []float64{got.Loss}, []float64{loss}, []float64{bound})
		s.compare(fmt.Sprintf("evaluate/%s samples", part), []float64{float64(got.Samples)}, []float64{float64(samples.Len())}, []float64{0})
	}
	return nil
}

// measureOutputs compares the statistics over the whole training part where
// contributions are those to the outputs.
func (s *session) measureOutputs() error {
	s.valuation = game.Outputs
	defer func() { s.valuation = game.Effective }()
	return s.measure()
}

// measure compares the statistics over the whole training part.
func (s *session) measure() error {
	quantity := "measure"
	if s.valuation.ByOutputs() {
		quantity += " outputs"
	}
	return s.engines(func(reference, candidate backend.Engine) error {
		want, err := reference.Measure(context.Background())
		if err != nil {
			return err
		}
		var got, again []backend.Statistics
		err = s.keeps(quantity+"/nothing else", candidate, func() (err error) {
			if got, err = candidate.Measure(context.Background()); err == nil {
				again, err = candidate.Measure(context.Background())
			}
			return err
		}, nil)
		if err != nil {
			return err
		}
		if len(got) != len(want) {
			return fmt.Errorf("%d gates of statistics instead of %d", len(got), len(want))
		}
		for l, e := range s.statistics() {
			exact := make([]float64, len(want[l].Participation))
			for _, c := range []struct {
				name      string
				got, want []float64
				expected  bounded
			}{
				{"mean contribution", got[l].MeanContribution, want[l].MeanContribution, e.mean},
				{"mean square", got[l].MeanSquare, want[l].MeanSquare, e.square},
				{"squared norm", got[l].SquaredNorm, want[l].SquaredNorm, e.norm},
				{"competition", got[l].Competition, want[l].Competition, e.competition},
			} {
				s.compare(fmt.Sprintf("%s/%d.%s", quantity, l, c.name), c.got, c.want, c.expected.entries)
				s.compare(fmt.Sprintf("reference %s/%d.%s", quantity, l, c.name), c.want, c.expected.values, c.expected.entries)
			}
			s.compare(fmt.Sprintf("%s/%d.mean contribution again", quantity, l), again[l].MeanContribution, got[l].MeanContribution, exact)
			s.compare(fmt.Sprintf("%s/%d.mean square again", quantity, l), again[l].MeanSquare, got[l].MeanSquare, exact)
			s.compare(fmt.Sprintf("%s/%d.participation", quantity, l), got[l].Participation, want[l].Participation, exact)
		}
		return nil
	})
}
