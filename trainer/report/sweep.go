package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"nashprune/trainer/sweep"
)

// Sweep prints the runs of a sweep in a table, then means over seeds, and the failures. Where no
// setting varies, as in a comparison, runs are named by their folders.
func Sweep(w io.Writer, rows []sweep.Row) error {
	names := sweep.VariedNames(rows)
	byFolder := len(names) == 0
	if byFolder {
		names = []string{"name"}
	}
	labels := func(names []string, r sweep.Row, folder string) (cells []string) {
		if byFolder {
			return []string{graphic(folder)}
		}
		for _, name := range names {
			cells = append(cells, cellName(r.Setting(name)))
		}
		return cells
	}
	table := newTable(w)
	row(table, slices.Concat([]string{"run"}, names, []string{"state", "accuracy", "players", "parameters", "macs", "time"})...)
	for _, r := range rows {
		row(table, slices.Concat([]string{fmt.Sprint(r.Run)}, labels(names, r, r.Name), []string{string(r.State)}, sweepFigures(r.Figures))...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if means := sweep.Means(rows); len(means) < len(rows) {
		fmt.Fprintln(w, "\nmeans over seeds")
		shared := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "seed" })
		table := newTable(w)
		row(table, slices.Concat(shared, []string{"seeds", "accuracy +- 95 %", "players", "parameters", "macs", "time"})...)
		for _, m := range means {
			figures := sweepFigures(m.Mean)
			if m.Half != nil {
				figures[0] += fmt.Sprintf(" +- %.2f", *m.Half)
			}
			row(table, slices.Concat(labels(shared, m.First, m.Name), []string{fmt.Sprint(m.Seeds)}, figures)...)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w, "+-: half of the interval that holds the mean of all seeds with 95 %, were accuracies normally distributed; no standard deviation.")
	}
	_, err := fmt.Fprintf(w, "\n%s%s\n", failures(rows), sweep.Count(rows))
	return err
}

// failures says why runs failed or diverged, a line a reason.
func failures(rows []sweep.Row) string {
	var reasons []string
	runs := map[string][]string{}
	for _, r := range rows {
		if r.Reason == "" {
			continue
		}
		reason := fmt.Sprintf("%s: %s\n", r.State, oneLine(r.Reason))
		if runs[reason] == nil {
			reasons = append(reasons, reason)
		}
		runs[reason] = append(runs[reason], fmt.Sprint(r.Run))
	}
	var b strings.Builder
	for _, reason := range reasons {
		word := "run"
		if len(runs[reason]) > 1 {
			word = "runs"
		}
		fmt.Fprintf(&b, "%s %s %s", word, strings.Join(runs[reason], ", "), reason)
	}
	return b.String()
}

// sweepFigures writes the figures of a run, or of a mean; dashes where there are none.
func sweepFigures(f sweep.Figures) []string {
	cells := []string{"-", "-", "-", "-", "-"}
	for i, name := range []string{"accuracy", "players", "parameters", "macs", "latency_us"} {
		switch x, known := f[name]; {
		case !known:
		case name == "accuracy":
			cells[i] = percent(x)
		case name == "latency_us":
			cells[i] = microseconds(x)
		default:
			cells[i] = Thousands(int(math.Round(x)))
		}
	}
	return cells
}
