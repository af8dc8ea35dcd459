// Package atomicfile writes files that are there whole or not at all.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// permission is what a new file gets, less the bits of the process's umask.
const permission = 0o644

// Of the names of temporary files.
const prefix, suffix = ".nashprune-", ".tmp"

// IsTemporary reports whether a name is that of a temporary file. One that no process writes any more is from a
// process that was killed.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix)
}

// RemoveTemporary removes the temporary files of a folder in which no other process writes. Its errors are those
// of reading the folder and of removing files.
func RemoveTemporary(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if IsTemporary(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// Write makes path a regular file that holds what write gives to its writer,
// which is buffered. The bytes go to a temporary file in the same folder, are
// synced to disk and take the name path in one step, so that a reader, or a
// machine that loses power, sees the old content or the new and never a part.
//
// On an error, which may be that of write, wrapped, the old file at path, if any, is
// untouched and the temporary file is gone. Errors are [Advised]. A symbolic link at path
// is replaced rather than followed; a folder, device or pipe is an error.
func Write(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: it exists and is no regular file; choose another path", path)
	}
	// Not os.CreateTemp: that would give permission 0600 with any umask. The name leaves
	// out that of path, which may already be as long as can be.
	temporary := filepath.Join(filepath.Dir(path), prefix+rand.Text()+suffix)
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, permission)
	if err != nil {
		return Advised(fmt.Errorf("write %s: its folder must exist and be writable: %w", path, err))
	}
	defer os.Remove(temporary) // fails after the rename, when nothing is left to remove
	if err := fill(file, write); err != nil {
		return Advised(fmt.Errorf("write %s: %w", path, err))
	}
	if err := os.Rename(temporary, path); err != nil {
		return Advised(fmt.Errorf("write %s: %w", path, err))
	}
	return nil
}

// fill writes, syncs and closes file.
func fill(file *os.File, write func(io.Writer) error) error {
	defer file.Close() // for the ways out by an error; a second Close does nothing
	buffered := bufio.NewWriter(file)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}
