//go:build glfw && cgo && linux

package window

import "time"

// How soon after each other frames begin. Where a CPU plays the GPU, a frame holds up the
// training, so frames take a part of the time that is at most 1/cpuShare.
const (
	gpuInterval = time.Second / 30
	cpuInterval = time.Second / 8
	cpuShare    = 12
)

// onGPU and onCPU return how long after the beginning of a frame the next one may begin, where
// it took some time.
func onGPU(time.Duration) time.Duration { return gpuInterval }

func onCPU(took time.Duration) time.Duration { return max(cpuInterval, cpuShare*took) }

// loop waits for events and calls frame, no sooner after the beginning of the one before than
// pace says, until open says that it is over. Wait returns after the time that it is given, or
// sooner, at an event, which may change the pace.
func loop(now func() time.Time, pace func() time.Duration, wait func(time.Duration), open func() bool, frame func() error) error {
	var began time.Time
	for open() {
		if left := pace() - now().Sub(began); left > 0 && !began.IsZero() {
			wait(left)
			continue
		}
		began = now()
		if err := frame(); err != nil {
			return err
		}
	}
	return nil
}
