package backendtest

import (
	"context"
	"errors"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// transfer checks that pulling a state gives what was pushed, to the bit, also
// after a smaller network and after steps.
func (s *session) transfer() error {
	return s.with(s.candidate, func(candidate backend.Engine) error {
		small := &backend.State{Network: s.cut().Of(s.start.Network)}
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
func (s *session) exactly(quantity string, got, want *backend.State) {
	g, w := flatten(got), flatten(want)
	s.compare(quantity, g, w, make([]float64, len(w)))
}

// keeps checks that run changes nothing of the engine's state but what allow
// takes over from the state after it into the one before; nil allows nothing.
func (s *session) keeps(quantity string, e backend.Engine, run func() error, allow func(before, after *backend.State)) error {
	before, err := e.Pull()
	if err != nil {
		return err
	}
	if err := run(); err != nil {
		return err
	}
	after, err := e.Pull()
	if err != nil {
		return err
	}
	if allow != nil {
		allow(before, after)
	}
	s.exactly(quantity, after, before)
	return nil
}

// shrink checks that the state that a cut leaves, pushed to an engine that has computed at
// full width, is there to the bit, evaluates within its bounds, and gives the same bits in an
// evaluation, an observation, a play and a training as on an engine that was opened at it. That
// engine has the same bits once more when it has computed with other numbers and gets the state
// again, whose graph it has.
func (s *session) shrink() error {
	small := *s
	small.start = s.State().Cut(s.cut())
	results := func(e backend.Engine) (evaluation backend.Evaluation, round []float64, end *backend.State, err error) {
		if evaluation, err = e.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true}); err != nil {
			return evaluation, nil, nil, err
		}
		if round, err = small.round(e); err != nil {
			return evaluation, nil, nil, err
		}
		if _, err = e.Train(context.Background(), small.stretch(3, true)); err != nil {
			return evaluation, nil, nil, err
		}
		end, err = e.Pull()
		return evaluation, round, end, err
	}
	small.candidate = &side{open: s.candidate.open}
	var (
		evaluation backend.Evaluation
		round      []float64
		end        *backend.State
	)
	err := small.with(small.candidate, func(fresh backend.Engine) (err error) {
		if evaluation, round, end, err = results(fresh); err != nil {
			return err
		}
		other := small.otherNumbers()
		if err := fresh.Push(other); err != nil {
			return err
		}
		pushed, err := fresh.Pull()
		if err != nil {
			return err
		}
		s.exactly("the same graph/no moments", pushed, small.fresh(other.Network))
		otherEvaluation, _, _, err := results(fresh)
		if err != nil {
			return err
		}
		changed := small
		changed.start = other
		expected := outputs(changed.forward(s.data.Test, backend.InOrder(s.data.Test.Len())))
		s.compare("the same graph/other logits", widen(otherEvaluation.Logits), expected.values, expected.entries)
		if err := fresh.Push(small.State()); err != nil {
			return err
		}
		evaluationAgain, roundAgain, endAgain, err := results(fresh)
		if err != nil {
			return err
		}
		s.compare("the same graph/logits", widen(evaluationAgain.Logits), widen(evaluation.Logits), make([]float64, len(evaluation.Logits)))
		s.compare("the same graph/observation and play", roundAgain, round, make([]float64, len(round)))
		s.exactly("the same graph/training", endAgain, end)
		return nil
	})
	if err := errors.Join(err, small.candidate.close()); err != nil {
		return err
	}
	return s.with(s.candidate, func(candidate backend.Engine) error {
		if _, err := s.round(candidate); err != nil {
			return err
		}
		if _, err := candidate.Train(context.Background(), s.stretch(3, true)); err != nil {
			return err
		}
		if err := candidate.Push(small.State()); err != nil {
			return err
		}
		pushed, err := candidate.Pull()
		if err != nil {
			return err
		}
		s.exactly("cut", pushed, small.start)
		got, roundGot, endGot, err := results(candidate)
		if err != nil {
			return err
		}
		expected := outputs(small.forward(s.data.Test, backend.InOrder(s.data.Test.Len())))
		s.compare("cut/logits", widen(got.Logits), expected.values, expected.entries)
		s.compare("cut/logits of a fresh engine", widen(got.Logits), widen(evaluation.Logits), make([]float64, len(evaluation.Logits)))
		s.compare("cut/observation and play of a fresh engine", roundGot, round, make([]float64, len(round)))
		s.exactly("cut/training of a fresh engine", endGot, end)
		return nil
	})
}

// otherNumbers returns a state of the same graph without moments, in which no weight of the first
// node is zero.
func (s *session) otherNumbers() *backend.State {
	n := s.State().Network
	for i := range n.Parameters[0] {
		n.Parameters[0][i] = 0.25 + float32(i%3)/4
		if n.Masks != nil && n.Masks[0] != nil {
			n.Masks[0][i] = 1
		}
	}
	return &backend.State{Network: n}
}

// fresh returns the state of a network whose optimiser has made no step.
func (s *session) fresh(n *network.Network) *backend.State {
	fresh := s.State()
	fresh.Network, fresh.Steps = n, 0
	for _, moments := range append(fresh.First, fresh.Second...) {
		clear(moments)
	}
	for _, slopes := range fresh.Slopes {
		clear(slopes.First)
		clear(slopes.Second)
	}
	return fresh
}

// restart checks that a fresh optimiser has forgotten everything.
func (s *session) restart() error {
	return s.with(s.candidate, func(candidate backend.Engine) error {
		if err := candidate.RestartOptimiser(); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		s.exactly("restart", got, s.fresh(s.State().Network))
		return nil
	})
}
