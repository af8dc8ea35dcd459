//go:build unix

package bench

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	_ "nashprune/cpu_fallback"
	_ "nashprune/gpu"
	"nashprune/trainer/backend"
)

// processorTime is what all threads of this program took of the processors so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkGame measures what the game adds to a step, by number of players, in processor
// time: on the CPU and on software devices, which have no other, it is there also on a
// machine that is busy with something else. What one thread does alone counts less than
// it takes. An iteration is a turn; the figures are medians.
func BenchmarkGame(b *testing.B) {
	devices, _ := backend.Inventory()
	for _, d := range devices {
		if d.Driver == imaginedName || d.Kind != backend.CPU && d.Kind != backend.SoftwareGPU {
			continue
		}
		for _, g := range scalings {
			if !g.game {
				continue
			}
			for _, size := range g.sizes {
				b.Run(fmt.Sprintf("%s/players=%d", d.ID(), size), func(b *testing.B) { benchmarkGame(b, d, g.at(size)) })
			}
		}
	}
}

func benchmarkGame(b *testing.B, d backend.Device, c Case) {
	r, err := newRunner(b.Context(), d, c, material{c.data(scalingSamples), c.state()}, true)
	if errors.Is(err, backend.ErrOutOfMemory) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	r.clock = processorTime
	for b.Loop() {
		if err := r.turn(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	m := r.measuredGame()
	b.ReportMetric(1e6*NewFigure(r.step).Median, "us/step")
	b.ReportMetric(1e6*m.Round.Median, "us/round")
	b.ReportMetric(100*m.Share.Median, "share-%")
	b.ReportMetric(100*m.Share.Lower, "lower-%")
	b.ReportMetric(100*m.Share.Upper, "upper-%")
}
