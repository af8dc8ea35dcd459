package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nashprune/trainer/disktest"
)

// held returns the names of the files in a folder with what they hold,
// without the parts of downloads.
func held(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".partial") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// TestPullOnAFullDisk fills the disk of the cache, or bounds the size of a file,
// while data sets of which one file is damaged are pulled again: what was there
// stays as it was or is mended, and when there is room the pull goes on.
func TestPullOnAFullDisk(t *testing.T) {
	if !disktest.Alone(t) {
		return
	}
	for name, short := range map[string]func(t *testing.T, cache string, pull func()){
		"disk": func(t *testing.T, cache string, pull func()) {
			for left := 0; left < 24<<10; left += 4 << 10 {
				disktest.Fill(t, cache, left)
				pull()
				disktest.Empty(t, cache)
			}
		},
		"limit": func(t *testing.T, _ string, pull func()) {
			for _, most := range []uint64{0, 1, 30, 1000, 5000} {
				disktest.Limited(t, most, pull)
			}
		},
	} {
		for _, set := range []string{mnistName, fashionName, cifarName} {
			t.Run(name+" "+set, func(t *testing.T) {
				s, client, _ := pullFrom(t, nil)
				if name == "disk" {
					t.Setenv("XDG_CACHE_HOME", disktest.Small(t, 1<<20))
				}
				pull := func() (Pulled, error) { return s.pull(t.Context(), set, client, silent) }
				pulled, err := pull()
				if err != nil {
					t.Fatal(err)
				}
				whole := held(t, pulled.Where)
				damaged := fileNames[testImages] + ".gz"
				if set == cifarName {
					damaged = cifar10.files[2]
				}
				if err := os.WriteFile(filepath.Join(pulled.Where, damaged), []byte("damaged"), 0o600); err != nil {
					t.Fatal(err)
				}
				failed := 0
				short(t, filepath.Dir(filepath.Dir(pulled.Where)), func() {
					_, err := pull()
					if err != nil {
						failed++
						want := syscall.ENOSPC
						if name == "limit" {
							want = syscall.EFBIG
						}
						checkError(t, err, want, pulled.Where, "choose a folder on another")
					}
					for file, text := range held(t, pulled.Where) {
						if file != cifar10.archive && text != whole[file] && (file != damaged || text != "damaged") {
							t.Errorf("%s holds %d bytes", file, len(text))
						}
					}
				})
				if failed == 0 {
					t.Error("it was never full")
				}
				if _, err := pull(); err != nil {
					t.Fatal(err)
				}
				onlyData(t, pulled.Where)
				for file, text := range held(t, pulled.Where) {
					if text != whole[file] {
						t.Errorf("%s is not mended", file)
					}
				}
			})
		}
	}
}

// TestUnpackOnAFullDisk: an archive that could not be unpacked is not fetched
// again.
func TestUnpackOnAFullDisk(t *testing.T) {
	if !disktest.Alone(t) {
		return
	}
	s, client, requests := pullFrom(t, nil)
	var err error
	disktest.Limited(t, uint64(s.cifar[0].bytes), func() { _, err = s.pull(t.Context(), cifarName, client, silent) })
	if s.cifar[0].bytes >= int64(smallRecords*cifar10.record()) {
		t.Fatal("the archive is no smaller than what it holds")
	}
	checkError(t, err, syscall.EFBIG, "unpack ", cifar10.files[0])
	pulled, err := s.pull(t.Context(), cifarName, client, silent)
	if err != nil || requests.Load() != 1 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
	onlyData(t, pulled.Where)
}

// TestPullIntoAClosedCache: an ordinary user without permission to write to the cache
// gets a message, and uses what is there and sound.
func TestPullIntoAClosedCache(t *testing.T) {
	s, client, _ := pullFrom(t, nil)
	pulled, err := s.pull(t.Context(), fashionName, client, silent)
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Dir(pulled.Where)
	disktest.Closed(t, cache)
	disktest.Closed(t, pulled.Where)
	disktest.Unprivileged(t, filepath.Dir(cache))
	if again, err := s.pull(t.Context(), fashionName, client, silent); err != nil || again.Fetched {
		t.Errorf("what is there: %+v, %v", again, err)
	}
	_, err = s.pull(t.Context(), mnistName, client, silent)
	checkError(t, err, os.ErrPermission, filepath.Join(cache, mnistName), "choose another folder")
	if now := held(t, pulled.Where); len(now) != folderFiles {
		t.Errorf("it holds %d files", len(now))
	}
}
