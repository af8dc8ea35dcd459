//go:build !race

package memorytest

// RaceDetector says that the race detector does not watch.
const RaceDetector = false
