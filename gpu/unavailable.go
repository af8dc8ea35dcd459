//go:build !(cgo && (linux || windows || darwin || freebsd))

package gpu

import (
	"errors"
	"fmt"
	"runtime"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// unavailable is the driver of builds that cannot reach Vulkan.
type unavailable struct{}

var _ backend.Driver = unavailable{}

func init() { backend.Register(unavailable{}) }

func (unavailable) Operators() []network.Kind { return nil }

func (unavailable) Name() string { return DriverName }

func (unavailable) Devices() ([]backend.Device, error) {
	if !Supported(runtime.GOOS) {
		return nil, fmt.Errorf("this backend runs on Linux, Windows, macOS and FreeBSD, and this is %s", runtime.GOOS)
	}
	return nil, errors.New("built without cgo: Vulkan needs a C compiler and " + Rebuild)
}

func (u unavailable) Open(backend.Device, *dataset.Dataset, backend.EngineOptions, *backend.State) (backend.Engine, error) {
	_, err := u.Devices()
	return nil, fmt.Errorf("%w: %w", backend.ErrNoDevice, err)
}
