// Package sweep makes the runs of a grid of settings, each in a process and a folder of its
// own: on this machine, as an array of jobs of Slurm, or as an indexed job of Kubernetes.
//
// A sweep is a folder. sweep.toml, which settings.ParseGrid reads, says what the runs are; so
// any engine that can count makes them, with the number of a run. Runs are cells of package study.
// A process locks the cell that it makes. A cell that fails leaves its reason and does not
// stop the others; the next attempt goes on from its checkpoint, where there is one.
package sweep

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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
	"nashprune/trainer/filelock"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
	"nashprune/trainer/study"
)

// File is the name of a sweep's description in its folder.
const File = "sweep.toml"

const (
	failuresFolder = ".failures" // of cells: why the last attempt failed
	logsFolder     = ".logs"     // what processes printed
	sizesFile      = ".samples.json"
)

// maxFile bounds a description, in bytes.
const maxFile = 1 << 20

// Sweep is a grid of runs in a folder.
type Sweep struct {
	Dir   string
	Runs  []settings.Combination
	Cells []study.Cell
	// Fitted are the settings that runs have by the size of their data, as flags, without repeats.
	Fitted []string
}

// Create makes the folder of the sweep that a file describes, or goes on in it. The error is
// of the kind [backend.ErrUsage] where the file describes no sweep or the folder holds another.
func Create(dir, path string) (*Sweep, error) {
	s, text, data, err := read(dir, path)
	if err != nil {
		return nil, err
	}
	held, err := os.ReadFile(filepath.Join(dir, File))
	switch {
	case err == nil && bytes.Equal(held, text):
		return s, writeSizes(dir, data)
	case err == nil:
		return nil, backend.Usagef("--out %s holds another sweep (%s differs from %s); name another folder", dir, filepath.Join(dir, File), path)
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("--out: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, logsFolder), 0o755); err != nil {
		return nil, fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	return s, errors.Join(writeSizes(dir, data), atomicfile.Write(filepath.Join(dir, File), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}))
}

// readSizes reads how many samples the data had when the sweep was created: runs keep the settings
// that follow from it, and the folder can be read where the data cannot.
func readSizes(dir string) (trainer.Fitter, error) {
	path, data := filepath.Join(dir, sizesFile), trainer.Fitter{}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return data, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

func writeSizes(dir string, data trainer.Fitter) error {
	if len(data) == 0 {
		return nil
	}
	return atomicfile.Write(filepath.Join(dir, sizesFile), func(w io.Writer) error { return record.WriteJSON(w, data) })
}

// Plan reads a sweep that is to be in a folder, and makes nothing.
func Plan(dir, path string) (*Sweep, error) {
	s, _, _, err := read(dir, path)
	return s, err
}

// Open reads the sweep in a folder.
func Open(dir string) (*Sweep, error) { return Plan(dir, filepath.Join(dir, File)) }

// read reads a file as the sweep in a folder, with how many samples its data has.
func read(dir, path string) (s *Sweep, text []byte, data trainer.Fitter, err error) {
	if text, err = readFile(path); err != nil {
		return nil, nil, nil, err
	}
	if data, err = readSizes(dir); err != nil {
		return nil, nil, nil, err
	}
	s, err = parse(dir, path, text, data)
	return s, text, data, err
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, backend.Usagef("%v; name a file with a sweep, or the folder of one", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = backend.Usagef("%s has more than %d bytes", path, maxFile)
	}
	return text, err
}

func parse(dir, path string, text []byte, data trainer.Fitter) (*Sweep, error) {
	runs, err := settings.ParseGrid(text)
	if err != nil {
		return nil, backend.Usagef("%s: %v", path, err)
	}
	s := &Sweep{Dir: dir, Runs: runs}
	names := map[string]bool{}
	for i, run := range runs {
		config, fitted := data.Fit(run.Config, run.Named)
		if fitted != "" && !slices.Contains(s.Fitted, fitted) {
			s.Fitted = append(s.Fitted, fitted)
		}
		c, err := config.Resolve()
		if err != nil {
			return nil, fmt.Errorf("%s: run %d, %s: %w", path, i, settings.CombinationName(run.Varied), err)
		}
		if c.NeedsLatency() && c.LatencyModel == "" {
			return nil, backend.Usagef("%s: run %d pays for latency, and each run would measure its own; measure once with train, and name its result.json as latency-model", path, i)
		}
		name := folderName(run.Varied)
		for n := 2; names[name]; n++ {
			name = fmt.Sprintf("%s-%d", folderName(run.Varied), n)
		}
		names[name] = true
		s.Cells = append(s.Cells, study.Cell{Name: name, Config: config})
	}
	return s, nil
}

// folderName names the folder of a run by what differs from other runs, in letters that every
// file system takes.
func folderName(varied []settings.Value) string {
	const longest = 120
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=,.-+", r):
			return r
		}
		return '_'
	}, settings.CombinationName(varied))
	return cmp.Or(strings.TrimLeft(name[:min(len(name), longest)], ".-"), "run")
}

