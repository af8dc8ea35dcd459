// Package sweep makes many runs as one piece of work: cells, each a run with a folder and a
// process of its own, on this machine, as an array of jobs of Slurm, or as an indexed job of
// Kubernetes.
//
// A sweep is a folder. Its cells.json has the settings of every cell; so any engine that can
// count makes them, with the number of a cell. What decides on cells by the results of others,
// as package compare does, adds them in stages. Where only a sweep.toml lies in the folder,
// which [settings.ParseGrid] reads, that says what the cells are.
//
// A process locks the cell that it makes. A cell that fails leaves its reason and does not
// stop the others; the next attempt goes on from its checkpoint, where there is one.
package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"nashprune/trainer"
	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/filelock"
	"nashprune/trainer/record"
	"nashprune/trainer/settings"
)

// The files of a sweep, beside the folders of its runs.
const (
	CellsFile       = "cells.json"
	DescriptionFile = "sweep.toml"

	failuresFolder = ".failures" // of cells: why the last attempt failed
	logsFolder     = ".logs"     // what processes printed
	locksFolder    = ".locks"    // of cells that are made
	lockFile       = "sweep.lock"
	cellsLockFile  = "cells.lock"
)

// maxFile bounds a description, in bytes.
const maxFile = 1 << 20

// Cell is one run of a sweep.
type Cell struct {
	// Name is the cell's folder below that of the sweep, with slashes between folders. No name
	// is a folder of another's.
	Name   string          `json:"name"`
	Config settings.Config `json:"settings"`
	Varied []string        `json:"varied,omitempty"` // the settings that tables have columns for
}

// Setting returns the value of a setting that varies as the command line has it, empty where the
// cell has none.
func (c Cell) Setting(name string) string {
	if !slices.Contains(c.Varied, name) {
		return ""
	}
	return fmt.Sprint(c.value(name))
}

func (c Cell) value(name string) any {
	return reflect.ValueOf(settings.Find(name).Field(&c.Config)).Elem().Interface()
}

// Sweep is a folder of cells.
type Sweep struct {
	Dir   string
	Cells []Cell
	// Fitted are the settings that cells have by the size of their data, as flags, without repeats.
	Fitted []string
}

// Open reads the sweep in a folder.
func Open(dir string) (*Sweep, error) {
	s, err := read(dir)
	if err == nil && s.Cells == nil {
		return Plan(dir, filepath.Join(dir, DescriptionFile))
	}
	return s, err
}

// read reads the cells of a folder, none where there are none yet.
func read(dir string) (*Sweep, error) {
	s := &Sweep{Dir: dir}
	return s, readJSON(filepath.Join(dir, CellsFile), &s.Cells)
}

// readJSON reads a file; one that is not there leaves the value.
func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = backend.PlainJSON(json.Unmarshal(text, value))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON writes a file, and the folders above it.
func writeJSON(path string, value any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	return atomicfile.Write(path, func(w io.Writer) error { return record.WriteJSON(w, value) })
}

// Create makes the sweep that a file describes, or goes on with it. The error is of the kind
// [backend.ErrUsage] where the file describes no sweep or the folder holds another.
func Create(dir, path string) (*Sweep, error) {
	s, err := Plan(dir, path)
	if err != nil {
		return nil, err
	}
	return s, update(context.Background(), dir, func(held *Sweep) error {
		if held.Cells != nil && !reflect.DeepEqual(held.Cells, s.Cells) {
			return backend.Usagef("--out %s holds another sweep (%s has other runs than %s); name another folder", dir, filepath.Join(dir, CellsFile), path)
		}
		_, err := held.add(s.Cells)
		return err
	})
}

// update calls change with the sweep in a folder, while no other process does.
func update(ctx context.Context, dir string, change func(*Sweep) error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", atomicfile.Advised(err))
	}
	unlock, err := filelock.Wait(ctx, filepath.Join(dir, cellsLockFile), func() {})
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer unlock()
	s, err := read(dir)
	if err != nil {
		return err
	}
	return change(s)
}

