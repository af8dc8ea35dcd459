//go:build !(glfw && cgo && linux)

package main

import "testing"

// TestNoWindow: a build without the window refuses --view before anything else, and names the
// command that makes another.
func TestNoWindow(t *testing.T) {
	for _, command := range [][]string{{"train", "--view"}, {"train", "--view", "--data", "nosuch"}, {"prune", "nosuch", "--view"}, {"train", "--resume", "nosuch", "--view"}} {
		code, stdout, stderr := execute(t, command...)
		refused(t, exitUsage, "make view", code, stdout, stderr)
	}
}
