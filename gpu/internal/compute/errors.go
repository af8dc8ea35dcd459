//go:build cgo && (linux || windows || darwin || freebsd)

package compute

import (
	"errors"
	"fmt"

	vk "github.com/vulkan-go/vulkan"
)

// Kinds of errors, for errors.Is.
var (
	ErrDeviceLost  = errors.New("device lost")   // the device stopped answering
	ErrOutOfMemory = errors.New("out of memory") // the device or the host has too little, or a kernel sees too little of it
)

// Error is a Vulkan call that failed. It unwraps to [ErrDeviceLost] and
// [ErrOutOfMemory] where it means that.
type Error struct {
	Call   string // as vkQueueSubmit
	Result vk.Result
	Note   string // what was asked for, or in flight
}

func (e *Error) Error() string {
	name, known := resultNames[e.Result]
	if !known {
		name = fmt.Sprintf("VkResult %d", e.Result)
	}
	if e.Note == "" {
		return fmt.Sprintf("%s: %s", e.Call, name)
	}
	return fmt.Sprintf("%s: %s: %s", e.Call, name, e.Note)
}

func (e *Error) Unwrap() error {
	switch e.Result {
	case vk.ErrorDeviceLost, vk.Timeout: // of a wait, which has no other end than this
		return ErrDeviceLost
	case vk.ErrorOutOfHostMemory, vk.ErrorOutOfDeviceMemory, vk.ErrorOutOfPoolMemory, vk.ErrorFragmentedPool, vk.ErrorFragmentation:
		return ErrOutOfMemory
	}
	return nil
}

// failed returns nil for success and an [*Error] otherwise. The note is a format
// with its values, if there is one.
func failed(call string, result vk.Result, note ...any) error {
	if result == vk.Success {
		return nil
	}
	e := &Error{Call: call, Result: result}
	if len(note) > 0 {
		e.Note = fmt.Sprintf(note[0].(string), note[1:]...)
	}
	return e
}

// resultNames are the results that the calls of this package may have.
var resultNames = map[vk.Result]string{
	vk.NotReady:                  "VK_NOT_READY",
	vk.Timeout:                   "VK_TIMEOUT",
	vk.Incomplete:                "VK_INCOMPLETE",
	vk.ErrorOutOfHostMemory:      "VK_ERROR_OUT_OF_HOST_MEMORY",
	vk.ErrorOutOfDeviceMemory:    "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	vk.ErrorInitializationFailed: "VK_ERROR_INITIALIZATION_FAILED",
	vk.ErrorDeviceLost:           "VK_ERROR_DEVICE_LOST",
	vk.ErrorMemoryMapFailed:      "VK_ERROR_MEMORY_MAP_FAILED",
	vk.ErrorLayerNotPresent:      "VK_ERROR_LAYER_NOT_PRESENT",
	vk.ErrorExtensionNotPresent:  "VK_ERROR_EXTENSION_NOT_PRESENT",
	vk.ErrorFeatureNotPresent:    "VK_ERROR_FEATURE_NOT_PRESENT",
	vk.ErrorIncompatibleDriver:   "VK_ERROR_INCOMPATIBLE_DRIVER",
	vk.ErrorTooManyObjects:       "VK_ERROR_TOO_MANY_OBJECTS",
	vk.ErrorFragmentedPool:       "VK_ERROR_FRAGMENTED_POOL",
	-13:                          "VK_ERROR_UNKNOWN", // younger than the binding
	vk.ErrorOutOfPoolMemory:      "VK_ERROR_OUT_OF_POOL_MEMORY",
	vk.ErrorValidationFailed:     "VK_ERROR_VALIDATION_FAILED",
	vk.ErrorInvalidShaderNv:      "VK_ERROR_INVALID_SHADER",
	vk.ErrorFragmentation:        "VK_ERROR_FRAGMENTATION",
	vk.ErrorNotPermitted:         "VK_ERROR_NOT_PERMITTED",
	vk.ErrorSurfaceLost:          "VK_ERROR_SURFACE_LOST_KHR",
	vk.ErrorNativeWindowInUse:    "VK_ERROR_NATIVE_WINDOW_IN_USE_KHR",
	vk.ErrorOutOfDate:            "VK_ERROR_OUT_OF_DATE_KHR",
}
