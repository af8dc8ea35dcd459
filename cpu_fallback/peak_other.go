//go:build !amd64

package cpufallback

// multiplyAddLoops returns the loops that there are for the processor.
func multiplyAddLoops() []multiplyAddLoop { return scalarLoops() }
