//go:build !asan && cgo && (linux || windows || darwin || freebsd)

package vktest

// Sanitised says whether the address sanitiser is at work.
const Sanitised = false
