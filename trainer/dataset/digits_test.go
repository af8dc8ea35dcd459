package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"slices"
	"sync"
	"testing"

	"nashprune/trainer/random"
)

// digits draws the published data set once for all tests.
var digits = sync.OnceValue(func() *Dataset { return DefaultDrawing().Draw() })

// goldenDigits is the SHA-256 of the training pixels, training labels, test
// pixels and test labels of seed 0. It changes only with a release that says
// so: accuracies are comparable only on the same data.
const goldenDigits = "1eab7b6fa24b4489ef1e3a7f17d999e05781ac120c655792240cfc089e7f5a37"

func TestDigitsAreThePublishedBytes(t *testing.T) {
	d := digits()
	hash := sha256.New()
	for _, part := range [][]byte{d.Train.Pixels, d.Train.Labels, d.Test.Pixels, d.Test.Labels} {
		hash.Write(part)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != goldenDigits {
		t.Errorf("SHA-256 of digits is %s, want %s", got, goldenDigits)
	}
}

func TestDigitsShape(t *testing.T) {
	d := digits()
	if d.Name != "digits" || d.Height != 28 || d.Width != 28 || d.Classes != 10 || d.Validation.Len() != 0 {
		t.Errorf("got %q of %dx%d, %d classes, %d validation samples", d.Name, d.Height, d.Width, d.Classes, d.Validation.Len())
	}
	for _, split := range []struct {
		name    string
		samples Samples
		want    int
	}{{"train", d.Train, 20000}, {"test", d.Test, 4000}} {
		t.Run(split.name, func(t *testing.T) {
			s := split.samples
			if s.Len() != split.want || s.Features != 784 || len(s.Pixels) != split.want*784 {
				t.Fatalf("%d samples of %d features in %d bytes", s.Len(), s.Features, len(s.Pixels))
			}
			counts := make([]int, d.Classes)
			for _, label := range s.Labels {
				counts[label]++
			}
			for class, count := range counts {
				if count != split.want/d.Classes {
					t.Errorf("class %d has %d samples, want %d", class, count, split.want/d.Classes)
				}
			}
			if slices.IsSorted(s.Labels) {
				t.Error("the labels are in order of class")
			}
		})
	}
}

// Every glyph has to leave ink, and most of it inside the image: a digit cut
// off at the border is not the digit its label says.
func TestDigitsStayOnTheSheet(t *testing.T) {
	s := digits().Train
	var ink, border int
	for i := range s.Len() {
		image := s.Pixels[i*s.Features : (i+1)*s.Features]
		bright := 0
		for pixel, value := range image {
			if value <= noiseMost {
				continue
			}
			bright++
			row, column := pixel/digitSide, pixel%digitSide
			if row == 0 || column == 0 || row == digitSide-1 || column == digitSide-1 {
				border++
			}
		}
		if bright < digitSide/2 { // a 1 of the smallest scale is longer
			t.Errorf("sample %d, a %d, has only %d bright pixels", i, s.Labels[i], bright)
		}
		ink += bright
	}
	if border*200 > ink { // half a percent
		t.Errorf("%d of %d bright pixels lie on the border", border, ink)
	}
}

func TestDigitsDependOnSeedSplitAndIndexAlone(t *testing.T) {
	const n = 130
	want := Drawing{Seed: 3, Side: digitSide, Difficulty: difficultyUnit}.drawSplit(trainSplit, n)
	for _, processors := range []int{1, 2, 7} {
		previous := runtime.GOMAXPROCS(processors)
		got := Drawing{Seed: 3, Side: digitSide, Difficulty: difficultyUnit}.drawSplit(trainSplit, n)
		runtime.GOMAXPROCS(previous)
		if !bytes.Equal(got.Pixels, want.Pixels) || !bytes.Equal(got.Labels, want.Labels) {
			t.Errorf("%d processors draw other bytes", processors)
		}
	}
	for name, other := range map[string]Samples{
		"seed":  Drawing{Seed: 4, Side: digitSide, Difficulty: difficultyUnit}.drawSplit(trainSplit, n),
		"split": Drawing{Seed: 3, Side: digitSide, Difficulty: difficultyUnit}.drawSplit(testSplit, n),
	} {
		if bytes.Equal(other.Pixels, want.Pixels) || bytes.Equal(other.Labels, want.Labels) {
			t.Errorf("another %s draws the same bytes", name)
		}
	}
}

func TestGlyphsLieOnTheGrid(t *testing.T) {
	for digit, styles := range glyphs {
		if len(styles) < 2 {
			t.Errorf("digit %d has %d styles", digit, len(styles))
		}
		for i, style := range styles {
			for _, s := range style {
				if len(s) < 2 {
					t.Errorf("digit %d, style %d: a stroke of %d points", digit, i, len(s))
				}
				for _, g := range s {
					if g.x < 0 || g.x > grid || g.y < 0 || g.y > grid {
						t.Errorf("digit %d, style %d: %v lies off the grid", digit, i, g)
					}
				}
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	pixels := make([]uint8, digitSide*digitSide)
	index := uint32(0)
	for b.Loop() {
		DefaultDrawing().drawDigit(pixels, uint8(index%digitClasses), random.New(0, random.Drawing, trainSplit, index))
		index++
	}
}

func BenchmarkDigits(b *testing.B) {
	for b.Loop() {
		DefaultDrawing().Draw()
	}
}
