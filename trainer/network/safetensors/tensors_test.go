package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network/safetensors"
)

// safetensors returns the bytes of a file with a header as given, unpadded.
func fileOf(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// one and two are the float32 numbers 1 and 2 as a file holds them.
const (
	one = "\x00\x00\x80\x3f"
	two = "\x00\x00\x00\x40"
)

// TestWriteTensorsLayout spells a whole file out, after the format section of
// the README of github.com/safetensors/safetensors.
func TestWriteTensorsLayout(t *testing.T) {
	tensors := []safetensors.Tensor{
		{Name: "z", Shape: []int{2, 1}, Float32: []float32{1, 2}},
		{Name: "empty", Shape: []int{0, 3}},
		{Name: `"é<`, Float32: []float32{2}}, // a scalar
	}
	header := `{"__metadata__":{"a":"b","format":"pt"},` +
		`"z":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},` +
		`"empty":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},` +
		`"\"é\u003c":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	want := fileOf(header, one+two+two)
	var got bytes.Buffer
	if err := safetensors.Write(&got, map[string]string{"format": "pt", "a": "b"}, tensors); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("wrote %q\nwant %q", got.Bytes(), want)
	}
}

// TestTensorsRoundTrip reads one byte at a time, as a slow pipe may give them,
// and takes a tensor longer than the pieces that numbers are converted in.
func TestTensorsRoundTrip(t *testing.T) {
	long := make([]float32, 127*131)
	for i := range long {
		long[i] = math.Float32frombits(uint32(i) * 0x9E3779B9) // all kinds of numbers, NaN too
	}
	var empty []safetensors.Tensor // many at one offset keep their order
	for i := range 127 {
		empty = append(empty, safetensors.Tensor{Name: string(rune('a' + i*37%127)), Shape: []int{0}, Float32: []float32{}})
	}
	for _, tensors := range [][]safetensors.Tensor{
		{},
		empty,
		{{Name: "", Shape: []int{}, Float32: []float32{float32(math.Copysign(0, -1))}}},
		{{Name: "a", Shape: []int{0}, Float32: []float32{}}, {Name: "b", Shape: []int{3, 0}, Float32: []float32{}}},
		{{Name: "double", Shape: []int{2, 1}, Float64: []float64{math.Pi, math.Copysign(0, -1)}}, {Name: "none", Shape: []int{0}, Float64: []float64{}},
			{Name: "odd", Shape: []int{1}, Float32: []float32{3}}, {Name: "more", Shape: []int{}, Float64: []float64{math.MaxFloat64}}},
		{{Name: "long", Shape: []int{127, 131}, Float32: long}, {Name: "a", Shape: []int{1, 1, 3}, Float32: []float32{1, 2, 3}}},
	} {
		for _, metadata := range []map[string]string{nil, {"": "", "state": `{"round": 13}`}} {
			var file bytes.Buffer
			if err := safetensors.Write(&file, metadata, tensors); err != nil {
				t.Fatal(err)
			}
			if file.Len() < 10 {
				t.Fatalf("only %d bytes written", file.Len())
			}
			gotMetadata, got, err := safetensors.Read(iotest.OneByteReader(&file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(gotMetadata, metadata) {
				t.Errorf("metadata %v, want %v", gotMetadata, metadata)
			}
			if !sameTensors(got, tensors) {
				t.Errorf("tensors %.200v, want %.200v", got, tensors)
			}
		}
	}
}

// sameTensors compares numbers by their bits, since NaN differs from itself.
func sameTensors(a, b []safetensors.Tensor) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !reflect.DeepEqual(a[i].Shape, b[i].Shape) || len(a[i].Float32) != len(b[i].Float32) || len(a[i].Float64) != len(b[i].Float64) {
			return false
		}
		for k, x := range a[i].Float64 {
			if math.Float64bits(x) != math.Float64bits(b[i].Float64[k]) {
				return false
			}
		}
		for k, x := range a[i].Float32 {
			if math.Float32bits(x) != math.Float32bits(b[i].Float32[k]) {
				return false
			}
		}
	}
	return true
}

// TestReadTensorsInAnyOrder reads what other programs may write: members in
// another order than the numbers, spaces, and no metadata.
func TestReadTensorsInAnyOrder(t *testing.T) {
	file := fileOf(`{ "b" : {"data_offsets":[4,8],"shape":[1],"dtype":"F32"},
		"none":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
		"a":{"shape":[1,1],"dtype":"F32","data_offsets":[0,4]}}  `, one+two)
	want := []safetensors.Tensor{
		{Name: "a", Shape: []int{1, 1}, Float32: []float32{1}},
		{Name: "none", Shape: []int{0}, Float32: []float32{}},
		{Name: "b", Shape: []int{1}, Float32: []float32{2}},
	}
	metadata, got, err := safetensors.Read(bytes.NewReader(file))
	if err != nil || metadata != nil || !sameTensors(got, want) {
		t.Errorf("read %v, %v, %v, want %v", metadata, got, err, want)
	}
}

func TestWriteTensorsErrors(t *testing.T) {
	for _, c := range []struct {
		what     string
		metadata map[string]string
		tensors  []safetensors.Tensor
	}{
		{"its name is taken", nil, []safetensors.Tensor{{Name: "a", Shape: []int{0}}, {Name: "a", Shape: []int{0}}}},
		{"its name is taken", nil, []safetensors.Tensor{{Name: "__metadata__", Shape: []int{0}}}},
		{"not UTF-8", nil, []safetensors.Tensor{{Name: "\xff", Shape: []int{0}}}},
		{"not UTF-8", map[string]string{"a": "\xff"}, nil},
		{"not UTF-8", map[string]string{"\xff": "a"}, nil},
		{"0 numbers do not fill", nil, []safetensors.Tensor{{Name: "a"}}},
		{"3 numbers do not fill", nil, []safetensors.Tensor{{Name: "a", Shape: []int{2, 2}, Float32: make([]float32, 3)}}},
		{"negative dimension", nil, []safetensors.Tensor{{Name: "a", Shape: []int{-1, -1}, Float32: make([]float32, 1)}}},
		{"overflows", nil, []safetensors.Tensor{{Name: "a", Shape: []int{math.MaxInt, 4}, Float32: make([]float32, 1)}}},
		{"9 dimensions", nil, []safetensors.Tensor{{Name: "a", Shape: make([]int, 9)}}},
		{"store less metadata", map[string]string{"a": strings.Repeat("x", 16<<20)}, nil},
	} {
		var file bytes.Buffer
		err := safetensors.Write(&file, c.metadata, c.tensors)
		if err == nil || !strings.Contains(err.Error(), c.what) {
			t.Errorf("error %.200v, want %q", err, c.what)
		}
		if file.Len() > 0 {
			t.Errorf("%s: %d bytes written", c.what, file.Len())
		}
	}
}

func TestWriterFails(t *testing.T) {
	tensors := []safetensors.Tensor{{Name: "a", Shape: []int{3}, Float32: make([]float32, 3)}}
	for written := range 2 {
		err := safetensors.Write(&fullDisk{writes: written}, nil, tensors)
		if !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("after %d writes: error %v", written, err)
		}
	}
}

// fullDisk takes a number of writes and then fails.
type fullDisk struct{ writes int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.writes--; d.writes < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// hostile are files that no reader should take, and what it should say.
func hostile() []struct {
	want string
	file []byte
} {
	length := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	tensor := func(fields string) []byte { return fileOf(`{"a":{`+fields+`}}`, one) }
	shaped := func(shape, offsets string) []byte {
		return tensor(`"dtype":"F32","shape":` + shape + `,"data_offsets":` + offsets)
	}
	const good = `{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	return []struct {
		want string
		file []byte
	}{
		{"cut short", nil},
		{"cut short", make([]byte, 7)},
		{"cut short", length(2)},
		{"cut short", append(length(16<<20), '{')},
		{"more than 16777216", length(16<<20 + 1)},
		{"more than 16777216", length(math.MaxUint64)},
		{"no JSON object", length(0)},
		{"no JSON object", fileOf(" {}", "")},
		{"no JSON object", fileOf("[]", "")},
		{"no JSON object", fileOf("{\"\xff\":{}}", "")},
		{"no JSON: ", fileOf("{", "")},
		{"no JSON: ", fileOf("{}{}", "")},
		{"no JSON: ", fileOf("{}\x00", "")},
		{"no JSON: ", fileOf(`{"a":`+good+`,}`, one)},
		{"no JSON: ", fileOf(strings.Repeat(`{"a":`, 100000), "")},
		{`"a" comes twice`, fileOf(`{"a":`+good+`,"a":`+good+`}`, one)},
		{`"a" comes twice`, fileOf(`{"a":`+good+`,"\u0061":`+good+`}`, one)},
		{`"__metadata__" comes twice`, fileOf(`{"__metadata__":{},"__metadata__":{}}`, "")},
		{`"k" comes twice`, fileOf(`{"__metadata__":{"k":"1","k":"2"}}`, "")},
		{`where { belongs`, fileOf(`{"__metadata__":null}`, "")},
		{`where { belongs`, fileOf(`{"__metadata__":"x"}`, "")},
		{"where a string belongs", fileOf(`{"__metadata__":{"k":null}}`, "")},
		{"where a string belongs", fileOf(`{"__metadata__":{"k":1}}`, "")},
		{"where a string belongs", fileOf(`{"__metadata__":{"k":["v"]}}`, "")},
		{`where { belongs`, fileOf(`{"a":null}`, "")},
		{`where { belongs`, fileOf(`{"a":[]}`, "")},
		{`"dtype" comes twice`, tensor(`"dtype":"F32","dtype":"F32"`)},
		{`unknown field "DTYPE"`, tensor(`"DTYPE":"F32"`)},
		{`have type ""`, tensor("")},
		{`have type "F12", which is none`, tensor(`"dtype":"F12","shape":[1],"data_offsets":[0,2]`)},
		{"takes 2 bytes, its data_offsets span 4", tensor(`"dtype":"F16","shape":[1],"data_offsets":[0,4]`)},
		{`have type "f32"`, tensor(`"dtype":"f32","shape":[1],"data_offsets":[0,4]`)},
		{"want a shape", tensor(`"dtype":"F32","data_offsets":[0,4]`)},
		{"want a shape", tensor(`"dtype":"F32","shape":[1]`)},
		{"want a shape", shaped("[1]", "[4]")},
		{"want a shape", shaped("[1]", "[0,4,8]")},
		{"want a shape", shaped("[1]", "[4,0]")},
		{"where [ belongs", shaped("null", "[0,4]")},
		{"where [ belongs", shaped("1", "[0,4]")},
		{"where a whole number", shaped("[null]", "[0,4]")},
		{"where a whole number", shaped("[[1]]", "[0,4]")},
		{"where a whole number", shaped(`["1"]`, "[0,4]")},
		{"where a whole number", shaped("[-1]", "[0,4]")},
		{"where a whole number", shaped("[1.0]", "[0,4]")},
		{"where a whole number", shaped("[1e0]", "[0,4]")},
		{"where a whole number", shaped("[9223372036854775808]", "[0,4]")},
		{"where a whole number", shaped("[1]", "[-4,0]")},
		{"overflows", shaped("[9223372036854775807]", "[0,4]")},
		{"overflows", shaped("[4294967296,4294967296]", "[0,4]")},
		{"overflows", shaped("[4611686018427387905]", "[0,4]")}, // 4 bytes, modulo 2^64
		{"9 dimensions", shaped("[1,1,1,1,1,1,1,1,1]", "[0,4]")},
		{"300001 dimensions", shaped("["+strings.Repeat("0,", 300000)+"0]", "[0,0]")},
		{"where { belongs", fileOf(`{"__metadata__":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}`, "")},
		{"takes 8 bytes, its data_offsets span 4", shaped("[2]", "[0,4]")},
		{"takes 0 bytes", shaped("[0]", "[0,4]")},
		{"begin at byte 4, want 0", shaped("[1]", "[4,8]")},
		{"begin at byte 0, want 4", fileOf(`{"a":`+good+`,"b":`+good+`}`, one)},
		{"begin at byte 8, want 4", fileOf(`{"a":`+good+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, one+one+one)},
		{"begin at byte 8, want 0", shaped("[0]", "[8,8]")},
		{"cut short", fileOf(`{"a":`+good+`}`, one[:3])},
		{"cut short", fileOf(`{"a":`+good+`}`, "")},
		{"cut short", shaped("[2]", "[0,8]")},
		{"cut short", shaped("[1099511627776]", "[0,4398046511104]")},
		{"bytes follow", shaped("[0]", "[0,0]")},
		{"bytes follow", fileOf("{}", "\n")},
	}
}

func TestReadTensorsErrors(t *testing.T) {
	for _, c := range hostile() {
		_, _, err := safetensors.Read(bytes.NewReader(c.file))
		if err == nil {
			t.Errorf("%.100q was read, want an error with %q", c.file, c.want)
		} else if got := err.Error(); !strings.Contains(got, c.want) || strings.Contains(got, "\n") || len(got) > 300 {
			t.Errorf("%.100q: error %.400q, want one short line with %q", c.file, got, c.want)
		}
	}
}

func TestReaderFails(t *testing.T) {
	file := fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, one)
	for length := range len(file) + 1 {
		r := io.MultiReader(bytes.NewReader(file[:length]), iotest.ErrReader(io.ErrClosedPipe))
		if _, _, err := safetensors.Read(r); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d bytes: error %v", length, err)
		}
		if _, _, err := safetensors.Read(bytes.NewReader(file[:length])); length < len(file) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d bytes: error %v", length, err)
		}
	}
}

// readBound is what reading a file may allocate in all. A dimension takes two
// bytes of JSON, and a token, a number and slices that grow to hold it, which
// comes to about a hundred times that.
var readBound = memorytest.Bound{PerByte: 256, Constant: 1 << 20}

func TestReadTensorsAllocatesLittle(t *testing.T) {
	for _, c := range hostile() {
		memorytest.Within(t, readBound, func() int {
			_, _, _ = safetensors.Read(bytes.NewReader(c.file))
			return len(c.file)
		})
	}
}
