//go:build !(cgo && (linux || windows || darwin || freebsd))

package gpu

import (
	"errors"
	"strings"
	"testing"

	"nashprune/trainer/backend"
)

// TestUnavailable: builds that cannot reach Vulkan say so, and how to get one
// that can.
func TestUnavailable(t *testing.T) {
	for _, words := range []string{"vulkan", "vulkan:0"} {
		_, err := backend.FindDevice(words)
		if !errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "without cgo") || !strings.Contains(err.Error(), "CGO_ENABLED=1 go build") {
			t.Errorf("%s: %v", words, err)
		}
	}
	if _, err := (backend.Device{Driver: DriverName}).Open(nil, backend.EngineOptions{}, nil); !errors.Is(err, backend.ErrNoDevice) {
		t.Errorf("%v", err)
	}
}
