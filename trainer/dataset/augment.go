package dataset

import (
	"math/bits"

	"nashprune/trainer/random"
)

// Augmentation says how training images are moved at random, anew in each step: a crop of
// the image's size out of the image with Padding pixels around it, which has the mean of
// each channel, and in half of the cases its mirror image. The zero value moves nothing.
type Augmentation struct {
	Padding int // at least 0
	Flip    bool
}

// Move is what happens to one image: the pixel in column x and row y of the moved image is
// the one at x+DX, y+DY, or at width-1-x+DX, y+DY where Flip is set.
type Move struct {
	DX, DY int
	Flip   bool
}

// Move returns the move of a row of the batch of a step. DX and DY are uniform from
// -Padding to Padding, up to a part in 2^32 / (2 Padding + 1), and all follows from one
// block of [random.Block] without a loop, so that a device can do the same.
func (a Augmentation) Move(seed uint64, step, row uint32) Move {
	words := random.Block([4]uint32{0, uint32(random.Augmentation), step, row}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	place := func(word uint32) int {
		high, _ := bits.Mul32(word, uint32(2*a.Padding+1))
		return int(high) - a.Padding
	}
	return Move{DX: place(words[0]), DY: place(words[1]), Flip: a.Flip && words[2]>>31 == 1}
}

// Apply writes a moved image. Both have the shape {channels, height, width}; outside holds
// what lies outside of the image, a number a channel: the mean or, once images are
// normalised, 0.
func Apply[T uint8 | float32 | float64](m Move, to, from []T, shape [3]int, outside []T) {
	height, width := shape[1], shape[2]
	for c := range shape[0] {
		plane := from[c*height*width:][:height*width]
		for y := range height {
			for x := range width {
				column, row := x+m.DX, y+m.DY
				if m.Flip {
					column = width - 1 - x + m.DX
				}
				value := outside[c]
				if column >= 0 && column < width && row >= 0 && row < height {
					value = plane[row*width+column]
				}
				to[(c*height+y)*width+x] = value
			}
		}
	}
}
