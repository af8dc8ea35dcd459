// Package study makes many runs as one piece of work: a grid of named cells, each of them
// a run of its own in a folder of its own. A stopped study continues when it is run
// again.
package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/filelock"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
	"nashprune/trainer/session"
	"nashprune/trainer/settings"
)

// Cell is one run of a study.
type Cell struct {
	// Name is the cell's folder below that of the study, with slashes between
	// folders. No name is a folder of another's.
	Name   string
	Config settings.Config
}

// Options are the circumstances of a study, which do not change what it finds
// besides times.
type Options struct {
	Dir     string // of the study
	Command string // as the user gave it, for the record of every run
	Version string // of the program
	Jobs    int    // cells at a time; 0: one

	// AnyDevice says that cells may have begun on other devices than their configurations name.
	// Device is then the one to compute on; empty: that on which a cell has begun, else that of
	// its configuration.
	AnyDevice bool
	Device    string

	// SharedPrefixes is the folder of the prefixes that runs share, see
	// [trainer.Options]; empty: they share none.
	SharedPrefixes string

	// Observe receives the progress, by one goroutine at a time; may be nil.
	Observe func(Event)
}

// Event is a report of progress: of the study where a cell ended, else of the run
// of a cell.
type Event struct {
	Cell  string
	Done  int // cells that are finished
	Cells int
	Ended bool // the cell is done
	Run   trainer.Event

	// Remaining is estimated from the cells that were made in this sitting;
	// negative where nothing is known yet.
	Remaining time.Duration
}

// Outcome is what a cell came to: a result, or why its training diverged.
type Outcome struct {
	Cell     Cell
	Dir      string         // of the run
	Result   *record.Result // nil if it diverged
	Diverged string         // empty if it did not
}

// DivergedFile holds in the folder of a cell why its training diverged.
const DivergedFile = "diverged.txt"

const (
	lockFile    = "study.lock"
	locksFolder = ".locks" // of cells that processes make one by one
)

