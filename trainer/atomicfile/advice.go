package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Advised returns an error of writing with what its user can do about it: where
// the disk is full, a file may not become as large, or a place may not be written
// to. All others, and those that say it already, come back as they are.
func Advised(err error) error {
	is := func(kinds []error) bool {
		return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	}
	var advice string
	switch already := new(advisedError); {
	case errors.As(err, already):
		return err
	case is(diskFull):
		advice = "the disk is full: free some space, or choose a folder on another disk"
	case is(tooLarge):
		advice = "no file may become as large here: raise the limit (ulimit -f), or choose a folder on another file system"
	case is(readOnly), errors.Is(err, fs.ErrPermission):
		advice = "you may not write there: choose another folder, or have this one opened to you"
	default:
		return err
	}
	return advisedError{fmt.Errorf("%w; %s", err, advice)}
}

// advisedError is an error that says what to do.
type advisedError struct{ error }

func (e advisedError) Unwrap() error { return e.error }
