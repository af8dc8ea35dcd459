package report

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"nashprune/trainer/bench"
)

// Benchstat writes what a measurement found as go test writes benchmarks, a line a
// turn, so that golang.org/x/perf/cmd/benchstat compares two of them. Its errors
// are those of w.
func Benchstat(w io.Writer, r *bench.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: nashprune/trainer/bench\n", runtime.GOOS, runtime.GOARCH)
	// Not as keys: benchstat would not compare what differs in one.
	fmt.Fprintf(&b, "# %s, %s, %s\n", oneLine(r.Program), oneLine(r.Platform), r.Started.Format("2006-01-02 15:04 MST"))
	for _, d := range r.Devices {
		fmt.Fprintf(&b, "# %s: %s, %s\n", d.ID(), oneLine(d.Name), oneLine(d.Computes()))
	}
	b.WriteString("Unit FLOP/s better=higher\nUnit B/s better=higher\n\n")
	for _, d := range r.Devices {
		if c := d.Ceilings; c != nil {
			ceilingLines(&b, "Peak/device="+d.ID(), c.Operations, "FLOP/s")
			ceilingLines(&b, "Copy/device="+d.ID(), c.Bytes, "B/s")
		}
	}
	for _, c := range r.Cases {
		for _, m := range c.Measured {
			name := fmt.Sprintf("/device=%s/model=%s/batch=%d", m.Device, c.Model, c.Batch)
			lines(&b, "Step"+name, m.StepsPerTurn, m.Step, "ns/op", 1e9)
			lines(&b, "Epoch"+name, 1, m.Epoch, "ns/op", 1e9)
			gameLines(&b, "", name, m.StepsPerTurn, m.Game)
			for _, k := range m.Kernels {
				lines(&b, "Kernel"+name+"/kernel="+k.Kernel, 1, k.Time, "ns/op", 1e9)
			}
		}
	}
	for _, s := range r.Scaling {
		for _, p := range s.Points {
			name := fmt.Sprintf("/over=%s/device=%s/model=%s/batch=%d", s.Over, s.Device, p.Model, p.Batch)
			lines(&b, "Scaling"+name, 1, p.Step, "ns/op", 1e9)
			gameLines(&b, "Scaling", name, 1, p.Game)
		}
	}
	for _, l := range r.LeftOut {
		fmt.Fprintf(&b, "# left out on %s: %s: %s\n", l.Device, oneLine(l.What), oneLine(l.Reason))
	}
	if !strings.Contains(b.String(), "\nBenchmark") {
		return errNothingMeasured
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// errNothingMeasured is why there is nothing for benchstat to compare.
var errNothingMeasured = errors.New("nothing was measured, so there are no lines for benchstat: see what was left out without --benchstat, and raise --time or name a smaller --model")

// gameLines writes what the game takes, where it was measured.
func gameLines(w io.Writer, what, name string, steps int, g *bench.Game) {
	if g != nil {
		lines(w, what+"Round"+name, 1, g.Round, "ns/op", 1e9)
	}
}

// ceilingLines writes a line a turn of the gauge, where it has such a loop.
func ceilingLines(w io.Writer, name string, c *bench.Ceiling, unit string) {
	if c != nil {
		lines(w, name, 1, c.Turns, unit, 1)
	}
}

// lines writes a line a turn.
func lines(w io.Writer, name string, iterations int, f bench.Figure, unit string, scale float64) {
	for _, x := range f.Each() {
		fmt.Fprintf(w, "Benchmark%s %d %.6g %s\n", name, iterations, x*scale, unit)
	}
}
