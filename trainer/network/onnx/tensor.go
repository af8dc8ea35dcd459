package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"nashprune/trainer/float16"
)

// Kinds of number, as onnx.proto counts them.
const (
	float32Kind  = 1
	uint8Kind    = 2
	int8Kind     = 3
	uint16Kind   = 4
	int16Kind    = 5
	int32Kind    = 6
	int64Kind    = 7
	boolKind     = 9
	float16Kind  = 10
	float64Kind  = 11
	uint32Kind   = 12
	uint64Kind   = 13
	bfloat16Kind = 16
)

// kinds are the kinds of number that can be read.
var kinds = map[int64]struct {
	name  string
	bytes int
	real  *realKind // nil of whole numbers
}{
	float32Kind: {"float32", 4, &realKind{
		func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) },
		func(b []byte, x float32) []byte { return binary.LittleEndian.AppendUint32(b, math.Float32bits(x)) },
	}},
	float64Kind: {"float64", 8, &realKind{
		func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
		func(b []byte, x float32) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(x)))
		},
	}},
	float16Kind: {"float16", 2, &realKind{
		func(b []byte) float32 { return float16.Value(binary.LittleEndian.Uint16(b)) },
		func(b []byte, x float32) []byte { return binary.LittleEndian.AppendUint16(b, float16.Bits(x)) },
	}},
	bfloat16Kind: {"bfloat16", 2, &realKind{
		func(b []byte) float32 { return float16.BrainValue(binary.LittleEndian.Uint16(b)) },
		func(b []byte, x float32) []byte { return binary.LittleEndian.AppendUint16(b, float16.BrainBits(x)) },
	}},
	int8Kind: {"int8", 1, nil}, uint8Kind: {"uint8", 1, nil}, int16Kind: {"int16", 2, nil}, uint16Kind: {"uint16", 2, nil},
	int32Kind: {"int32", 4, nil}, uint32Kind: {"uint32", 4, nil}, int64Kind: {"int64", 8, nil}, uint64Kind: {"uint64", 8, nil}, boolKind: {"bool", 1, nil},
}

// realKind is how a floating number lies in a file. Reading rounds to float32, and writing to
// the kind.
type realKind struct {
	read  func(b []byte) float32
	write func(b []byte, x float32) []byte
}

// round returns x as a file of the kind holds it.
func (k *realKind) round(x float32) float32 { return k.read(k.write(make([]byte, 0, 8), x)) }

// kindName names a kind of number.
func kindName(kind int64) string {
	if k, known := kinds[kind]; known {
		return k.name
	}
	return fmt.Sprintf("type %d of ONNX", kind)
}

// tensorProto is a tensor of a file. Its numbers are in one of the lists, in raw as they lie
// in memory, or in a file of their own.
type tensorProto struct {
	name     string
	dims     []int64
	kind     int64
	raw      []byte
	floats   []float32
	doubles  []float64
	ints     []int64 // of int32_data, int64_data or uint64_data
	location int64   // 1: external says where the numbers are
	external []Entry
	segment  bool

	// Of a sparse initializer: its places, and the shape of its numbers.
	indices *tensorProto
	stored  []int64
}

func (t *tensorProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			t.dims = f.integers(t.dims)
		case 2:
			t.kind = f.integer()
		case 3:
			t.segment = true
		case 4:
			t.floats = f.floats(t.floats)
		case 5, 7, 11:
			t.ints = f.integers(t.ints)
		case 8:
			t.name = f.text()
		case 9:
			t.raw = f.data()
		case 10:
			t.doubles = f.doubles(t.doubles)
		case 13:
			var e Entry
			f.message("the place of its data", e.decode)
			t.external = append(t.external, e)
		case 14:
			t.location = f.integer()
		}
	})
}

