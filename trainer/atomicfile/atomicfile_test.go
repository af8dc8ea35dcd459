package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nashprune/trainer/atomicfile"
)

// text returns a write function that gives s.
func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// only checks that the folder of path holds nothing but path, with content.
func only(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("the file holds %q (%v), want %q", got, err, content)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
}

func TestWriteCreatesAndReplaces(t *testing.T) {
	// A name of 255 bytes is the longest that Linux allows.
	for _, name := range []string{"a", strings.Repeat("n", 255)} {
		path := filepath.Join(t.TempDir(), name)
		for _, content := range []string{"", "first", strings.Repeat("x", 1<<20), "last"} {
			if err := atomicfile.Write(path, text(content)); err != nil {
				t.Fatal(err)
			}
			only(t, path, content)
		}
	}
}

func TestWriteInTheCurrentFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := atomicfile.Write("plain", text("x")); err != nil {
		t.Fatal(err)
	}
	only(t, "plain", "x")
}

func TestWriteReplacesALinkAndKeepsItsTarget(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(atomicfile.Write(target, text("old")), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	only(t, link, "new")
	only(t, target, "old")
}

// TestFailureLeavesTheOldFile has the write function fail as on a full disk: at
// once, with bytes still in the buffer, and with many on the disk.
func TestFailureLeavesTheOldFile(t *testing.T) {
	for _, written := range []int{0, 1, 1 << 20} {
		path := filepath.Join(t.TempDir(), "file")
		if err := atomicfile.Write(path, text("old")); err != nil {
			t.Fatal(err)
		}
		err := atomicfile.Write(path, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, written)); err != nil {
				return err
			}
			return syscall.ENOSPC
		})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("after %d bytes: error %v, want one with %q and ENOSPC", written, err, path)
		}
		only(t, path, "old")
	}
}

func TestPanicLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := atomicfile.Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = atomicfile.Write(path, func(io.Writer) error { panic("on purpose") })
	}()
	only(t, path, "old")
}

// TestNoPlaceToWrite uses a parent that is a file, since tests may run as root,
// to whom every folder is writable.
func TestNoPlaceToWrite(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := atomicfile.Write(file, text("old")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		filepath.Join(file, "below"),
		filepath.Join(folder, "missing", "below"),
		folder,
		os.DevNull,
		"",
	} {
		t.Chdir(folder)
		err := atomicfile.Write(path, text("new"))
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("path %q: error %v, want one line with the path", path, err)
		}
		only(t, file, "old")
	}
}
