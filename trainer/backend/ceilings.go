package backend

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Ceilings is what a device reached in two loops that do nothing else, and that have
// nothing to do with training: no step computes more for long, or moves more through
// memory; caches move more. What is measured in one turn is at most the ceiling, since
// other work of the machine only slows it down: the ceiling is the best of many turns.
type Ceilings struct {
	// Operations is float32 operations a second: multiply-adds in registers, two each.
	// It is 0 where there is no such loop that products do not exceed.
	Operations float64
	Bytes      float64 // bytes a second of a copy in the device's memory, those read and those written
}

// GaugeTime is about how long each loop takes in a turn: long beside what it takes to
// start threads or a submission, short beside the time after which systems reset a
// device.
const GaugeTime = 50 * time.Millisecond

// Gauge measures the ceilings of a device. It is used by one goroutine at a time.
type Gauge interface {
	// Measure takes a turn of both loops, of about [GaugeTime] each.
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

// SharesCeilings says whether two devices are the same hardware behind one driver,
// which has one pair of ceilings: a processor is listed once for each library that
// multiplies its matrices.
func (d Device) SharesCeilings(other Device) bool {
	return d.Driver == other.Driver && (d.Index == other.Index || d.Kind == CPU && other.Kind == CPU && d.Name == other.Name)
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
