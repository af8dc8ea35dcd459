// Package random is the one source of randomness of the project: the
// counter-based generator Philox 4x32-10 of Salmon, Moraes, Dror and Shaw,
// "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
//
// A stream is named by a seed, a [Purpose], an epoch and an index. Two streams
// with different names never share a block, so drawing more numbers for one
// purpose never shifts another, and a device can compute any number of any
// stream on its own.
package random

import (
	"math"
	"math/bits"
)

// Purpose says what the numbers of a stream are for.
type Purpose uint32

// The purposes in use. Their values are part of what "the same seed" means:
// never renumber them.
const (
	Initialisation Purpose = 1  // initial weights; index = layer
	Order          Purpose = 2  // order of the training samples; epoch = epoch
	Drawing        Purpose = 3  // synthetic data; index = sample, epoch = split
	Testing        Purpose = 4  // random inputs of tests and probes
	Division       Purpose = 5  // parts of a data set; epoch 0: the test part, index = class; epoch 1: order of the rest
	Timing         Purpose = 6  // shapes whose latency is measured
	Ranking        Purpose = 7  // of players without a game; index = hidden layer
	Observation    Purpose = 8  // samples on which a round observes the players; epoch = round
	Bidding        Purpose = 9  // bids and asks; epoch = repeat, index = what is drawn
	Gating         Purpose = 10 // gates drawn in training; epoch = step, index = gate; a word a player
	Dropping       Purpose = 11 // what a dropout drops; epoch = step, index = node; a word a number
	Augmentation   Purpose = 12 // moves of training images; epoch = step, index = row of the batch
)

// The constants of Philox 4x32: two multipliers and the two Weyl increments of
// the key, with ten rounds.
const (
	multiplier0 = 0xD2511F53
	multiplier1 = 0xCD9E8D57
	weyl0       = 0x9E3779B9
	weyl1       = 0xBB67AE85
	rounds      = 10
)

// Block returns the four 32-bit words that Philox 4x32-10 gives for a counter
// under a key.
func Block(counter [4]uint32, key [2]uint32) [4]uint32 {
	c, k := counter, key
	for range rounds {
		high0, low0 := bits.Mul32(multiplier0, c[0])
		high1, low1 := bits.Mul32(multiplier1, c[2])
		c = [4]uint32{high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0}
		k[0] += weyl0
		k[1] += weyl1
	}
	return c
}

// Stream is a sequence of random numbers. Its zero value is not useful; make
// one with [New]. It is not safe for concurrent use.
type Stream struct {
	key     [2]uint32
	counter [4]uint32 // block, purpose, epoch, index
	words   [4]uint32
	next    int // first word of words not used yet
}

// New returns the stream that seed, purpose, epoch and index name, at its
// beginning. A stream holds 2^34 words.
func New(seed uint64, purpose Purpose, epoch, index uint32) *Stream {
	return &Stream{
		key:     [2]uint32{uint32(seed), uint32(seed >> 32)},
		counter: [4]uint32{0, uint32(purpose), epoch, index},
		next:    len([4]uint32{}),
	}
}

// Skip moves on by a number of words.
func (s *Stream) Skip(words int) {
	place := int(s.counter[0])*len(s.words) + words
	if s.next < len(s.words) {
		place -= len(s.words) - s.next
	}
	s.counter[0], s.next = uint32(place/len(s.words)), len(s.words)
	for range place % len(s.words) {
		s.Uint32()
	}
}

// Uint32 returns the next word, uniform over all 32-bit values.
func (s *Stream) Uint32() uint32 {
	if s.next == len(s.words) {
		s.words = Block(s.counter, s.key)
		s.counter[0]++
		s.next = 0
	}
	word := s.words[s.next]
	s.next++
	return word
}

// Below returns the next integer, uniform over 0 <= i < n, without bias
// (Lemire, "Fast Random Integer Generation in an Interval", 2019). It panics
// when n is 0.
func (s *Stream) Below(n uint32) uint32 {
	if n == 0 {
		panic("random: Below(0)")
	}
	high, low := bits.Mul32(s.Uint32(), n)
	if low < n {
		threshold := -n % n
		for low < threshold {
			high, low = bits.Mul32(s.Uint32(), n)
		}
	}
	return high
}

// Float64 returns the next number, uniform over [0, 1) in steps of 2^-53.
func (s *Stream) Float64() float64 {
	high, low := uint64(s.Uint32()), uint64(s.Uint32())
	return float64((high<<32|low)>>11) * 0x1p-53
}

// Inner returns the next number, uniform over the odd multiples of 2^-24 between 0 and 1. It
// and one minus it are exact in float32 and never zero. It takes one word.
func (s *Stream) Inner() float64 { return float64(2*(s.Uint32()>>9)+1) * 0x1p-24 }

// Normal returns the next number of the standard normal distribution, by the
// transform of Box and Muller.
func (s *Stream) Normal() float64 {
	radius := math.Sqrt(-2 * math.Log(1-s.Float64())) // 1-u lies in (0, 1]
	return radius * math.Cos(2*math.Pi*s.Float64())
}

// Permutation returns the numbers 0 to n-1 in random order (Fisher and Yates).
func (s *Stream) Permutation(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	for i := n - 1; i > 0; i-- {
		j := s.Below(uint32(i + 1))
		p[i], p[j] = p[j], p[i]
	}
	return p
}
