//go:build cgo

package onnxruntime

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// opened is the one library of the process, under the name that it was opened by.
var opened struct {
	sync.Mutex
	name string
}

func open(name string) (*Runtime, error) {
	opened.Lock()
	defer opened.Unlock()
	if opened.name == "" {
		ort.SetSharedLibraryPath(name)
		if err := ort.InitializeEnvironment(); err != nil {
			text := strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n", " "))
			if _, reason, found := strings.Cut(text, fmt.Sprintf("%q: ", name)); found { // of the system
				text = strings.TrimPrefix(reason, name+": ")
			}
			return nil, errors.New(text)
		}
		opened.name = name
	} else if opened.name != name {
		return nil, fmt.Errorf("%s is open already, and a process has one", opened.name)
	}
	return &Runtime{Version: ort.GetVersion()}, nil
}

// Session runs a model on samples of one number, all of which are drawn.
type Session struct {
	session *ort.AdvancedSession
	in, out *ort.Tensor[float32]
}

// NewSession loads a model for so many samples.
func (r *Runtime) NewSession(m Model, samples int) (s *Session, err error) {
	s = &Session{}
	defer func() {
		if err != nil {
			s.Close()
			s, err = nil, fmt.Errorf("%s: %w", Name, err)
		}
	}()
	options, err := ort.NewSessionOptions()
	if err != nil {
		return s, err
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)); err != nil {
		return s, err
	}
	if s.in, err = ort.NewEmptyTensor[float32](shapeOf(samples, m.Sample)); err != nil {
		return s, err
	}
	if s.out, err = ort.NewEmptyTensor[float32](shapeOf(samples, m.Outputs)); err != nil {
		return s, err
	}
	for i := range s.in.GetData() {
		s.in.GetData()[i] = float32(math.Sin(float64(i)))
	}
	s.session, err = ort.NewAdvancedSessionWithONNXData(m.File, []string{m.Input}, []string{m.Output}, []ort.Value{s.in}, []ort.Value{s.out}, options)
	return s, err
}

// Input returns the numbers of all samples, which may be changed, and Output those that
// [Session.Run] makes of them.
func (s *Session) Input() []float32  { return s.in.GetData() }
func (s *Session) Output() []float32 { return s.out.GetData() }

// Run computes the outputs.
func (s *Session) Run() error { return s.session.Run() }

// Close frees what the session holds.
func (s *Session) Close() {
	if s.session != nil {
		s.session.Destroy()
	}
	for _, t := range []*ort.Tensor[float32]{s.in, s.out} {
		if t != nil {
			t.Destroy()
		}
	}
}

func shapeOf(samples int, sample []int) ort.Shape {
	shape := ort.Shape{int64(samples)}
	for _, n := range sample {
		shape = append(shape, int64(n))
	}
	return shape
}
