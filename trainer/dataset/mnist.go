package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// DirVariable is the environment variable that names a folder to look for data
// sets in.
const DirVariable = "NASHPRUNE_DATA"

// mnistChecksums holds the SHA-256 of the uncompressed files of MNIST.
var mnistChecksums = files{
	trainImages: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
	trainLabels: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	testImages:  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
	testLabels:  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

// mnistDirs returns the folders to look for MNIST in, the preferred first: dir,
// that of DirVariable and the user's cache, each with its folder mnist.
func mnistDirs(dir string) []string {
	bases := []string{dir, os.Getenv(DirVariable)}
	if cache, err := os.UserCacheDir(); err == nil {
		bases = append(bases, filepath.Join(cache, "nashprune"))
	}
	var dirs []string
	for _, base := range bases {
		if base != "" {
			dirs = append(dirs, filepath.Clean(base), filepath.Join(base, mnistName))
		}
	}
	return dirs
}

// findMNIST returns the first folder that holds all four files, and their paths.
func findMNIST(dir string) (where string, paths files, err error) {
	var looked []string
	for _, where := range mnistDirs(dir) {
		paths, err := findFiles(where)
		if err == nil {
			return where, paths, nil
		}
		looked = append(looked, fmt.Sprintf("%s (%v)", where, err))
	}
	return "", files{}, fmt.Errorf("%w: %s: looked in %s; put its four IDX files, gzipped or not, into one of these or set %s to their folder",
		ErrNotFound, mnistName, strings.Join(looked, ", "), DirVariable)
}

// openMNIST finds, reads and verifies MNIST.
func openMNIST(dir string) (*Dataset, error) {
	_, paths, err := findMNIST(dir)
	if err != nil {
		return nil, err
	}
	return readFiles(mnistName, paths, &mnistChecksums)
}
