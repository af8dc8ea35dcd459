package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/gofrs/flock"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	unlock, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind: %v", err)
	}
	if unlock, err = Try(path); err != nil {
		t.Fatal(err)
	}
	unlock()
}

// TestNoneIsLostWhileManyWait: a counter that is read and written back under the lock,
// whose file every holder removes, ends at the number of holders.
func TestNoneIsLostWhileManyWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	const many = 8
	var (
		all   sync.WaitGroup
		count atomic.Int32 // without the lock, between a load and a store others would count
	)
	for range many {
		all.Go(func() {
			unlock, err := Wait(context.Background(), path, func() {})
			if err != nil {
				t.Error(err)
				return
			}
			n := count.Load()
			runtime.Gosched()
			count.Store(n + 1)
			unlock()
		})
	}
	all.Wait()
	if n := count.Load(); n != many {
		t.Errorf("%d of %d", n, many)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	unlock, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	waited := 0
	if _, err := Wait(ctx, path, func() { waited++; cancel() }); !errors.Is(err, context.Canceled) || waited != 1 || !strings.Contains(err.Error(), path) {
		t.Errorf("%v after %d waits", err, waited)
	}
}

// TestFileSystemsWithoutLocks: where NFS and others say that they have no locks, a file is one;
// any other failure names the path.
func TestFileSystemsWithoutLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	t.Cleanup(func() { try = (*flock.Flock).TryLock })
	for _, c := range []struct {
		says    error
		granted bool
	}{
		{syscall.ENOLCK, true}, {syscall.ENOTSUP, true}, {syscall.EOPNOTSUPP, true}, {syscall.ENOSYS, true},
		{syscall.EIO, false}, {syscall.EACCES, false},
	} {
		try = func(*flock.Flock) (bool, error) { return false, &os.PathError{Op: "flock", Path: path, Err: c.says} }
		unlock, err := Try(path)
		if (err == nil) != c.granted || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v: %v", c.says, err)
		}
		if err == nil {
			unlock()
		}
	}
}

// TestFilesForLocks: a file that stands for a lock keeps others out while its process is at
// work, and no longer; of another host nothing is known.
func TestFilesForLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	t.Cleanup(func() { try = (*flock.Flock).TryLock })
	try = func(*flock.Flock) (bool, error) { return false, syscall.ENOLCK }
	unlock, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "remove "+path+".owner") {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 0 {
		t.Errorf("%v is left behind, %v", files, err)
	}

	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		free       bool
	}{
		{"a process that has ended", fmt.Sprintf(`{"host":%q,"process":%d}`, host, ended.Process.Pid), true},
		{"a process before with our number", fmt.Sprintf(`{"host":%q,"process":%d}`, host, os.Getpid()), true},
		{"a process at work", fmt.Sprintf(`{"host":%q,"process":%d}`, host, os.Getppid()), false},
		{"another host", fmt.Sprintf(`{"host":%q,"process":%d}`, host+"x", ended.Process.Pid), false},
		{"a file that is being written", "", false},
	} {
		if err := os.WriteFile(path+".owner", []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		unlock, err := Try(path)
		if (err == nil) != c.free || err != nil && !errors.Is(err, ErrHeld) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			unlock()
		}
		_ = os.Remove(path + ".owner")
	}
}

// TestOneOfManyCreatesTheFile: as TestNoneIsLostWhileManyWait, where there are no locks.
func TestOneOfManyCreatesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.lock")
	t.Cleanup(func() { try = (*flock.Flock).TryLock })
	try = func(*flock.Flock) (bool, error) { return false, syscall.ENOLCK }
	const many = 8
	var all sync.WaitGroup
	var count, inside atomic.Int32
	for range many {
		all.Go(func() {
			unlock, err := Wait(t.Context(), path, func() {})
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if inside.Add(1) != 1 {
				t.Error("two are inside")
			}
			count.Add(1)
			inside.Add(-1)
		})
	}
	all.Wait()
	if n := count.Load(); n != many {
		t.Errorf("%d of %d", n, many)
	}
}
