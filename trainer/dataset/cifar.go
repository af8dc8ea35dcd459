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

// CIFAR-10 in its binary version: files of records, each a label and a picture
// of 32x32 pixels, all its red ones, then the green, then the blue.
const (
	cifarSide     = 32
	cifarColours  = 3
	cifarFeatures = cifarColours * cifarSide * cifarSide
	cifarRecord   = 1 + cifarFeatures
	cifarRecords  = 10000 // of a file
	cifarClasses  = 10
)

// cifarFiles are the training batches and, last, the test batch.
var cifarFiles = [...]string{
	"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
}

// cifarFolder is the folder in the authors' archive.
const cifarFolder = "cifar-10-batches-bin"

// sumsFile is written beside the files that [Pull] unpacks from a verified
// archive: their SHA-256, as sha256sum writes it.
const sumsFile = "SHA256SUMS"

// openCIFAR finds and reads CIFAR-10.
func openCIFAR(dir string, limit *budget) (*Dataset, error) {
	where, err := findCIFAR(dir)
	if err != nil {
		return nil, err
	}
	return readCIFAR(where, limit)
}

// findCIFAR returns the first folder that holds all files.
func findCIFAR(dir string) (string, error) {
	return findNamed(cifarName, dir, []string{cifarName, cifarFolder}, func(where string) error {
		var missing []string
		for _, name := range cifarFiles {
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

// readCIFAR reads the files of a folder. Where it holds checksums, the files have
// to have them.
func readCIFAR(where string, limit *budget) (*Dataset, error) {
	sums, err := readSums(where)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Name: cifarName, Channels: cifarColours, Height: cifarSide, Width: cifarSide, Classes: cifarClasses}
	d.Train.Features, d.Test.Features = cifarFeatures, cifarFeatures
	for i, name := range cifarFiles {
		part := &d.Train
		if i == len(cifarFiles)-1 {
			part = &d.Test
		}
		path := filepath.Join(where, name)
		if err := readCIFARFile(part, path, sums[name], limit); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return d, nil
}

func readCIFARFile(part *Samples, path, sum string, limit *budget) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if err := decodeCIFAR(part, io.TeeReader(limit.reader(file), hash), cifarRecords); err != nil {
		return err
	}
	if actual := hex.EncodeToString(hash.Sum(nil)); sum != "" && actual != sum {
		return fmt.Errorf("%w: its SHA-256 is %s, and %s says %s; fetch it again with nashprune data pull %s", ErrInvalid, actual, sumsFile, sum, cifarName)
	}
	return nil
}

// decodeCIFAR adds a file of a number of records to a part.
func decodeCIFAR(part *Samples, r io.Reader, records int) error {
	record := make([]byte, cifarRecord)
	buffered := bufio.NewReader(r)
	for i := range records {
		if _, err := io.ReadFull(buffered, record); err != nil {
			return readError(err, fmt.Sprintf("record %d of %d", i, records))
		}
		if record[0] >= cifarClasses {
			return fmt.Errorf("%w: record %d has label %d; labels are 0 to %d", ErrInvalid, i, record[0], cifarClasses-1)
		}
		part.Labels = append(part.Labels, record[0])
		part.Pixels = append(part.Pixels, record[1:]...)
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
func readSums(where string) (map[string]string, error) {
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
	for _, name := range cifarFiles {
		if len(sums[name]) != hex.EncodedLen(sha256.Size) {
			return nil, fmt.Errorf("%s: %w: no SHA-256 of %s; fetch the data again with nashprune data pull %s", path, ErrInvalid, name, cifarName)
		}
	}
	return sums, nil
}
