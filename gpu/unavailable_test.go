//go:build !(cgo && (linux || windows || darwin || freebsd))

package gpu

import (
	"errors"
	"strings"
	"testing"

	"nashprune/trainer"
)

// TestUnavailable: builds that cannot reach Vulkan say so, and how to get one
// that can.
func TestUnavailable(t *testing.T) {
	for _, words := range []string{"vulkan", "vulkan:0"} {
		_, err := trainer.FindDevice(words)
		if !errors.Is(err, trainer.ErrNoDevice) || !strings.Contains(err.Error(), "without cgo") || !strings.Contains(err.Error(), "CGO_ENABLED=1 go build") {
			t.Errorf("%s: %v", words, err)
		}
	}
	if _, err := (trainer.Device{Driver: DriverName}).Open(nil, trainer.EngineOptions{}, nil); !errors.Is(err, trainer.ErrNoDevice) {
		t.Errorf("%v", err)
	}
}
