package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"nashprune/trainer/record"
)

// interruptible are runs with all their stages, by name.
var interruptible = map[string][]string{
	"market": {"--keep", "8", "--baseline", "--validation", "0.1"},
	"paper":  {"--game", "paper", "--gamma", "0.01", "--participation-rate", "0.05", "--baseline"},
	"off":    {"--game", "off"},
}

// resultFiles are the files of a run that do not depend on when it ran.
var resultFiles = []string{record.ConfigFile, record.PrunedFile, record.DenseFile, record.PlayersFile}

// sameRun wants a run folder to hold what another one does, and no checkpoint.
func sameRun(t *testing.T, want, got string) {
	t.Helper()
	for _, name := range resultFiles {
		if _, err := os.Stat(filepath.Join(want, name)); err == nil {
			sameFile(t, filepath.Join(want, name), filepath.Join(got, name))
		}
	}
	if _, err := os.Stat(filepath.Join(got, record.ResultFile)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(got, record.CheckpointFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkpoint of a finished run: %v", err)
	}
	if a, b := lineCount(t, filepath.Join(want, record.MetricsFile)), lineCount(t, filepath.Join(got, record.MetricsFile)); a != b {
		t.Errorf("the metrics have %d lines, want %d", b, a)
	}
}

func lineCount(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(content, []byte("\n"))
}

// stopper is a stderr that cancels a context when it has seen a number of lines.
type stopper struct {
	bytes.Buffer
	lines int
	stop  context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.lines -= bytes.Count(p, []byte("\n")); s.lines <= 0 {
		s.stop()
	}
	return s.Buffer.Write(p)
}

// runUntil runs nashprune and stops it when it has printed a number of lines of progress.
func runUntil(t *testing.T, lines int, args ...string) (code int, stderr string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	messages := &stopper{lines: lines, stop: cancel}
	code = run(ctx, args, io.Discard, messages)
	return code, messages.String()
}

// TestInterruptAnywhere stops a run at each of its lines of progress, and each
// time again two lines after it was resumed.
func TestInterruptAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	for name, more := range interruptible {
		t.Run(name, func(t *testing.T) {
			atImages(t)
			args := func(out string) []string { return train(append(more, "--out", out)...) }
			_, _, told := execute(t, args("whole")...)
			for line := 1; line <= strings.Count(told, "\n"); line++ {
				code, stderr := runUntil(t, line, args("out")...)
				for sittings := 0; code == exitInterrupted; sittings++ {
					if !strings.Contains(stderr, "nashprune: interrupted") || !strings.Contains(stderr, "--resume out") {
						t.Errorf("line %d: stderr ends in %q", line, stderr)
					}
					if sittings == 50 { // there are fewer stretches in the run
						t.Fatalf("line %d: no end", line)
					}
					// The folder may have moved in the meantime, and be back.
					if err := errors.Join(os.Rename("out", "moved"), os.Rename("moved", "out")); err != nil {
						t.Fatal(err)
					}
					code, stderr = runUntil(t, 2+sittings, "train", "--resume", "out")
				}
				if code != exitDone {
					t.Fatalf("line %d: exit code %d: %s", line, code, stderr)
				}
				sameRun(t, "whole", "out")
				if err := os.RemoveAll("out"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// wholeAndStopped makes the same run twice: in the folder whole to its end, and in out
// until it is interrupted.
func wholeAndStopped(t *testing.T) {
	t.Helper()
	atImages(t)
	args := train("--keep", "8", "--baseline")
	succeed(t, append(args, "--out", "whole")...)
	if code, stderr := runUntil(t, 3, append(args, "--out", "out")...); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
}

// TestResumeMovedRun: a run goes on wherever its folder lies.
func TestResumeMovedRun(t *testing.T) {
	wholeAndStopped(t)
	if err := os.Rename("out", "else where"); err != nil {
		t.Fatal(err)
	}
	succeed(t, "train", "--resume", "else where")
	sameRun(t, "whole", "else where")
}

// meanwhile is a stderr that does something once, when a run trains.
type meanwhile struct {
	bytes.Buffer
	do func()
}

func (m *meanwhile) Write(p []byte) (int, error) {
	if do := m.do; do != nil && bytes.Contains(p, []byte(" epoch ")) {
		m.do = nil
		do()
	}
	return m.Buffer.Write(p)
}

// TestResumeTwice: while one process goes on with a run, no other one does, and the run
// ends as if there had been no attempt.
func TestResumeTwice(t *testing.T) {
	wholeAndStopped(t)
	tried := false
	messages := &meanwhile{do: func() {
		tried = true
		code, stdout, stderr := execute(t, "train", "--resume", "out")
		refused(t, exitUsage, "--resume out: another process is at work in it", code, stdout, stderr)
	}}
	if code := run(t.Context(), []string{"train", "--resume", "out"}, io.Discard, messages); code != exitDone || !tried {
		t.Fatalf("exit code %d: %s", code, messages.String())
	}
	sameRun(t, "whole", "out")
	if left, err := filepath.Glob("out/*.lock"); err != nil || left != nil {
		t.Errorf("%v is left behind (%v)", left, err)
	}
}

// TestDamagedCheckpoint: a checkpoint that is not as it was written is an error,
// and stays as it is.
func TestDamagedCheckpoint(t *testing.T) {
	atImages(t)
	if code, stderr := runUntil(t, 3, train("--keep", "8", "--out", "out")...); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	path := filepath.Join("out", record.CheckpointFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{
		"empty": {}, "half": whole[:len(whole)/2], "cut": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 0),
		"a setting": bytes.Replace(whole, []byte(`\"Epochs\":3`), []byte(`\"Epochs\":9`), 1),
		"no rounds": bytes.Replace(whole, []byte(`\"Rounds\":4`), []byte(`\"Rounds\":0`), 1),
	}
	for _, at := range []int{0, 9, len(whole) / 3, len(whole) / 2, len(whole) - 1} {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 4
		damaged["bit of byte "+string(rune('0'+at%10))] = flipped
	}
	for name, content := range damaged {
		t.Run(name, func(t *testing.T) {
			if bytes.Equal(content, whole) {
				t.Fatal("nothing is damaged")
			}
			writeFile(t, path, content)
			code, stdout, stderr := execute(t, "train", "--resume", "out")
			refused(t, exitFailed, path, code, stdout, stderr)
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
				t.Errorf("the checkpoint was changed (%v)", err)
			}
		})
	}
	writeFile(t, path, whole)
	const labels, images = "images/t10k-labels-idx1-ubyte", "images/t10k-images-idx3-ubyte"
	fewer := map[string][]byte{labels: append(idxHeader(0x801, 1), 0), images: append(idxHeader(0x803, 1, side, side), make([]byte, side*side)...)}
	for file, content := range fewer {
		writeFile(t, file, content)
	}
	code, stdout, stderr := execute(t, "train", "--resume", "out")
	refused(t, exitFailed, "the data is not what the run began with", code, stdout, stderr)
	writeImages(t, "images")
	metrics := filepath.Join("out", record.MetricsFile)
	writeFile(t, metrics, nil)
	code, stdout, stderr = execute(t, "train", "--resume", "out")
	refused(t, exitFailed, metrics, code, stdout, stderr)
}

// TestSignals stops a process of its own by signals at several lines, and wants
// a run that goes on to end in the same bytes.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	atImages(t)
	args := func(out string) []string {
		return train("--keep", "8", "--baseline", "--epochs", "40", "--batch", "2", "--out", out)
	}
	succeed(t, args("whole")...)
	for name, c := range map[string]struct {
		signals []os.Signal
		line    string // with which a signal waits
		codes   []int  // that may come of it; -1 for a process that was killed
		// Where the signal comes late, on a busy machine, the run is done.
	}{
		"interrupt while reading":    {[]os.Signal{syscall.SIGINT}, "reading", []int{exitInterrupted}},
		"terminate in the game":      {[]os.Signal{syscall.SIGTERM}, "game  epoch 7/", []int{exitInterrupted}},
		"hang up in the baseline":    {[]os.Signal{syscall.SIGHUP}, "dense epoch 3/", []int{exitInterrupted}},
		"interrupt while evaluating": {[]os.Signal{syscall.SIGINT}, "evaluating the pruned", []int{exitInterrupted}},
		"interrupt twice":            {[]os.Signal{syscall.SIGINT, syscall.SIGINT}, "game  epoch 9/", []int{exitInterrupted}},
		"kill while reading":         {[]os.Signal{syscall.SIGKILL}, "reading", []int{-1}},
		"kill in the game":           {[]os.Signal{syscall.SIGKILL}, "game  epoch 20/", []int{-1}},
		"kill while evaluating":      {[]os.Signal{syscall.SIGKILL}, "evaluating the pruned", []int{-1}},
		"kill in the baseline":       {[]os.Signal{syscall.SIGKILL}, "dense epoch 5/", []int{-1}},
		"interrupt after the last":   {[]os.Signal{syscall.SIGINT}, "measuring", []int{exitInterrupted}},
	} {
		t.Run(name, func(t *testing.T) {
			code, stderr := signalled(t, process(args("out")...), c.line, c.signals)
			if code != exitDone && !slices.Contains(c.codes, code) || strings.Contains(stderr, "goroutine ") {
				t.Errorf("exit code %d, want one of %v: %s", code, c.codes, stderr)
			}
			_, err := os.Stat(filepath.Join("out", record.CheckpointFile))
			switch {
			case err == nil:
				writeFile(t, filepath.Join("out", ".nashprune-LITTER.tmp"), []byte("of a write that was killed"))
				succeed(t, "train", "--resume", "out")
				sameRun(t, "whole", "out")
				if _, err := os.Stat(filepath.Join("out", ".nashprune-LITTER.tmp")); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("what the write that was killed left is there: %v", err)
				}
			case code == exitInterrupted:
				t.Errorf("no checkpoint: %v", err)
			case code == -1:
				code, stdout, stderr := execute(t, "train", "--resume", "out")
				refused(t, exitUsage, "out", code, stdout, stderr)
			default:
				sameRun(t, "whole", "out")
			}
			if err := os.RemoveAll("out"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// signalled starts a process, sends it signals when its progress shows a line
// that begins with a word, and returns its exit code, -1 when it was killed.
func signalled(t *testing.T, cmd *exec.Cmd, line string, signals []os.Signal) (code int, stderr string) {
	t.Helper()
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		told.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), line) {
			for _, s := range signals {
				if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Error(err)
				}
			}
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), told.String()
}

// TestReaderLeaves: a closed stdout or stderr costs no run.
func TestReaderLeaves(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "whole")...)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := process(train("--keep", "8", "--out", "out")...)
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	sameRun(t, "whole", "out")
}

// TestFullDisk: files stop growing at 1 KiB; what is there is whole, and there is
// no other.
func TestFullDisk(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell to limit files with")
	}
	atImages(t)
	cmd := process()
	cmd.Path, cmd.Args = shell, append([]string{"sh", "-c", `ulimit -f 2 && exec "$0" "$@"`, os.Args[0]}, train("--keep", "8", "--out", "out")...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	refused(t, exitFailed, "too large", cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
	entries, err := os.ReadDir("out")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != record.ConfigFile && e.Name() != record.MetricsFile {
			t.Errorf("%s is there", e.Name())
		}
	}
}

// TestResumeOnAnotherDevice: --device beside --resume moves a run, which is said at once,
// in the table and in the result.
func TestResumeOnAnotherDevice(t *testing.T) {
	wholeAndStopped(t)
	code, stdout, stderr := execute(t, "train", "--resume", "out", "--device", "crooked")
	if code != exitDone || !strings.Contains(stderr, `device: crooked:0, Crooked\nGPU (until here `) || !strings.Contains(stderr, "the bits will differ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, " of the game training: ") {
		t.Errorf("the table says\n%s", stdout)
	}
	text, err := os.ReadFile(filepath.Join("out", record.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	result, err := record.ReadResult(text)
	if err != nil || len(result.Devices) != 2 || result.Devices[1].Name != "Crooked\nGPU" || result.Device.Name != "Crooked\nGPU" {
		t.Errorf("the result says %+v, %v", result.Devices, err)
	}
}

// TestResumeWithEditedSettings: it is refused, and the run goes on once they are as before.
func TestResumeWithEditedSettings(t *testing.T) {
	wholeAndStopped(t)
	path := filepath.Join("out", record.ConfigFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(whole, []byte("epochs = 3"), []byte("epochs = 9"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := execute(t, "train", "--resume", "out")
	refused(t, exitUsage, "epochs is 9 and was 3", code, stdout, stderr)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "train", "--resume", "out")
	sameRun(t, "whole", "out")
}
