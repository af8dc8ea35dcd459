//go:build !asan

package compute_test

const sanitised = false
