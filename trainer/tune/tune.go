// Package tune finds out which of a device's sets of kernels trains fastest, and
// remembers it.
package tune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nashprune/trainer/backend"
	"nashprune/trainer/backendtest"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Tuner chooses among the sets of kernels of devices.
type Tuner struct {
	Reference backendtest.Opener // computes in float64: what a set has to agree with
	Program   string             // its name and version: another one tunes anew
	Cache     string             // file in which choices are kept; empty: they are not
	Tell      func(string)       // told of what is done and found
}

// Choose returns the device with the set of kernels that trains a network of the
// given widths fastest, among those that pass a short comparison with the
// reference, or as it was remembered from an earlier time. Where there is nothing
// to choose the device comes back as it is. Its errors are those of the device, of
// the kind [backend.ErrParity] where no set passes, and of [backend.ErrInterrupted]
// when ctx ends.
func (t Tuner) Choose(ctx context.Context, d backend.Device, widths []int, o backend.EngineOptions) (backend.Device, error) {
	sets, err := d.KernelSets()
	if err != nil {
		return d, err
	}
	if len(sets) < 2 {
		t.Tell(fmt.Sprintf("%s has no kernels to choose from: nothing is tuned", d.ID()))
		return d, nil
	}
	key := keyOf(t.Program, d, widths, o.Batch)
	if known := t.remembered(key); slices.Contains(sets, known) {
		t.Tell(fmt.Sprintf("kernels of %s: %s, as timed before (%s)", d.ID(), known, t.Cache))
		return d.WithKernels(known)
	}
	timed, err := t.time(ctx, d, sets, widths, o)
	if err != nil {
		return d, err
	}
	for _, one := range timed {
		broken, err := t.compare(ctx, one.device)
		if err != nil {
			return d, err
		}
		if broken == "" {
			t.Tell(fmt.Sprintf("kernels of %s: %s; a step takes %s", d.ID(), one.device.Kernels, list(timed)))
			t.remember(key, one.device.Kernels)
			return one.device, nil
		}
		t.Tell(fmt.Sprintf("kernels %s of %s are left out: %s", one.device.Kernels, d.ID(), broken))
	}
	return d, fmt.Errorf("%w: none of %s of %s (%s) agrees with the CPU in float64: nashprune parity tells more",
		backend.ErrParity, strings.Join(sets, ", "), d.ID(), d.Name)
}

// timed is how long a step takes with a set of kernels.
type timed struct {
	device backend.Device
	step   time.Duration
}

func list(all []timed) string {
	var words []string
	for _, one := range all {
		words = append(words, fmt.Sprintf("%.2f ms with %s", one.step.Seconds()*1e3, one.device.Kernels))
	}
	return strings.Join(words, ", ")
}

// time times a training step with each set and returns them, the fastest first. A
// set that the device cannot run after all is left out; if that is all of them, the
// error is the last one's.
func (t Tuner) time(ctx context.Context, d backend.Device, sets []string, widths []int, o backend.EngineOptions) ([]timed, error) {
	data := dataset.Noise(o.Batch, widths[0], widths[len(widths)-1])
	n := network.New(widths)
	if err := n.Initialise(network.He, 1); err != nil {
		return nil, err
	}
	var all []timed
	var last error // of a set that is left out
	for _, name := range sets {
		t.Tell(fmt.Sprintf("timing the kernels %s of %s", name, d.ID()))
		with, err := d.WithKernels(name)
		if err != nil {
			return nil, err
		}
		step, err := timeStep(ctx, with, data, o, &backend.State{Network: n})
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w while kernels were timed", backend.ErrInterrupted)
		case errors.Is(err, backend.ErrDeviceLost), errors.Is(err, backend.ErrOutOfMemory), errors.Is(err, backend.ErrUsage):
			return nil, err
		case err != nil:
			last = err
			t.Tell(fmt.Sprintf("kernels %s of %s are left out: %v", name, d.ID(), err))
		default:
			all = append(all, timed{with, step})
		}
	}
	if len(all) == 0 {
		return nil, last
	}
	slices.SortStableFunc(all, func(a, b timed) int { return int(a.step - b.step) })
	return all, nil
}

// How long a set is timed.
const (
	timingStretch = 8 // steps between two looks at the clock
	timingLooks   = 20
	timingTime    = 300 * time.Millisecond // after which no more looks are taken
)

// timeStep returns what a training step takes at best: whatever else the machine
// does only adds to that. The first steps are not counted, since drivers compile
// kernels when they first need them.
func timeStep(ctx context.Context, d backend.Device, data *dataset.Dataset, o backend.EngineOptions, s *backend.State) (best time.Duration, err error) {
	engine, err := d.Open(data, o, s)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	stretch := backend.Stretch{Track: true, LearningRates: make([]float64, timingStretch)}
	for range timingStretch {
		for b := range data.Train.Len() {
			stretch.Order = append(stretch.Order, int32(b))
		}
	}
	if _, err := engine.Train(ctx, stretch); err != nil {
		return 0, err
	}
	begun := time.Now()
	for look := 0; look < timingLooks && (look == 0 || time.Since(begun) < timingTime); look++ {
		start := time.Now()
		if _, err := engine.Train(ctx, stretch); err != nil {
			return 0, err
		}
		if took := time.Since(start) / timingStretch; look == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// comparison is larger than a tile of the largest kernels, and fits none.
var comparison = backendtest.Case{
	Name: "a comparison before it is used", Inputs: 37, Hidden: []int{70, 67}, Outputs: 5,
	Batch: 131, Rows: 130, Optimiser: backend.Optimiser{Kind: backend.Adam}, LearningRate: 1e-2,
}

// compare says which bound a device's kernels break, if any.
func (t Tuner) compare(ctx context.Context, d backend.Device) (broken string, err error) {
	if ctx.Err() != nil {
		return "", fmt.Errorf("%w while kernels were compared", backend.ErrInterrupted)
	}
	t.Tell(fmt.Sprintf("comparing the kernels %s of %s with float64", d.Kernels, d.ID()))
	report, err := backendtest.CompareTraining(t.Reference, d.Open, 0x1p-24, []backendtest.Case{comparison})
	if err != nil {
		return "", err
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Sprintf("%d of %d bounds are broken, %s first", len(failed), len(report.Checks), failed[0].Quantity), nil
	}
	return "", nil
}
