package compare_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/compare"
	"nashprune/trainer/cost"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// options returns a comparison of a few seconds.
func options(t *testing.T) compare.Options {
	t.Helper()
	c := settings.Default()
	c.Data, c.Model, c.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
	c.Epochs, c.Batch, c.Rounds = 5, 32, 4
	return compare.Options{Dir: filepath.Join(t.TempDir(), "compared"), Config: c, Keep: []cost.Limit{6, 10}, Seeds: 2, MostSeeds: 3, Search: true, Make: sweep.Local{Jobs: 2}.Make, Version: "0"}
}

func mean(runs []compare.SeedRun) float64 {
	mean, _ := compare.Summary(runs)
	return *mean
}

// withoutTimes returns a report as JSON in which no time stands.
func withoutTimes(t *testing.T, r *compare.Report) string {
	t.Helper()
	for i := range r.Entries {
		r.Entries[i].LatencyUS = 0
		for k := range r.Entries[i].Runs {
			r.Entries[i].Runs[k].Seconds = 0
		}
	}
	for k := range r.Dense {
		r.Dense[k].Seconds = 0
	}
	var b bytes.Buffer
	if err := record.WriteJSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEverybodyIsComparedOnEqualTerms makes a whole comparison and looks at what each
// of its runs was asked for.
func TestEverybodyIsComparedOnEqualTerms(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	o := options(t)
	o.Keep = []cost.Limit{10}
	r, err := compare.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	methods := compare.Methods(o.Config)
	for _, m := range methods {
		if len(m.Settings) != compare.Searched {
			t.Errorf("%s has %d settings", m.Name, len(m.Settings))
		}
	}
	entrants := len(compare.Shapes) * len(methods)
	if len(r.Search.Trials) != entrants*compare.Searched || r.Search.Held != 32 {
		t.Errorf("%d trials of %d entrants: %+v", len(r.Search.Trials), entrants, r.Search)
	}
	type entrant struct {
		method string
		shape  compare.Shape
	}
	chosen := map[entrant]compare.Setting{}
	for first := 0; first < len(r.Search.Trials); first += compare.Searched {
		trials := r.Search.Trials[first : first+compare.Searched]
		best := slices.MaxFunc(trials, func(a, b compare.Trial) int { return cmp.Compare(*a.Figure, *b.Figure) })
		count := 0
		for _, trial := range trials {
			if trial.Chosen {
				count++
				chosen[entrant{trial.Method, trial.Shape}] = trial.Setting
				if *trial.Figure != *best.Figure {
					t.Errorf("%+v is chosen, and %+v is better", trial, best)
				}
			}
		}
		if count != 1 {
			t.Errorf("%d of %v are chosen", count, trials)
		}
	}
	if len(r.Entries) != entrants || len(chosen) != entrants {
		t.Fatalf("%d entries and %d choices of %d entrants", len(r.Entries), len(chosen), entrants)
	}
	given := map[compare.Shape][]int{}
	for _, w := range r.Winners {
		found := map[compare.Shape]compare.Shape{compare.FreeWinner: compare.Free, compare.ParametersWinner: compare.Parameters, compare.LatencyWinner: compare.Latency}[w.Shape]
		given[w.Shape] = w.Layers
		best := r.Entry(w.Method, found, w.Keep)
		if !slices.Equal(best.Runs[0].Layers, w.Layers) {
			t.Errorf("%+v has not the layers of %+v", w, best)
		}
		for _, e := range r.Table(found, w.Keep) {
			if e.Method != "scratch" && !e.Null && mean(e.Runs[:2]) > mean(best.Runs[:2]) {
				t.Errorf("%s wins and is no better than %s", w.Method, e.Method)
			}
		}
	}
	if len(r.Winners) != 3 {
		t.Errorf("%+v", r.Winners)
	}
	microseconds, err := trainer.LatencyModel(context.Background(), o.Config, filepath.Join(o.Dir, compare.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Entries {
		if e.Setting != chosen[entrant{e.Method, e.Shape}] || e.LatencyUS <= 0 {
			t.Errorf("%+v", e)
		}
		if market := e.Method == compare.Reference; (e.Difference == nil) != market {
			t.Errorf("%s, %s: %+v", e.Method, e.Shape, e.Difference)
		}
		best := math.Inf(-1)
		for _, other := range r.Table(e.Shape, e.Keep) {
			best = max(best, mean(other.Runs[:2]))
		}
		seeds := 2
		if mean(e.Runs[:2]) >= best-compare.Closeness || e.Method == compare.Reference {
			seeds = 3
		}
		if len(e.Runs) != seeds {
			t.Errorf("%s, %s has %d seeds, want %d", e.Method, e.Shape, len(e.Runs), seeds)
		}
		want := given[e.Shape]
		switch {
		case e.Shape == compare.Equal:
			want = []int{6, 4}
		case e.Method == "scratch" && want == nil:
			want = r.Entry(compare.Reference, e.Shape, e.Keep).Runs[0].Layers
		}
		for k, run := range e.Runs {
			// Markets have a certificate of both parts, but with compensation the network is not tested.
			market := e.Method == compare.Reference || strings.HasPrefix(e.Method, compare.Reference+"-")
			tested := market && e.Method != compare.Reference+"-compensation"
			if (run.Model != "") != market || (run.Network != "") != tested {
				t.Errorf("%s, %s: the model %q, the network %q", e.Method, e.Shape, run.Model, run.Network)
			}
			if run.Seed != uint64(k+1) {
				t.Errorf("%s, %s: seed %d at %d", e.Method, e.Shape, run.Seed, k)
			}
			switch {
			case want != nil:
				if !slices.Equal(run.Layers, want) {
					t.Errorf("%s, %s keeps %v, want %v", e.Method, e.Shape, run.Layers, want)
				}
			case e.Shape == compare.Free:
				if run.Layers[0]+run.Layers[1] != e.Keep {
					t.Errorf("%s keeps %v of %d", e.Method, run.Layers, e.Keep)
				}
			case e.Shape == compare.Latency:
				if us, most := microseconds(run.Layers), microseconds([]int{6, 4}); us > most {
					t.Errorf("%s takes %g us of %g", e.Method, us, most)
				}
			default:
				// The next player of the first layer, 77 parameters at most, did not fit.
				if most := r.Entry(compare.Reference, compare.Equal, e.Keep).Runs[0].Parameters; run.Parameters > most || run.Parameters < most-77 {
					t.Errorf("%s keeps %d parameters of %d", e.Method, run.Parameters, most)
				}
			}
		}
	}
	// The test part is evaluated once a run, by the runs that are compared; the search
	// never looks at it.
	results := 0
	err = filepath.WalkDir(o.Dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == record.ResultFile {
			results++
			text, _ := os.ReadFile(path)
			searched := strings.HasPrefix(path, filepath.Join(o.Dir, "search"))
			if strings.Contains(string(text), `"evaluated_on": "validation"`) != searched {
				t.Errorf("%s is evaluated on another part", path)
			}
		}
		return err
	})
	// Shapes with the same layers have the same runs.
	if most := entrants*compare.Searched + 2 + 3*entrants; err != nil || results == 0 || results > most {
		t.Errorf("%d results of %d at most (%v)", results, most, err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "shared-prefixes")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("shared prefixes are left behind: %v", err)
	}
	for _, name := range []string{compare.ReportFile, compare.TableFile, compare.ModelFile} {
		if content, err := os.ReadFile(filepath.Join(o.Dir, name)); err != nil || len(content) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStoppedComparisonsGoOn: stopped again and again, a comparison ends with the
// report of one that never stopped, and asked for once more it makes nothing anew.
func TestStoppedComparisonsGoOn(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	o := options(t)
	o.Only = []string{"contributions", "scratch"}
	want, err := compare.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[int]int{} // settings by size: every size has a search of its own
	for _, trial := range want.Search.Trials {
		tried[trial.Keep]++
	}
	if each := len(compare.Shapes) * 3 * compare.Searched; tried[6] != each || tried[10] != each {
		t.Errorf("%v settings are tried, want %d a size", tried, each)
	}
	// Shapes at equal latency follow from the model, which each comparison measures.
	model, err := os.ReadFile(filepath.Join(o.Dir, compare.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	o.Dir = filepath.Join(t.TempDir(), "stopped")
	if err := errors.Join(os.Mkdir(o.Dir, 0o755), os.WriteFile(filepath.Join(o.Dir, compare.ModelFile), model, 0o600)); err != nil {
		t.Fatal(err)
	}
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		reports := 0
		o.Make = sweep.Local{Maker: sweep.Maker{Observe: func(e trainer.Event) {
			if e.Line != nil {
				if reports++; reports == 150 {
					cancel()
				}
			}
		}}}.Make
		got, err := compare.Run(ctx, o)
		cancel()
		if err == nil {
			if a, b := withoutTimes(t, got), withoutTimes(t, want); a != b {
				t.Errorf("stopped:\n%s\nnever stopped:\n%s", a, b)
			}
			break
		}
		if !errors.Is(err, backend.ErrInterrupted) {
			t.Fatal(err)
		}
		if stops++; stops > 50 {
			t.Fatal("it does not come to an end")
		}
	}
	if stops < 3 {
		t.Errorf("it was stopped %d times: the test shows little", stops)
	}
	o.Make = sweep.Local{Ended: func(e sweep.Event) { t.Errorf("%s is made anew", e.Name) }}.Make
	if _, err := compare.Run(context.Background(), o); err != nil {
		t.Error(err)
	}
}

// TestEverythingDiverges: a rate at which all trainings blow up leaves no report but an
// error that says so.
func TestEverythingDiverges(t *testing.T) {
	o := options(t)
	o.Only, o.Keep, o.Seeds = []string{"magnitude"}, []cost.Limit{6}, 1
	o.Config.Optimiser, o.Config.LearningRate = backend.Adam, 50
	if _, err := compare.Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("%v", err)
	}
	o.Dir, o.Search = filepath.Join(t.TempDir(), "unsearched"), false
	if _, err := compare.Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("%v", err)
	}
}

func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	for name, change := range map[string]func(*compare.Options){
		"--keep [1]":   func(o *compare.Options) { o.Keep = []cost.Limit{1} },
		"--keep 9 9":   func(o *compare.Options) { o.Keep = []cost.Limit{9, 9} },
		"--keep 90":    func(o *compare.Options) { o.Keep = []cost.Limit{90} },
		"no --keep":    func(o *compare.Options) { o.Keep = nil },
		"--seeds 0":    func(o *compare.Options) { o.Seeds = 0 },
		"--method ufo": func(o *compare.Options) { o.Only = []string{"ufo"} },
		"--model":      func(o *compare.Options) { o.Config.Model = "tree" },
		"no --out":     func(o *compare.Options) { o.Dir = "" },
		"--data":       func(o *compare.Options) { o.Config.Data = "nowhere" },
	} {
		o := options(t)
		change(&o)
		if _, err := compare.Run(context.Background(), o); !errors.Is(err, backend.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options(t)
	o.Config.Players = "weights"
	if _, err := compare.Run(context.Background(), o); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "--players is weights") {
		t.Errorf("single weights: %v", err)
	}
}
