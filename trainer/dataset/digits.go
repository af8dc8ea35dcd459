package dataset

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"nashprune/trainer/random"
)

// The size of the data set digits.
const (
	digitSide    = 28 // of an image, in pixels: that of MNIST, so networks fit both
	digitClasses = 10
	digitTrain   = 20000
	digitTest    = 4000
)

// How much handwriting varies. With these, softmax regression gets about 89 % of
// the test samples right and a dense 784-512-256-10 network about 99 %: the room
// between is what a network's weights are worth, and what pruning can lose.
const (
	digitHeight = 19 * one // of an upright digit of scale 1

	rotationSpread = one * 22 / 100 // tangent of half the largest turn: 25 degrees
	shearSpread    = one * 40 / 100 // sideways shift per height
	scaleCentre    = one * 92 / 100
	scaleSpread    = one * 20 / 100
	aspectSpread   = one * 25 / 100 // width against height
	shiftSpread    = one * 8 / 3    // of the centre, each way
	wobbleSpread   = 10             // of a control point, in units of the grid

	radiusLeast, radiusMost     = one * 65 / 100, one * 150 / 100
	softnessLeast, softnessMost = one * 30 / 100, one * 60 / 100 // below radiusLeast
	darknessLeast, darknessMost = 150, 255
	noiseMost                   = 60 // largest change of a pixel's value
)

// The splits of the data set, as they name streams of random numbers.
const (
	trainSplit uint32 = 0
	testSplit  uint32 = 1
)

// labelStream is the index of the stream that orders a split's labels, far
// above that of every sample.
const labelStream = math.MaxUint32

// Digits draws a data set of handwritten-looking digits: 20,000 training and
// 4,000 test images of 28x28 pixels, ink bright on a dark ground, with equally
// many of each of the ten classes in random order.
//
// The same seed gives the same bytes on every platform and for every number of
// processors. Seed 0 gives the published data set, which [Open] calls digits.
func Digits(seed uint64) *Dataset {
	d := &Dataset{
		Name:    digitsName,
		Height:  digitSide,
		Width:   digitSide,
		Classes: digitClasses,
		Train:   drawSplit(seed, trainSplit, digitTrain),
		Test:    drawSplit(seed, testSplit, digitTest),
	}
	if seed != 0 {
		d.Name = fmt.Sprintf("%s:%d", digitsName, seed)
	}
	d.Mean, d.Deviation = d.Train.moments()
	return d
}

// drawSplit draws n samples, sharing them out among the processors. n is a
// multiple of digitClasses.
func drawSplit(seed uint64, split uint32, n int) Samples {
	const features = digitSide * digitSide
	s := Samples{Features: features, Pixels: make([]uint8, n*features), Labels: make([]uint8, n)}
	for i, rank := range random.New(seed, random.Drawing, split, labelStream).Permutation(n) {
		s.Labels[i] = uint8(rank % digitClasses)
	}
	workers := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				stream := random.New(seed, random.Drawing, split, uint32(i))
				drawDigit(s.Pixels[i*features:(i+1)*features], s.Labels[i], stream)
			}
		})
	}
	group.Wait()
	return s
}

// drawDigit writes a digit by a random hand into pixels.
func drawDigit(pixels []uint8, digit uint8, r *random.Stream) {
	style := glyphs[digit][r.Below(uint32(len(glyphs[digit])))]
	hand := randomHand(r)
	d := newDrawing(pen{
		radius:   between(r, radiusLeast, radiusMost),
		softness: between(r, softnessLeast, softnessMost),
	})
	for _, s := range style {
		d.stroke(place(s, hand, r))
	}

	darkness := between(r, darknessLeast, darknessMost)
	noise := between(r, 0, noiseMost)
	var word uint32
	for i := range pixels {
		if i%4 == 0 {
			word = r.Uint32() // its four bytes serve four pixels
		}
		grain := (fixed(word&0xFF) - 0x80) * noise / 0x80
		word >>= 8
		pixels[i] = uint8(min(max(darkness.times(d.ink(i))+grain, 0), math.MaxUint8))
	}
}

// randomHand returns a map from the grid, centred on the origin, to pixels.
func randomHand(r *random.Stream) affine {
	scale := (scaleCentre + around(r, scaleSpread)).times(digitHeight) / grid
	aspect := one + around(r, aspectSpread)
	sheared := affine{xx: aspect.times(scale), xy: around(r, shearSpread).times(scale), yy: scale}
	hand := rotation(around(r, rotationSpread)).after(sheared)
	hand.dx = digitSide*one/2 + around(r, shiftSpread)
	hand.dy = digitSide*one/2 + around(r, shiftSpread)
	return hand
}

// place puts the points of a stroke on the sheet, each a little off its place.
// The two halves of a corner stay together.
func place(s stroke, hand affine, r *random.Stream) []point {
	points := make([]point, len(s))
	for i, g := range s {
		if i > 0 && g == s[i-1] {
			points[i] = points[i-1]
			continue
		}
		points[i] = hand.apply(point{
			x: (fixed(g.x)-grid/2)*one + around(r, wobbleSpread*one),
			y: (fixed(g.y)-grid/2)*one + around(r, wobbleSpread*one),
		})
	}
	return points
}

// stroke moves the pen through points, standing still between the two halves of
// a corner.
func (d *drawing) stroke(points []point) {
	last := len(points) - 1
	for i := range last {
		if points[i] != points[i+1] {
			d.curve(points[max(i-1, 0)], points[i], points[i+1], points[min(i+2, last)])
		}
	}
}

// around returns a random number from -spread to spread, those near 0 the
// likeliest: the mean of two uniform ones.
func around(r *random.Stream, spread fixed) fixed {
	return (between(r, -spread, spread) + between(r, -spread, spread)) / 2
}

// between returns a uniformly random number from least to most.
func between(r *random.Stream, least, most fixed) fixed {
	return least + fixed(r.Below(uint32(most-least+1)))
}
