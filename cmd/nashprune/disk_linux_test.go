package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/disktest"
	"nashprune/trainer/record"
	"nashprune/trainer/report"
)

// contents returns the files below a folder with what they hold.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// noneLost wants all files to be there that were, with what they held.
func noneLost(t *testing.T, folder string, before map[string]string) {
	t.Helper()
	now := contents(t, folder)
	for path, text := range before {
		if got, ok := now[path]; !ok || got != text {
			t.Errorf("%s held %d bytes and holds %d", path, len(text), len(got))
		}
	}
}

// noneHalf wants a run folder to hold no temporary file.
func noneHalf(t *testing.T, folder string) {
	t.Helper()
	for path := range contents(t, folder) {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("%s is left", path)
		}
	}
}

// finished runs a process and returns what it wrote and its exit code.
func finished(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), messages.String()
}

// limited runs nashprune as a process that writes no file larger than some bytes.
// The signal that comes with such a write, SIGXFSZ, must not end it.
func limited(t *testing.T, bytes uint64, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	disktest.Limited(t, bytes, func() { code, stdout, stderr = finished(t, process(args...)) })
	return code, stdout, stderr
}

// sizes returns the sizes of the files of a run folder, in order, each once.
func sizes(t *testing.T, folder string) []uint64 {
	t.Helper()
	var all []uint64
	for _, text := range contents(t, folder) {
		all = append(all, uint64(len(text)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestTrainWithinALimit: whichever file of a run is the first that is too large,
// the run ends with its name and with what to do, and a checkpoint that there is
// leads to the same run.
func TestTrainWithinALimit(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}
	if !disktest.Alone(t) {
		return
	}
	atImages(t)
	named := map[string]bool{}
	for game, flags := range map[string][]string{
		// Checkpoints of sgd are small: with some rounds the largest file is the certificate, and of
		// the smallest network the picture.
		"market": {"--keep", "8", "--baseline", "--optimiser", "sgd", "--rounds", "9"},
		"off":    {"--game", "off", "--optimiser", "sgd", "--model", "mlp:2"},
	} {
		trainWithinLimits(t, game, flags, named)
	}
	for _, file := range []string{record.ConfigFile, record.MetricsFile, record.CheckpointFile, record.CertificateFile, report.PictureFile} {
		if !named[file] {
			t.Errorf("no limit was too small for %s alone", file)
		}
	}
}

// trainWithinLimits trains with every limit that the files of the whole run
// suggest, and notes which of them were named as too large.
func trainWithinLimits(t *testing.T, game string, flags []string, named map[string]bool) {
	t.Helper()
	args := func(out string) []string { return train(append(slices.Clone(flags), "--out", out)...) }
	succeed(t, args(game)...)
	for _, size := range sizes(t, game) {
		// Times in the files make them larger or smaller by a little.
		code, stdout, stderr := limited(t, size*9/10, args("out")...)
		if code == exitDone {
			t.Fatalf("%d bytes are enough: %s", size*9/10, stderr)
		}
		if !strings.Contains(stdout, "results:") { // all but the picture was there
			refused(t, exitFailed, "file too large; no file may become as large here", code, stdout, stderr)
		}
		noneHalf(t, "out")
		for _, file := range []string{
			record.ConfigFile, record.MetricsFile, record.CheckpointFile, record.PlayersFile, record.PrunedFile,
			record.DenseFile, record.CertificateFile, record.ResultFile, report.PictureFile,
		} {
			named[file] = named[file] || strings.Contains(stderr, filepath.Join("out", file)+": ")
		}
		if strings.Contains(stderr, "--resume out") {
			if _, err := os.Stat(filepath.Join("out", record.CheckpointFile)); err != nil {
				t.Error(err)
			}
			succeed(t, "train", "--resume", "out")
			sameRun(t, game, "out")
		}
		if err := os.RemoveAll("out"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrainOnAFullDisk fills a small disk to within every few kilobytes.
func TestTrainOnAFullDisk(t *testing.T) {
	disk := disktest.Small(t, 1<<20)
	atImages(t)
	out := filepath.Join(disk, "out")
	args := func(out string) []string { return train("--keep", "8", "--baseline", "--out", out) }
	succeed(t, args("whole")...)
	failed, resumed := 0, 0
	for left := 0; ; left += 8 << 10 {
		disktest.Fill(t, disk, left)
		code, stdout, stderr := execute(t, args(out)...)
		if code == exitDone {
			break
		}
		failed++
		if !strings.Contains(stdout, "results:") {
			refused(t, exitFailed, "no space left on device; the disk is full: free some space", code, stdout, stderr)
		}
		noneHalf(t, disk)
		disktest.Empty(t, disk)
		if strings.Contains(stderr, "--resume "+out) {
			resumed++
			succeed(t, "train", "--resume", out)
			sameRun(t, "whole", out)
		}
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
	}
	if failed < 3 || resumed == 0 {
		t.Errorf("%d runs failed, %d of them went on", failed, resumed)
	}
}

// interruptedRun leaves a run with a checkpoint at "out", and the same run
// whole at "whole".
func interruptedRun(t *testing.T) {
	t.Helper()
	args := func(out string) []string { return train("--keep", "8", "--baseline", "--out", out) }
	succeed(t, args("whole")...)
	if code, stderr := runUntil(t, 4, args("out")...); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
}

// TestResumeKeepsItsCheckpoint: where a disk fills while a checkpoint takes the
// place of another, the old one stays, and leads to the same bits.
func TestResumeKeepsItsCheckpoint(t *testing.T) {
	if !disktest.Alone(t) {
		return
	}
	atImages(t)
	interruptedRun(t)
	path := filepath.Join("out", record.CheckpointFile)
	before := contents(t, "out")
	size := uint64(len(before[path]))
	for _, bytes := range []uint64{size * 9 / 10, size / 2} { // times make the next one larger or smaller by a little
		code, stdout, stderr := limited(t, bytes, "train", "--resume", "out")
		refused(t, exitFailed, path+": ", code, stdout, stderr)
		refused(t, exitFailed, "--resume out", code, stdout, stderr)
		noneHalf(t, "out")
		noneLost(t, path, map[string]string{path: before[path]})
	}
	succeed(t, "train", "--resume", "out")
	sameRun(t, "whole", "out")
}

// TestResumeOnAFullDisk is the same on a disk that fills.
func TestResumeOnAFullDisk(t *testing.T) {
	disk := disktest.Small(t, 1<<20)
	atImages(t)
	interruptedRun(t)
	out := filepath.Join(disk, "out")
	if err := os.CopyFS(out, os.DirFS("out")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(out, record.CheckpointFile)
	before := contents(t, out)
	disktest.Fill(t, disk, 4<<10)
	code, stdout, stderr := execute(t, "train", "--resume", out)
	refused(t, exitFailed, "no space left on device; the disk is full", code, stdout, stderr)
	refused(t, exitFailed, "--resume "+out, code, stdout, stderr)
	noneHalf(t, disk)
	noneLost(t, path, map[string]string{path: before[path]})
	disktest.Empty(t, disk)
	succeed(t, "train", "--resume", out)
	sameRun(t, "whole", out)
}

// TestClosedFolders: an ordinary user without permission to write gets a message with the
// place, and what to do, and what was there stays.
func TestClosedFolders(t *testing.T) {
	atImages(t)
	interruptedRun(t)
	if err := os.Mkdir("closed", 0o755); err != nil {
		t.Fatal(err)
	}
	before := contents(t, ".")
	disktest.Closed(t, "closed")
	disktest.Closed(t, "out")
	disktest.Closed(t, "whole")
	disktest.Unprivileged(t)
	for _, c := range []struct {
		words []string
		args  []string
	}{
		{[]string{"--out", "closed/run", "permission denied", "choose another folder"}, train("--keep", "8", "--out", "closed/run")},
		{[]string{"--out", "closed/metrics.jsonl", "permission denied", "choose another folder"}, train("--keep", "8", "--out", "closed")},
		{[]string{"out/metrics.jsonl", "permission denied", "choose another folder"}, []string{"train", "--resume", "out"}},
	} {
		code, stdout, stderr := execute(t, c.args...)
		for _, words := range c.words {
			refused(t, exitFailed, words, code, stdout, stderr)
		}
	}
	// Reading needs no leave to write.
	succeed(t, "eval", "whole")
	succeed(t, "explain", "whole")
	noneLost(t, ".", before)
}

// TestFilesThatMayNotBeRead: eval and resume name a file that is closed to them.
func TestFilesThatMayNotBeRead(t *testing.T) {
	atImages(t)
	interruptedRun(t)
	writeFile(t, "plants.csv", []byte(plants(20, 1)))
	closed := []string{"whole/pruned.safetensors", "out/checkpoint.safetensors", "plants.csv", "images/t10k-images-idx3-ubyte"}
	for _, path := range closed {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	disktest.Unprivileged(t)
	for i, args := range [][]string{
		{"eval", "whole"}, {"train", "--resume", "out"}, {"train", "--data", "plants.csv", "--out", "new"}, {"eval", "whole/dense.safetensors"},
	} {
		code, stdout, stderr := execute(t, args...)
		refused(t, exitFailed, closed[i], code, stdout, stderr)
		refused(t, exitFailed, "permission denied", code, stdout, stderr)
	}
}

// TestEvalOnAFullDisk: eval writes nothing but to stdout.
func TestEvalOnAFullDisk(t *testing.T) {
	disk := disktest.Small(t, 1<<20)
	atImages(t)
	succeed(t, train("--keep", "8", "--out", filepath.Join(disk, "out"))...)
	disktest.Fill(t, disk, 0)
	succeed(t, "eval", filepath.Join(disk, "out"))
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range [][]string{{"eval", filepath.Join(disk, "out")}, {"eval", filepath.Join(disk, "out"), "--json"}, {"explain", filepath.Join(disk, "out")}, {"version"}} {
		cmd := process(args...)
		var messages bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &messages
		_ = cmd.Run()
		refused(t, exitFailed, "no space left on device", cmd.ProcessState.ExitCode(), "", messages.String())
	}
}
