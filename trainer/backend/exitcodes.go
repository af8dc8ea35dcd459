package backend

import (
	"context"
	"errors"
)

// Exit codes of commands, one a kind of failure. The guide to settings and the help document them.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitNoDevice    = 3
	ExitParity      = 4
	ExitDeviceLost  = 5
	ExitOutOfMemory = 6
	ExitInterrupted = 130
)

// ExitCode returns the exit code of a command that ends with an error.
func ExitCode(err error) int {
	for _, c := range []struct {
		kind error
		code int
	}{
		{nil, ExitDone},
		{ErrUsage, ExitUsage},
		{ErrNoDevice, ExitNoDevice},
		{ErrParity, ExitParity},
		{ErrDeviceLost, ExitDeviceLost},
		{ErrOutOfMemory, ExitOutOfMemory},
		{ErrInterrupted, ExitInterrupted},
		{context.Canceled, ExitInterrupted},
	} {
		if errors.Is(err, c.kind) {
			return c.code
		}
	}
	return ExitFailed
}
