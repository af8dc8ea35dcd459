//go:build !amd64

package cpufallback

// vectorsOf returns the fastest implementation in T on this processor.
func vectorsOf[T real]() vectors[T] { return loops[T]{} }
