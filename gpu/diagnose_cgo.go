//go:build cgo

package gpu

// builtWithCgo: Vulkan is reached through C.
const builtWithCgo = true
