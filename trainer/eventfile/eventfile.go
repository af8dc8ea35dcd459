// Package eventfile writes event files, which TensorBoard and other programs read: numbers,
// histograms and images by the steps of a training.
//
// A file is a list of records: the length of the data, in 8 bytes, its checksum, the data, and
// its checksum. Checksums are CRC-32C, rotated by 15 bits, plus a constant. All are
// little-endian. The data of a record is an Event of TensorFlow's event.proto.
package eventfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Writer writes an event file. After an error it writes nothing more.
type Writer struct {
	file *os.File
	err  error
}

// Create makes a new event file in a folder, which it makes if there is none. Readers take all
// event files of a folder for parts of one run.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Readers look for ".tfevents." and sort by the seconds.
	pattern := fmt.Sprintf("events.out.tfevents.%010d.nashprune.*", time.Now().Unix())
	file, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file, err: file.Chmod(0o644)}
	w.record(appendBytes(event(0), 3, []byte("brain.Event:2"))) // the version of the format
	return w, w.err
}

// Path returns the name of the file.
func (w *Writer) Path() string { return filepath.Clean(w.file.Name()) }

// Close closes the file and returns the first error of all that was written.
func (w *Writer) Close() error {
	if err := w.file.Close(); w.err == nil {
		w.err = err
	}
	return w.err
}

// Value is a number, a histogram or an image with its name. The part of a tag before its first
// slash is a heading.
type Value struct {
	tag     string
	content []byte // a field of Summary.Value
}

// Scalar returns a number. It is kept as a float32.
func Scalar(tag string, x float64) Value {
	b := protowire.AppendTag(nil, 2, protowire.Fixed32Type)
	return Value{tag, protowire.AppendFixed32(b, math.Float32bits(float32(x)))}
}

// Histogram returns counts of numbers in classes of equal width from low to high. Sums are
// those of the middles of the classes.
func Histogram(tag string, low, high float64, counts []int) Value {
	var limits, buckets []byte
	num, sum, squares := 0., 0., 0.
	width := (high - low) / float64(max(1, len(counts)))
	for i, n := range counts {
		middle := low + (float64(i)+0.5)*width
		num, sum, squares = num+float64(n), sum+float64(n)*middle, squares+float64(n)*middle*middle
		limits = protowire.AppendFixed64(limits, math.Float64bits(low+float64(i+1)*width))
		buckets = protowire.AppendFixed64(buckets, math.Float64bits(float64(n)))
	}
	var b []byte
	for i, x := range []float64{low, high, num, sum, squares} {
		b = appendDouble(b, protowire.Number(1+i), x)
	}
	b = appendBytes(appendBytes(b, 6, limits), 7, buckets)
	return Value{tag, appendBytes(nil, 5, b)}
}

// Image returns an image of colours without transparency, encoded as PNG.
func Image(tag string, width, height int, png []byte) Value {
	const colours = 3
	var b []byte
	for i, n := range []int{height, width, colours} {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(1+i), protowire.VarintType), uint64(n))
	}
	return Value{tag, appendBytes(nil, 4, appendBytes(b, 4, png))}
}

// Write writes values of a step.
func (w *Writer) Write(step int, values ...Value) {
	var summary []byte
	for _, v := range values {
		summary = appendBytes(summary, 1, append(appendBytes(nil, 1, []byte(v.tag)), v.content...))
	}
	w.record(appendBytes(event(step), 5, summary))
}

// event begins an event that happens now.
func event(step int) []byte {
	b := appendDouble(nil, 1, float64(time.Now().UnixMicro())/1e6)
	if step == 0 { // which is not written
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(step))
}

func appendDouble(b []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(x))
}

func appendBytes(b []byte, field protowire.Number, data []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), data)
}

// record writes a record, whole at once, so that a reader at work sees no half of it.
func (w *Writer) record(data []byte) {
	if w.err != nil {
		return
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, masked(data))
	_, w.err = w.file.Write(b)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum of a record. It differs from the CRC, since that of data that holds
// its own CRC says little.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}
