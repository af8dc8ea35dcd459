//go:build !asan && cgo && (linux || windows || darwin || freebsd)

package compute_test

const sanitised = false
