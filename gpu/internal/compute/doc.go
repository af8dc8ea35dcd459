// Package compute is Vulkan compute in the small: devices, memory, pipelines and
// programs, which are recorded once and run many times. It knows nothing of
// networks.
//
// A [Device] is for one goroutine at a time; several may be open at once. What
// belongs to a device ([Arena], [Pipeline], [Program]) is given back when the
// device is closed, at the latest.
//
// The package uses the Vulkan loader of the system, or the one that the
// environment variable NASHPRUNE_VULKAN_LOADER names. Without cgo it has
// nothing else.
package compute

// LoaderVariable is the environment variable that names a Vulkan loader to use
// instead of the system's.
const LoaderVariable = "NASHPRUNE_VULKAN_LOADER"
