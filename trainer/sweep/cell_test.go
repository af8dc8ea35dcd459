package sweep_test

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "nashprune/cpu_fallback"
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/backend"
	"nashprune/trainer/filelock"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/sweep"
)

// cells returns a small study: two seeds, with the market and without.
func cells() []sweep.Cell {
	var cells []sweep.Cell
	for _, kind := range []game.Kind{game.MarketGame, game.NoGame} {
		for seed := range uint64(2) {
			c := settings.Default()
			c.Data, c.Model, c.Device = "digits:side=8,train=320,test=80", "mlp:12-8", "gonum"
			c.Epochs, c.Batch, c.Rounds, c.Seed, c.Game, c.Sparsity = 5, 32, 4, seed+1, kind, 0.5
			cells = append(cells, sweep.Cell{Name: string(kind) + "/" + string(rune('a'+seed)), Config: c})
		}
	}
	return cells
}

// complete makes cells in this process.
func complete(ctx context.Context, dir string, cells []sweep.Cell, l sweep.Local) ([]sweep.Row, error) {
	return sweep.Complete(ctx, dir, cells, l.Make)
}

func run(t *testing.T, dir string, jobs int, cells []sweep.Cell) []sweep.Row {
	t.Helper()
	outcomes, err := complete(t.Context(), dir, cells, sweep.Local{Jobs: jobs})
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// losses are exact: they change with any bit of a network.
func losses(outcomes []sweep.Row) []float64 {
	var all []float64
	for _, o := range outcomes {
		all = append(all, *o.Result.Ended().Loss)
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
	outcomes, err := complete(t.Context(), dir, cells(), sweep.Local{Ended: func(sweep.Event) { ended++ }})
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
func TestInterruptedSweepGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	want := losses(run(t, t.TempDir(), 1, cells()))
	dir := t.TempDir()
	stops := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		var reports atomic.Int32 // of both jobs
		outcomes, err := complete(ctx, dir, cells(), sweep.Local{Jobs: 2, Maker: sweep.Maker{Observe: func(e trainer.Event) {
			if e.Line != nil {
				if reports.Add(1) == 3 {
					cancel()
				}
			}
		}}})
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
			if (o.State == sweep.Diverged) != (i == 1) || (o.Result == nil) != (i == 1) {
				t.Errorf("%s: diverged %q, result %v", o.Name, o.Reason, o.Result)
			}
		}
		if !strings.Contains(outcomes[1].Reason, "diverged in epoch") {
			t.Errorf("it says %q", outcomes[1].Reason)
		}
	}
}

// TestSweepsOfAnEarlierProgram: a finished run whose configuration lacks a line that a
// later program writes is not made again, as long as the line would say the default.
func TestSweepsOfAnEarlierProgram(t *testing.T) {
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
		_, err := complete(t.Context(), dir, cells()[:1], sweep.Local{})
		if (err == nil) != goesOn || len(kept) == len(strings.Split(string(whole), "\n"))-1 {
			t.Errorf("without %s: %v", line, err)
		}
	}
}

