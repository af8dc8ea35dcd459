package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"nashprune/trainer/backend"
)

// grace is how long a process that is asked to stop may take for its checkpoint.
const grace = 2 * time.Minute

// exitInterrupted is the exit code of a run that has a checkpoint.
const exitInterrupted = 130

// Local says how this machine makes the runs of a sweep.
type Local struct {
	Program []string // that makes run N as PROGRAM sweep cell DIR N
	Jobs    int      // runs at a time
	Devices []string // that jobs take in turn; none: those of the settings
	// Observe is called when a run ends, by one goroutine at a time.
	Observe func(done, all int, row Row, remaining time.Duration)
}

// Run makes the runs that are not done. A run that fails, and a process that is killed, cost
// that run alone. Its error says how many failed, or is of the kind [backend.ErrInterrupted].
func (s *Sweep) Run(ctx context.Context, l Local) error {
	rows, err := s.Rows()
	if err != nil {
		return err
	}
	queue := make(chan int, len(rows))
	for _, row := range rows {
		if !row.State.Done() {
			queue <- row.Run
		}
	}
	open := len(queue)
	close(queue)
	var (
		mutex   sync.Mutex
		workers sync.WaitGroup
		done    = len(rows) - open
		made    int
		failed  int
		began   = time.Now()
		first   error
	)
	for worker := range max(l.Jobs, 1) {
		device := ""
		if len(l.Devices) > 0 {
			device = l.Devices[worker%len(l.Devices)]
		}
		workers.Go(func() {
			for n := range queue {
				if ctx.Err() != nil {
					return
				}
				err := s.process(ctx, l.Program, n, device)
				mutex.Lock()
				if err != nil && first == nil {
					first = err
				}
				row := s.row(n)
				if made++; row.State.Done() {
					done++
				} else if ctx.Err() == nil {
					failed++
				}
				if l.Observe != nil {
					l.Observe(done, len(rows), row, (time.Since(began) / time.Duration(made) * time.Duration(open-made)).Round(time.Second))
				}
				mutex.Unlock()
			}
		})
	}
	workers.Wait()
	switch {
	case first != nil:
		return first
	case ctx.Err() != nil:
		return fmt.Errorf("%w with %d of %d runs finished: the same command goes on in %s", backend.ErrInterrupted, done, len(rows), s.Dir)
	case failed > 0:
		return fmt.Errorf("%d of %d runs failed; the same command tries them again, and %s has what they printed", failed, len(rows), filepath.Join(s.Dir, logsFolder))
	}
	return nil
}

// row returns what is known of a cell. What cannot be read has failed.
func (s *Sweep) row(n int) Row {
	one := &Sweep{Dir: s.Dir, Runs: s.Runs[n : n+1], Cells: s.Cells[n : n+1]}
	rows, err := one.Rows()
	if err != nil {
		return Row{Run: n, Name: s.Cells[n].Name, Varied: s.Runs[n].Varied, State: Failed, Reason: err.Error()}
	}
	rows[0].Run = n
	return rows[0]
}

// process makes a run in a process of its own, and notes a failure that this could not note.
func (s *Sweep) process(ctx context.Context, program []string, n int, device string) error {
	if err := s.forget(n); err != nil { // the failure of the attempt before
		return err
	}
	path := filepath.Join(s.Dir, logsFolder, strconv.Itoa(n)+".log")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	words := append(program[1:len(program):len(program)], "sweep", "cell", s.Dir, strconv.Itoa(n))
	if device != "" {
		words = append(words, "--device", device)
	}
	cmd := exec.CommandContext(ctx, program[0], words...)
	last := &tail{file: log}
	cmd.Stdout, cmd.Stderr = log, last
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // as on Windows
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = grace
	err = cmd.Run()
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) && exit.ExitCode() == exitInterrupted || ctx.Err() != nil {
		return nil
	}
	if exit == nil { // it did not start
		return fmt.Errorf("%s: %w", program[0], err)
	}
	if noted, err := s.failure(n); err != nil || noted != nil {
		return err
	}
	reason := last.line()
	if exit.ExitCode() < 0 {
		reason = "its process ended with " + exit.String()
	}
	return s.note(n, Failure{Code: exit.ExitCode(), Reason: reason})
}

// tail writes to a file and keeps the end of it.
type tail struct {
	file *os.File
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const longest = 4096
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-longest):]
	return t.file.Write(p)
}

// line returns the last line.
func (t *tail) line() string {
	lines := bytes.Split(bytes.TrimSpace(t.text), []byte("\n"))
	return strings.TrimPrefix(string(lines[len(lines)-1]), "nashprune: ")
}
