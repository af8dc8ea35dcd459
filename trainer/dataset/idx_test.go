package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"nashprune/trainer/memorytest"
)

// idx returns an IDX file of an element type, sizes and data that need not fit
// each other.
func idx(element byte, sizes []uint32, data ...byte) []byte {
	file := []byte{0, 0, element, byte(len(sizes))}
	for _, size := range sizes {
		file = binary.BigEndian.AppendUint32(file, size)
	}
	return append(file, data...)
}

func zipped(file []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(file); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// changed returns a copy of file with another byte at a place.
func changed(file []byte, at int, to byte) []byte {
	file = bytes.Clone(file)
	file[at] = to
	return file
}

func TestDecodeIDX(t *testing.T) {
	images := idx(idxUnsignedByte, []uint32{3, 1, 2}, 1, 2, 3, 4, 5, 255)
	labels := idx(idxUnsignedByte, []uint32{5}, 9, 8, 7, 6, 0)
	for _, tc := range []struct {
		name  string
		file  []byte
		sizes []int
		data  []byte
	}{
		{"images", images, []int{3, 1, 2}, []byte{1, 2, 3, 4, 5, 255}},
		{"images, gzip", zipped(images), []int{3, 1, 2}, []byte{1, 2, 3, 4, 5, 255}},
		{"labels", labels, []int{5}, []byte{9, 8, 7, 6, 0}},
		{"labels, gzip", zipped(labels), []int{5}, []byte{9, 8, 7, 6, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// One byte a read: no assumption on how the file arrives may hold.
			a, err := decodeIDX(iotest.OneByteReader(bytes.NewReader(tc.file)), len(tc.sizes), newBudget(0))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.sizes, tc.sizes) || !bytes.Equal(a.data, tc.data) {
				t.Errorf("got %v %v, want %v %v", a.sizes, a.data, tc.sizes, tc.data)
			}
		})
	}
}

func TestDecodeIDXLargerThanTheFirstRead(t *testing.T) {
	data := make([]byte, 3*firstRead+7)
	for i := range data {
		data[i] = byte(i * 31)
	}
	a, err := decodeIDX(bytes.NewReader(idx(idxUnsignedByte, []uint32{uint32(len(data))}, data...)), labelDimensions, newBudget(0))
	if err != nil || !bytes.Equal(a.data, data) {
		t.Errorf("%d of %d bytes are read (%v)", len(a.data), len(data), err)
	}
}

// testLimit is a budget of a gigabyte, which "at the limit" below is at.
const testLimit = 1 << 30

