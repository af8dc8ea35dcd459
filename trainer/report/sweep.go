package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"nashprune/trainer/sweep"
)

// Sweep prints the runs of a sweep in a table, then means over seeds, and the failures.
func Sweep(w io.Writer, rows []sweep.Row) error {
	varied := sweep.VariedNames(rows)
	table := newTable(w)
	row(table, append(append([]string{"run"}, varied...), "state", "accuracy", "players", "parameters", "macs", "time")...)
	for _, r := range rows {
		cells := []string{fmt.Sprint(r.Run)}
		for _, name := range varied {
			cells = append(cells, cellName(r.Setting(name)))
		}
		row(table, append(append(cells, string(r.State)), sweepFigures(r.Figures)...)...)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if means := sweep.Means(rows); len(means) < len(rows) {
		fmt.Fprintln(w, "\nmeans over seeds")
		var shared []string
		for _, name := range varied {
			if name != "seed" {
				shared = append(shared, name)
			}
		}
		table := newTable(w)
		row(table, append(slices.Clone(shared), "seeds", "accuracy", "players", "parameters", "macs", "time")...)
		for _, m := range means {
			var cells []string
			for _, name := range shared {
				cells = append(cells, cellName(m.First.Setting(name)))
			}
			figures := sweepFigures(m.Mean)
			if m.Half != nil {
				figures[0] += fmt.Sprintf(" +- %.2f", *m.Half)
			}
			row(table, append(append(cells, fmt.Sprint(m.Seeds)), figures...)...)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w, "+- is half of the interval that holds the mean of all seeds with 95 %, were accuracies normally distributed.")
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