// Run makes every cell that is not done yet, going on with those that were
// interrupted, and returns the outcomes of all in their order. A training that
// diverges is an outcome; any other failure ends the study, and the cells under
// way stop with a checkpoint. The errors are those of [trainer.Run]; besides, a
// folder that holds a cell with other settings is of the kind [backend.ErrUsage].
func Run(ctx context.Context, cells []Cell, o Options) ([]Outcome, error) {
	if o.Dir == "" {
		return nil, backend.Usagef("name a folder for the study with --out")
	}
	cells, err := resolve(cells)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	unlock, err := filelock.Try(filepath.Join(o.Dir, lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, backend.Usagef("--out %s: %v: wait for its end, or name another folder", o.Dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	defer unlock()

	s, open, err := o.read(cells)
	if err != nil {
		return nil, err
	}
	for _, i := range open {
		if err := s.outcomes[i].mayBegin(); err != nil {
			return nil, err
		}
	}
	s.began, s.found = time.Now(), s.done
	return s.outcomes, s.make(ctx, open)
}

// Read returns what cells have come to so far: neither a result nor a divergence where they
// are not done. It changes nothing.
func Read(cells []Cell, o Options) ([]Outcome, error) {
	cells, err := resolve(cells)
	if err != nil {
		return nil, err
	}
	s, _, err := o.read(cells)
	if err != nil {
		return nil, err
	}
	return s.outcomes, nil
}

// Make makes cell n, or goes on with it, while other processes, also on other machines, make
// other cells of the study. Its error is of the kind [filelock.ErrHeld] while another process
// makes the same, else as those of [Run].
func Make(ctx context.Context, cells []Cell, n int, o Options) (Outcome, error) {
	cells, err := resolve(cells)
	if err != nil {
		return Outcome{}, err
	}
	path := filepath.Join(o.Dir, locksFolder, filepath.FromSlash(cells[n].Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return Outcome{}, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	unlock, err := filelock.Try(path)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", cells[n].Name, err)
	}
	defer unlock()
	s, open, err := o.read(cells)
	if err != nil {
		return Outcome{}, err
	}
	if !slices.Contains(open, n) {
		return s.outcomes[n], nil
	}
	if err := s.outcomes[n].mayBegin(); err != nil {
		return Outcome{}, err
	}
	s.began, s.found = time.Now(), s.done
	err = s.makeCell(ctx, &s.outcomes[n])
	return s.outcomes[n], err
}

// read takes what the folder holds of cells, and says which are open.
func (o Options) read(cells []Cell) (s *study, open []int, err error) {
	s = &study{Options: o, outcomes: make([]Outcome, len(cells)), digests: map[source]string{}, models: map[model]string{}}
	for i, cell := range cells {
		s.outcomes[i] = Outcome{Cell: cell, Dir: filepath.Join(o.Dir, filepath.FromSlash(cell.Name))}
		done, err := s.outcomes[i].read(o.AnyDevice)
		if err != nil {
			return nil, nil, err
		}
		if !done {
			open = append(open, i)
			continue
		}
		if err := s.noteDigest(&s.outcomes[i]); err != nil {
			return nil, nil, err
		}
		s.done++
	}
	return s, open, nil
}

// resolve decides what the configurations leave open, so that what a folder holds
// can be compared with them.
func resolve(cells []Cell) ([]Cell, error) {
	resolved := make([]Cell, len(cells))
	names := make(map[string]bool)
	for i, cell := range cells {
		if !filepath.IsLocal(filepath.FromSlash(cell.Name)) || names[cell.Name] {
			panic(fmt.Sprintf("study: the name %q of a cell leaves the folder or is there twice", cell.Name))
		}
		names[cell.Name] = true
		c, err := cell.Config.Resolve()
		if err != nil {
			return nil, err
		}
		resolved[i] = Cell{cell.Name, c}
	}
	return resolved, nil
}

// study is a study under way.
type study struct {
	Options
	outcomes []Outcome

	mutex   sync.Mutex        // of what follows and of Observe
	digests map[source]string // of the samples of finished runs
	models  map[model]string  // of their graphs
	done    int
	found   int // of them when this sitting began
	began   time.Time
}

// make makes the cells of the given numbers, Jobs at a time.
func (s *study) make(ctx context.Context, open []int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan int, len(open))
	for _, i := range open {
		queue <- i
	}
	close(queue)
	var workers sync.WaitGroup
	errs := make([]error, max(1, s.Jobs))
	for worker := range errs {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range queue {
				if ctx.Err() != nil {
					return
				}
				if err := s.makeCell(ctx, &s.outcomes[i]); err != nil {
					errs[worker] = err
					stop(err)
					return
				}
			}
		}()
	}
	workers.Wait()
	if ctx.Err() == nil {
		return nil
	}
	return s.failure(errs)
}

// failure chooses among the errors of a study that was stopped: the others were only
// interrupted by the one whose error says why.
func (s *study) failure(errs []error) error {
	for _, err := range errs {
		if err != nil && !errors.Is(err, backend.ErrInterrupted) && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%w; what was finished is kept in %s: the same command goes on with it", err, s.Dir)
		}
	}
	return fmt.Errorf("%w with %d of %d runs finished: the same command goes on in %s", backend.ErrInterrupted, s.done, len(s.outcomes), s.Dir)
}

// makeCell makes or goes on with one run.
func (s *study) makeCell(ctx context.Context, o *Outcome) error {
	options := trainer.Options{
		Dir: o.Dir, Command: s.Command, Version: s.Version, SharedPrefixes: s.SharedPrefixes, Digest: s.digest(o), Device: s.Device,
		Observe: func(e trainer.Event) { s.announce(Event{Cell: o.Cell.Name, Run: e}) },
	}
	config := o.Cell.Config
	config.Device = cmp.Or(s.Device, config.Device)
	run := func() (*record.Result, error) { return trainer.Run(ctx, config, options) }
	if _, err := os.Stat(filepath.Join(o.Dir, record.CheckpointFile)); err == nil {
		run = func() (*record.Result, error) { return trainer.Resume(ctx, options) }
	} else if err := os.RemoveAll(o.Dir); err != nil { // of a run that was killed before it had a checkpoint
		return atomicfile.Advised(err)
	}
	var err error
	o.Result, err = run()
	if diverged := new(session.DivergedError); errors.As(err, &diverged) {
		o.Diverged = diverged.Error()
		err = atomicfile.Write(filepath.Join(o.Dir, DivergedFile), func(w io.Writer) error {
			_, err := io.WriteString(w, o.Diverged)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.Cell.Name, err)
	}
	if err := s.noteDigest(o); err != nil {
		return err
	}
	s.mutex.Lock()
	s.done++
	s.mutex.Unlock()
	s.announce(Event{Cell: o.Cell.Name, Ended: true})
	return nil
}

// source is where a run has its samples from. Runs of one source have the same samples,
// however they divide them.
type source struct {
	data, dir, label, test string
	task                   dataset.Task
}

// model is where a run has its graph from.
type model struct {
	source
	words, players string
	activation     network.Activation
}

func (o *Outcome) source() source {
	c := o.Cell.Config
	return source{c.Data, c.DataDir, c.Label, c.Test, c.Task}
}

// digest returns that of the samples of a run, if another run of the same source is
// finished.
func (s *study) digest(o *Outcome) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.digests[o.source()]
}

// noteDigest takes the digests of the samples and of the graph of a finished run. It is an
// error of the kind [backend.ErrUsage] if another run of the same source had others.
func (s *study) noteDigest(o *Outcome) error {
	if o.Result == nil || o.Result.Data.Digest == "" { // it diverged, or is of an earlier program
		return nil
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	is, was := o.Result.Data.Digest, s.digests[o.source()]
	if was != "" && was != is {
		return backend.Usagef("--out: %s was trained on other samples of %s than the runs beside it (digest %.12s, theirs %.12s); use the same files and remove that folder",
			o.Dir, o.Result.Data.Name, is, was)
	}
	s.digests[o.source()] = is
	c := o.Cell.Config
	key := model{o.source(), c.Model, c.Players, c.Activation}
	graph, other := o.Result.Model.Digest, s.models[key]
	if graph != "" && other != "" && graph != other {
		return backend.Usagef("--out: %s trained another graph of --model %s than the runs beside it (digest %.12s, theirs %.12s); use one file and remove that folder",
			o.Dir, c.Model, graph, other)
	}
	s.models[key] = graph
	return nil
}

// announce completes a report of progress and sends it to Observe.
func (s *study) announce(e Event) {
	if s.Observe == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	e.Done, e.Cells, e.Remaining = s.done, len(s.outcomes), -1
	if made := s.done - s.found; made > 0 {
		each := time.Since(s.began) / time.Duration(made)
		e.Remaining = (each * time.Duration(e.Cells-e.Done)).Round(time.Second)
	}
	s.Observe(e)
}

// read takes what the folder of a cell holds and reports whether that is all there
// will be. Another cell's folder is an error; the device may be another where any will do.
func (o *Outcome) read(anyDevice bool) (done bool, err error) {
	held, err := os.ReadFile(filepath.Join(o.Dir, record.ConfigFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	config, err := settings.Read(held)
	if err == nil { // a setting that a later program brought may be open
		config, err = config.Resolve()
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", filepath.Join(o.Dir, record.ConfigFile), err)
	}
	if anyDevice {
		config.Device = o.Cell.Config.Device
	}
	if config != o.Cell.Config {
		return false, backend.Usagef("--out: %s holds a run with other settings: name another folder, or remove that one", o.Dir)
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, record.ResultFile))
	if err == nil {
		if o.Result, err = record.ReadResult(text); err != nil {
			return false, fmt.Errorf("%s: %w: remove its folder, and the run is made again", filepath.Join(o.Dir, record.ResultFile), backend.PlainJSON(err))
		}
		return true, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	diverged, err := os.ReadFile(filepath.Join(o.Dir, DivergedFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	o.Diverged = string(diverged)
	return err == nil, err
}

// mayBegin refuses a folder without a configuration that holds more than the lock and
// the metrics, which a run makes first: it is not ours to remove.
func (o *Outcome) mayBegin() error {
	entries, err := os.ReadDir(o.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == record.ConfigFile }) {
		return nil
	}
	for _, entry := range entries {
		if name := entry.Name(); name != record.MetricsFile && !strings.HasPrefix(name, trainer.LockFile) && !strings.HasPrefix(name, ".nashprune-") {
			return backend.Usagef("--out: %s holds %s, which is not of this study: name another folder", o.Dir, name)
		}
	}
	return nil
}
