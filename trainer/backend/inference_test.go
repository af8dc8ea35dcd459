package backend

import (
	"errors"
	"testing"

	"nashprune/trainer/network/networktest"
)

// held is an engine that holds a state.
type held struct {
	Engine
	state *State
}

func (h *held) Push(s *State) error   { h.state = s; return nil }
func (h *held) Pull() (*State, error) { return h.state, nil }

// TestInference: an engine for inference refuses to learn, and takes and brings a network alone.
func TestInference(t *testing.T) {
	inside := new(held)
	e, ctx := inference{inside}, t.Context()
	_, train := e.Train(ctx, Stretch{})
	_, measure := e.Measure(ctx)
	_, observe := e.Observe(ctx, nil)
	_, weigh := e.ObserveWeights(ctx, nil)
	_, play := e.Play(nil, nil, 1)
	_, probe := e.Probe(nil, 1)
	for i, err := range []error{train, measure, observe, weigh, play, probe, e.RestartOptimiser()} {
		if !errors.Is(err, ErrInference) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	n := networktest.Perceptron(1, 2, 3)
	if err := e.Push(&State{Network: n, First: n.Parameters, Steps: 3}); err != nil || inside.state.First != nil {
		t.Errorf("%+v, %v", inside.state, err)
	}
	inside.state.First = n.Parameters
	if s, err := e.Pull(); err != nil || s.Network != n || s.First != nil || s.Steps != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
