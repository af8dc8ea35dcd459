package compare_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/trainer/backend"
	"nashprune/trainer/compare"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/study"
)

// options returns a comparison of a few seconds.
func options(t *testing.T) compare.Options {
	t.Helper()
	c := settings.Default()
	c.Data, c.Model, c.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
	c.Epochs, c.Batch, c.Rounds = 5, 32, 4
	return compare.Options{Dir: filepath.Join(t.TempDir(), "compared"), Config: c, Keep: []int{6, 10}, Seeds: 2, Search: true, Jobs: 2, Version: "0"}
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
	r, err := compare.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	entrants := 0
	for _, m := range compare.Methods(o.Config) {
		if len(m.Settings) != compare.Searched {
			t.Errorf("%s has %d settings", m.Name, len(m.Settings))
		}
		entrants += len(m.Shapes)
	}
	if len(r.Search.Trials) != entrants*compare.Searched || r.Search.Held != 32 || r.Search.Keep != 6 {
		t.Errorf("%d trials of %d entrants: %+v", len(r.Search.Trials), entrants, r.Search)
	}
	chosen := map[string]string{}
	for first := 0; first < len(r.Search.Trials); first += compare.Searched {
		trials := r.Search.Trials[first : first+compare.Searched]
		best := slices.MaxFunc(trials, func(a, b compare.Trial) int {
			switch {
			case *a.Figure < *b.Figure:
				return -1
			case *a.Figure > *b.Figure:
				return 1
			}
			return 0
		})
		count := 0
		for _, trial := range trials {
			if trial.Chosen {
				count++
				chosen[trial.Method+string(trial.Shape)] = trial.Setting
				if *trial.Figure != *best.Figure {
					t.Errorf("%+v is chosen, and %+v is better", trial, best)
				}
			}
		}
		if count != 1 {
			t.Errorf("%d of %v are chosen", count, trials)
		}
	}
	if len(r.Entries) != 2*entrants {
		t.Fatalf("%d entries of %d entrants", len(r.Entries), entrants)
	}
	for _, e := range r.Entries {
		if e.Setting != chosen[e.Method+string(e.Shape)] || len(e.Runs) != 2 || e.LatencyUS <= 0 {
			t.Errorf("%+v", e)
		}
		if e.Difference == nil && (e.Method != compare.Reference || e.Shape != compare.Equal) {
			t.Errorf("%s, %s is not compared", e.Method, e.Shape)
		}
		one, layers := r.Entry(compare.Reference, compare.Free, e.Keep), r.Entry(compare.Reference, compare.Equal, e.Keep)
		for k, run := range e.Runs {
			if e.Method == compare.ParameterMarket {
				// The next player of the first layer, 77 parameters at most, did not fit.
				if most := layers.Runs[k].Parameters; run.Parameters > most || run.Parameters < most-77 {
					t.Errorf("%d parameters stay, and a market a layer leaves %d", run.Parameters, most)
				}
			} else if run.Layers[0]+run.Layers[1] != e.Keep || run.Seed != uint64(k+1) {
				t.Errorf("%s, %s keeps %v of %d", e.Method, e.Shape, run.Layers, e.Keep)
			}
			if equal := map[int][]int{6: {4, 2}, 10: {6, 4}}[e.Keep]; e.Shape == compare.Equal && !slices.Equal(run.Layers, equal) {
				t.Errorf("%s keeps %v at equal shape", e.Method, run.Layers)
			}
			if e.Method == "scratch" && e.Shape == compare.Free && !slices.Equal(run.Layers, one.Runs[k].Layers) {
				t.Errorf("from scratch: %v, and the one market left %v", run.Layers, one.Runs[k].Layers)
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
	if want := entrants*compare.Searched + 2 + 4*entrants; err != nil || results != want {
		t.Errorf("%d results, want %d (%v)", results, want, err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "shared-prefixes")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("shared prefixes are left behind: %v", err)
	}
	for _, name := range []string{compare.ReportFile, compare.TableFile} {
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
	o.Only, o.Keep, o.Jobs = []string{"fisher", "scratch", "l1-gates"}, []int{6}, 1
	want, err := compare.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Dir = filepath.Join(t.TempDir(), "stopped")
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		reports := 0
		o.Observe = func(_ string, e study.Event) {
			if e.Run.Line != nil {
				if reports++; reports == 30 {
					cancel()
				}
			}
		}
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
	o.Observe = func(stage string, e study.Event) { t.Errorf("%s: %+v is made anew", stage, e) }
	if _, err := compare.Run(context.Background(), o); err != nil {
		t.Error(err)
	}
}

// TestEverythingDiverges: a rate at which all trainings blow up leaves no report but an
// error that says so.
func TestEverythingDiverges(t *testing.T) {
	o := options(t)
	o.Only, o.Keep, o.Seeds = []string{"magnitude"}, []int{6}, 1
	o.Config.LearningRate = 50
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
		"--keep [1]":   func(o *compare.Options) { o.Keep = []int{1} },
		"--keep 9 9":   func(o *compare.Options) { o.Keep = []int{9, 9} },
		"--keep 90":    func(o *compare.Options) { o.Keep = []int{90} },
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
}
