package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// The four files of a data set in IDX, in the order in which arrays of them
// hold them.
const (
	trainImages = iota
	trainLabels
	testImages
	testLabels
	folderFiles
)

// files holds something for each of the four files: paths, checksums.
type files [folderFiles]string

// fileNames holds the usual names, less ".gz". Some copies write a dot for the
// hyphen before "idx", and images with channels are of idx4.
var fileNames = files{
	trainImages: "train-images-idx3-ubyte",
	trainLabels: "train-labels-idx1-ubyte",
	testImages:  "t10k-images-idx3-ubyte",
	testLabels:  "t10k-labels-idx1-ubyte",
}

// findFiles returns the paths of the four files in a folder. Its error says
// what is missing, and leaves naming the folder to the caller.
func findFiles(dir string) (files, error) {
	if info, err := os.Stat(dir); err != nil {
		return files{}, errors.New("no such folder")
	} else if !info.IsDir() {
		return files{}, errors.New("not a folder")
	}
	var paths files
	var missing []string
	for i, name := range fileNames {
		if paths[i] = findFile(dir, name); paths[i] == "" {
			missing = append(missing, name+"[.gz]")
		}
	}
	if missing != nil {
		return files{}, fmt.Errorf("lacks %s", strings.Join(missing, ", "))
	}
	return paths, nil
}

// findFile returns the path of the first spelling of a name that a folder
// holds, or "".
func findFile(dir, name string) string {
	spellings := []string{name, strings.Replace(name, "-idx", ".idx", 1)}
	if colour := strings.Replace(name, "-idx3", "-idx4", 1); colour != name {
		spellings = append(spellings, colour)
	}
	for _, spelling := range spellings {
		for _, suffix := range []string{"", ".gz"} {
			path := filepath.Join(dir, spelling+suffix)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}

// openFolder reads a folder of IDX files or of folders of images.
func openFolder(dir string, o Options, limit *budget) (*Dataset, error) {
	paths, err := findFiles(dir)
	if err != nil {
		info, statErr := os.Stat(dir)
		some := slices.ContainsFunc(fileNames[:], func(name string) bool { return findFile(dir, name) != "" })
		if statErr == nil && info.IsDir() && !some {
			d, imageErr := openImages(dir, o, limit)
			if !errors.Is(imageErr, ErrNotFound) {
				return d, imageErr
			}
			err = fmt.Errorf("%w, and holds no images in folders of classes, such as train/cat/1.jpg", err)
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrNotFound, dir, err)
	}
	// An absolute path has a last element even where dir is "." or "..".
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("naming the data set: %w", err)
	}
	return readFiles("idx:"+filepath.Base(absolute), paths, nil, limit)
}

// readFiles reads the four files side by side and puts them together. Where
// checksums is not nil, each file has to have its own.
func readFiles(name string, paths files, checksums *files, limit *budget) (*Dataset, error) {
	var arrays [folderFiles]array
	var problems [folderFiles]error
	var group sync.WaitGroup
	for i, path := range paths {
		group.Go(func() {
			dimensions := imageDimensions
			if i == trainLabels || i == testLabels {
				dimensions = labelDimensions
			}
			arrays[i], problems[i] = readIDX(path, dimensions, limit)
			if problems[i] == nil && checksums != nil {
				problems[i] = verify(arrays[i], path, checksums[i])
			}
		})
	}
	group.Wait()
	for _, err := range problems {
		if err != nil {
			return nil, err
		}
	}
	return assemble(name, paths, arrays)
}

// verify compares a file's checksum with the expected one.
func verify(a array, path, expected string) error {
	if actual := a.checksum(); actual != expected {
		return fmt.Errorf("%s: %w: SHA-256 of the uncompressed file is %s, expected %s; fetch it again, or give the folder's path to use it unchecked",
			path, ErrInvalid, actual, expected)
	}
	return nil
}

// assemble makes a data set of the four arrays, which it checks against each
// other. It leaves the mean and deviation at 0.
func assemble(name string, paths files, arrays [folderFiles]array) (*Dataset, error) {
	for _, images := range []int{trainImages, testImages} {
		labels := images + 1
		if m, n := arrays[images].sizes[0], arrays[labels].sizes[0]; m != n {
			return nil, fmt.Errorf("%w: %s holds %d images, but %s holds %d labels",
				ErrInvalid, paths[images], m, paths[labels], n)
		}
	}
	train, test := arrays[trainImages].sizes, arrays[testImages].sizes
	if !slices.Equal(train[1:], test[1:]) {
		times := func(sizes []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(sizes), " ", "x"), "[]") }
		return nil, fmt.Errorf("%w: the images of %s are %s pixels, but those of %s are %s",
			ErrInvalid, paths[trainImages], times(train[1:]), paths[testImages], times(test[1:]))
	}
	shape, features := layoutOf(train[1:]), len(arrays[trainImages].data)/train[0]
	shape.separate(arrays[trainImages].data)
	shape.separate(arrays[testImages].data)
	d := &Dataset{
		Name:     name,
		Channels: shape.channels, Height: shape.height, Width: shape.width,
		Train: Samples{Features: features, Pixels: arrays[trainImages].data, Labels: arrays[trainLabels].data},
		Test:  Samples{Features: features, Pixels: arrays[testImages].data, Labels: arrays[testLabels].data},
	}
	d.Classes = 1 + int(max(slices.Max(d.Train.Labels), slices.Max(d.Test.Labels)))
	return d, nil
}
