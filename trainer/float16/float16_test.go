package float16_test

import (
	"math"
	"testing"

	"nashprune/trainer/float16"
)

// half is the value of a number of 16 bits by its definition, with e bits of exponent and f of fraction.
func half(bits uint16, e, f int) float64 {
	exponent, fraction := int(bits>>f)&(1<<e-1), float64(bits&(1<<f-1))
	bias, value := 1<<(e-1)-1, 0.
	switch {
	case exponent == 0:
		value = math.Ldexp(fraction, 1-bias-f)
	case exponent < 1<<e-1:
		value = math.Ldexp(fraction+math.Ldexp(1, f), exponent-bias-f)
	case fraction == 0:
		value = math.Inf(1)
	default:
		return math.NaN()
	}
	return math.Copysign(value, 1-2*float64(bits>>15))
}

// TestEveryNumber: every number of both types has its value, and is the nearest of all numbers
// up to half way to its neighbours, of two the even one.
func TestEveryNumber(t *testing.T) {
	for _, c := range []struct {
		name  string
		value func(uint16) float32
		bits  func(float32) uint16
		e, f  int
	}{{"binary16", float16.Value, float16.Bits, 5, 10}, {"bfloat16", float16.BrainValue, float16.BrainBits, 8, 7}} {
		round := func(x float32) float32 { return c.value(c.bits(x)) }
		for i := range 1 << 16 {
			bits := uint16(i)
			got, want := c.value(bits), half(bits, c.e, c.f)
			if math.IsNaN(want) {
				if got == got || round(got) == round(got) {
					t.Fatalf("%s %#x is %g, want NaN", c.name, bits, got)
				}
				continue
			}
			if float64(got) != want || math.Signbit(float64(got)) != (i>>15 == 1) || c.bits(got) != bits {
				t.Fatalf("%s %#x is %g, rounded %g, want %g", c.name, bits, got, round(got), want)
			}
			next := half(bits+1, c.e, c.f)
			if math.IsInf(want, 0) || bits == 0xffff {
				continue
			}
			if math.IsInf(next, 0) { // as far beyond the largest as the next number would be
				next = math.Copysign(math.Ldexp(2, 1<<(c.e-1)-1), want)
			}
			middle := float32((want + next) / 2)
			even := got
			if bits&1 == 1 {
				even = float32(half(bits+1, c.e, c.f))
			}
			below, above := math.Nextafter32(middle, float32(want)), math.Nextafter32(middle, float32(next))
			if r := round(middle); r != even {
				t.Fatalf("%s: %g is rounded to %g, want %g", c.name, middle, r, even)
			}
			if round(below) != got || round(above) != float32(half(bits+1, c.e, c.f)) {
				t.Fatalf("%s: %g and %g are rounded to %g and %g", c.name, below, above, round(below), round(above))
			}
		}
	}
}
