package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// fileNames holds the names of MNIST's files, less ".gz". See [otherNames] for those of others.
var fileNames = files{
	trainImages: "train-images-idx3-ubyte",
	trainLabels: "train-labels-idx1-ubyte",
	testImages:  "t10k-images-idx3-ubyte",
	testLabels:  "t10k-labels-idx1-ubyte",
}

// otherNames matches the names that such files have elsewhere: with a prefix (EMNIST, QMNIST),
// with a dot for the hyphen before "idx", called test, with channels (idx4), or with labels of
// several columns (QMNIST).
var otherNames = regexp.MustCompile(`(?i)^(?:.*[-_.])?(train|t10k|test)[-_.](images|labels)[-.]idx[1-4][-.](?:ubyte|int)(?:\.gz)?$`)

// idxFolders are where the files lie in a folder: in it, or as torchvision unpacks them.
var idxFolders = []string{".", "raw", "MNIST/raw"}

// placeOf returns which of the four files a name is that of.
func placeOf(name string) (place int, found bool) {
	match := otherNames.FindStringSubmatch(name)
	if match == nil {
		return 0, false
	}
	if !strings.EqualFold(match[1], "train") {
		place += testImages
	}
	if strings.EqualFold(match[2], "labels") {
		place++
	}
	return place, true
}

// findFiles returns the paths of the four files in a folder. Its error says
// what is missing, and leaves naming the folder to the caller.
func findFiles(dir string) (files, error) {
	if info, err := os.Stat(dir); err != nil {
		return files{}, errors.New("no such folder")
	} else if !info.IsDir() {
		return files{}, errors.New("not a folder; a file of a table ends in .csv, .tsv, .data or .txt, one of arrays in .npz, and one of images in .zip, .tar, .tar.gz or .tgz")
	}
	var paths files
	for _, inner := range idxFolders {
		found, err := idxFilesIn(filepath.Join(dir, inner))
		if err != nil {
			return files{}, err
		}
		if found != (files{}) {
			paths = found
			break
		}
	}
	var missing []string
	for i, name := range fileNames {
		if paths[i] == "" {
			missing = append(missing, name+"[.gz]")
		}
	}
	if missing != nil {
		return paths, fmt.Errorf("lacks %s", strings.Join(missing, ", "))
	}
	return paths, nil
}

// idxFilesIn returns the files in a folder itself, each "" if it isn't there. Of a file and
// its gzip it takes the file. A folder that has the name of a file holds it, as Kaggle's
// archives are unpacked.
func idxFilesIn(dir string) (paths files, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return files{}, nil // there is no such folder, or nothing to be read in it
	}
	for _, entry := range entries {
		place, found := placeOf(entry.Name())
		if !found {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path) // through links
		if err == nil && info.IsDir() {
			path = filepath.Join(path, entry.Name())
			info, err = os.Stat(path)
		}
		switch before := paths[place]; {
		case err != nil || !info.Mode().IsRegular():
		case before == "":
			paths[place] = path
		case before+".gz" == path: // names come in order
		case strings.TrimSuffix(filepath.Base(before), ".gz") == fileNames[place]:
		case strings.TrimSuffix(filepath.Base(path), ".gz") == fileNames[place]:
			paths[place] = path
		default:
			return files{}, fmt.Errorf("holds %s and %s, and one of them is needed: move the other away", filepath.Base(before), filepath.Base(path))
		}
	}
	return paths, nil
}

// openFolder reads a folder of IDX files or of folders of images.
func openFolder(dir string, o Options, limit *budget) (*Dataset, error) {
	paths, err := findFiles(dir)
	if err != nil {
		info, statErr := os.Stat(dir)
		if statErr == nil && info.IsDir() && paths == (files{}) {
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
	return readFiles("idx:"+filepath.Base(absolute), paths, nil, o, limit)
}

// readFiles reads the four files side by side and puts them together. Where
// checksums is not nil, each file has to have its own.
func readFiles(name string, paths files, checksums *files, o Options, limit *budget) (*Dataset, error) {
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
	return assemble(name, paths, arrays, o)
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
func assemble(name string, paths files, arrays [folderFiles]array, o Options) (*Dataset, error) {
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
	var words labelWords
	for i, part := range []Samples{d.Train, d.Test} {
		labels := ndarray{npyHeader: npyHeader{shape: []int{part.Len()}}, bytes: part.Labels}
		places, err := labels.labels(paths[trainLabels+i*(testLabels-trainLabels)], &words, o)
		if err != nil {
			return nil, err
		}
		copy(part.Labels, places)
	}
	return d, d.setClasses(&words, o)
}
