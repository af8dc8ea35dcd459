//go:build !unix

package main

import "os"

// userSignals are none here.
var userSignals []os.Signal
