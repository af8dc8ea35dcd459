package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"nashprune/trainer/network/safetensors"
)

// stored reads all numbers of a type of two bytes.
func stored(t *testing.T, kind safetensors.Type) []float32 {
	t.Helper()
	var numbers []byte
	for bits := range 1 << 16 {
		numbers = binary.LittleEndian.AppendUint16(numbers, uint16(bits))
	}
	header := `{"a":{"dtype":"` + string(kind) + `","shape":[65536],"data_offsets":[0,131072]}}`
	_, tensors, err := safetensors.Read(bytes.NewReader(fileOf(header, string(numbers))))
	if err != nil {
		t.Fatal(err)
	}
	return tensors[0].Float32
}

// half is the value of an F16 by its definition, with e bits of exponent and f of fraction.
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

// TestShortTypes: every number of F16 and BF16 has its value, and is the nearest of all
// numbers half way to its neighbours, of two the even one.
func TestShortTypes(t *testing.T) {
	for _, c := range []struct {
		kind safetensors.Type
		e, f int
	}{{safetensors.F16, 5, 10}, {safetensors.BF16, 8, 7}} {
		for i, got := range stored(t, c.kind) {
			bits := uint16(i)
			want := half(bits, c.e, c.f)
			if math.IsNaN(want) {
				if got == got || c.kind.Round(got) == c.kind.Round(got) {
					t.Fatalf("%s %#x is %g, want NaN", c.kind, bits, got)
				}
				continue
			}
			if float64(got) != want || math.Signbit(float64(got)) != (i>>15 == 1) || math.Float32bits(c.kind.Round(got)) != math.Float32bits(got) {
				t.Fatalf("%s %#x is %g, rounded %g, want %g", c.kind, bits, got, c.kind.Round(got), want)
			}
			next := half(bits+1, c.e, c.f)
			if math.IsInf(want, 0) || bits == 0xffff {
				continue
			}
			if math.IsInf(next, 0) { // as far beyond the largest as the next number would be
				next = math.Copysign(math.Ldexp(2-math.Ldexp(1, -c.f)+math.Ldexp(1, -c.f), 1<<(c.e-1)-1), want)
			}
			middle := float32((want + next) / 2)
			even := got
			if bits&1 == 1 {
				even = float32(half(bits+1, c.e, c.f))
			}
			below, above := math.Nextafter32(middle, float32(want)), math.Nextafter32(middle, float32(next))
			if r := c.kind.Round(middle); r != even {
				t.Fatalf("%s: %g is rounded to %g, want %g", c.kind, middle, r, even)
			}
			if c.kind.Round(below) != got || c.kind.Round(above) != float32(half(bits+1, c.e, c.f)) {
				t.Fatalf("%s: %g and %g are rounded to %g and %g", c.kind, below, above, c.kind.Round(below), c.kind.Round(above))
			}
		}
	}
}
