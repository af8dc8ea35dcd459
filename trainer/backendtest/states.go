package backendtest

import (
	"context"
	"math"

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

// remove checks that removal leaves exactly the numbers of the survivors.
func (s *session) remove() error {
	return s.with(s.candidate, func(candidate backend.Engine) error {
		cut := s.cut()
		if _, err := s.round(candidate); err != nil { // which leaves numbers of the full width behind
			return err
		}
		if err := candidate.Remove(cut); err != nil {
			return err
		}
		got, err := candidate.Pull()
		if err != nil {
			return err
		}
		want := s.start.Cut(cut)
		s.exactly("remove", got, want)
		// And the smaller network computes what the same one does on its own.
		after, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		roundAfter, err := s.round(candidate)
		if err != nil {
			return err
		}
		if err := candidate.Push(want); err != nil {
			return err
		}
		fresh, err := candidate.Evaluate(context.Background(), backend.TestPart, backend.Want{Logits: true})
		if err != nil {
			return err
		}
		s.compare("remove/logits", widen(after.Logits), widen(fresh.Logits), make([]float64, len(fresh.Logits)))
		roundFresh, err := s.round(candidate)
		if err != nil {
			return err
		}
		s.compare("remove/observation and play", roundAfter, roundFresh, make([]float64, len(roundFresh)))
		return s.trainRemoved(candidate, cut)
	})
}

// trainRemoved checks that a network from which players were removed after some
// steps, which leave numbers of its full width behind, trains to the same bits as
// the same one on its own.
func (s *session) trainRemoved(candidate backend.Engine, cut *network.Cut) error {
	train := func() (*backend.State, error) {
		if _, err := candidate.Train(context.Background(), s.stretch(3, true)); err != nil {
			return nil, err
		}
		return candidate.Pull()
	}
	if err := candidate.Push(s.State()); err != nil {
		return err
	}
	if _, err := train(); err != nil {
		return err
	}
	if err := candidate.Remove(cut); err != nil {
		return err
	}
	removed, err := candidate.Pull()
	if err != nil {
		return err
	}
	got, err := train()
	if err != nil {
		return err
	}
	if err := candidate.Push(removed); err != nil {
		return err
	}
	want, err := train()
	if err != nil {
		return err
	}
	s.exactly("remove/training", got, want)
	return nil
}

// fold checks that folding takes as many roundings a number as players share it, and that a fresh
// optimiser has forgotten everything.
func (s *session) fold() error {
	return s.with(s.candidate, func(candidate backend.Engine) error {
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
		for _, moments := range append(want.First, want.Second...) {
			clear(moments)
		}
		for _, slopes := range want.Slopes {
			clear(slopes.First)
			clear(slopes.Second)
		}
		g, w := flatten(got), flatten(want)
		bounds := make([]float64, len(w))
		// A number is multiplied, and so rounded, once; with a player of its row and one of
		// its column twice, in either order.
		roundings, folds := 1., map[int]bool{}
		for _, f := range want.Network.Folds() {
			if folds[f.Param] {
				roundings = 4
			}
			folds[f.Param] = true
		}
		for i := range bounds {
			bounds[i] = roundings * s.unit * math.Abs(w[i])
		}
		s.compare("fold and restart", g, w, bounds)
		return nil
	})
}
