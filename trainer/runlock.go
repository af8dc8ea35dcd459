package trainer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
)

// lockFile lies in a run folder while a process is at work in it, and longer where
// that was killed; the lock on it ends with its process, however that ends.
const lockFile = "run.lock"

// lockFolder keeps a second process out of a run folder, which both would write
// their metrics to. flag is what the user named the folder with. File systems that
// know no locks pass, as does a closed folder: the first file of the run says so.
func lockFolder(flag, dir string) (unlock func(), err error) {
	lock := flock.New(filepath.Join(dir, lockFile))
	held, err := lock.TryLock()
	switch {
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK), errors.Is(err, os.ErrPermission):
		return func() {}, nil
	case err != nil:
		return nil, fmt.Errorf("--%s: lock %s: %w", flag, lock.Path(), atomicfile.Advised(err))
	}
	if held { // but perhaps of a file that the process before has removed meanwhile
		mine, err := lock.Stat()
		there, missing := os.Stat(lock.Path())
		held = err == nil && missing == nil && os.SameFile(mine, there)
	}
	if !held {
		_ = lock.Close()
		return nil, backend.Usagef("--%s %s: another process is at work in it: wait for its end, or train into another folder", flag, dir)
	}
	return func() {
		_ = os.Remove(lock.Path()) // while it is locked; where that fails it is only left behind
		_ = lock.Unlock()
	}, nil
}
