package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is a field of a protobuf message. The first value that is not what it must be is
// the error of [eachField].
type field struct {
	number protowire.Number
	kind   protowire.Type
	word   uint64 // of a number
	bytes  []byte // of all else, as it lies in the file
	err    error
}

// eachField calls visit with the fields of a message in their order. Groups, which ONNX
// does not have, are left out.
func eachField(message []byte, visit func(f *field)) error {
	for at := 0; at < len(message); {
		var f field
		var n int
		f.number, f.kind, n = protowire.ConsumeTag(message[at:])
		if n < 0 {
			return wireError(at, n)
		}
		at += n
		rest := message[at:]
		switch f.kind {
		case protowire.VarintType:
			f.word, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed32Type:
			var word uint32
			word, n = protowire.ConsumeFixed32(rest)
			f.word = uint64(word)
		case protowire.Fixed64Type:
			f.word, n = protowire.ConsumeFixed64(rest)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(rest)
		default:
			n = -1
			if f.kind == protowire.StartGroupType {
				n = protowire.ConsumeFieldValue(f.number, f.kind, rest)
			}
			if n >= 0 {
				at += n
				continue
			}
		}
		if n < 0 {
			return wireError(at, n)
		}
		at += n
		if visit(&f); f.err != nil {
			return f.err
		}
	}
	return nil
}

func wireError(at, n int) error {
	err := protowire.ParseError(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the file is cut off")
	}
	return fmt.Errorf("byte %d of it: %w", at, err)
}

// is reports whether a field has the right type, and is wrong otherwise.
func (f *field) is(kind protowire.Type) bool {
	if f.kind != kind && f.err == nil {
		f.err = fmt.Errorf("field %d has type %d of protobuf; it must be %d", f.number, f.kind, kind)
	}
	return f.kind == kind
}

func (f *field) integer() int64 {
	f.is(protowire.VarintType)
	return int64(f.word)
}

func (f *field) float() float32 {
	f.is(protowire.Fixed32Type)
	return math.Float32frombits(uint32(f.word))
}

func (f *field) data() []byte {
	f.is(protowire.BytesType)
	return f.bytes
}

func (f *field) text() string { return string(f.data()) }

// message reads a field that is a message; what says what it is.
func (f *field) message(what string, decode func(message []byte) error) {
	if err := decode(f.data()); err != nil && f.err == nil {
		f.err = fmt.Errorf("%s: %w", what, err)
	}
}

// integers appends a number, or a packed list of them.
func (f *field) integers(to []int64) []int64 {
	if f.kind != protowire.BytesType {
		return append(to, f.integer())
	}
	count := 0
	for _, b := range f.bytes {
		if b < 0x80 { // the last byte of a number
			count++
		}
	}
	to = grown(to, count)
	for at := 0; at < len(f.bytes); {
		word, n := protowire.ConsumeVarint(f.bytes[at:])
		if n < 0 {
			f.err = wireError(at, n)
			return to
		}
		to = append(to, int64(word))
		at += n
	}
	return to
}

func (f *field) floats(to []float32) []float32 {
	if f.kind != protowire.BytesType {
		return append(to, f.float())
	}
	to = grown(to, len(f.bytes)/4)
	for at := 0; at < len(f.bytes); at += 4 {
		word, n := protowire.ConsumeFixed32(f.bytes[at:])
		if n < 0 {
			f.err = wireError(at, n)
			return to
		}
		to = append(to, math.Float32frombits(word))
	}
	return to
}

func (f *field) doubles(to []float64) []float64 {
	if f.kind != protowire.BytesType {
		f.is(protowire.Fixed64Type)
		return append(to, math.Float64frombits(f.word))
	}
	to = grown(to, len(f.bytes)/8)
	for at := 0; at < len(f.bytes); at += 8 {
		word, n := protowire.ConsumeFixed64(f.bytes[at:])
		if n < 0 {
			f.err = wireError(at, n)
			return to
		}
		to = append(to, math.Float64frombits(word))
	}
	return to
}

// grown makes room for a packed list, which a message holds once, without waste.
func grown[T any](v []T, n int) []T {
	if v == nil {
		return make([]T, 0, n)
	}
	return v
}

// message is a protobuf message that is being written. Fields that have their default are
// left out, as protobuf does.
type message []byte

func (m *message) integer(number protowire.Number, v int64) {
	if v != 0 {
		*m = protowire.AppendVarint(protowire.AppendTag(*m, number, protowire.VarintType), uint64(v))
	}
}

func (m *message) float(number protowire.Number, v float32) {
	*m = protowire.AppendFixed32(protowire.AppendTag(*m, number, protowire.Fixed32Type), math.Float32bits(v))
}

func (m *message) text(number protowire.Number, v string) {
	if v != "" {
		m.data(number, []byte(v))
	}
}

func (m *message) data(number protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, number, protowire.BytesType), v)
}

// integers writes a packed list.
func (m *message) integers(number protowire.Number, v []int64) {
	var packed []byte
	for _, n := range v {
		packed = protowire.AppendVarint(packed, uint64(n))
	}
	if len(v) > 0 {
		m.data(number, packed)
	}
}