// Failure is why the last attempt at a cell failed.
type Failure struct {
	Code   int       `json:"code"` // the exit code; below 0: the process was killed
	Reason string    `json:"reason"`
	Host   string    `json:"host"`
	Time   time.Time `json:"time"`
}

// Make makes cell n. Failures but interruptions are noted in the folder, with the exit code that
// the program gives them.
func (s *Sweep) Make(ctx context.Context, n int, o study.Options, exitCode func(error) int) error {
	if n < 0 || n >= len(s.Cells) {
		return backend.Usagef("there is no run %d; %s has the runs 0 to %d", n, s.Dir, len(s.Cells)-1)
	}
	o.Dir, o.AnyDevice = s.Dir, true
	_, err := study.Make(ctx, s.Cells, n, o)
	switch {
	case err == nil:
		return s.forget(n)
	case errors.Is(err, backend.ErrInterrupted), errors.Is(err, filelock.ErrHeld):
		return err
	}
	return errors.Join(err, s.note(n, Failure{Code: exitCode(err), Reason: strings.TrimPrefix(err.Error(), s.Cells[n].Name+": ")}))
}

func (s *Sweep) failurePath(n int) string {
	return filepath.Join(s.Dir, failuresFolder, s.Cells[n].Name+".json")
}

func (s *Sweep) note(n int, f Failure) error {
	f.Time = time.Now().UTC().Truncate(time.Second)
	f.Host, _ = os.Hostname()
	if err := os.MkdirAll(filepath.Join(s.Dir, failuresFolder), 0o755); err != nil {
		return atomicfile.Advised(err)
	}
	return atomicfile.Write(s.failurePath(n), func(w io.Writer) error { return record.WriteJSON(w, f) })
}

func (s *Sweep) forget(n int) error {
	if err := os.Remove(s.failurePath(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// failure returns that of a cell's last attempt; nil: it did not fail.
func (s *Sweep) failure(n int) (*Failure, error) {
	text, err := os.ReadFile(s.failurePath(n))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	f := new(Failure)
	if err == nil {
		err = json.Unmarshal(text, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.failurePath(n), err)
	}
	return f, nil
}

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

// Rows returns what is known of every cell, in their order.
func (s *Sweep) Rows() ([]Row, error) {
	outcomes, err := study.Read(s.Cells, study.Options{Dir: s.Dir, AnyDevice: true})
	if err != nil {
		return nil, err
	}
	var rows []Row
	for n, o := range outcomes {
		row := Row{Run: n, Name: o.Cell.Name, Varied: s.Runs[n].Varied, State: Waiting}
		failure, err := s.failure(n)
		switch {
		case err != nil:
			return nil, err
		case o.Result != nil:
			row.State = Finished
			row.take(o.Result)
		case o.Diverged != "":
			row.State, row.Reason = Diverged, o.Diverged
		case failure != nil:
			row.State, row.Reason = Failed, fmt.Sprintf("%s (exit code %d, on %s)", failure.Reason, failure.Code, failure.Host)
		default:
			if _, err := os.Stat(filepath.Join(o.Dir, record.ConfigFile)); err == nil {
				row.State = Interrupted
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
