package compare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/cost"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// TestWhatDiverged: a method of which nothing comes is in the report as such, with no
// mean, no difference and no latency, and so is what follows from it; the others are
// compared all the same.
func TestWhatDiverged(t *testing.T) {
	config := settings.Default()
	config.Optimiser = backend.Adam
	config.Data, config.Model, config.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
	config.Epochs, config.Batch, config.Rounds = 5, 32, 4
	blowUp := Setting("learning-rate 50")
	for wild, search := range map[string]bool{"magnitude": false, Reference: true} {
		c, err := newComparison(Options{
			Dir: t.TempDir(), Config: config, Keep: []cost.Limit{6}, Seeds: 2, MostSeeds: 3, Search: search, Only: []string{"magnitude", "scratch"}, Make: sweep.Local{Jobs: 2}.Make, Version: "0",
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.methods {
			if c.methods[i].Name == wild {
				c.methods[i].Settings = []Setting{blowUp, blowUp, blowUp}
			}
		}
		c.time = func([]int) float64 { return 1e6 }
		model := `{"latency_model":{"batch":128,"base_us":5,"per_mac_us":[0,0,0],"per_neuron_us":[1,1],"shapes":26}}`
		if err := os.WriteFile(filepath.Join(c.Dir, ModelFile), []byte(model), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, shape := range Shapes {
			if err := c.compete(context.Background(), shape); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.conclude(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(c.report.Entries) != 3*len(Shapes) {
			t.Fatalf("%d entries", len(c.report.Entries))
		}
		for _, e := range c.report.Entries {
			follows := e.Method == "scratch" && wild == Reference && (e.Shape == Free || e.Shape == Parameters || e.Shape == Latency)
			lost := e.Method == wild || follows
			because := "diverged"
			switch {
			case follows:
				because = shapeDiverged
			case lost && search:
				because = searchDiverged
			}
			compared := !lost && e.Method != Reference && wild != Reference
			if (e.Mean == nil) != lost || (e.LatencyUS == 0) != lost || (e.Difference != nil) != compared {
				t.Errorf("%s, search %v: %+v", wild, search, e)
			}
			for k, run := range e.Runs {
				if run.Seed != uint64(k+1) || (run.Diverged != "") != lost || lost && !strings.Contains(run.Diverged, because) {
					t.Errorf("%s, search %v: %s, %s: %+v", wild, search, e.Method, e.Shape, run)
				}
			}
		}
		if !search {
			continue
		}
		for _, trial := range c.report.Search.Trials {
			if lost := trial.Method == wild; (trial.Figure == nil) != lost || (trial.Diverged != "") != lost || lost && trial.Chosen {
				t.Errorf("%+v", trial)
			}
		}
	}
}
