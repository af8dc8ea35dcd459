//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import "unsafe"

// padded returns the length that n numbers take on the device: the next multiple
// of four, so that kernels can read four at a time.
func padded(n int) int { return (n + 3) / 4 * 4 }

// sizeOf returns the bytes of one T.
func sizeOf[T any]() int { return int(unsafe.Sizeof(*new(T))) }

// bytesOf returns the memory of v.
func bytesOf[T any](v []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*sizeOf[T]())
}

// view returns memory of the device as numbers.
func view[T any](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/sizeOf[T]())
}
