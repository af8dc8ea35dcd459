//go:build glfw && cgo && linux

package window

/*
#cgo LDFLAGS: -lX11
#include <X11/Xlib.h>
#include <stdint.h>

// It is in the objects of GLFW, which the Go package of that name brings. The declaration is
// weak because cgo links this package alone, too.
__attribute__((weak)) int glfwCreateWindowSurface(void *instance, void *window, const void *allocator, uint64_t *surface);

static int create_surface(void *instance, void *window, uint64_t *surface) {
	return glfwCreateWindowSurface ? glfwCreateWindowSurface(instance, window, 0, surface) : -3; // VK_ERROR_INITIALIZATION_FAILED
}

// Xlib ends the program where an error has no handler, and where the display is gone. Here the
// window is lost and the training goes on.
static volatile int lost;
static int x_error(Display *display, XErrorEvent *event) { return lost = 1; }
static int x_gone(Display *display) { return lost = 2; }
static void x_stays(Display *display, void *data) {}
static void keep_running(void *display) {
	lost = 0;
	XSetErrorHandler(x_error);
	XSetIOErrorHandler(x_gone);
	XSetIOErrorExitHandler(display, x_stays, 0);
}
static int is_lost(void) { return lost; }
*/
import "C"

import (
	"errors"
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

// keepRunning makes errors of X the business of lost. GLFW forgets it when it opens a window.
func keepRunning() { C.keep_running(unsafe.Pointer(glfw.GetX11Display())) }

var errDisplayGone = errors.New("the display is gone")

// lost says whether X has taken the window or the display away.
func lost() error {
	switch C.is_lost() {
	case 0:
		return nil
	case 1:
		return errors.New("the display has closed the window")
	}
	return errDisplayGone
}