// Plan reads a sweep that is to be in a folder, and makes nothing.
func Plan(dir, path string) (*Sweep, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, backend.Usagef("%v; name a file with a sweep, or the folder of one", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, backend.Usagef("%s has more than %d bytes", path, maxFile)
	}
	runs, err := settings.ParseGrid(text)
	if err != nil {
		return nil, backend.Usagef("%s: %v", path, err)
	}
	s, data, names := &Sweep{Dir: dir}, trainer.Fitter{}, map[string]bool{}
	for i, run := range runs {
		config, fitted := data.Fit(run.Config, run.Named)
		if fitted != "" && !slices.Contains(s.Fitted, fitted) {
			s.Fitted = append(s.Fitted, fitted)
		}
		combination := settings.CombinationName(run.Varied)
		c, err := config.Resolve()
		if err != nil {
			return nil, fmt.Errorf("%s: run %d, %s: %w", path, i, combination, err)
		}
		if c.NeedsLatency() && c.LatencyModel == "" {
			return nil, backend.Usagef("%s: run %d pays for latency, and each run would measure its own; measure once with train, and name its result.json as latency-model", path, i)
		}
		cell := Cell{Name: folderName(combination), Config: config}
		for n := 2; names[cell.Name]; n++ {
			cell.Name = fmt.Sprintf("%s-%d", folderName(combination), n)
		}
		for _, v := range run.Varied {
			cell.Varied = append(cell.Varied, v.Name)
		}
		names[cell.Name] = true
		s.Cells = append(s.Cells, cell)
	}
	return s, nil
}

// folderName names the folder of a run by what differs from other runs, in letters that every
// file system takes.
func folderName(combination string) string {
	const longest = 120
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("=,.-+", r):
			return r
		}
		return '_'
	}, combination)
	return cmp.Or(strings.TrimLeft(name[:min(len(name), longest)], ".-"), "run")
}

// add adds cells to those that the folder has, and returns the numbers of all of them.
func (s *Sweep) add(cells []Cell) (numbers []int, err error) {
	known, held := map[string]int{}, len(s.Cells)
	for n, c := range s.Cells {
		known[c.Name] = n
	}
	for _, c := range cells {
		if _, err := c.Config.Resolve(); err != nil {
			return nil, err
		}
		n, found := known[c.Name]
		switch {
		case !found:
			n = len(s.Cells)
			known[c.Name], s.Cells = n, append(s.Cells, c)
		case !sameSettings(s.Cells[n].Config, c.Config):
			return nil, s.otherSettings(n)
		}
		numbers = append(numbers, n)
	}
	if len(s.Cells) > held {
		err = writeJSON(filepath.Join(s.Dir, CellsFile), s.Cells)
	}
	return numbers, err
}

// sameSettings reports whether two configurations are the same; a file may have several names.
func sameSettings(a, b settings.Config) bool {
	for _, different := range settings.Different(a, b) {
		x, isText := different.Field(&a).(*string)
		if !isText || !sameFile(*x, *different.Field(&b).(*string)) {
			return false
		}
	}
	return true
}

// sameFile reports whether two paths name one file that exists.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func (s *Sweep) otherSettings(n int) error {
	return backend.Usagef("--out: %s holds a run with other settings: name another folder, or remove that one", s.folder(n))
}

func (s *Sweep) folder(n int) string {
	return filepath.Join(s.Dir, filepath.FromSlash(s.Cells[n].Name))
}

// An Engine makes the cells of the given numbers, without any all, as far as they are not done.
type Engine func(ctx context.Context, s *Sweep, numbers []int) error

// Complete makes cells of the sweep in a folder and returns their rows in order. The other cells of
// the folder stay as they are. An error is that of the engine, or of the kind [backend.ErrUsage]
// where the folder holds a cell with other settings.
func Complete(ctx context.Context, dir string, cells []Cell, make Engine) ([]Row, error) {
	if dir == "" {
		return nil, backend.Usagef("name a folder for the runs with --out")
	}
	if len(cells) == 0 {
		return nil, nil
	}
	var s *Sweep
	var numbers []int
	if err := update(ctx, dir, func(held *Sweep) (err error) {
		s = held
		numbers, err = s.add(cells)
		return err
	}); err != nil {
		return nil, err
	}
	if err := make(ctx, s, numbers); err != nil {
		return nil, err
	}
	return s.Rows(numbers...)
}
