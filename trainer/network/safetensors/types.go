package safetensors

import (
	"encoding/binary"
	"math"

	"nashprune/trainer/float16"
)

// Type is the type of a tensor's numbers in a file.
type Type string

// The types of numbers that a network may have. Tensors of other types keep their bytes.
const (
	F64  Type = "F64"
	F32  Type = "F32"
	F16  Type = "F16"  // of IEEE 754: 5 bits of exponent, 10 of fraction
	BF16 Type = "BF16" // the upper half of an F32
)

// int32Type is that of the indices of compressed sparse rows.
const int32Type Type = "I32"

// sizes are the bytes of a number of each type of the format.
var sizes = map[Type]int{
	F64: 8, F32: 4, F16: 2, BF16: 2,
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1,
	"U16": 2, "I16": 2, "U32": 4, "I32": 4, "U64": 8, "I64": 8,
}

// Floats reports whether a network may have numbers of a type.
func (t Type) Floats() bool { return t == F64 || t == F32 || t == F16 || t == BF16 }

// Round returns x as a file of the type holds it: the nearest number, of two the even one.
// What is beyond the largest becomes infinite.
func (t Type) Round(x float32) float32 {
	switch t {
	case F16:
		return float16.Value(float16.Bits(x))
	case BF16:
		return float16.BrainValue(float16.BrainBits(x))
	}
	return x
}

// append appends x as a file holds it.
func (t Type) append(b []byte, x float32) []byte {
	switch t {
	case F64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(x)))
	case F16:
		return binary.LittleEndian.AppendUint16(b, float16.Bits(x))
	case BF16:
		return binary.LittleEndian.AppendUint16(b, float16.BrainBits(x))
	default:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
}

// number is the inverse of append. A number of F64 is rounded.
func (t Type) number(b []byte) float32 {
	switch t {
	case F64:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case F16:
		return float16.Value(binary.LittleEndian.Uint16(b))
	case BF16:
		return float16.BrainValue(binary.LittleEndian.Uint16(b))
	default:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
}
