package report

import (
	"fmt"
	"io"
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
		row(table, append(append(cells, string(r.State)), sweepFigures(r.Figures, r.State == sweep.Finished)...)...)
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
			figures := sweepFigures(m.Mean, m.Seeds > 0)
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
	var failures strings.Builder
	for _, r := range rows {
		if r.Reason != "" {
			fmt.Fprintf(&failures, "run %d %s: %s\n", r.Run, r.State, oneLine(r.Reason))
		}
	}
	_, err := fmt.Fprintf(w, "\n%s%s\n", failures.String(), sweep.Count(rows))
	return err
}

// sweepFigures writes the figures of a run, or of a mean; dashes where there are none.
func sweepFigures(f sweep.Figures, known bool) []string {
	if !known {
		return []string{"-", "-", "-", "-", "-"}
	}
	accuracy := "-"
	if f.Accuracy != nil {
		accuracy = percent(*f.Accuracy)
	}
	return []string{accuracy, Thousands(f.Players), Thousands(f.Parameters), Thousands(f.MACs), microseconds(f.LatencyUS)}
}
