//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"context"
	"fmt"
	"time"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// gauge measures what a device reaches while it only computes or only copies.
type gauge struct {
	device     *compute.Device
	peak, copy *compute.Program
	operations float64 // of one run of peak
	bytes      int     // that one copy reads, and writes
	copies     int     // of a measurement
}

var _ backend.Gauger = driver{}

// How large the loops of the gauge are.
const (
	// firstTurns are those of the first try to take [backend.GaugeTime].
	firstTurns = 64
	// peakGroups fill the largest device many times over.
	peakGroups = 4096
	// copyBytes is more than caches hold.
	copyBytes = 128 << 20
	// maxCopies take that on devices that move eleven terabytes a second.
	maxCopies = 1 << 11
)

func (driver) OpenGauge(d backend.Device) (_ backend.Gauge, err error) {
	defer convert(&err)
	device, err := compute.Open(d.Index)
	if err != nil {
		return nil, err
	}
	g := &gauge{device: device}
	if err := g.prepare(); err != nil {
		device.Close()
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	return g, nil
}

// prepare records the programs. Each runs once: drivers compile kernels and find
// memory when they first need them.
func (g *gauge) prepare() error {
	info := g.device.Info()
	local := grainFor(info.Kind, kernelSet{}).local
	results := 16 * local * peakGroups
	g.bytes = min(copyBytes, info.Limits.Allocation/4)
	arena, err := g.device.NewArena(compute.Local, 2*g.device.Round(g.bytes)+g.device.Round(results))
	if err != nil {
		return err
	}
	from, to, result := arena.Take(g.bytes), arena.Take(g.bytes), arena.Take(results)
	g.copy = g.device.NewProgram()
	g.copy.Copy(from, to)
	if err := g.copy.Record(false); err != nil {
		return err
	}
	if _, err := timed(g.copy, 1); err != nil {
		return err
	}
	once, err := timed(g.copy, 1)
	if err != nil {
		return err
	}
	// Where memory is fast, one copy takes no longer than its submission.
	g.copies = int(min(maxCopies, max(1, float64(backend.GaugeTime)/float64(once))))
	pipeline, err := g.device.Pipeline(shaders.Peak, uint32(local))
	if err != nil {
		return err
	}
	for turns := firstTurns; ; {
		g.peak = g.device.NewProgram()
		g.peak.Dispatch(pipeline, [3]int{peakGroups, 1, 1}, shaders.PeakPush{Turns: uint32(turns), Factor: 1}, result)
		if err := g.peak.Record(false); err != nil {
			return err
		}
		if _, err := timed(g.peak, 1); err != nil {
			return err
		}
		took, err := timed(g.peak, 1)
		if err != nil {
			return err
		}
		if took > backend.GaugeTime/2 || turns == maxTurns {
			g.operations = shaders.PeakOperations * float64(turns) * float64(peakGroups*local)
			return nil
		}
		g.peak.Free()
		turns = min(maxTurns, max(2*turns, int(float64(turns)*float64(backend.GaugeTime)/float64(took))))
	}
}

// timed runs a program a number of times, in one submission, and returns how long
// that took.
func timed(p *compute.Program, times int) (time.Duration, error) {
	start := time.Now()
	err := p.Run(times)
	return time.Since(start), err
}

func (g *gauge) Measure(ctx context.Context) (_ backend.Ceilings, err error) {
	defer convert(&err)
	if err := ctx.Err(); err != nil {
		return backend.Ceilings{}, err
	}
	computed, err := timed(g.peak, 1)
	if err != nil {
		return backend.Ceilings{}, err
	}
	copied, err := timed(g.copy, g.copies)
	return backend.Ceilings{Operations: g.operations / computed.Seconds(), Bytes: 2 * float64(g.bytes*g.copies) / copied.Seconds()}, err
}

func (g *gauge) Methods() (operations, bytes string) {
	return "multiply-adds in registers (kernel peak)", fmt.Sprintf("copy of %d MiB (vkCmdCopyBuffer)", g.bytes>>20)
}

func (g *gauge) Close() error {
	g.device.Close()
	return nil
}
