//go:build race

package memorytest

// RaceDetector says that the race detector watches, under which texts are allocated that are not otherwise.
const RaceDetector = true
