//go:build !amd64

package cpufallback

// allKernels returns the kernels in T that this processor has.
func allKernels[T real]() []kernels[T] { return nil }
