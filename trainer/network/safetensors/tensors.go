package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

// Tensor is a named array of numbers as a safetensors file holds it.
type Tensor struct {
	Name  string // UTF-8; any but "__metadata__"
	Shape []int  // the outermost dimension first; empty for a scalar
	// Type is that of the numbers in the file; empty: F64 where Float64 is set, else F32.
	Type Type
	// One of these holds the numbers, row-major, as many as the product of Shape. Float32
	// stands for any type of floats, Raw are the bytes of another type.
	Float32 []float32
	Float64 []float64
	Raw     []byte
}

// A safetensors file is the length of a header as a little-endian uint64, the
// header as a JSON object, and the numbers of the tensors, little-endian,
// without a gap. See the format section of the README of
// github.com/safetensors/safetensors, whose implementation this one follows;
// it is stricter in that it knows no unknown fields.
const (
	metadataName = "__metadata__"
	largestSize  = 8 // bytes of a number

	// maxHeader bounds the header in bytes. The reference allows 100 MB; one
	// network takes less than 20 KiB, and a checkpoint keeps its state here.
	maxHeader = 16 << 20
	// headerMultiple keeps the numbers aligned for readers that map the file.
	headerMultiple = 8
	// maxDimensions bounds a shape; nothing here has more than two.
	maxDimensions = 8
	// chunk is how many numbers are converted at a time, so that no second copy
	// of a tensor is made and a file claiming much allocates no more than this.
	chunk = 8192
)

// tensorHeader is what the header says of a tensor.
type tensorHeader struct {
	Type    Type  `json:"dtype"`
	Shape   []int `json:"shape"`
	Offsets []int `json:"data_offsets"` // begin and end in bytes, from the first number of the file
}

// Write writes a safetensors file with tensors in the order given and
// metadata, which may be nil, sorted by key: the same arguments give the same
// bytes. It is an error when names repeat, when a shape does not fit its
// numbers, when a string is not UTF-8, or when the header exceeds 16 MiB.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	header, err := encodeHeader(metadata, tensors)
	if err != nil {
		return err
	}
	prefixed := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(prefixed, header...)); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	for _, tensor := range tensors {
		if err := tensor.WriteNumbers(w); err != nil {
			return fmt.Errorf("write tensor %.40q: %w", tensor.Name, err)
		}
	}
	return nil
}

// WriteNumbers writes the numbers of the tensor as they lie in a file.
func (t Tensor) WriteNumbers(w io.Writer) error {
	kind, _ := t.typed()
	buffer := make([]byte, 0, largestSize*chunk)
	for numbers := range slices.Chunk(t.Float32, chunk) {
		buffer = buffer[:0]
		for _, x := range numbers {
			buffer = kind.append(buffer, x)
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	for numbers := range slices.Chunk(t.Float64, chunk) {
		buffer = buffer[:0]
		for _, x := range numbers {
			buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(x))
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	if len(t.Raw) == 0 {
		return nil
	}
	_, err := w.Write(t.Raw)
	return err
}

// typed returns the type of the tensor's numbers, and how many bytes they take in a file.
func (t Tensor) typed() (kind Type, bytes int) {
	kind = t.Type
	switch {
	case kind == "" && t.Float64 != nil:
		kind = F64
	case kind == "":
		kind = F32
	}
	return kind, sizes[kind]*(len(t.Float32)+len(t.Float64)) + len(t.Raw)
}

// encodeHeader writes the object by hand to keep the tensors in order.
func encodeHeader(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	header := []byte{'{'}
	member := func(name string, value any) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if len(header) > 1 {
			header = append(header, ',')
		}
		header = slices.Concat(header, key, []byte{':'}, text)
		return nil
	}
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, fmt.Errorf("metadata %.40q: %.40q is not UTF-8", key, value)
		}
	}
	if len(metadata) > 0 {
		if err := member(metadataName, metadata); err != nil {
			return nil, err
		}
	}
	names := map[string]bool{metadataName: true}
	offset := 0
	for _, tensor := range tensors {
		if names[tensor.Name] || !utf8.ValidString(tensor.Name) {
			return nil, fmt.Errorf("tensor %.40q: its name is taken or not UTF-8", tensor.Name)
		}
		names[tensor.Name] = true
		kind, bytes := tensor.typed()
		size, err := byteSize(tensor.Shape, sizes[kind])
		if err != nil {
			return nil, fmt.Errorf("tensor %.40q: %w", tensor.Name, err)
		}
		if sizes[kind] == 0 || size != bytes {
			return nil, fmt.Errorf("tensor %.40q: %d numbers do not fill its shape %v", tensor.Name, bytes/max(sizes[kind], 1), tensor.Shape)
		}
		shape := append([]int{}, tensor.Shape...) // nil would become null, which is no shape
		if err := member(tensor.Name, tensorHeader{kind, shape, []int{offset, offset + size}}); err != nil {
			return nil, err
		}
		offset += size
	}
	header = append(header, '}')
	for len(header)%headerMultiple != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, more than %d: store less metadata", len(header), maxHeader)
	}
	return header, nil
}

