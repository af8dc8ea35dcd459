// Package gpu trains on any Vulkan 1.1 device. It is registered as the driver
// "vulkan"; its arithmetic is that of package shaders, in float32.
//
// Package compute places the barriers between the kernels of a step, from what each of
// them reads and writes: the code that records a step says only which kernels run on which
// buffers, in an order that one processor could follow. Kernels that need no barrier
// between them stand next to each other, since a barrier waits for everything before it.
//
// A step takes few dispatches, since each costs a GPU a few microseconds. The gradients of
// all parameters and the contributions of all players are independent once the derivatives
// exist, so one dispatch serves all that have the same tile: jobs.go.
//
// The commands of a step are recorded once and submitted many times: what
// changes from step to step lies in a plan that the host writes and the device
// reads. All sums are taken in a fixed order, so the same seed gives the same
// bits on the same device.
package gpu

import "slices"

// DriverName is what users call this backend.
const DriverName = "vulkan"

// Rebuild makes a program that can reach Vulkan.
const Rebuild = "CGO_ENABLED=1 go build ./cmd/nashprune"

// Supported says whether this backend can be built for a system, as runtime.GOOS names it.
func Supported(goos string) bool {
	return slices.Contains([]string{"linux", "windows", "darwin", "freebsd"}, goos)
}
