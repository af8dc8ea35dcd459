// Package gpu trains on any Vulkan 1.1 device. It is registered as the driver
// "vulkan"; its arithmetic is that of package shaders, in float32.
//
// The commands of a step are recorded once and submitted many times: what
// changes from step to step lies in a plan that the host writes and the device
// reads. All sums are taken in a fixed order, so the same seed gives the same
// bits on the same device.
package gpu

// DriverName is what users call this backend.
const DriverName = "vulkan"
