package report

import (
	"strings"
	"testing"

	"nashprune/trainer/sweep"
)

// TestSweepOfAComparison: its cells have folders in place of settings that vary.
func TestSweepOfAComparison(t *testing.T) {
	var rows []sweep.Row
	for n, name := range []string{"runs/9/market/free/seed-1", "runs/9/market/free/seed-2", "runs/9/taylor/free/seed-1"} {
		r := sweep.Row{Run: n, Cell: sweep.Cell{Name: name}, State: sweep.Finished, Figures: sweep.Figures{"accuracy": float64(90 + 2*n)}}
		r.Config.Seed = uint64(n)
		rows = append(rows, r)
	}
	var text strings.Builder
	if err := Sweep(&text, rows); err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(text.String()) {
		words = append(words, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{"0 runs/9/market/free/seed-1 finished 90.00 % - - - -", "name seeds accuracy +- 95 % players", "runs/9/market/free 2 91.00 % +- 12.71 - - - -", "runs/9/taylor/free 1 94.00 % - - - -"} {
		if !strings.Contains(strings.Join(words, "\n"), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}
