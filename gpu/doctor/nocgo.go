//go:build !cgo

package doctor

// builtWithCgo: Vulkan is reached through C.
const builtWithCgo = false
