package study_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/study"
)

// cells returns a small study: two seeds, with the market and without.
func cells() []study.Cell {
	var cells []study.Cell
	for _, kind := range []game.Kind{game.MarketGame, game.NoGame} {
		for seed := range uint64(2) {
			c := settings.Default()
			c.Data, c.Model, c.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
			c.Epochs, c.Batch, c.Rounds, c.Seed, c.Game, c.Sparsity = 5, 32, 4, seed+1, kind, 0.5
			cells = append(cells, study.Cell{Name: string(kind) + "/" + string(rune('a'+seed)), Config: c})
		}
	}
	return cells
}

func run(t *testing.T, dir string, jobs int, cells []study.Cell) []study.Outcome {
	t.Helper()
	outcomes, err := study.Run(context.Background(), cells, study.Options{Dir: dir, Jobs: jobs})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// losses are exact: they change with any bit of a network.
func losses(outcomes []study.Outcome) []float64 {
	var all []float64
	for _, o := range outcomes {
		evaluated := o.Result.Dense
		if o.Result.Pruned != nil {
			evaluated = o.Result.Pruned.NetworkResult
		}
		all = append(all, *evaluated.Loss)
	}
	return all
}

func mustEqual(t *testing.T, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d losses, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("loss %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestJobsDoNotChangeResults(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	want := losses(run(t, t.TempDir(), 1, cells()))
	mustEqual(t, losses(run(t, t.TempDir(), 3, cells())), want)
}

func TestFinishedCellsAreRead(t *testing.T) {
	dir := t.TempDir()
	want := losses(run(t, dir, 2, cells()))
	ended := 0
	outcomes, err := study.Run(context.Background(), cells(), study.Options{Dir: dir, Observe: func(study.Event) { ended++ }})
	if err != nil {
		t.Fatal(err)
	}
	if ended != 0 {
		t.Errorf("%d reports of progress of a study that was finished", ended)
	}
	mustEqual(t, losses(outcomes), want)
}

// An interrupted study, however often it stops, ends with the bits of one that
// never stopped.
func TestInterruptedStudyGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	want := losses(run(t, t.TempDir(), 1, cells()))
	dir := t.TempDir()
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		reports := 0
		outcomes, err := study.Run(ctx, cells(), study.Options{Dir: dir, Jobs: 2, Observe: func(e study.Event) {
			if e.Run.Line != nil {
				if reports++; reports == 3 {
					cancel()
				}
			}
		}})
		cancel()
		if err == nil {
			mustEqual(t, losses(outcomes), want)
			break
		}
		if !errors.Is(err, backend.ErrInterrupted) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("stopped with %v", err)
		}
		if stops++; stops > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	if stops < 2 {
		t.Errorf("it was stopped %d times: the test shows nothing", stops)
	}
}

