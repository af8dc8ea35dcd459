// Package filelock lets one process at a time work on a folder or a file. A lock is a
// file that is locked; it ends with its process, however that ends.
//
// Some file systems have no locks, among them NFS without its lock service. There a file that
// only one process can create stands for the lock. It names its owner: a process that was
// killed leaves it behind, and only processes of the same host see that.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"nashprune/trainer/atomicfile"
)

// ErrHeld says that another process has the lock.
var ErrHeld = errors.New("another process is at work in it")

// poll is how often a process that waits for a lock tries again.
const poll = 100 * time.Millisecond

// try is [flock.Flock.TryLock]; tests replace it.
var try = (*flock.Flock).TryLock

// Try locks the file at path, which it creates, and returns what unlocks it and removes
// the file. The error is of the kind [ErrHeld] while another process has the lock; else
// it names the path. The folder of the file must exist.
func Try(path string) (unlock func(), err error) {
	for {
		lock := flock.New(path)
		held, err := try(lock)
		switch {
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK):
			return claim(path + ".owner")
		case err != nil:
			return nil, fmt.Errorf("lock %s: %w", path, atomicfile.Advised(err))
		case !held:
			_ = lock.Close()
			return nil, ErrHeld
		}
		mine, err := lock.Stat()
		there, missing := os.Stat(path)
		if err == nil && missing == nil && os.SameFile(mine, there) {
			return func() {
				_ = os.Remove(path) // while it is locked; where that fails it is only left behind
				_ = lock.Unlock()
			}, nil
		}
		_ = lock.Close() // of a file that the process before has removed meanwhile
	}
}

// Wait locks the file at path as [Try] does. While another process has the lock it calls
// waiting once and waits, until ctx ends.
func Wait(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	unlock, err = Try(path)
	if !errors.Is(err, ErrHeld) {
		return unlock, err
	}
	waiting()
	for errors.Is(err, ErrHeld) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
		case <-time.After(poll):
		}
		unlock, err = Try(path)
	}
	return unlock, err
}
