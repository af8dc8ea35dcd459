package filelock

import (
	"context"
	"errors"
	"os"
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

// TestFileSystemsWithoutLocks: what NFS and others say of a lock that they do not have
// grants it; any other failure names the path.
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
