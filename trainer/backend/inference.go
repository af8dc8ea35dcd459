package backend

import (
	"context"
	"errors"
)

// ErrInference is the error of calls that an engine for inference does not take.
var ErrInference = errors.New("the engine was opened for inference alone")

// inference is an engine with [EngineOptions.Inference].
type inference struct{ Engine }

func (inference) Train(context.Context, Stretch) (Progress, error)       { return Progress{}, ErrInference }
func (inference) Measure(context.Context) ([]Statistics, error)          { return nil, ErrInference }
func (inference) Observe(context.Context, []int32) (*Observation, error) { return nil, ErrInference }
func (inference) ObserveWeights(context.Context, []int32) ([][]float32, error) {
	return nil, ErrInference
}
func (inference) Play([][]float64, [][]float64, int) ([][]float64, error) { return nil, ErrInference }
func (inference) RestartOptimiser() error                                 { return ErrInference }
func (inference) Probe([]int32, float64) ([]Tensor, error)                { return nil, ErrInference }

// Push pushes the network alone.
func (e inference) Push(s *State) error { return e.Engine.Push(&State{Network: s.Network}) }

// Pull pulls the network alone.
func (e inference) Pull() (*State, error) {
	s, err := e.Engine.Pull()
	if err != nil {
		return nil, err
	}
	return &State{Network: s.Network}, nil
}
