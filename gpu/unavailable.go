//go:build !(cgo && (linux || windows || darwin || freebsd))

package gpu

import (
	"errors"
	"fmt"
	"runtime"

	"nashprune/trainer"
	"nashprune/trainer/dataset"
)

// unavailable is the driver of builds that cannot reach Vulkan.
type unavailable struct{}

var _ trainer.Driver = unavailable{}

func init() { trainer.Register(unavailable{}) }

func (unavailable) Name() string { return DriverName }

func (unavailable) Devices() ([]trainer.Device, error) {
	if !Supported(runtime.GOOS) {
		return nil, fmt.Errorf("this backend runs on Linux, Windows, macOS and FreeBSD, and this is %s", runtime.GOOS)
	}
	return nil, errors.New("built without cgo: Vulkan needs a C compiler and " + Rebuild)
}

func (u unavailable) Open(trainer.Device, *dataset.Dataset, trainer.EngineOptions, *trainer.State) (trainer.Engine, error) {
	_, err := u.Devices()
	return nil, fmt.Errorf("%w: %w", trainer.ErrNoDevice, err)
}
