//go:build asan && cgo && (linux || windows || darwin || freebsd)

package vktest

// Sanitised says whether the address sanitiser is at work, which keeps freed
// memory for a while and makes calls of C allocate.
const Sanitised = true
