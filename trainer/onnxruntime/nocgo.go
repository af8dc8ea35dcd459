//go:build !cgo

package onnxruntime

import "errors"

func open(string) (*Runtime, error) {
	return nil, errors.New("this program was built without cgo; build it with a C compiler and CGO_ENABLED=1")
}

// Session is of no use without cgo.
type Session struct{}

// NewSession panics: no runtime can be opened.
func (r *Runtime) NewSession(Model, int) (*Session, error) { panic("there is no runtime") }

// Input, Output, Run and Close do nothing.
func (*Session) Input() []float32  { return nil }
func (*Session) Output() []float32 { return nil }
func (*Session) Run() error        { return nil }
func (*Session) Close()            {}