func (t *tensorProto) encode() []byte {
	var to message
	to.integers(1, t.dims)
	to.integer(2, t.kind)
	to.text(8, t.name)
	if t.location == 0 {
		to.data(9, t.raw)
	}
	for _, e := range t.external {
		to.data(13, e.encode())
	}
	to.integer(14, t.location)
	return to
}

// realTensor returns a tensor of a kind of floating numbers.
func realTensor(name string, dims []int, kind int64, v []float32) tensorProto {
	raw := make([]byte, 0, kinds[kind].bytes*len(v))
	for _, x := range v {
		raw = kinds[kind].real.write(raw, x)
	}
	return tensorProto{name: name, dims: wide(dims), kind: kind, raw: raw}
}

// intTensor returns a tensor of int64 of one dimension.
func intTensor(name string, v []int) tensorProto {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return tensorProto{name: name, dims: []int64{int64(len(v))}, kind: int64Kind, raw: raw}
}

// wide returns whole numbers as ONNX has them.
func wide(v []int) []int64 {
	var w []int64
	for _, n := range v {
		w = append(w, int64(n))
	}
	return w
}

// maxLength bounds dimensions, so that no product of two overflows.
const maxLength = 1 << 31

// shape returns the dimensions of a tensor and how many numbers it has.
func (t *tensorProto) shape() (dims []int, size int, err error) {
	if len(t.dims) > maxRank {
		return nil, 0, fmt.Errorf("it has %d dimensions; it must have %d at most", len(t.dims), maxRank)
	}
	size = 1
	for _, n := range t.dims {
		if n < 0 || n > maxLength || int64(size)*n > maxLength {
			return nil, 0, fmt.Errorf("it has shape %v; it must have 2^31 numbers at most", t.dims)
		}
		dims = append(dims, int(n))
		size *= int(n)
	}
	return dims, size, nil
}

// bytes returns the numbers as they lie in memory, or nil where they are in a list.
func (t *tensorProto) bytes(size int, files *files) ([]byte, error) {
	kind := kinds[t.kind]
	if t.location != 0 {
		data, err := files.read(t.external, size*kind.bytes)
		if err != nil {
			return nil, fmt.Errorf("external data: %w", err)
		}
		return data, nil
	}
	if t.raw != nil && len(t.raw) != size*kind.bytes {
		return nil, fmt.Errorf("it has %d bytes for %d numbers of %s; it must have %d", len(t.raw), size, kind.name, size*kind.bytes)
	}
	return t.raw, nil
}

func (t *tensorProto) check() error {
	if t.segment {
		return fmt.Errorf("it is in segments; it must be in one piece")
	}
	if _, known := kinds[t.kind]; !known {
		return fmt.Errorf("its numbers are of %s; they must be floating or whole numbers", kindName(t.kind))
	}
	return nil
}

// lengthError says that a list does not have the numbers of its shape.
func lengthError(have, size int) error {
	return fmt.Errorf("it has %d numbers; it must have %d by its shape", have, size)
}

// real reads floating numbers, rounded to float32.
func (t *tensorProto) real(size int, raw []byte) ([]float32, error) {
	v := make([]float32, size)
	switch {
	case raw == nil && t.kind == float32Kind:
		if len(t.floats) != size {
			return nil, lengthError(len(t.floats), size)
		}
		copy(v, t.floats)
	case raw == nil && t.kind == float64Kind:
		if len(t.doubles) != size {
			return nil, lengthError(len(t.doubles), size)
		}
		for i, x := range t.doubles {
			v[i] = float32(x)
		}
	case raw == nil:
		if len(t.ints) != size {
			return nil, lengthError(len(t.ints), size)
		}
		for i, x := range t.ints { // of 16 bits
			v[i] = kinds[t.kind].real.read(binary.LittleEndian.AppendUint16(nil, uint16(x)))
		}
	default:
		for i := range v {
			v[i] = kinds[t.kind].real.read(raw[kinds[t.kind].bytes*i:])
		}
	}
	return v, nil
}

