//go:build glfw && cgo && linux

package window

/*
#include <stdint.h>

// It is in the objects of GLFW, which the Go package of that name brings. The declaration is
// weak because cgo links this package alone, too.
__attribute__((weak)) int glfwCreateWindowSurface(void *instance, void *window, const void *allocator, uint64_t *surface);

static int create_surface(void *instance, void *window, uint64_t *surface) {
	return glfwCreateWindowSurface ? glfwCreateWindowSurface(instance, window, 0, surface) : -3; // VK_ERROR_INITIALIZATION_FAILED
}
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/go-gl/glfw/v3.3/glfw"
)

// createSurface makes the surface of a window with a Vulkan instance, and returns its handle.
func createSurface(instance unsafe.Pointer, window *glfw.Window) (uint64, error) {
	var surface C.uint64_t
	if result := C.create_surface(instance, window.Handle(), &surface); result != 0 {
		return 0, fmt.Errorf("glfwCreateWindowSurface: VkResult %d", result)
	}
	return uint64(surface), nil
}