// TestSweepsOfOtherSamples: runs of a study are made with the same samples, whatever seed
// divides them. Results of earlier programs do not say with which.
func TestSweepsOfOtherSamples(t *testing.T) {
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
	_, err := complete(t.Context(), dir, all, sweep.Local{})
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
	if _, err := complete(t.Context(), dir, all, sweep.Local{}); !errors.Is(err, backend.ErrUsage) || !strings.Contains(err.Error(), "other samples") {
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
		cells           []sweep.Cell
	}{
		{"other settings", dir, "other settings", other},
		{"absurd settings", dir, "--learning-rate", absurd},
		{"someone's folder", foreign, "note.txt", cells()[:1]},
		{"no folder", "", "--out", cells()[:1]},
	} {
		_, err := complete(t.Context(), test.dir, test.cells, sweep.Local{})
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
	_, err := complete(t.Context(), dir, all[:1], sweep.Local{Maker: sweep.Maker{Observe: func(trainer.Event) {
		if second == nil {
			_, second = complete(t.Context(), dir, all[1:], sweep.Local{})
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, backend.ErrUsage) || !strings.Contains(second.Error(), "another process") {
		t.Errorf("the second got %v", second)
	}
}

// TestFailures: a failure that is not divergence costs its cell alone, and is reported. Where
// all fail the error is of the kind of the first.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	all := cells()
	all[1].Config.Device = "toaster"
	_, err := complete(t.Context(), dir, all, sweep.Local{Jobs: 2})
	if err == nil || errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "toaster") || !strings.Contains(err.Error(), "1 of 4 runs failed, the first: market/b") {
		t.Errorf("one failed: %v", err)
	}
	if _, err = complete(t.Context(), dir, all, sweep.Local{}); !errors.Is(err, backend.ErrNoDevice) {
		t.Errorf("all that were left failed: %v", err)
	}
	s, err := sweep.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows()
	if err != nil || sweep.Count(rows) != "3 finished, 1 failed" || !strings.Contains(rows[1].Reason, "toaster") || !strings.Contains(rows[1].Reason, "exit code 3") {
		t.Errorf("%s, %q, %v", sweep.Count(rows), rows[1].Reason, err)
	}
}

// TestNoProcess: a cell whose process does not start has failed, and the table says why.
func TestNoProcess(t *testing.T) {
	dir, all := t.TempDir(), cells()[:1]
	if _, err := complete(t.Context(), dir, all, sweep.Local{Program: []string{"/nonexistent/nashprune"}}); err == nil {
		t.Fatal("it is made")
	}
	s, err := sweep.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := s.Rows(); err != nil || rows[0].State != sweep.Failed || !strings.Contains(rows[0].Reason, "/nonexistent/nashprune") {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestProcessWithoutAResult: a process that ends well and leaves nothing has failed, too.
func TestProcessWithoutAResult(t *testing.T) {
	nothing, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	dir, all := t.TempDir(), cells()[:1]
	if _, err := complete(t.Context(), dir, all, sweep.Local{Program: []string{nothing}}); err == nil || !strings.Contains(err.Error(), "exit code 0 and without a result, see "+dir) || strings.Contains(err.Error(), "%!") {
		t.Fatalf("%v", err)
	}
	s, err := sweep.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := s.Rows(); err != nil || rows[0].State != sweep.Failed || !strings.Contains(rows[0].Reason, "without a result") {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestOneFileUnderTwoNames: a relative and an absolute path of a file are the same setting.
func TestOneFileUnderTwoNames(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := "a,b,label\n" + strings.Repeat("1,2,x\n2,1,y\n3,1,x\n1,3,y\n", 10)
	for _, name := range []string{"rows.csv", "others.csv"} {
		if err := os.WriteFile(name, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := cells()[:1]
	of := func(path string) []sweep.Cell {
		c := all[0]
		c.Config.Data, c.Config.Label, c.Config.Rounds = path, "label", 1
		return []sweep.Cell{c}
	}
	if _, err := complete(t.Context(), "runs", of("rows.csv"), sweep.Local{}); err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs("rows.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := complete(t.Context(), "runs", of(absolute), sweep.Local{}); err != nil {
		t.Errorf("the same file: %v", err)
	}
	if _, err := complete(t.Context(), "runs", of("others.csv"), sweep.Local{}); !errors.Is(err, backend.ErrUsage) {
		t.Errorf("another file with the same rows: %v", err)
	}
}

// TestAlike: where cells fail alike, those after the first are not begun.
func TestAlike(t *testing.T) {
	dir, all := t.TempDir(), cells()
	for i := range all {
		all[i].Config.Device = "toaster"
	}
	if _, err := complete(t.Context(), dir, all, sweep.Local{Alike: true}); !errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "1 of 4 runs failed") {
		t.Errorf("%v", err)
	}
	if _, err := complete(t.Context(), dir, all, sweep.Local{}); !errors.Is(err, backend.ErrNoDevice) || !strings.Contains(err.Error(), "4 of 4 runs failed") {
		t.Errorf("%v", err)
	}
}

// TestCellsAreAdded: stages add cells to a folder, numbers stay, and cells that are named again
// are the same cells.
func TestCellsAreAdded(t *testing.T) {
	dir, all := t.TempDir(), cells()
	run(t, dir, 1, all[2:])
	rows := run(t, dir, 1, []sweep.Cell{all[3], all[1], all[3]})
	for i, want := range []int{1, 2, 1} {
		if rows[i].Run != want || rows[i].Result == nil {
			t.Errorf("cell %d has the number %d", i, rows[i].Run)
		}
	}
	if s, err := sweep.Open(dir); err != nil || len(s.Cells) != 3 || s.Cells[2].Config != all[1].Config {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestCellsOnAnyDevice: a cell that was made on a device that was named for it is the same cell
// for the next process, which names none.
func TestCellsOnAnyDevice(t *testing.T) {
	dir, all := t.TempDir(), cells()[:2]
	all[0].Config.Device, all[1].Config.Device = "cpu", "cpu"
	if _, err := sweep.Complete(t.Context(), dir, all, func(context.Context, *sweep.Sweep, []int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s, err := sweep.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	made := func(n int) sweep.Row {
		t.Helper()
		rows, err := s.Rows(n)
		if err != nil {
			t.Fatal(err)
		}
		return rows[0]
	}
	if err := s.Make(t.Context(), 0, sweep.Maker{Device: "gonum"}); err != nil || made(0).Result.Device.BLAS != "gonum" {
		t.Fatalf("%+v, %v", made(0), err)
	}
	seconds := made(0).Result.Seconds
	if err := s.Make(t.Context(), 0, sweep.Maker{}); err != nil || made(0).Result.Seconds != seconds {
		t.Errorf("it is made again: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Make(ctx, 1, sweep.Maker{Device: "gonum", Observe: func(e trainer.Event) {
		if e.Line != nil {
			cancel()
		}
	}}); !errors.Is(err, backend.ErrInterrupted) {
		t.Fatal(err)
	}
	if err := s.Make(t.Context(), 1, sweep.Maker{}); err != nil || made(1).Result.Device.BLAS != "gonum" {
		t.Errorf("going on: %+v, %v", made(1), err)
	}
}

// TestMixedCell: a cell whose units are removed before its weights is two runs. It goes on wherever
// it was stopped, and is read when it is done.
func TestMixedCell(t *testing.T) {
	mixed := cells()[:1]
	c := &mixed[0].Config
	c.Players, c.Sparsity, c.MaxBytes, c.Epochs = "neurons,weights", 0, 2400, 4
	want := losses(run(t, t.TempDir(), 1, mixed))
	dir := t.TempDir()
	lines, stops := 0, 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		of := sweep.Maker{Observe: func(e trainer.Event) {
			if e.Line != nil {
				if lines++; lines == 1 || lines == 4 { // one of each run
					cancel()
				}
			}
		}}
		outcomes, err := complete(ctx, dir, mixed, sweep.Local{Maker: of})
		cancel()
		if err == nil {
			mustEqual(t, losses(outcomes), want)
			break
		}
		if stops++; !errors.Is(err, backend.ErrInterrupted) || stops > 2 {
			t.Fatalf("stopped with %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "market", "a", record.StructuredFolder)); err != nil || stops != 2 {
		t.Errorf("stopped %d times, %v", stops, err)
	}
	mustEqual(t, losses(run(t, dir, 1, mixed)), want)
}

// TestLastAttempt: a cell that is stopped or at work has not failed, though the attempt before has; and
// a second process learns which run is made.
func TestLastAttempt(t *testing.T) {
	dir, all := t.TempDir(), cells()[:1]
	if _, err := sweep.Complete(t.Context(), dir, all, func(context.Context, *sweep.Sweep, []int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	s, err := sweep.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	state := func() sweep.State {
		t.Helper()
		rows, err := s.Rows()
		if err != nil {
			t.Fatal(err)
		}
		return rows[0].State
	}
	if err := s.Make(t.Context(), 0, sweep.Maker{Device: "toaster"}); !errors.Is(err, backend.ErrNoDevice) || state() != sweep.Failed {
		t.Fatalf("%v, %s", err, state())
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.Make(ctx, 0, sweep.Maker{Observe: func(e trainer.Event) {
		if e.Line != nil {
			cancel()
			if held := s.Make(t.Context(), 0, sweep.Maker{}); !errors.Is(held, filelock.ErrHeld) || !strings.Contains(held.Error(), "market/a") {
				t.Errorf("the second process: %v", held)
			}
		}
	}})
	if !errors.Is(err, backend.ErrInterrupted) || state() != sweep.Interrupted {
		t.Errorf("%v, %s", err, state())
	}
}

// TestSources: runs of several trained networks are one sweep, whatever their graphs.
func TestSources(t *testing.T) {
	dir, all := t.TempDir(), cells()[:2]
	for i, model := range []string{"mlp:12-8", "mlp:10"} {
		c := cells()[2].Config
		c.Model, c.Epochs = model, 1
		r := run(t, filepath.Join(dir, model[4:]), 1, []sweep.Cell{{Name: "dense", Config: c}})[0]
		of := &all[i].Config
		of.Source, of.Model, of.Epochs, of.Baseline = filepath.Join(r.Dir, r.Result.File()), "", 0, false
		of.LearningRate *= float64(i) // of the first it follows from the network
	}
	run(t, filepath.Join(dir, "pruned"), 1, all)
}

// TestStagesAtOnce: of processes that add cells at the same time none loses those of another.
func TestStagesAtOnce(t *testing.T) {
	dir := t.TempDir()
	const many = 8
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			cell := cells()[0]
			cell.Name = string(rune('a' + i))
			if _, err := sweep.Complete(t.Context(), dir, []sweep.Cell{cell}, func(context.Context, *sweep.Sweep, []int) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s, err := sweep.Open(dir); err != nil || len(s.Cells) != many {
		t.Errorf("%d cells, %v", len(s.Cells), err)
	}
}
