package tune

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
)

// CacheFile returns the file in the user's cache that choices are kept in, or
// nothing where the system has no such folder.
func CacheFile() string {
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "nashprune", "kernels.json")
}

// cache is what the file holds.
type cache struct {
	Kernels map[string]string `json:"kernels"` // by key
}

// maxCache is more than the file ever has, in bytes.
const maxCache = 1 << 20

// keyOf names everything that a choice depends on. Sizes count by their powers of
// two: a little more or less changes nothing.
func keyOf(program string, d backend.Device, widths []int, batch int) string {
	var shape []string
	for _, width := range widths {
		shape = append(shape, fmt.Sprint(class(width)))
	}
	return fmt.Sprintf("%s | %s | %s | %s batch %d", program, d.Name, d.DriverInfo, strings.Join(shape, "-"), class(batch))
}

// class returns the next power of two.
func class(n int) int { return 1 << bits.Len(uint(max(n-1, 0))) }

// read returns what the file holds; a file that is not there holds nothing.
func (t Tuner) read() (cache, error) {
	empty := cache{Kernels: map[string]string{}}
	if t.Cache == "" {
		return empty, nil
	}
	info, err := os.Stat(t.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		err = fmt.Errorf("%s is no regular file", t.Cache)
	}
	if err != nil {
		return empty, err
	}
	file, err := os.Open(t.Cache)
	if err != nil {
		return empty, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCache+1))
	if err != nil {
		return empty, err
	}
	found, err := parseCache(text)
	if err != nil {
		return empty, fmt.Errorf("%s: %w", t.Cache, err)
	}
	return found, nil
}

func parseCache(text []byte) (cache, error) {
	var found cache
	if len(text) > maxCache {
		return found, fmt.Errorf("it has more than %d bytes", maxCache)
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, err
	}
	if found.Kernels == nil {
		return found, errors.New("it holds no kernels")
	}
	return found, nil
}

// remembered returns the set that was chosen for a key, or nothing. A file that
// cannot be read is told of, and is as good as none.
func (t Tuner) remembered(key string) string {
	found, err := t.read()
	if err != nil {
		t.Tell(fmt.Sprintf("earlier timings of kernels are ignored: %v", err))
	}
	return found.Kernels[key]
}

// remember keeps a choice. What cannot be kept is found again the next time.
func (t Tuner) remember(key, name string) {
	if t.Cache == "" {
		return
	}
	if err := t.add(key, name); err != nil {
		t.Tell(fmt.Sprintf("the choice of kernels is not remembered: %v", atomicfile.Advised(err)))
	}
}

// add adds a choice to the file, one program after the other.
func (t Tuner) add(key, name string) error {
	if err := os.MkdirAll(filepath.Dir(t.Cache), 0o755); err != nil {
		return err
	}
	lock := flock.New(t.Cache + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Unlock()
	all, _ := t.read() // of which remembered has told
	all.Kernels[key] = name
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(t.Cache, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
}
