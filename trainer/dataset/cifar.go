package dataset

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// CIFAR in its binary version: files of records, each one or two labels and a picture of
// 32x32 pixels, all its red ones, then the green, then the blue.
const (
	cifarSide     = 32
	cifarColours  = 3
	cifarFeatures = cifarColours * cifarSide * cifarSide
)

// cifarSet says how one of the two data sets is stored.
type cifarSet struct {
	name    string
	folder  string   // in the authors' archive
	files   []string // those of the training part and, last, that of the test part
	records []int    // of each file
	classes []int    // of each label, which are bytes before the picture
	label   int      // which of them is learned

	url, archive, checksum string // SHA-256 of the archive
	bytes                  int64  // of the archive
}

var cifar10 = cifarSet{
	name: cifarName, folder: "cifar-10-batches-bin",
	files:   []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"},
	records: []int{10000, 10000, 10000, 10000, 10000, 10000},
	classes: []int{10},
	url:     "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", archive: "cifar-10-binary.tar.gz",
	checksum: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", bytes: 170_052_171,
}

// cifar100 is learned by its fine labels, which follow the coarse ones.
var cifar100 = cifarSet{
	name: cifar100Name, folder: "cifar-100-binary",
	files:   []string{"train.bin", "test.bin"},
	records: []int{50000, 10000},
	classes: []int{20, 100},
	label:   1,
	url:     "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", archive: "cifar-100-binary.tar.gz",
	checksum: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", bytes: 168_513_733,
}

// coarse returns the data set with its coarse labels.
func (c cifarSet) coarse() cifarSet {
	c.label = 0
	return c
}

// record returns how many bytes a record has.
func (c cifarSet) record() int { return len(c.classes) + cifarFeatures }

// sumsFile is written beside the files that [Pull] unpacks from a verified
// archive: their SHA-256, as sha256sum writes it.
const sumsFile = "SHA256SUMS"

// open finds and reads the data set.
func (c cifarSet) open(dir string, limit *budget) (*Dataset, error) {
	where, err := c.find(dir)
	if err != nil {
		return nil, err
	}
	return c.read(where, limit)
}

// find returns the first folder that holds all files.
func (c cifarSet) find(dir string) (string, error) {
	return findNamed(c.name, dir, []string{c.name, c.folder}, func(where string) error {
		var missing []string
		for _, name := range c.files {
			if info, err := os.Stat(filepath.Join(where, name)); err != nil || !info.Mode().IsRegular() {
				missing = append(missing, name)
			}
		}
		if missing != nil {
			return fmt.Errorf("lacks %s", strings.Join(missing, ", "))
		}
		return nil
	})
}

// read reads the files of a folder. Where it holds checksums, the files have
// to have them.
func (c cifarSet) read(where string, limit *budget) (*Dataset, error) {
	sums, err := c.readSums(where)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: c.name, Channels: cifarColours, Height: cifarSide, Width: cifarSide, Classes: c.classes[c.label]}
	d.Train.Features, d.Test.Features = cifarFeatures, cifarFeatures
	for i, name := range c.files {
		part := &d.Train
		if i == len(c.files)-1 {
			part = &d.Test
		}
		path := filepath.Join(where, name)
		if err := c.readFile(part, i, path, sums[name], limit); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return d, nil
}

func (c cifarSet) readFile(part *Samples, file int, path, sum string, limit *budget) error {
	opened, err := os.Open(path)
	if err != nil {
		return err
	}
	defer opened.Close()
	hash := sha256.New()
	if err := c.decode(part, io.TeeReader(limit.reader(opened), hash), c.records[file]); err != nil {
		return err
	}
	if actual := hex.EncodeToString(hash.Sum(nil)); sum != "" && actual != sum {
		return fmt.Errorf("%w: its SHA-256 is %s, and %s says %s; fetch it again with nashprune data pull %s", ErrInvalid, actual, sumsFile, sum, c.name)
	}
	return nil
}

// decode adds a file of a number of records to a part.
func (c cifarSet) decode(part *Samples, r io.Reader, records int) error {
	record := make([]byte, c.record())
	buffered := bufio.NewReader(r)
	for i := range records {
		if _, err := io.ReadFull(buffered, record); err != nil {
			return readError(err, fmt.Sprintf("record %d of %d", i, records))
		}
		for at, classes := range c.classes {
			if int(record[at]) >= classes {
				return fmt.Errorf("%w: record %d has label %d; labels are 0 to %d", ErrInvalid, i, record[at], classes-1)
			}
		}
		part.Labels = append(part.Labels, record[c.label])
		part.Pixels = append(part.Pixels, record[len(c.classes):]...)
	}
	switch _, err := buffered.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: bytes follow its %d records", ErrInvalid, records)
	case err != io.EOF:
		return readError(err, "end")
	}
	return nil
}

// readSums returns the checksums in a folder by file; none where there is no
// file of them.
func (c cifarSet) readSums(where string) (map[string]string, error) {
	const most = 4096 // six lines of about 90 bytes
	path := filepath.Join(where, sumsFile)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range bytes.Lines(text) {
		sum, name, _ := strings.Cut(strings.TrimSpace(string(line)), "  ")
		sums[name] = sum
	}
	for _, name := range c.files {
		if len(sums[name]) != hex.EncodedLen(sha256.Size) {
			return nil, fmt.Errorf("%s: %w: no SHA-256 of %s; fetch the data again with nashprune data pull %s", path, ErrInvalid, name, c.name)
		}
	}
	return sums, nil
}
