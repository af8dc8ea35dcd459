//go:build !amd64

package cpufallback

// kernelsOf returns the fastest kernels in T on this processor, nil where there are none.
func kernelsOf[T real]() kernels[T] { return nil }
