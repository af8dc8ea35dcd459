package compare

import (
	"context"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/trainer/settings"
)

// TestWhatDiverged: a method of which nothing comes is in the report as such, with no
// mean, no difference and no latency, and the others are compared all the same; so is
// one that follows a market that is not there; and a search leaves out what comes to nothing.
func TestWhatDiverged(t *testing.T) {
	config := settings.Default()
	config.Data, config.Model, config.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
	config.Epochs, config.Batch, config.Rounds = 5, 32, 4
	c, err := newComparison(Options{Dir: t.TempDir(), Config: config, Keep: []int{6}, Seeds: 2, Only: []string{"scratch"}, Jobs: 2, Version: "0"})
	if err != nil {
		t.Fatal(err)
	}
	blowUp := Setting{"learning-rate 50", func(c *settings.Config) { c.LearningRate = 50 }}
	c.methods = append(c.methods, Method{Name: "wild", Shapes: []Shape{Equal}, Settings: []Setting{blowUp}, configure: market})
	if err := c.search(context.Background()); err != nil {
		t.Fatal(err)
	}
	if last := c.report.Search.Trials[len(c.report.Search.Trials)-1]; last.Method != "wild" || last.Figure != nil || last.Diverged == "" || last.Chosen {
		t.Errorf("%+v", last)
	}
	wild := entrant{"wild", Equal}
	if _, ok := c.chosen[wild]; ok || len(c.chosen) != 4 {
		t.Errorf("%v are chosen", c.chosen)
	}
	c.chosen[wild] = blowUp
	delete(c.chosen, entrant{Reference, Free})
	if err := c.runAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := c.timeAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, e := range c.report.Entries {
		because := map[string]string{"wild equal": "diverged", "scratch free": marketDiverged}[e.Method+" "+string(e.Shape)]
		lost := because != ""
		if (e.Mean == nil) != lost || (e.LatencyUS == 0) != lost || (e.Difference == nil) != (lost || e.Method == Reference) {
			t.Errorf("%+v", e)
		}
		for k, run := range e.Runs {
			if run.Seed != uint64(k+1) || (run.Diverged != "") != lost || !strings.Contains(run.Diverged, because) {
				t.Errorf("%s, %s: %+v", e.Method, e.Shape, run)
			}
		}
	}
	if len(c.report.Entries) != 4 {
		t.Errorf("%d entries", len(c.report.Entries))
	}
}
