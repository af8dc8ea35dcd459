package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asProgram is the variable that makes the test binary be nashprune itself, for
// tests that need a process of its own. Its name has not the prefix of settings.
const asProgram = "TEST_AS_NASHPRUNE"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "NASHPRUNE_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv(asProgram, "1") // of processes that tests and commands start
	os.Exit(m.Run())
}

// process returns nashprune as a process that has not started.
func process(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = os.Environ()
	return cmd
}

// execute runs nashprune in this process.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, messages bytes.Buffer
	code = run(t.Context(), args, &out, &messages)
	return code, out.String(), messages.String()
}

// succeed runs nashprune and wants exit code 0.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := execute(t, args...)
	if code != exitDone {
		t.Fatalf("nashprune %q exits with %d: %s", args, code, stderr)
	}
	return stdout
}

// refused wants what nashprune wrote to end in one line of an error that holds
// the words, and nothing else but progress and a clean stdout.
func refused(t *testing.T, wantCode int, words string, code int, stdout, stderr string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d", code, wantCode)
	}
	if stdout != "" {
		t.Errorf("stdout holds %q", stdout)
	}
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "nashprune: ") || !strings.Contains(last, words) || strings.Count(stderr, "nashprune: ") != 1 {
		t.Errorf("stderr is %q, want one line with %q", stderr, words)
	}
	if strings.Contains(stderr, "goroutine ") {
		t.Errorf("a stack of calls: %s", stderr)
	}
}

// The images of the tests: three classes, which differ in where they are bright.
const (
	side       = 5
	trainCount = 120
	testCount  = 40
)

// writeImages writes a folder of IDX files that a few epochs learn.
func writeImages(t testing.TB, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, count := range map[string]int{"train": trainCount, "t10k": testCount} {
		images := idxHeader(0x803, count, side, side)
		labels := idxHeader(0x801, count)
		for i := range count {
			class := i * i % 3
			labels = append(labels, byte(class))
			for p := range side * side {
				bright := byte(0)
				if p*3/(side*side) == class {
					bright = 120
				}
				images = append(images, bright+byte((i*7919+p*104729)%97)) // a noise that repeats itself everywhere
			}
		}
		for file, content := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			writeFile(t, filepath.Join(folder, name+file), content)
		}
	}
}

func idxHeader(words ...int) []byte {
	var header []byte
	for _, w := range words {
		header = binary.BigEndian.AppendUint32(header, uint32(w))
	}
	return header
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// atImages changes to a new folder that holds the images under "images".
func atImages(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	writeImages(t, "images")
}

// train returns the words of a small run, and then some.
func train(more ...string) []string {
	words := strings.Fields("train --data ./images --model mlp:9-7 --batch 7 --epochs 3")
	if at := slices.Index(more, "--game"); at < 0 || more[at+1] != "off" && more[at+1] != "paper" { // which have no rounds
		words = append(words, "--rounds", "4")
	}
	return append(words, more...)
}

// sameFile wants two files to hold the same bytes.
func sameFile(t *testing.T, a, b string) {
	t.Helper()
	first, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("%s and %s differ", a, b)
	}
}

func TestExitCodeOfCancelledContext(t *testing.T) {
	atImages(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, train("--keep", "8", "--out", "out"), &stdout, &stderr)
	refused(t, exitInterrupted, "--resume out", code, stdout.String(), stderr.String())
}
