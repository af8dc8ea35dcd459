package dataset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofrs/flock"

	"nashprune/trainer/atomicfile"
)

// lockSuffix ends the name of the file beside the folder of a data set by which
// one process at a time pulls it. The file stays, for removing it would let two
// processes lock two files; the lock on it ends with its process, however that
// ends.
const lockSuffix = ".lock"

// lockPoll is how often a process that waits for a lock looks again.
const lockPoll = 100 * time.Millisecond

// lockFolder locks a folder, which need not exist but whose parent must, and
// returns what unlocks it. Where another process has the lock, it calls waiting
// once and waits, until ctx ends. File systems that know no locks pass.
func lockFolder(ctx context.Context, folder string, waiting func()) (unlock func(), err error) {
	lock := flock.New(folder + lockSuffix)
	held, err := lock.TryLock()
	if err == nil && !held {
		waiting()
		_, err = lock.TryLockContext(ctx, lockPoll)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), atomicfile.Advised(err))
	}
	return func() { _ = lock.Unlock() }, nil // closing the file, it cannot fail in a way that matters
}
