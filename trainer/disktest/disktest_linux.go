package disktest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is the system's user without files.
const nobody = 65534

// Unprivileged makes the test one of an ordinary user, to whom folders can be
// closed, and undoes it when the test ends: root writes wherever it likes. It is
// to come after the last t.TempDir, which has to be removed as whom it was made;
// the user can look into those that are given.
func Unprivileged(t testing.TB, folders ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for _, folder := range folders {
		for ; folder != os.TempDir() && folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
			if err := os.Chmod(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := syscall.Setreuid(-1, nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setreuid(-1, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// Closed makes a folder that only root may write to, and opens it again when the test
// ends.
func Closed(t testing.TB, folder string) {
	t.Helper()
	mode := func(mode os.FileMode) {
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o555)
	t.Cleanup(func() { mode(0o755) })
}

// alone is the variable that names the test whose process this is.
const alone = "TEST_ALONE"

// Alone runs the present test again in a process of its own, where it returns
// true, and fails it here if it failed there. A limit of files is of a process,
// and go test keeps a log of its own that must not meet it.
func Alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(alone) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), alone+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return false
}

// Limited runs f while no file may become larger than a number of bytes, in this
// process, which should be [Alone], and in those that f starts: a write beyond
// fails, as on a full disk.
func Limited(t testing.TB, bytes uint64, f func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = bytes
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// Small returns an empty folder on a disk of its own of a number of bytes, and
// skips the test where the system does not let it mount one, as it lets nobody
// but root.
func Small(t testing.TB, bytes int) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0777", bytes)); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Fatal(err)
		}
	})
	return folder
}

// Fill writes a file that leaves a number of bytes of the disk of a folder.
// The bytes are those that ordinary users can write.
func Fill(t testing.TB, folder string, left int) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		t.Fatal(err)
	}
	free := int(disk.Bavail) * int(disk.Bsize)
	if free < left {
		t.Fatalf("%d bytes are free, and %d are to be left", free, left)
	}
	if err := os.WriteFile(filepath.Join(folder, filling), make([]byte, free-left), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Empty removes what [Fill] wrote.
func Empty(t testing.TB, folder string) {
	t.Helper()
	if err := os.Remove(filepath.Join(folder, filling)); err != nil {
		t.Fatal(err)
	}
}

// filling is the name of the file that takes the room of a disk.
const filling = "filling"