// byteSize returns how many bytes a tensor of a shape takes, of numbers of a size.
func byteSize(shape []int, size int) (int, error) {
	if len(shape) > maxDimensions {
		return 0, fmt.Errorf("its shape has %d dimensions, more than %d", len(shape), maxDimensions)
	}
	for _, dimension := range shape {
		if dimension < 0 || (dimension > 0 && size > math.MaxInt/dimension) {
			return 0, fmt.Errorf("its shape %v has a negative dimension or overflows", shape)
		}
		size *= dimension
	}
	return size, nil
}

// Read reads a safetensors file to its end and returns its metadata, nil
// when there is none, and its tensors in the order of their numbers. It trusts
// nothing: the file must have no gap, overlap, repeated
// name or byte too many, and the memory taken stays within a constant times
// what was read. NaN and infinities pass. The header may take up to 16 MiB.
func Read(r io.Reader) (map[string]string, []Tensor, error) { return read(r, -1, false) }

// read is Read of a file of a known size in bytes, or of -1. It takes the memory of the
// numbers at once where the size is known. Floats of any type become float32, where single
// says so.
func read(r io.Reader, fileSize int64, single bool) (map[string]string, []Tensor, error) {
	header, err := readHeader(r)
	if err != nil {
		return nil, nil, err
	}
	metadata, named, err := decodeHeader(header)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors header: %w", err)
	}
	slices.SortStableFunc(named, func(a, b namedHeader) int { return slices.Compare(a.Offsets, b.Offsets) })
	end := 0
	for _, t := range named {
		if t.Offsets[0] != end {
			return nil, nil, fmt.Errorf("tensor %.40q: its numbers begin at byte %d, want %d: without gap or overlap", t.name, t.Offsets[0], end)
		}
		end = t.Offsets[1]
	}
	known := fileSize >= 0
	if known && fileSize-int64(len(header))-prefixSize < int64(end) {
		return nil, nil, cutShort(io.ErrUnexpectedEOF)
	}
	tensors := make([]Tensor, len(named))
	buffer := make([]byte, largestSize*chunk)
	for i, t := range named {
		tensors[i] = Tensor{Name: t.name, Shape: t.Shape}
		if err := tensors[i].readNumbers(r, t.tensorHeader, known, single, buffer); err != nil {
			return nil, nil, fmt.Errorf("tensor %.40q: %w", t.name, err)
		}
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err == nil {
		return nil, nil, errors.New("bytes follow the last tensor: the file is damaged or no safetensors file")
	} else if err != io.EOF {
		return nil, nil, fmt.Errorf("read past the last tensor: %w", err)
	}
	return metadata, tensors, nil
}

// prefixSize is the bytes of the length of the header.
const prefixSize = 8

// readHeader reads the length of the header and the header.
func readHeader(r io.Reader) ([]byte, error) {
	prefix := make([]byte, prefixSize)
	if _, err := io.ReadFull(r, prefix); err != nil {
		return nil, fmt.Errorf("read the length of the header: %w", cutShort(err))
	}
	length := binary.LittleEndian.Uint64(prefix)
	if length > maxHeader {
		return nil, fmt.Errorf("the header would take %d bytes, more than %d: this is no safetensors file of ours", length, maxHeader)
	}
	header, err := io.ReadAll(io.LimitReader(r, int64(length))) // grows as it reads, whatever length says
	if err == nil && len(header) < int(length) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", cutShort(err))
	}
	if !bytes.HasPrefix(header, []byte{'{'}) || !utf8.Valid(header) {
		return nil, errors.New("the header is no JSON object in UTF-8: this is no safetensors file")
	}
	return header, nil
}

// readNumbers reads the numbers that a header announces by way of buffer. Memory grows
// with what is read, unless the file is known to have them.
func (t *Tensor) readNumbers(r io.Reader, header tensorHeader, known, single bool, buffer []byte) error {
	kind, left := header.Type, header.Offsets[1]-header.Offsets[0]
	size, room := sizes[kind], 0
	if known {
		room = left / size
	}
	if kind != F32 && (kind != F64 || single) {
		t.Type = kind
	}
	switch {
	case !kind.Floats():
		t.Raw = make([]byte, 0, room*size)
	case kind == F64 && !single:
		t.Float64 = make([]float64, 0, room)
	default:
		t.Float32 = make([]float32, 0, room)
	}
	for left > 0 {
		part := buffer[:min(left, size*chunk)]
		if _, err := io.ReadFull(r, part); err != nil {
			return cutShort(err)
		}
		left -= len(part)
		if t.Raw != nil {
			t.Raw = append(t.Raw, part...)
			continue
		}
		for ; len(part) > 0; part = part[size:] {
			if t.Float64 != nil {
				t.Float64 = append(t.Float64, math.Float64frombits(binary.LittleEndian.Uint64(part)))
			} else {
				t.Float32 = append(t.Float32, kind.number(part))
			}
		}
	}
	return nil
}

// cutShort says what an early end of the file means.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut short, copy or write it again: %w", io.ErrUnexpectedEOF)
	}
	return err
}