func TestReadIDXErrors(t *testing.T) {
	good := idx(idxUnsignedByte, []uint32{2, 1, 2}, 1, 2, 3, 4)
	packed := zipped(good)
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "truncated: the file ends within its header"},
		{"magic cut", good[:3], "truncated: the file ends within its header"},
		{"sizes cut", good[:11], "truncated: the file ends within its header"},
		{"no data", good[:16], "truncated: the file ends within its data, after 0 of 4 bytes"},
		{"data cut", good[:19], "truncated: the file ends within its data, after 3 of 4 bytes"},
		{"trailing", append(bytes.Clone(good), 0), "bytes follow the 4 that its header declares"},
		{"trailing, gzip", zipped(append(bytes.Clone(good), 0)), "bytes follow the 4"},
		{"text", []byte("P5 28 28 255 "), "not an IDX file: it begins with 50 35 20 32"},
		{"float", idx(0x0D, []uint32{1, 1, 1}, 0, 0, 0, 0), "element type 0x0d; only unsigned bytes, 0x08"},
		{"labels for images", idx(idxUnsignedByte, []uint32{2}, 1, 2), "of 1 dimensions where 3 are expected"},
		{"no samples", idx(idxUnsignedByte, []uint32{0, 28, 28}), "holds no samples"},
		{"no rows", idx(idxUnsignedByte, []uint32{3, 0, 28}), "a side of 0 pixels"},
		{"no columns", idx(idxUnsignedByte, []uint32{3, 28, 0}), "a side of 0 pixels"},
		{"over the limit", idx(idxUnsignedByte, []uint32{testLimit/784 + 1, 28, 28}), "more than the 1073741824 bytes"},
		{"product beyond 64 bits", idx(idxUnsignedByte, []uint32{math.MaxUint32, math.MaxUint32, 4}), "more than the 1073741824 bytes"},
		{"at the limit, but short", idx(idxUnsignedByte, []uint32{1024, 1024, 1024}, 1, 2), "after 2 of 1073741824 bytes"},
		{"gzip header cut", packed[:7], "truncated: the file ends within its gzip header"},
		{"gzip cut", packed[:len(packed)-12], "truncated"},
		{"gzip trailer cut", packed[:len(packed)-3], "truncated: the file ends within its gzip trailer"},
		{"gzip of a wrong method", changed(packed, 2, 7), "corrupt gzip: gzip: invalid header"},
		{"gzip of a reserved block type", changed(packed, 10, 7), "corrupt gzip: flate"},
		{"gzip checksum changed", changed(packed, len(packed)-6, packed[len(packed)-6]+1), "corrupt gzip: gzip: invalid checksum"},
		{"bytes after gzip", append(bytes.Clone(packed), "more bytes than a header"...), "corrupt gzip: gzip: invalid header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "images")
			if err := os.WriteFile(path, tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := readIDX(path, imageDimensions, newBudget(testLimit))
			checkError(t, err, ErrInvalid, path, tc.want)
		})
	}
}

func TestReadIDXOfNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent")
	_, err := readIDX(path, imageDimensions, newBudget(testLimit))
	checkError(t, err, os.ErrNotExist, path)
}

func TestDecodeIDXPassesOnReadErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	_, err := decodeIDX(iotest.ErrReader(broken), labelDimensions, newBudget(0))
	checkError(t, err, broken, "cannot read its header")
}

// checkError wants an error that wraps a target, holds some text and fits on
// one line.
func checkError(t *testing.T, err, target error, texts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want one that wraps %q", err, target)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q takes several lines", err)
	}
}

// spent returns how many bytes were read of a budget, decompressed.
func (b *budget) spent() int { return int(b.most - b.left.Load()) }

func FuzzIDX(f *testing.F) {
	images := idx(idxUnsignedByte, []uint32{3, 1, 2}, 1, 2, 3, 4, 5, 6)
	for _, file := range [][]byte{
		nil,
		images,
		images[:18],
		zipped(images),
		changed(zipped(images), 10, 7),
		idx(idxUnsignedByte, []uint32{4}, 0, 1, 2, 3),
		zipped(idx(idxUnsignedByte, []uint32{4}, 0, 1, 2, 3)),
		idx(idxUnsignedByte, []uint32{1024, 1024, 1024}, 1, 2),
		zipped(idx(idxUnsignedByte, []uint32{1 << 18}, make([]byte, 1<<18)...)),
		idx(idxUnsignedByte, []uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32}),
		idx(0x0E, []uint32{1}, 1, 2, 3, 4, 5, 6, 7, 8),
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, dimensions := range []int{labelDimensions, imageDimensions} {
			var a array
			var err error
			limit := newBudget(0)
			// Room is doubled, so that what was outgrown on the way and what is left
			// over come to four times what was read. The constant is for the buffers
			// of gzip and the first read.
			memorytest.Within(t, memorytest.Bound{PerByte: 4, Constant: 1 << 20}, func() int {
				a, err = decodeIDX(bytes.NewReader(file), dimensions, limit)
				return limit.spent()
			})
			if err != nil {
				if !errors.Is(err, ErrInvalid) {
					t.Errorf("untyped error %v", err)
				}
				continue
			}
			product := 1
			for _, size := range a.sizes {
				product *= size
			}
			if len(a.sizes) != dimensions || len(a.data) != product || product == 0 {
				t.Errorf("sizes %v with %d bytes of data", a.sizes, len(a.data))
			}
		}
	})
}
