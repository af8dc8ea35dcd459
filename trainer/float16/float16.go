// Package float16 reads and rounds numbers of 16 bits: binary16 of IEEE 754, with 5 bits of
// exponent and 10 of fraction, and bfloat16, the upper half of a float32.
package float16

import "math"

// The smallest normal number and the unit of subnormal ones.
const (
	halfNormal = 0x1p-14
	halfUnit   = 0x1p-24
)

// Value returns the number that bits of binary16 stand for.
func Value(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*halfUnit))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Bits returns the number of binary16 that is nearest to x, of two the even one; what is beyond
// the largest becomes infinite.
func Bits(x float32) uint16 {
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

// BrainValue returns the number that bits of bfloat16 stand for.
func BrainValue(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// BrainBits is Bits of bfloat16.
func BrainBits(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0x7f800000 { // a carry would make NaN a number
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
