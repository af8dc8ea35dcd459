//go:build !((linux || darwin) && (amd64 || arm64))

package cpufallback

import "errors"

// openBLAS is not opened on this system.
type openBLAS struct {
	gonum32
	version string
}

func findOpenBLAS() (*openBLAS, error) {
	return nil, errors.New("OpenBLAS is opened on Linux and macOS only, on x86-64 and arm64")
}