// whole reads whole numbers.
func (t *tensorProto) whole(size int, raw []byte) ([]extent, error) {
	v := make([]extent, size)
	if raw == nil {
		if len(t.ints) != size {
			return nil, lengthError(len(t.ints), size)
		}
		for i, n := range t.ints {
			v[i].n = n
		}
		return v, nil
	}
	for i := range v {
		switch t.kind {
		case int8Kind:
			v[i].n = int64(int8(raw[i]))
		case uint8Kind, boolKind:
			v[i].n = int64(raw[i])
		case int16Kind:
			v[i].n = int64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		case uint16Kind:
			v[i].n = int64(binary.LittleEndian.Uint16(raw[2*i:]))
		case int32Kind:
			v[i].n = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		case uint32Kind:
			v[i].n = int64(binary.LittleEndian.Uint32(raw[4*i:]))
		default:
			v[i].n = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
	return v, nil
}

// ReadTensor reads a tensor in the format of ONNX (TensorProto), as its test data has
// them: its shape, and its numbers row-major, rounded to float32.
func ReadTensor(data []byte) (shape []int, values []float32, err error) {
	var t tensorProto
	if err := t.decode(data); err != nil {
		return nil, nil, fmt.Errorf("no tensor of ONNX: %w", err)
	}
	r := &reader{budget: budgetFor(len(data))}
	v, err := r.constant(&t)
	if err != nil {
		return nil, nil, err
	}
	if v.reals == nil {
		return nil, nil, fmt.Errorf("its numbers are of %s; they must be floating", kindName(t.kind))
	}
	return v.reals.dims, v.reals.v, nil
}

// files reads numbers that a model keeps in other files of its folder.
type files struct {
	folder *os.Root       // nil: there is none
	left   map[string]int // bytes of each file that no tensor has read yet
	digest io.Writer      // of all that is read
}

// read returns so many bytes of the file, and from the place, that entries name. Tensors
// may not read more of a file than it has, so that memory stays within its size.
func (f *files) read(entries []Entry, size int) ([]byte, error) {
	var location string
	var offset, length int64 = 0, int64(size)
	for _, e := range entries {
		var err error
		switch e.Key {
		case "location":
			location = e.Value
		case "offset":
			offset, err = strconv.ParseInt(e.Value, 10, 64)
		case "length":
			length, err = strconv.ParseInt(e.Value, 10, 64)
		}
		if err != nil || offset < 0 {
			return nil, fmt.Errorf("%s is %.40q; it must be a whole number from 0", e.Key, e.Value)
		}
	}
	if f == nil || f.folder == nil {
		return nil, fmt.Errorf("it is in file %.80q; read the model from its folder", location)
	}
	if length != int64(size) {
		return nil, fmt.Errorf("it has %d bytes; it must have %d by its shape", length, size)
	}
	file, err := f.folder.Open(location) // which refuses what is outside the folder
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || offset > info.Size()-length {
		return nil, fmt.Errorf("bytes %d to %d of %.80q, which has %d; they must be in the file", offset, offset+length, location, info.Size())
	}
	if f.left[location] < size {
		return nil, fmt.Errorf("tensors share bytes of %.80q; each must have its own", location)
	}
	f.left[location] -= size
	data := make([]byte, size)
	if _, err := file.ReadAt(data, offset); err != nil && err != io.EOF {
		return nil, err
	}
	f.digest.Write(data)
	return data, nil
}

// claim returns the size of the file that an entry names, once.
func (f *files) claim(e Entry) int {
	if f == nil || e.Key != "location" {
		return 0
	}
	if _, known := f.left[e.Value]; known {
		return 0
	}
	info, err := f.folder.Stat(e.Value)
	if err != nil || !info.Mode().IsRegular() {
		return 0 // which reading says
	}
	f.left[e.Value] = int(info.Size())
	return int(info.Size())
}
