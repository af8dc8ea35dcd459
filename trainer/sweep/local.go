package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"nashprune/trainer/backend"
	"nashprune/trainer/filelock"
)

// grace is how long a process that is asked to stop may take for its checkpoint.
const grace = 2 * time.Minute

// Local makes cells on this machine.
type Local struct {
	Program []string // that makes cell N as PROGRAM sweep cell DIR N; none: this process makes them
	Maker            // of this process
	Jobs    int      // cells at a time; 0: one
	Devices []string // that jobs take in turn; none: those of the settings
	Ended   func(Event)
	// Alike says that cells fail alike: where the first fail, as many as jobs, the others are not begun.
	Alike bool
}

// Event says that a cell has ended. Of all cells that were asked for so many are done.
type Event struct {
	Row
	Done, All int
	Remaining time.Duration // estimated from the cells of this process
}

// ExitError is that of a process that made a cell.
type ExitError struct {
	Code   int // below 0: it was killed
	Reason string
}

func (e *ExitError) Error() string { return e.Reason }

// Make is an [Engine]. A cell that fails, and a process that is killed, cost that cell alone.
// The error says how many failed, or is of the kind [backend.ErrInterrupted]. Where all
// that were made failed it is of the kind of the first failure, too.
func (l Local) Make(ctx context.Context, s *Sweep, numbers []int) error {
	rows, err := s.Rows(numbers...)
	if err != nil {
		return err
	}
	queue := make(chan int, len(rows))
	queued := map[int]bool{}       // numbers may repeat
	devices := map[string]string{} // by the words of settings: to find one takes a process tenths of a second
	for _, row := range rows {
		if row.State.Done() || queued[row.Run] {
			continue
		}
		queued[row.Run] = true
		queue <- row.Run
		if _, known := devices[row.Config.Device]; !known && l.Program != nil {
			devices[row.Config.Device] = ""
			if choice, err := backend.ChooseDevice(row.Config.Device); err == nil { // else the run says why
				devices[row.Config.Device] = choice.ID()
			}
		}
	}
	open, before := len(queue), len(rows)-len(queue)
	if close(queue); open == 0 {
		return nil
	}
	unlock, err := filelock.Try(filepath.Join(s.Dir, lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return backend.Usagef("--out %s: %v: wait for its end, or name another folder", s.Dir, err)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer unlock()
	var (
		mutex        sync.Mutex
		workers      sync.WaitGroup
		made, failed int
		first        error
		began        = time.Now()
	)
	jobs := max(l.Jobs, 1)
	for worker := range jobs {
		maker := l.Maker
		if len(l.Devices) > 0 {
			maker.Device = l.Devices[worker%len(l.Devices)]
		}
		workers.Go(func() {
			for n := range queue {
				mutex.Lock()
				stop := ctx.Err() != nil || l.Alike && failed == made && failed >= jobs
				mutex.Unlock()
				if stop {
					return
				}
				m := maker
				if begun := (&Row{Cell: s.Cells[n], Dir: s.folder(n)}).configPath(); m.Device == "" && !exists(begun) { // else it goes on where it began
					m.Device = devices[s.Cells[n].Config.Device]
				}
				err := l.cell(ctx, s, n, m)
				mutex.Lock()
				row, unread := s.row(n)
				if unread != nil {
					row.State, row.Reason, err = Failed, unread.Error(), unread
				}
				if row.State.Done() || ctx.Err() == nil {
					made++
				}
				if !row.State.Done() && ctx.Err() == nil {
					if failed++; first == nil {
						first = fmt.Errorf("%s: %w", row.Name, err)
					}
				}
				if l.Ended != nil {
					each := time.Since(began) / time.Duration(max(made, 1))
					l.Ended(Event{row, before + made - failed, len(rows), (each * time.Duration(open-made)).Round(time.Second)})
				}
				mutex.Unlock()
			}
		})
	}
	workers.Wait()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w with %d of %d runs finished: the same command goes on in %s", backend.ErrInterrupted, before+made-failed, len(rows), s.Dir)
	case failed == 0:
		return nil
	case failed < made:
		first = errors.New(first.Error()) // of no kind
	}
	return fmt.Errorf("%d of %d runs failed, the first: %w; the same command tries them again; see also %s", failed, len(rows), first, filepath.Join(s.Dir, logsFolder))
}

// cell makes a cell, in a process of its own if there is a program, and notes a failure that this
// could not note.
func (l Local) cell(ctx context.Context, s *Sweep, n int, m Maker) error {
	if l.Program == nil {
		return s.Make(ctx, n, m)
	}
	path := filepath.Join(s.Dir, logsFolder, strconv.Itoa(n)+".log")
	if err := errors.Join(s.forget(n), os.MkdirAll(filepath.Dir(path), 0o755)); err != nil {
		return err
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	words := append(slices.Clip(l.Program[1:]), "sweep", "cell", s.Dir, strconv.Itoa(n))
	if m.Device != "" {
		words = append(words, "--device", m.Device)
	}
	cmd := exec.CommandContext(ctx, l.Program[0], words...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // as on Windows
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = grace
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == backend.ExitInterrupted || ctx.Err() != nil {
		return err
	}
	if err == nil {
		if row, unread := s.row(n); unread != nil || row.State.Done() {
			return unread
		}
		err = fmt.Errorf("its process ended with exit code 0 and without a result, see %s", path)
		return errors.Join(err, s.note(n, backend.ExitFailed, err.Error()))
	}
	if exit == nil { // it did not start
		err = fmt.Errorf("%s: %w", l.Program[0], err)
		return errors.Join(err, s.note(n, backend.ExitFailed, err.Error()))
	}
	ended := &ExitError{exit.ExitCode(), fmt.Sprintf("its process ended with %v, see %s", exit, path)}
	if noted, err := s.failure(n); err != nil || noted.Reason != "" {
		ended.Reason = noted.Reason
		return cmp.Or(err, error(ended))
	}
	return errors.Join(ended, s.note(n, ended.Code, ended.Reason))
}
