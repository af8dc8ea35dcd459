package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"nashprune/trainer/bench"
)

// Bench writes what a measurement found, as tables: the devices with their
// ceilings, each case on every device, the time by kernel, and how times grow; or how long
// networks take in use. Its errors are those of w.
func Bench(w io.Writer, r *bench.Report) error {
	var b strings.Builder
	parts := []func(*strings.Builder, *bench.Report) error{benchDevices, benchCases, benchScaling, benchNotes}
	if len(r.Networks) > 0 {
		parts = []func(*strings.Builder, *bench.Report) error{benchDevices, benchUse, benchNotes}
	}
	for _, part := range parts {
		if err := part(&b, r); err != nil {
			return err
		}
	}
	return writeTrimmed(w, b.String())
}

// row writes the cells of a line of a table.
func row(w io.Writer, cells ...string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }

func benchDevices(b *strings.Builder, r *bench.Report) error {
	table := newTable(b)
	row(table, "device", "GFLOP/s", "GB/s", "")
	for _, d := range r.Devices {
		cells := []string{d.ID(), "-", "-"}
		if c := d.Ceilings; c != nil {
			cells = append(cells[:1], ceiling(c.Operations), ceiling(c.Bytes))
		}
		row(table, append(cells, "")...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(b)
	for _, d := range r.Devices {
		fmt.Fprintf(b, "%s: %s, %s\n", d.ID(), oneLine(d.Name), oneLine(d.Computes()))
		if c := d.Ceilings; c != nil {
			fmt.Fprintf(b, "   at most: %s; %s\n", c.OperationsMethod, c.BytesMethod)
		}
		if d.Lost != "" {
			fmt.Fprintf(b, "   LOST: %s\n", oneLine(d.Lost))
		}
	}
	return nil
}

func benchCases(b *strings.Builder, r *bench.Report) error {
	for _, c := range r.Cases {
		if len(c.Measured) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s, batch %d: %s parameters, %.3g GFLOP and %.3g GB a step, %s steps an epoch\n\n", c.Model, c.Batch,
			Thousands(c.Parameters), c.Operations/1e9, c.Bytes/1e9, Thousands(c.StepsInEpoch))
		if err := benchSteps(b, r, c); err != nil {
			return err
		}
		if err := benchKernels(b, c); err != nil {
			return err
		}
	}
	return nil
}

// benchSteps writes a line a device about how long a step of a case takes, and one
// about what it reaches.
func benchSteps(b *strings.Builder, r *bench.Report, c bench.CaseReport) error {
	var beside []string // the devices that others are compared with
	var than string     // the case that this one is
	for _, d := range r.Devices {
		for _, m := range c.Measured {
			if timesFaster(m, d.ID()) != "-" && !slices.Contains(beside, d.ID()) {
				beside = append(beside, d.ID())
			}
			if m.FasterThanCase != nil {
				than = m.FasterThanCase.Than
			}
		}
	}
	head := []string{"device", "step", "quartiles", "epoch", "game"}
	for _, device := range beside {
		head = append(head, "x "+device)
	}
	if than != "" {
		head = append(head, "x "+than)
	}
	table := newTable(b)
	row(table, head...)
	for _, m := range c.Measured {
		epoch := duration(m.Epoch.Median)
		if !m.EpochMeasured {
			epoch = "about " + epoch
		}
		cells := []string{m.Device, duration(m.Step.Median), quartiles(m.Step), epoch, gameShare(m.Game)}
		for _, device := range beside {
			cells = append(cells, timesFaster(m, device))
		}
		if f := m.FasterThanCase; f != nil {
			cells = append(cells, factor(f.Times))
		} else if than != "" {
			cells = append(cells, "-")
		}
		row(table, cells...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(b)
	table = newTable(b)
	row(table, "device", "on device", "GFLOP/s", "of most", "GB/s", "of most")
	for _, m := range c.Measured {
		onDevice := "-"
		if len(m.Kernels) > 0 {
			onDevice = duration(m.OnDevice.Median)
		}
		row(table, m.Device, onDevice, rate(m.Operations.Median), fraction(m.OfOperations), rate(m.Bytes.Median), fraction(m.OfBytes))
	}
	return table.Flush()
}

// timesFaster says how many times faster a case is than on another device, "-"
// where they were not compared.
func timesFaster(m bench.Measured, device string) string {
	for _, f := range m.FasterThan {
		if f.Than == device {
			return factor(f.Times)
		}
	}
	return "-"
}

// benchKernels writes the devices' time by kernel, of devices that report it.
func benchKernels(b *strings.Builder, c bench.CaseReport) error {
	for _, m := range c.Measured {
		if len(m.Kernels) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s, by kernel:\n\n", m.Device)
		table := newTable(b)
		row(table, "kernel", "calls", "time", "quartiles", "of the step on the device")
		for _, k := range m.Kernels {
			row(table, k.Kernel, fmt.Sprintf("%.3g", k.Calls), duration(k.Time.Median), quartiles(k.Time), fraction(k.Time.Median/m.OnDevice.Median))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func benchScaling(b *strings.Builder, r *bench.Report) error {
	var overs []string
	for _, s := range r.Scaling {
		if !slices.Contains(overs, s.Over) {
			overs = append(overs, s.Over)
		}
	}
	for _, over := range overs {
		if err := benchGrowth(b, r, over); err != nil {
			return err
		}
	}
	return nil
}

// benchGrowth writes the time of a step by one size, a column a device.
func benchGrowth(b *strings.Builder, r *bench.Report, over string) error {
	fmt.Fprintf(b, "\nstep by %s\n\n", over)
	var series []bench.Series
	var sizes []int
	games := false
	for _, s := range r.Scaling {
		if s.Over != over {
			continue
		}
		series = append(series, s)
		for i, p := range s.Points {
			if i >= len(sizes) { // all series begin at the smallest size
				sizes = append(sizes, p.Size)
			}
			games = games || p.Game != nil
		}
	}
	table := newTable(b)
	head := []string{over}
	for _, s := range series {
		head = append(head, s.Device)
		if games {
			head = append(head, "game")
		}
	}
	row(table, head...)
	for i, size := range sizes {
		cells := []string{Thousands(size)}
		for _, s := range series {
			step, game := "-", "-"
			if i < len(s.Points) {
				step, game = duration(s.Points[i].Step.Median), gameShare(s.Points[i].Game)
			}
			cells = append(cells, step)
			if games {
				cells = append(cells, game)
			}
		}
		row(table, cells...)
	}
	all, late := []string{"growth"}, []string{"upper half"}
	for _, s := range series {
		all, late = append(all, growth(s.Growth)), append(late, growth(s.Late))
		if games {
			all, late = append(all, growth(s.Round)), append(late, "")
		}
	}
	row(table, all...)
	row(table, late...)
	if err := table.Flush(); err != nil || !games {
		return err
	}
	return benchRounds(b, series, sizes)
}

// benchRounds writes what the game adds to a step, and a round of the market, by one size.
func benchRounds(b *strings.Builder, series []bench.Series, sizes []int) error {
	fmt.Fprintf(b, "\nthe game by %s\n\n", series[0].Over)
	table := newTable(b)
	head := []string{series[0].Over}
	for _, s := range series {
		head = append(head, s.Device, "round")
	}
	row(table, head...)
	for i, size := range sizes {
		cells := []string{Thousands(size)}
		for _, s := range series {
			added, round := "-", "-"
			if i < len(s.Points) && s.Points[i].Game != nil {
				g := s.Points[i].Game
				added, round = duration(g.Cost.Median), duration(g.Round.Median)
			}
			cells = append(cells, added, round)
		}
		row(table, cells...)
	}
	cells := []string{"growth"}
	for _, s := range series {
		cells = append(cells, "", growth(s.Round))
	}
	row(table, cells...)
	if err := table.Flush(); err != nil {
		return err
	}
	b.WriteString("\na round, and what it adds to a step\n")
	return nil
}

// growth writes how something grows, "-" where that is not known.
func growth(g *bench.Growth) string {
	if g == nil {
		return "-"
	}
	return fmt.Sprintf("n^%.2f", g.Exponent)
}

func benchNotes(b *strings.Builder, r *bench.Report) error {
	fmt.Fprintln(b)
	for _, l := range r.LeftOut {
		fmt.Fprintf(b, "left out on %s: %s: %s\n", l.Device, l.What, oneLine(l.Reason))
	}
	if len(r.LeftOut) > 0 {
		fmt.Fprintln(b)
	}
	words := `step, epoch: medians, with the quartiles over turns of all devices
x:           how many times faster than that
game:        what rounds of the market add, in which players are observed, as part of the time while it is
             played, with quartiles
on device:   by its own clock, a step that is submitted alone
of most:     of what the device reached in its best turn here while it did nothing else; - where that
             is not known, or was passed: then caches moved the bytes, or others were in the way
GB/s:        every tensor once a pass, as if no cache kept any

`
	if len(r.Networks) > 0 {
		words = `times:   medians; the networks took turns, from samples on the device to outputs; batch norms are folded
of most: of the highest rate of the device, by the multiply-accumulates; - where that is not known, or was passed
         since zeros are left out

`
	}
	b.WriteString(words)
	_, err := fmt.Fprintf(b, "%s, %s, %s, %.0f s of %.0f\n", r.Program, r.Platform, r.Started.Format("2006-01-02 15:04 MST"), r.Seconds, r.Budget)
	return err
}

// oneLine keeps what a device says of itself on its line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// duration writes seconds with three digits.
func duration(seconds float64) string {
	switch {
	case seconds < 0:
		return "-" + duration(-seconds)
	case seconds >= 100:
		return fmt.Sprintf("%s s", Thousands(int(seconds+0.5)))
	case seconds >= 1:
		return fmt.Sprintf("%.3g s", seconds)
	case seconds >= 1e-3:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	default:
		return fmt.Sprintf("%.3g us", seconds*1e6)
	}
}

// quartiles writes how far the quartiles lie from the median, in percent.
func quartiles(f bench.Figure) string {
	if f.Median == 0 || f.Turns < 2 {
		return ""
	}
	return fmt.Sprintf("%+.0f %+.0f %%", 100*(f.Lower/f.Median-1), 100*(f.Upper/f.Median-1))
}

// ceiling writes what a device reached at most, "-" where that is not known.
func ceiling(c *bench.Ceiling) string {
	if c == nil {
		return "-"
	}
	return rate(c.Best)
}

// rate writes a number a second in thousand millions.
func rate(perSecond float64) string {
	billions := perSecond / 1e9
	if billions >= 100 {
		return Thousands(int(math.Round(billions)))
	}
	return fmt.Sprintf("%.3g", billions)
}

// fraction writes a part of a whole in percent, "-" where there is none.
func fraction(part float64) string {
	if part == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g %%", 100*part)
}

func factor(f bench.Figure) string { return fmt.Sprintf("%.3g", f.Median) }

// gameShare writes a share with its quartiles, if there are any.
func gameShare(g *bench.Game) string {
	if g == nil || g.Share.Turns < 2 {
		return "-"
	}
	return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*g.Share.Median, 100*g.Share.Lower, 100*g.Share.Upper)
}
