//go:build unix

package main

import (
	"os"
	"syscall"
)

// userSignals ask to stop, too: schedulers of clusters send them before a time limit.
var userSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}
