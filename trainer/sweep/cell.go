package sweep

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

// State is how far a cell is.
type State string

// The states of cells.
const (
	Finished    State = "finished"
	Diverged    State = "diverged" // its training; which is a result
	Failed      State = "failed"
	Interrupted State = "interrupted" // or at work; it has begun
	Waiting     State = "waiting"
)

// Done reports whether nothing is left to do.
func (s State) Done() bool { return s == Finished || s == Diverged }

const (
	divergedFile = "diverged.txt" // in the folder of a cell: why its training diverged

	// SharedPrefixes is the folder of what the runs of a sweep share, see [trainer.Options]. They
	// do where the folder is there.
	SharedPrefixes = "shared-prefixes"
)

// failure is why the last attempt at a cell failed.
type failure struct {
	Code   int       `json:"code"` // the exit code; below 0: the process was killed
	Reason string    `json:"reason"`
	Host   string    `json:"host"`
	Time   time.Time `json:"time"`
}

// note writes why an attempt at a cell failed.
func (s *Sweep) note(n, code int, reason string) error {
	host, _ := os.Hostname()
	return writeJSON(s.failurePath(n), failure{code, reason, host, time.Now().UTC().Truncate(time.Second)})
}

// forget forgets the failure of the attempt before.
func (s *Sweep) forget(n int) error {
	if err := os.Remove(s.failurePath(n)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// failure returns that of the last attempt at a cell, without a reason where there was none.
func (s *Sweep) failure(n int) (f failure, err error) {
	err = readJSON(s.failurePath(n), &f)
	return f, err
}

func (s *Sweep) failurePath(n int) string {
	return filepath.Join(s.Dir, failuresFolder, filepath.FromSlash(s.Cells[n].Name)+".json")
}

// Rows returns what is known of cells, without numbers of all. It is an error of the kind
// [backend.ErrUsage] if their runs had other samples or graphs under one name.
func (s *Sweep) Rows(numbers ...int) ([]Row, error) {
	if numbers == nil {
		for n := range s.Cells {
			numbers = append(numbers, n)
		}
	}
	rows, digests := make([]Row, len(numbers)), map[any]string{}
	for i, n := range numbers {
		var err error
		if rows[i], err = s.row(n); err != nil {
			return nil, err
		}
		if rows[i].Result == nil {
			continue
		}
		data, model, c := rows[i].Result.Data, rows[i].Result.Model, rows[i].Config
		if c.Mixed() { // the weights are of a graph that the run itself came to
			model.Digest = ""
		}
		for _, is := range []struct {
			of               any
			digest, what, by string
		}{
			{sourceOf(c), data.Digest, "was trained on other samples of " + data.Name, "the same files"},
			{graph{sourceOf(c), cmp.Or(c.Model, c.Source), c.Players, c.Activation}, model.Digest, "trained another graph of " + model.Name, "one file"},
		} {
			was := digests[is.of]
			if was != "" && is.digest != "" && was != is.digest { // results of earlier programs have none
				return nil, backend.Usagef("--out: %s %s than the runs beside it (digest %.12s, theirs %.12s); use %s and remove that folder",
					s.folder(n), is.what, is.digest, was, is.by)
			}
			digests[is.of] = cmp.Or(is.digest, was)
		}
	}
	return rows, nil
}

// source is where a run has its samples from. Runs of one source have the same samples,
// however they divide them.
type source struct {
	data, dir, label, test string
	task                   dataset.Task
}

// graph is where a run has its graph from.
type graph struct {
	source
	model, players string // a model in words, or its file
	activation     network.Activation
}

// sourceOf returns where a run has its samples from; a trained network may name them.
func sourceOf(c settings.Config) source {
	return source{cmp.Or(c.Data, c.Source), c.DataDir, c.Label, c.Test, c.Task}
}

// digest returns that of the samples of a cell, if another of the same source is finished.
func (s *Sweep) digest(n int) (string, error) {
	for other, c := range s.Cells {
		if other == n || sourceOf(c.Config) != sourceOf(s.Cells[n].Config) {
			continue
		}
		if result, err := s.result(other); err != nil || result != nil && result.Data.Digest != "" {
			return result.Data.Digest, err
		}
	}
	return "", nil
}

// result reads that of a cell, nil where there is none.
func (s *Sweep) result(n int) (*record.Result, error) {
	path := filepath.Join(s.folder(n), record.ResultFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var result *record.Result
	if err == nil {
		result, err = record.ReadResult(text)
	}
	if err != nil {
		return new(record.Result), fmt.Errorf("%s: %w: remove its folder, and the run is made again", path, backend.PlainJSON(err))
	}
	return result, nil
}

// row reads what the folder of a cell holds. Another cell's folder is an error of the kind
// [backend.ErrUsage]; but the device may be another.
func (s *Sweep) row(n int) (Row, error) {
	r := Row{Run: n, Cell: s.Cells[n], State: Waiting, Dir: s.folder(n)}
	failed, err := s.failure(n)
	if err != nil {
		return r, err
	}
	path := r.configPath()
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		r.State = Interrupted
		held, err := settings.Read(text)
		if err == nil { // a setting that a later program brought may be open
			held, err = held.Resolve()
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", path, err)
		}
		asked, err := r.Config.Resolve()
		if err != nil {
			return r, err
		}
		if asked.LearningRate == 0 { // it follows from the network, which is not read here
			asked.LearningRate = held.LearningRate
		}
		if held.Device = asked.Device; !sameSettings(held, asked) {
			return r, s.otherSettings(n)
		}
		if r.Result, err = s.result(n); err != nil {
			return r, err
		}
		if why, err := os.ReadFile(filepath.Join(r.Dir, divergedFile)); err == nil {
			r.State, r.Reason = Diverged, string(why)
		}
	case !errors.Is(err, os.ErrNotExist):
		return r, err
	}
	if r.Result != nil {
		r.State = Finished
		r.take(r.Result)
	} else if !r.State.Done() && failed.Reason != "" {
		r.State, r.Reason = Failed, fmt.Sprintf("%s (exit code %d, on %s)", failed.Reason, failed.Code, failed.Host)
	}
	return r, nil
}

// Maker says how this process makes cells.
type Maker struct {
	Command string // as the user gave it, for the record of the run
	Version string // of the program
	Device  string // empty: that on which a cell has begun, else that of its settings
	Observe func(trainer.Event)
}

// Make makes cell n, or goes on with it, while other processes, also on other machines, make
// others. A training that diverges is no error. Failures but interruptions are noted in the
// folder. The errors are those of [trainer.Run], and of the kind [filelock.ErrHeld] while another
// process makes the same.
func (s *Sweep) Make(ctx context.Context, n int, m Maker) error {
	if n < 0 || n >= len(s.Cells) {
		return backend.Usagef("there is no run %d; %s has the runs 0 to %d", n, s.Dir, len(s.Cells)-1)
	}
	err := s.make(ctx, n, m)
	if err == nil || errors.Is(err, backend.ErrInterrupted) || errors.Is(err, filelock.ErrHeld) {
		return err
	}
	return errors.Join(err, s.note(n, backend.ExitCode(err), err.Error()))
}

func (s *Sweep) make(ctx context.Context, n int, m Maker) error {
	path := filepath.Join(s.Dir, locksFolder, filepath.FromSlash(s.Cells[n].Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	unlock, err := filelock.Try(path)
	if errors.Is(err, filelock.ErrHeld) {
		return fmt.Errorf("run %d, %s: %w: wait for its end", n, s.folder(n), err)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.forget(n); err != nil {
		return err
	}
	r, err := s.row(n)
	if err != nil || r.State.Done() {
		return err
	}
	if err := r.mayBegin(); err != nil {
		return err
	}
	o := trainer.Options{Dir: r.Dir, Command: m.Command, Version: m.Version, Device: m.Device, Observe: m.Observe}
	if o.Digest, err = s.digest(n); err != nil {
		return err
	}
	if shared := filepath.Join(s.Dir, SharedPrefixes); exists(shared) {
		o.SharedPrefixes = shared
	}
	if trainer.Resumable(r.Dir) {
		_, err = trainer.Resume(ctx, o)
	} else if err = os.RemoveAll(r.Dir); err == nil { // of a run that was killed before it had a checkpoint
		r.Config.Device = cmp.Or(m.Device, r.Config.Device)
		_, err = trainer.Run(ctx, r.Config, o)
	}
	if diverged := new(session.DivergedError); errors.As(err, &diverged) {
		return atomicfile.Write(filepath.Join(r.Dir, divergedFile), func(w io.Writer) error {
			_, err := io.WriteString(w, diverged.Error())
			return err
		})
	}
	return atomicfile.Advised(err)
}

// configPath returns the file with the settings of the run: where it has two parts, those of both.
func (r *Row) configPath() string {
	if r.Config.Mixed() {
		return filepath.Join(r.Dir, record.MixedFile)
	}
	return filepath.Join(r.Dir, record.ConfigFile)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mayBegin refuses the folder of a waiting cell that holds more than the lock and the metrics,
// which a run makes first: it is not ours to remove.
func (r *Row) mayBegin() error {
	entries, err := os.ReadDir(r.Dir)
	if r.State != Waiting || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	foreign := slices.IndexFunc(entries, func(e os.DirEntry) bool {
		name := e.Name()
		return name != record.MetricsFile && !strings.HasPrefix(name, trainer.LockFile) && !strings.HasPrefix(name, ".nashprune-")
	})
	if err == nil && foreign >= 0 {
		err = backend.Usagef("--out: %s holds %s, which is not of this sweep: name another folder", r.Dir, entries[foreign].Name())
	}
	return err
}
