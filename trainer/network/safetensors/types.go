package safetensors

import (
	"encoding/binary"
	"math"
)

// Type is the type of a tensor's numbers in a file.
type Type string

// The types of numbers that a network may have. Tensors of other types keep their bytes.
const (
	F64 Type = "F64"
	F32 Type = "F32"

	int32Type Type = "I32"
	F16       Type = "F16"  // of IEEE 754: 5 bits of exponent, 10 of fraction
	BF16      Type = "BF16" // the upper half of an F32
)

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
		return fromHalf(toHalf(x))
	case BF16:
		return math.Float32frombits(uint32(toBrain(x)) << 16)
	}
	return x
}

// append appends x as a file holds it.
func (t Type) append(b []byte, x float32) []byte {
	switch t {
	case F64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(x)))
	case F16:
		return binary.LittleEndian.AppendUint16(b, toHalf(x))
	case BF16:
		return binary.LittleEndian.AppendUint16(b, toBrain(x))
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
		return fromHalf(binary.LittleEndian.Uint16(b))
	case BF16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	default:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
}

// The smallest normal number and the unit of subnormal ones of F16.
const (
	halfNormal = 0x1p-14
	halfUnit   = 0x1p-24
)

func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*halfUnit))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

func toHalf(x float32) uint16 {
	bits := math.Float32bits(x)
	sign, bits := uint16(bits>>16&0x8000), bits&0x7fffffff
	switch size := float64(math.Float32frombits(bits)); {
	case bits > 0x7f800000: // NaN
		return sign | 0x7e00
	case size < halfNormal:
		return sign | uint16(math.RoundToEven(size/halfUnit))
	case size >= 65520: // half way beyond the largest
		return sign | 0x7c00
	}
	// A carry of the fraction goes to the exponent, as it should.
	return sign | uint16((bits+0xfff+bits>>13&1)>>13-(127-15)<<10)
}

func toBrain(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0x7f800000 { // a carry would make NaN a number
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
