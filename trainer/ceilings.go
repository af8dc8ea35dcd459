package trainer

import (
	"context"
	"errors"
	"fmt"
)

// Ceilings is what a device reached in two loops that do nothing else, and that
// have nothing to do with training: no step computes more for long, or moves more
// through memory; caches move more.
type Ceilings struct {
	Operations float64 // float32 operations a second: multiply-adds in registers, two each
	Bytes      float64 // bytes a second of a copy in the device's memory, those read and those written
}

// Gauge measures the ceilings of a device. It is used by one goroutine at a time.
type Gauge interface {
	// Measure runs both loops once, for some hundredths of a second.
	Measure(ctx context.Context) (Ceilings, error)
	// Methods says in a few words how each of the two is measured.
	Methods() (operations, bytes string)
	// Close gives everything back.
	Close() error
}

// Gauger is a [Driver] that can measure the ceilings of its devices.
type Gauger interface {
	OpenGauge(d Device) (Gauge, error)
}

// ErrNoGauge is that a driver cannot measure ceilings.
var ErrNoGauge = errors.New("its driver measures no ceilings")

// OpenGauge opens the gauge of the device. The error is of the kind [ErrNoGauge]
// where its driver has none.
func (d Device) OpenGauge() (Gauge, error) {
	gauger, ok := drivers[d.Driver].(Gauger)
	if !ok {
		return nil, fmt.Errorf("%s: %w", d.ID(), ErrNoGauge)
	}
	return gauger.OpenGauge(d)
}
