// Package report shows a person what a run found. It computes nothing.
package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"nashprune/trainer"
)

// Result writes a run's result as a table: the dense network beside the pruned
// one, then what removal changed, how far from equilibrium the game ended, and
// where the time went.
func Result(w io.Writer, r *trainer.Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")+"\t") }
	dense := r.Dense
	if r.Pruned == nil {
		row("", "dense")
		row("shape", shape(dense.Shape))
		row("accuracy", percent(dense.Accuracy))
		row("parameters", thousands(dense.Parameters))
		row("size", size(dense.Bytes))
		row(latencyName(dense), microseconds(dense.LatencyUS))
	} else {
		pruned := r.Pruned
		row("", "dense", "pruned", "")
		row("players", thousands(pruned.Players), thousands(pruned.Kept), fmt.Sprintf("%.2f %% removed", pruned.Sparsity))
		row("shape", shape(dense.Shape), shape(pruned.Shape), "")
		change := ""
		if dense.Accuracy != nil {
			change = fmt.Sprintf("%+.2f points", *pruned.Accuracy-*dense.Accuracy)
		}
		row("accuracy", percent(dense.Accuracy), percent(pruned.Accuracy), change)
		row("parameters", thousands(dense.Parameters), thousands(pruned.Parameters), times(dense.Parameters, pruned.Parameters, "fewer"))
		row("size", size(dense.Bytes), size(pruned.Bytes), times(dense.Bytes, pruned.Bytes, "smaller"))
		row("multiplications", thousands(dense.MACs), thousands(pruned.MACs), times(dense.MACs, pruned.MACs, "fewer"))
		row(latencyName(dense), microseconds(dense.LatencyUS), microseconds(pruned.LatencyUS), times(dense.LatencyUS, pruned.LatencyUS, "faster"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n"+notes(r))
	return err
}

// notes is what stands below the table.
func notes(r *trainer.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data:         %s, %s training samples, judged on %s %s samples\n",
		r.Data.Name, thousands(r.Data.Train), thousands(judgedOn(r.Data)), r.Data.EvaluatedOn)
	device := r.Device.Name
	if r.Device.BLAS != "" {
		device += ", " + r.Device.BLAS
	}
	fmt.Fprintf(&b, "device:       %s\n", device)
	if g := r.Gated; g != nil {
		fmt.Fprintf(&b, "removal:      %.2f %% before, %.2f %% after; a logit changed by %.2g at most, %.1f %% of what float32 rounding allows\n",
			g.Accuracy, *r.Pruned.Accuracy, g.MaxLogitDifference, 100*g.BoundUsed)
	}
	if e := r.Equilibrium; e != nil {
		fmt.Fprintf(&b, "equilibrium:  relative gap %.2g, largest gain of one player %.2g\n", e.RelativeGap, e.MaxGap)
		fmt.Fprintf(&b, "players:      %s\n", reasons(e))
	}
	s := r.Seconds
	fmt.Fprintf(&b, "time:         %.1f s in all; training %.1f s (game %.1f, tail %.1f)", s.Total, s.Train, s.Game, s.Tail)
	if s.Baseline > 0 {
		fmt.Fprintf(&b, ", dense baseline %.1f s", s.Baseline)
	}
	fmt.Fprintf(&b, ", judging %.1f s\n", s.Evaluate)
	return b.String()
}

// reasons counts the players by why they left, without the reasons of nobody.
func reasons(e *trainer.Equilibrium) string {
	parts := []string{thousands(e.Kept) + " kept"}
	for _, reason := range []struct {
		count int
		name  string
	}{{e.Dominated, "dominated"}, {e.PricedOut, "priced out"}, {e.Forced, "forced out"}, {e.BelowThreshold, "below the threshold"}} {
		if reason.count > 0 {
			parts = append(parts, thousands(reason.count)+" "+reason.name)
		}
	}
	return strings.Join(parts, ", ")
}

// Eval writes how a saved network does.
func Eval(w io.Writer, r *trainer.EvalResult) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	row("model", r.Model)
	row("shape", shape(r.Network.Shape))
	row("parameters", thousands(r.Network.Parameters))
	row("data", fmt.Sprintf("%s, %s test samples", r.Data, thousands(r.Samples)))
	row("accuracy", fmt.Sprintf("%v %% (%s correct)", *r.Network.Accuracy, thousands(r.Correct)))
	row("loss", fmt.Sprintf("%.6g", *r.Network.Loss))
	row(latencyName(r.Network), microseconds(r.Network.LatencyUS))
	for class, samples := range r.ClassSamples {
		if samples > 0 {
			row(fmt.Sprintf("class %d", class), fmt.Sprintf("%.2f %% of %s", 100*float64(r.ClassCorrect[class])/float64(samples), thousands(samples)))
		}
	}
	return table.Flush()
}

func judgedOn(d trainer.ResultData) int {
	if d.EvaluatedOn == trainer.ValidationPart {
		return d.Validation
	}
	return d.Test
}

func shape(widths []int) string {
	parts := make([]string, len(widths))
	for i, width := range widths {
		parts[i] = strconv.Itoa(width)
	}
	return strings.Join(parts, "-")
}

func percent(x *float64) string {
	if x == nil {
		return "not trained"
	}
	return fmt.Sprintf("%.2f %%", *x)
}

// thousands groups digits: 535,818.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func size(bytes int) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.2f MiB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	default:
		return fmt.Sprintf("%d B", bytes)
	}
}

func microseconds(us float64) string { return thousands(int(us+0.5)) + " us" }

func latencyName(j trainer.Judged) string { return fmt.Sprintf("time for %d", j.LatencyBatch) }

// times says how many times before is of after.
func times[T int | float64](before, after T, word string) string {
	if after <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f times %s", float64(before)/float64(after), word)
}
