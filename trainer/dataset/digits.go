package dataset

import (
	"math"
	"runtime"
	"sync"

	"nashprune/trainer/random"
)

// The data set digits, and the unit of the lengths below: they are those of an
// image of this side, and grow and shrink with it.
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

	radiusFloor = one / 2 // a thinner pen would slip between the centres of pixels
)

// The splits of the data set, as they name streams of random numbers.
const (
	trainSplit uint32 = 0
	testSplit  uint32 = 1
)

// labelStream is the index of the stream that orders a split's labels, far
// above that of every sample.
const labelStream = math.MaxUint32

// Draw draws a data set of handwritten-looking digits, ink bright on a dark ground, with
// equally many of each of the ten classes, or one more, in random order.
//
// The same drawing gives the same bytes on every platform and for every number of
// processors. The default one gives the published data set, which [Open] calls digits.
func (g Drawing) Draw() *Dataset {
	d := &Dataset{
		Name:     g.String(),
		Channels: g.channels(),
		Height:   g.Side,
		Width:    g.Side,
		Classes:  digitClasses,
		Train:    g.drawSplit(trainSplit, g.Train),
		Test:     g.drawSplit(testSplit, g.Test),
	}
	d.normalise()
	return d
}

// drawSplit draws n samples, sharing them out among the processors.
func (g Drawing) drawSplit(split uint32, n int) Samples {
	features := g.channels() * g.Side * g.Side
	s := Samples{Features: features, Pixels: make([]uint8, n*features), Labels: make([]uint8, n)}
	for i, rank := range random.New(g.Seed, random.Drawing, split, labelStream).Permutation(n) {
		s.Labels[i] = uint8(rank % digitClasses)
	}
	workers := runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				stream := random.New(g.Seed, random.Drawing, split, uint32(i))
				g.drawDigit(s.Pixels[i*features:(i+1)*features], s.Labels[i], stream)
			}
		})
	}
	group.Wait()
	return s
}

// channels returns how many channels an image has.
func (g Drawing) channels() int {
	if g.Colour {
		return colours
	}
	return 1
}

// scaled returns a length of an image of digitSide in one of this side.
func (g Drawing) scaled(length fixed) fixed { return length * fixed(g.Side) / digitSide }

// harder returns how far something spreads at this difficulty.
func (g Drawing) harder(spread fixed) fixed { return spread * fixed(g.Difficulty) / difficultyUnit }

// drawDigit writes a digit by a random hand into pixels.
func (g Drawing) drawDigit(pixels []uint8, digit uint8, r *random.Stream) {
	style := glyphs[digit][r.Below(uint32(len(glyphs[digit])))]
	hand := g.randomHand(r)
	d := newDrawing(pen{
		radius:   max(g.scaled(between(r, radiusLeast, radiusMost)), radiusFloor),
		softness: g.scaled(between(r, softnessLeast, softnessMost)),
	}, g.Side)
	for _, s := range style {
		d.stroke(g.place(s, hand, r))
	}
	if g.Colour {
		g.paint(pixels, d, r)
		return
	}

	darkness := between(r, darknessLeast, darknessMost)
	noise := between(r, 0, g.harder(noiseMost))
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
func (g Drawing) randomHand(r *random.Stream) affine {
	scale := (scaleCentre + around(r, g.harder(scaleSpread))).times(g.scaled(digitHeight)) / grid
	aspect := one + around(r, g.harder(aspectSpread))
	sheared := affine{xx: aspect.times(scale), xy: around(r, g.harder(shearSpread)).times(scale), yy: scale}
	hand := rotation(around(r, g.harder(rotationSpread))).after(sheared)
	hand.dx = fixed(g.Side)*one/2 + g.scaled(around(r, g.harder(shiftSpread)))
	hand.dy = fixed(g.Side)*one/2 + g.scaled(around(r, g.harder(shiftSpread)))
	return hand
}

// place puts the points of a stroke on the sheet, each a little off its place.
// The two halves of a corner stay together.
func (g Drawing) place(s stroke, hand affine, r *random.Stream) []point {
	wobble := g.harder(wobbleSpread * one)
	points := make([]point, len(s))
	for i, at := range s {
		if i > 0 && at == s[i-1] {
			points[i] = points[i-1]
			continue
		}
		points[i] = hand.apply(point{
			x: (fixed(at.x)-grid/2)*one + around(r, wobble),
			y: (fixed(at.y)-grid/2)*one + around(r, wobble),
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
