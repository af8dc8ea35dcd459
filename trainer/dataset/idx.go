package dataset

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// The IDX format: two zero bytes, the element type, the number of dimensions,
// the size of each dimension as four bytes big-endian, then the elements with
// the last dimension running fastest.
const (
	idxUnsignedByte = 0x08 // the element type of images and labels
	idxInt32        = 0x0c // that of labels of QMNIST, in rows the first of which is the class
	idxInt32Bytes   = 4
	idxSizeBytes    = 4
	idxMagicBytes   = 4

	imageDimensions  = 3 // images, rows, columns
	colourDimensions = 4 // the same with channels before the rows or after the columns
	labelDimensions  = 1
)

// firstRead is how many bytes are made room for before any has been read.
const firstRead = 64 << 10

var gzipMagic = []byte{0x1f, 0x8b}

// array is what an IDX file holds.
type array struct {
	header []byte
	sizes  []int   // of the dimensions, each at least 1
	data   []uint8 // as many as the product of sizes
}

// checksum returns the SHA-256 of the file, uncompressed, in hexadecimal.
func (a array) checksum() string {
	hash := sha256.New()
	hash.Write(a.header)
	hash.Write(a.data)
	return hex.EncodeToString(hash.Sum(nil))
}

// readIDX reads a file of unsigned bytes in a number of dimensions, where that of images
// stands for colourDimensions, too, compressed with gzip or not. Its errors name the file.
func readIDX(path string, dimensions int, limit *budget) (array, error) {
	file, err := os.Open(path)
	if err != nil {
		return array{}, err // it names the path already
	}
	defer file.Close()
	a, err := decodeIDX(file, dimensions, limit)
	if err != nil {
		return array{}, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// decodeIDX reads what readIDX reads. It makes room for at most about twice the bytes it
// has read, whatever size the header claims.
func decodeIDX(r io.Reader, dimensions int, limit *budget) (array, error) {
	r, err := inflated(r)
	if err != nil {
		return array{}, readError(err, "gzip header")
	}
	r = limit.reader(r)
	header := make([]byte, idxMagicBytes)
	if _, err := io.ReadFull(r, header); err != nil {
		return array{}, readError(err, "header")
	}
	if err := checkMagic(header, dimensions); err != nil {
		return array{}, err
	}
	header = append(header, make([]byte, idxSizeBytes*int(header[3]))...)
	if _, err := io.ReadFull(r, header[idxMagicBytes:]); err != nil {
		return array{}, readError(err, "header")
	}
	sizes, elements, err := parseSizes(header[idxMagicBytes:], limit)
	if err != nil {
		return array{}, err
	}
	wide := header[2] == idxInt32
	if wide {
		elements *= idxInt32Bytes
	}
	data, err := readGrowing(r, elements)
	if err != nil {
		return array{}, readError(err, fmt.Sprintf("data, after %d of %d bytes", len(data), elements))
	}
	// Reading to the end also makes gzip compare its checksum.
	switch _, err := io.ReadFull(r, make([]byte, 1)); {
	case err == nil:
		return array{}, fmt.Errorf("%w: bytes follow the %d that its header declares", ErrInvalid, elements)
	case err != io.EOF:
		return array{}, readError(err, "gzip trailer")
	}
	if wide {
		data, err = firstOfRows(data, sizes[0])
	}
	return array{header: header, sizes: sizes, data: data}, err
}

// firstOfRows returns the first number of each of some rows of 32-bit integers, as bytes.
func firstOfRows(data []byte, rows int) ([]uint8, error) {
	labels := make([]uint8, rows)
	for row := range labels {
		label := int32(binary.BigEndian.Uint32(data[row*len(data)/rows:]))
		if label < 0 || label >= maxClasses {
			return nil, fmt.Errorf("%w: label %d is %d; it must be 0 to %d", ErrInvalid, row, label, maxClasses-1)
		}
		labels[row] = uint8(label)
	}
	return labels, nil
}

// inflated returns a reader of what r holds, undoing gzip where the first bytes
// are gzip's, which an IDX file's never are.
func inflated(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	// An error here comes again on the first read.
	if start, _ := buffered.Peek(len(gzipMagic)); !bytes.Equal(start, gzipMagic) {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

func checkMagic(magic []byte, dimensions int) error {
	switch {
	case magic[0] != 0 || magic[1] != 0:
		return fmt.Errorf("%w: not an IDX file: it begins with % x, not with 00 00", ErrInvalid, magic[:idxMagicBytes])
	case magic[2] == idxInt32 && dimensions == labelDimensions && (magic[3] == 1 || magic[3] == 2):
		return nil
	case magic[2] != idxUnsignedByte:
		return fmt.Errorf("%w: IDX element type 0x%02x; only unsigned bytes, 0x%02x, are read, and of labels 32-bit integers, too", ErrInvalid, magic[2], idxUnsignedByte)
	case int(magic[3]) != dimensions && (dimensions != imageDimensions || magic[3] != colourDimensions):
		return fmt.Errorf("%w: IDX array of %d dimensions where %d are expected (images have %d, or %d with channels, and labels %d)",
			ErrInvalid, magic[3], dimensions, imageDimensions, colourDimensions, labelDimensions)
	}
	return nil
}

// parseSizes returns the sizes of the dimensions and their product.
func parseSizes(header []byte, limit *budget) (sizes []int, elements int, err error) {
	product := uint64(1)
	for ; len(header) > 0; header = header[idxSizeBytes:] {
		size := binary.BigEndian.Uint32(header)
		switch {
		case size == 0 && len(sizes) == 0:
			return nil, 0, fmt.Errorf("%w: it holds no samples", ErrInvalid)
		case size == 0:
			return nil, 0, fmt.Errorf("%w: its images have a side of 0 pixels", ErrInvalid)
		}
		if product, err = limit.declared(product, uint64(size)); err != nil {
			return nil, 0, err
		}
		sizes = append(sizes, int(size))
	}
	return sizes, int(product), nil
}

// readGrowing reads n bytes into room that grows as they arrive. With an error
// it returns those it got.
func readGrowing(r io.Reader, n int) ([]byte, error) {
	data := make([]byte, 0, min(n, firstRead))
	for len(data) < n {
		data = slices.Grow(data, min(max(len(data), firstRead), n-len(data)))
		got, err := io.ReadFull(r, data[len(data):min(cap(data), n)])
		data = data[:len(data)+got]
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// readError says what failed while reading a part of a file: the file ended, its
// compression is damaged, or the system could not read it.
func readError(err error, part string) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, ErrInvalid): // that it is too large
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: truncated: the file ends within its %s", ErrInvalid, part)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return fmt.Errorf("%w: corrupt gzip: %w", ErrInvalid, err)
	}
	return fmt.Errorf("cannot read its %s: %w", part, err)
}
