package dataset

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"testing"

	"nashprune/trainer/random"
)

// goldenColours are the digests of coloured digits. They change only with a release that
// says so, as that of grey ones does.
var goldenColours = map[string]string{
	"digits:colour,train=300,test=100":                                "d452e8a2779e03a9de55a24b43258749fc0dcddb9dd103dcebe693fc4279f746",
	"digits:colour,side=13,train=40,test=20,difficulty=2.5,seed=5":    "acbce84030066d10da8d00a5cb3a85d717d6c4ec34dce08388c43261a5c2d915",
	"digits:colour,side=64,train=20,test=10,difficulty=0,seed=999999": "a7cb10df535dd6e57cc7f0647be369ad894f89288dde25e08ad807005c9a13fe",
}

func TestColouredDigitsAreThePublishedBytes(t *testing.T) {
	for name, want := range goldenColours {
		for _, processors := range []int{1, 3} {
			previous := runtime.GOMAXPROCS(processors)
			d, err := Open(name, Options{})
			runtime.GOMAXPROCS(previous)
			if err != nil || d.Digest != want {
				t.Errorf("the digest of %s is %s (%v), want %s", name, d.Digest, err, want)
			}
		}
	}
}

// TestColouredDigits: digits are brighter than their ground in one channel, each as often
// as the others, and no channel is far from the others.
func TestColouredDigits(t *testing.T) {
	g := Drawing{Seed: 1, Side: digitSide, Train: 2000, Test: 10, Difficulty: difficultyUnit, Colour: true}
	d := g.Draw()
	if d.Name != "digits:colour,train=2000,test=10,seed=1" || !slices.Equal(d.Shape(), []int{3, 28, 28}) || d.Train.Features != 3*784 || d.Classes != 10 {
		t.Fatalf("%s of shape %v with %d features", d.Name, d.Shape(), d.Train.Features)
	}
	checkMoments(t, d)
	checkChannels(t, d)
	for c := range d.Channels {
		if math.Abs(d.Means[c]-d.Mean) > 0.01 || math.Abs(d.Deviations[c]-d.Deviation) > 0.01 {
			t.Errorf("channel %d has mean %.3f and deviation %.3f, all %.3f and %.3f", c, d.Means[c], d.Deviations[c], d.Mean, d.Deviation)
		}
	}
	// The same digits without texture and grain show their two colours: the least and the
	// greatest value of each channel.
	g.Difficulty = 0
	var strong [colours]int
	for row := range slices.Chunk(g.Draw().Train.Pixels, 3*784) {
		large := 0
		for c := range colours {
			plane := row[c*784 : (c+1)*784]
			if difference := int(slices.Max(plane)) - int(slices.Min(plane)); difference >= strongLeast-5 { // ink may be a little thin
				strong[c]++
				large++
			} else if difference > weakMost {
				t.Errorf("a difference of %d", difference)
			}
		}
		if large != 1 {
			t.Errorf("%d channels differ much", large)
		}
	}
	for c, times := range strong { // 667 of 2000 each, with a deviation of 21
		if math.Abs(float64(times)-2000./3) > 5*21 {
			t.Errorf("channel %d differs most in %d of 2000 images", c, times)
		}
	}
	if other := (Drawing{Seed: 2, Side: digitSide, Train: 2000, Colour: true}).Draw(); bytes.Equal(other.Train.Pixels, d.Train.Pixels) {
		t.Error("two seeds draw the same")
	}
}

func TestTexture(t *testing.T) {
	for _, side := range []int{8, 13, 28, 256} {
		g := Drawing{Side: side, Difficulty: difficultyUnit}
		const most = 40
		var least, largest, step fixed
		for index := range uint32(20) {
			texture := g.newTexture(random.New(1, random.Testing, 0, index), most)
			for i := range side * side {
				value := texture.at(i)
				least, largest = min(least, value), max(largest, value)
				if i%side > 0 {
					step = max(step, abs(value-texture.at(i-1)))
				}
			}
		}
		// The steepest way between two corners has a slope of 3/2 of the difference a cell.
		if steepest := fixed(2*most*3*textureCells/(2*side) + 2); least < -most || largest > most || least > -most/2 || largest < most/2 || step > steepest {
			t.Errorf("side %d: values from %d to %d with steps of up to %d, want up to %d either way and steps of %d", side, least, largest, step, most, steepest)
		}
	}
}
