package random_test

import (
	"math"
	"testing"

	"nashprune/trainer/random"
)

// TestBlock checks the known answers that the authors of Philox publish with
// Random123 (kat_vectors, philox4x32 10).
func TestBlock(t *testing.T) {
	const all = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{all, all, all, all}, [2]uint32{all, all}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := random.Block(c.counter, c.key); got != c.want {
			t.Errorf("Block(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

func TestStreamsDoNotShiftOneAnother(t *testing.T) {
	a := random.New(7, random.Order, 3, 0)
	first := [...]uint32{a.Uint32(), a.Uint32(), a.Uint32(), a.Uint32(), a.Uint32()}
	b := random.New(7, random.Initialisation, 3, 0)
	again := random.New(7, random.Order, 3, 0)
	for i, want := range first {
		other := b.Uint32()
		if got := again.Uint32(); got != want {
			t.Errorf("word %d = %d, want %d", i, got, want)
		}
		if other == want {
			t.Errorf("word %d is the same for two purposes", i)
		}
	}
}

// TestBelowIsUniform draws 60,000 numbers below 6. Each count is binomial with
// mean 10,000 and standard deviation 91.3; five deviations are allowed.
func TestBelowIsUniform(t *testing.T) {
	s := random.New(1, random.Testing, 0, 0)
	var counts [6]int
	for range 60000 {
		counts[s.Below(6)]++
	}
	for face, n := range counts {
		if math.Abs(float64(n)-10000) > 5*91.3 {
			t.Errorf("%d came %d times of 60000", face, n)
		}
	}
	for range 100 {
		if got := s.Below(1); got != 0 {
			t.Fatalf("Below(1) = %d", got)
		}
	}
}

// TestMoments checks mean and variance of 100,000 numbers against those of the
// distributions; the bounds are five standard errors.
func TestMoments(t *testing.T) {
	const n = 100000
	for _, c := range []struct {
		name           string
		draw           func(*random.Stream) float64
		mean, variance float64
		fourth         float64 // fourth central moment, for the error of the variance
	}{
		{"uniform", (*random.Stream).Float64, 0.5, 1. / 12, 1. / 80},
		{"normal", (*random.Stream).Normal, 0, 1, 3},
	} {
		s := random.New(2, random.Testing, 0, 0)
		var sum, squares float64
		for range n {
			x := c.draw(s) - c.mean
			sum += x
			squares += x * x
		}
		if bound := 5 * math.Sqrt(c.variance/n); math.Abs(sum/n) > bound {
			t.Errorf("%s: mean is off by %g, bound %g", c.name, sum/n, bound)
		}
		if bound := 5 * math.Sqrt((c.fourth-c.variance*c.variance)/n); math.Abs(squares/n-c.variance) > bound {
			t.Errorf("%s: variance %g, want %g within %g", c.name, squares/n, c.variance, bound)
		}
	}
}

func TestPermutation(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		p := random.New(3, random.Order, 0, 0).Permutation(n)
		seen := make([]bool, n)
		for _, i := range p {
			if seen[i] {
				t.Fatalf("n=%d: %d comes twice", n, i)
			}
			seen[i] = true
		}
		if len(p) != n {
			t.Errorf("n=%d: %d entries", n, len(p))
		}
	}
}

func TestSkip(t *testing.T) {
	for _, skips := range [][]int{{0}, {1}, {4}, {5, 3}, {3, 1, 0, 9}, {1000}} {
		slow, fast := random.New(1, random.Testing, 2, 3), random.New(1, random.Testing, 2, 3)
		for _, n := range skips {
			for range n {
				slow.Uint32()
			}
			fast.Skip(n)
			for range n % 3 {
				if got, want := fast.Uint32(), slow.Uint32(); got != want {
					t.Fatalf("after %v: %d, want %d", skips, got, want)
				}
			}
		}
		if got, want := fast.Uint32(), slow.Uint32(); got != want {
			t.Errorf("after %v: %d, want %d", skips, got, want)
		}
	}
}

// TestInnerIsExact: numbers and one minus them are above zero and float32 holds them, their
// words are the stream's, and the ends are reached.
func TestInnerIsExact(t *testing.T) {
	numbers, words := random.New(1, random.Testing, 5, 0), random.New(1, random.Testing, 5, 0)
	low, high := 1., 0.
	for range 100000 {
		u := numbers.Inner()
		if want := (float64(words.Uint32()>>9) + 0.5) / (1 << 23); u != want {
			t.Fatalf("%g, want %g", u, want)
		}
		for _, x := range []float64{u, 1 - u} {
			if x <= 0 || float64(float32(x)) != x {
				t.Fatalf("%g", x)
			}
		}
		low, high = min(low, u), max(high, u)
	}
	if low > 1e-3 || high < 1-1e-3 {
		t.Errorf("from %g to %g", low, high)
	}
}
