//go:build glfw && cgo && linux

package window

import "time"

// How soon after each other frames begin. Where a CPU plays the GPU, a frame takes from the
// training what it takes.
const (
	gpuInterval = time.Second / 30
	cpuInterval = time.Second / 8
)

// loop waits for events and calls frame, which begins no sooner than interval after the one
// before, until open says that it is over. Wait returns after the time that it is given, or
// sooner, at an event.
func loop(now func() time.Time, interval func() time.Duration, wait func(time.Duration), open func() bool, frame func() error) error {
	next := now()
	for open() {
		if left := next.Sub(now()); left > 0 {
			wait(left)
			continue
		}
		next = now().Add(interval())
		if err := frame(); err != nil {
			return err
		}
	}
	return nil
}
