package report

import (
	"bytes"
	"strings"
	"testing"
)

// TestLatenciesShareAUnit: the figures that one table or sentence compares have one unit, also where
// only one of them is too long in microseconds.
func TestLatenciesShareAUnit(t *testing.T) {
	for _, c := range []struct {
		dense, pruned float64
		want          []string
	}{
		{124_000, 76_530, []string{"124 ms", "77 ms"}}, {99_400, 34, []string{"99,400 µs", "34 µs"}}, {1_500_000, 34, []string{"1,500 ms", "0.034 ms"}},
		{12.4, 8.04, []string{"12 µs", "8.0 µs"}}, {0, 200_000, []string{"-", "200 ms"}},
	} {
		run := marketRun()
		run.Result.Dense.LatencyUS, run.Result.Pruned.LatencyUS = c.dense, c.pruned
		var picture bytes.Buffer
		if err := Picture(&picture, run); err != nil {
			t.Fatal(err)
		}
		for _, words := range c.want {
			if !strings.Contains(picture.String(), ">"+words+"<") {
				t.Errorf("%v us and %v us: the picture lacks %q", c.dense, c.pruned, words)
			}
		}
		f := &Folder{Run: *run, Dir: "runs/one", Finished: true}
		if sentence := strings.Join(c.want, " became "); !strings.HasPrefix(f.tiles()[1].Detail, sentence) {
			t.Errorf("%q, want %q", f.tiles()[1].Detail, sentence)
		}
		slow := &Folder{Run: *marketRun(), Dir: "runs/two", Finished: true}
		slow.Result.Pruned.LatencyUS = c.dense
		rows := frontFigure([]*Folder{slow, f}).Tables[0].Rows
		if rows[0].Cells[6] != c.want[0] || rows[1].Cells[6] != c.want[1] {
			t.Errorf("%v, want %v", rows, c.want)
		}
	}
}
