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