// A process that is killed before a run has a checkpoint leaves a configuration
// and metrics, or metrics and the lock alone.
func TestKilledCellIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	want := losses(run(t, dir, 1, cells()))
	first, second := filepath.Join(dir, "market", "a"), filepath.Join(dir, "market", "b")
	for _, folder := range []string{first, second} {
		if err := os.Remove(filepath.Join(folder, record.ResultFile)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(second)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != record.MetricsFile {
			if err := os.Remove(filepath.Join(second, entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(second, trainer.LockFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, losses(run(t, dir, 1, cells())), want)
}

func TestDivergedIsAnOutcome(t *testing.T) {
	dir := t.TempDir()
	all := cells()
	all[1].Config.Optimiser, all[1].Config.LearningRate = backend.SGD, 100
	for range 2 { // made, and read
		outcomes := run(t, dir, 1, all)
		for i, o := range outcomes {
			if (o.Diverged != "") != (i == 1) || (o.Result == nil) != (i == 1) {
				t.Errorf("%s: diverged %q, result %v", o.Cell.Name, o.Diverged, o.Result)
			}
		}
		if !strings.Contains(outcomes[1].Diverged, "diverged in epoch") {
			t.Errorf("it says %q", outcomes[1].Diverged)
		}
	}
}

// TestStudiesOfAnEarlierProgram: a finished run whose configuration lacks a line that a
// later program writes is not made again, as long as the line would say the default.
func TestStudiesOfAnEarlierProgram(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, 1, cells()[:1])
	path := filepath.Join(dir, filepath.FromSlash(cells()[0].Name), record.ConfigFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line, goesOn := range map[string]bool{"patience": true, "schedule": true, "epochs": false} { // cells have other epochs than the default
		var kept []string
		for text := range strings.Lines(string(whole)) {
			if !strings.HasPrefix(text, line+" = ") {
				kept = append(kept, text)
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(kept, "")), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := study.Run(context.Background(), cells()[:1], study.Options{Dir: dir})
		if (err == nil) != goesOn || len(kept) == len(strings.Split(string(whole), "\n"))-1 {
			t.Errorf("without %s: %v", line, err)
		}
	}
}

// TestStudiesOfOtherSamples: runs of a study are made with the same samples, whatever seed
// divides them. Results of earlier programs do not say with which.
func TestStudiesOfOtherSamples(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "data.csv")
	write := func(last string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("a,b,label\n"+strings.Repeat("1,2,0\n3,5,1\n2,1,0\n4,1,1\n", 25)+last), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := cells()[2:] // two seeds
	for i := range all {
		all[i].Config.Data = file
	}
	write("1,1,1\n")
	first := run(t, dir, 1, all[:1])[0]
	write("1,1.5,1\n")
	_, err := study.Run(context.Background(), all, study.Options{Dir: dir})
	if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "off/b") || !strings.Contains(err.Error(), "are not those of the finished runs") {
		t.Errorf("with other samples: %v", err)
	}
	write("1,1,1\n")
	run(t, dir, 1, all)

	// As if the second had been made with others.
	path := filepath.Join(dir, "off", "b", record.ResultFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(digest string) {
		t.Helper()
		changed := strings.Replace(string(text), `"digest": "`+first.Result.Data.Digest+`"`, digest, 1)
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil || changed == string(text) {
			t.Fatalf("nothing is written: %v", err)
		}
	}
	rewrite(`"digest": "0123456789abcdef"`)
	if _, err := study.Run(context.Background(), all, study.Options{Dir: dir}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "other samples") {
		t.Errorf("finished with other samples: %v", err)
	}
	rewrite(`"digest": ""`)
	run(t, dir, 1, all)
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, 1, cells()[:1])
	other := cells()[:1]
	other[0].Config.Seed = 9
	absurd := cells()[:1]
	absurd[0].Config.LearningRate = math.NaN()
	foreign := t.TempDir()
	note := filepath.Join(foreign, "market", "a", "note.txt")
	if err := os.MkdirAll(filepath.Dir(note), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(note, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, dir, says string
		cells           []study.Cell
	}{
		{"other settings", dir, "other settings", other},
		{"absurd settings", dir, "--learning-rate", absurd},
		{"someone's folder", foreign, "note.txt", cells()[:1]},
		{"no folder", "", "--out", cells()[:1]},
	} {
		_, err := study.Run(context.Background(), test.cells, study.Options{Dir: test.dir})
		if !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if text, err := os.ReadFile(note); err != nil || string(text) != "mine" {
		t.Errorf("the note was touched: %q, %v", text, err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	all := cells()[:2]
	var second error
	_, err := study.Run(context.Background(), all[:1], study.Options{Dir: dir, Observe: func(study.Event) {
		if second == nil {
			_, second = study.Run(context.Background(), all[1:], study.Options{Dir: dir})
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, backend.ErrUsage) || !strings.Contains(second.Error(), "another process") {
		t.Errorf("the second got %v", second)
	}
}

// A failure that is not divergence stops the others and is reported, not their
// interruption; what is finished stays.
func TestFailureIsTold(t *testing.T) {
	dir := t.TempDir()
	all := cells()
	all[1].Config.Data = filepath.Join(dir, "missing.csv")
	_, err := study.Run(context.Background(), all, study.Options{Dir: dir, Jobs: 2})
	if err == nil || errors.Is(err, backend.ErrInterrupted) || !strings.Contains(err.Error(), "missing.csv") || !strings.Contains(err.Error(), "market/b") {
		t.Errorf("it says %v", err)
	}
}

// TestCellsOnAnyDevice: a cell that was made on a device that was named for it is the same cell
// for the next process, which names none.
func TestCellsOnAnyDevice(t *testing.T) {
	dir, all := t.TempDir(), cells()[:2]
	all[0].Config.Device, all[1].Config.Device = "cpu", "cpu"
	o := study.Options{Dir: dir, AnyDevice: true, Device: "gonum"}
	made, err := study.Make(t.Context(), all, 0, o)
	if err != nil || made.Result == nil || made.Result.Device.BLAS != "gonum" {
		t.Fatalf("%+v, %v", made.Result, err)
	}
	o.Device = ""
	again, err := study.Make(t.Context(), all, 0, o)
	if err != nil || again.Result.Seconds != made.Result.Seconds {
		t.Errorf("it is made again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Device, o.Observe = "gonum", func(e study.Event) {
		if e.Run.Line != nil {
			cancel()
		}
	}
	if _, err := study.Make(ctx, all, 1, o); !errors.Is(err, backend.ErrInterrupted) {
		t.Fatal(err)
	}
	o.Device, o.Observe = "", nil
	if made, err = study.Make(t.Context(), all, 1, o); err != nil || made.Result.Device.BLAS != "gonum" {
		t.Errorf("going on: %+v, %v", made.Result, err)
	}
	if _, err := study.Run(t.Context(), all, study.Options{Dir: dir}); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("a study of one device: %v", err)
	}
}
