package dataset

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
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

// fashionChecksums holds the MD5 of the gzipped files of Fashion-MNIST, the only
// checksums that its authors give.
var fashionChecksums = files{
	trainImages: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
	trainLabels: "25c81989df183df01b3e8a0aad5dffbe",
	testImages:  "bef4ecab320f06d8554ea6380940ec79",
	testLabels:  "bb300cfdad3c16e7a12a480ee83cd310",
}

// baseFolders returns the folders to look for data sets in, the preferred first:
// dir, that of DirVariable and the user's cache.
func baseFolders(dir string) []string {
	bases := []string{dir, os.Getenv(DirVariable)}
	if cache, err := cacheFolder(); err == nil {
		bases = append(bases, cache)
	}
	var folders []string
	for _, base := range bases {
		if base != "" {
			folders = append(folders, filepath.Clean(base))
		}
	}
	return folders
}

// cacheFolder returns the folder of data sets in the user's cache.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "nashprune"), err
}

// findNamed returns the first folder, of those below each base folder, that
// check finds all files in.
func findNamed(name, dir string, below []string, check func(where string) error) (string, error) {
	var looked []string
	for _, base := range baseFolders(dir) {
		for _, folder := range below {
			where := filepath.Join(base, folder)
			err := errors.New("no such folder")
			if info, found := os.Stat(where); found == nil {
				err = errors.New("not a folder")
				if info.IsDir() {
					err = check(where)
				}
			}
			if err == nil {
				return where, nil
			}
			looked = append(looked, fmt.Sprintf("%s (%v)", where, err))
		}
	}
	if looked == nil {
		looked = []string{"no folder, since none is named and there is no user's cache"}
	}
	return "", fmt.Errorf("%w: %s: looked in %s; fetch it with nashprune data pull %s, or give --data-dir or %s the folder in which its files lie in a folder %[4]s",
		ErrNotFound, name, strings.Join(looked, ", "), name, DirVariable)
}

// findMNIST returns the first folder that holds all four files, and their paths.
// The folders themselves are looked at, too, not only those named mnist in them.
func findMNIST(dir string) (where string, paths files, err error) {
	where, err = findNamed(mnistName, dir, []string{".", mnistName}, func(where string) (err error) {
		paths, err = findFiles(where)
		return err
	})
	return where, paths, err
}

// openMNIST finds, reads and verifies MNIST.
func openMNIST(dir string, limit *budget) (*Dataset, error) {
	_, paths, err := findMNIST(dir)
	if err != nil {
		return nil, err
	}
	return readFiles(mnistName, paths, &mnistChecksums, Options{}, limit)
}

// findFashion returns the first folder that holds the four gzipped files of
// Fashion-MNIST, and their paths. Its files are called what MNIST's are, so only
// folders named fashion are looked at.
func findFashion(dir string) (where string, paths files, err error) {
	where, err = findNamed(fashionName, dir, []string{fashionName}, func(where string) error {
		var missing []string
		for i, name := range fileNames {
			paths[i] = filepath.Join(where, name+".gz")
			if info, err := os.Stat(paths[i]); err != nil || !info.Mode().IsRegular() {
				missing = append(missing, name+".gz")
			}
		}
		if missing != nil {
			return fmt.Errorf("lacks %s", strings.Join(missing, ", "))
		}
		return nil
	})
	return where, paths, err
}

// openFashion finds, verifies and reads Fashion-MNIST.
func openFashion(dir string, limit *budget) (*Dataset, error) {
	_, paths, err := findFashion(dir)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if err := checkFile(path, md5.New(), fashionChecksums[i], limit); err != nil {
			return nil, err
		}
	}
	return readFiles(fashionName, paths, nil, Options{}, limit)
}

// checkFile compares the checksum of a file as it lies there with the expected
// one.
func checkFile(path string, sum hash.Hash, expected string, limit *budget) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(sum, limit.reader(file)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if actual := hex.EncodeToString(sum.Sum(nil)); actual != expected {
		kind := "SHA-256"
		if sum.Size() == md5.Size {
			kind = "MD5"
		}
		return fmt.Errorf("%s: %w: its %s is %s, expected %s; fetch it again, or give the folder's path to use it unchecked", path, ErrInvalid, kind, actual, expected)
	}
	return nil
}
