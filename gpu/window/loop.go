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

// onGPU and onCPU return how long after the beginning of a frame that took some time the next
// one may begin.
func onGPU(time.Duration) time.Duration { return gpuInterval }

func onCPU(took time.Duration) time.Duration { return max(cpuInterval, cpuShare*took) }

// loop waits for events and calls frame, no sooner after the beginning of the one before than
// pace says, until open says that it is over. Wait returns after the time that it is given, or
// sooner, at an event.
func loop(now func() time.Time, pace func(took time.Duration) time.Duration, wait func(time.Duration), open func() bool, frame func() error) error {
	next := now()
	for open() {
		if left := next.Sub(now()); left > 0 {
			wait(left)
			continue
		}
		began := now()
		if err := frame(); err != nil {
			return err
		}
		next = began.Add(pace(now().Sub(began)))
	}
	return nil
}
