package filelock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"nashprune/trainer/atomicfile"
)

// owner is who created a file that stands for a lock.
type owner struct {
	Host    string    `json:"host"`
	Process int       `json:"process"`
	Since   time.Time `json:"since"`
}

// claimed are the files that this process has created: another process with its number, such as
// the first of a container before, may have left one behind.
var claimed sync.Map

// claim creates the file at path as [Try] locks one. A file of a process of this host that has
// ended is none.
func claim(path string) (unlock func(), err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	for {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			claimed.Store(path, nil)
			release := func() {
				_ = os.Remove(path)
				claimed.Delete(path)
			}
			err = errors.Join(json.NewEncoder(file).Encode(owner{host, os.Getpid(), time.Now().UTC().Truncate(time.Second)}), file.Close())
			if err != nil {
				release()
				return nil, fmt.Errorf("lock %s: %w", path, atomicfile.Advised(err))
			}
			return release, nil
		}
		if !errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("lock %s: %w", path, atomicfile.Advised(err))
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // its owner has just ended
		}
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		var of owner
		if json.Unmarshal(text, &of) != nil { // it is being written, or was when its owner was killed
			return nil, fmt.Errorf("%w, or left %s behind: then remove that file", ErrHeld, path)
		}
		if of.Host != host || runs(of.Process, path) {
			return nil, fmt.Errorf("%w: process %d of host %s, since %s; if that is gone, remove %s",
				ErrHeld, of.Process, of.Host, of.Since.Format(time.DateTime), path)
		}
		if err := discard(path, text); err != nil {
			return nil, err
		}
	}
}

// runs reports whether the process that created a file of this host is at work.
func runs(process int, path string) bool {
	if process == os.Getpid() {
		_, mine := claimed.Load(path)
		return mine
	}
	p, err := os.FindProcess(process)
	return err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// discard removes a file, unless another process has replaced it meanwhile.
func discard(path string, text []byte) error {
	aside := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if now, err := os.ReadFile(aside); err == nil && !bytes.Equal(now, text) {
		return os.Rename(aside, path)
	}
	return os.Remove(aside)
}
