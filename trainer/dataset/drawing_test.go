package dataset

import (
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
)

func TestParseDrawing(t *testing.T) {
	for words, want := range map[string]Drawing{
		"": DefaultDrawing(),
		"side=20,train=5000,test=1000,difficulty=2": {Side: 20, Train: 5000, Test: 1000, Difficulty: 200},
		"difficulty=0.25,seed=9223372036854775807":  {Seed: math.MaxInt64, Side: 28, Train: 20000, Test: 4000, Difficulty: 25},
		"test=10,side=256,difficulty=0,seed=0":      {Side: 256, Train: 20000, Test: 10},
		"colour":                                    {Side: 28, Train: 20000, Test: 4000, Difficulty: 100, Colour: true},
		"seed=2,colour,side=20":                     {Seed: 2, Side: 20, Train: 20000, Test: 4000, Difficulty: 100, Colour: true},
	} {
		got, err := ParseDrawing(words)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", words, got, err)
		}
		if again, err := ParseDrawing(strings.TrimPrefix(strings.TrimPrefix(got.String(), "digits"), ":")); err != nil || again != got {
			t.Errorf("%s is %s, which is %+v, %v", words, got, again, err)
		}
	}
	for words, want := range map[string]string{
		"side":             `side is ""; it must be a whole number from 8 to 256`,
		"side=7":           "from 8 to 256",
		"side=257":         "from 8 to 256",
		"train=9":          "from 10 to 10000000",
		"test=99999999999": "from 10 to",
		"train=-1":         "from 10 to",
		"difficulty=4":     "from 0 to 3",
		"difficulty=nan":   "from 0 to 3",
		"difficulty=0.001": "two decimals",
		"seed=-1":          "whole number",
		"colour=red":       `colour is "red"; it must be there without a value, as in digits:colour,side=20`,
		"colour=":          "without a value",
		"colour,colour":    `"colour" comes twice`,
		"color":            `there is no "color": colour, side, train`,
		",":                `there is no ""`,
		"side=9,side=9":    `"side" comes twice`,
	} {
		_, err := Open("digits:"+words, Options{})
		checkError(t, err, ErrUnknown, want)
	}
	_, err := Open("digits:colour,side=220,train=30000", Options{}) // 1.5 GB grey
	checkError(t, err, ErrInvalid, "--max-data-bytes")
	_, err = Open("digits:side=256,train=10000000", Options{})
	checkError(t, err, ErrInvalid, "--max-data-bytes")
}

func TestOpenDrawing(t *testing.T) {
	for _, side := range []int{8, 13, 20, 64} {
		for _, difficulty := range []int{0, 50, 200, 300} {
			g := Drawing{Seed: 5, Side: side, Train: 31, Test: 10, Difficulty: difficulty}
			d, err := Open(g.String(), Options{})
			if err != nil || d.Name != g.String() || d.Height != side || d.Width != side || d.Train.Len() != 31 || d.Test.Len() != 10 {
				t.Errorf("%s: %+v, %v", g, d, err)
				continue
			}
			for i := range d.Train.Len() {
				// A digit of half the height at least leaves a pixel a row.
				bright := 0
				for _, pixel := range d.Train.Pixels[i*side*side : (i+1)*side*side] {
					if pixel > 80 {
						bright++
					}
				}
				if bright < side/8 || bright > side*side*3/4 {
					t.Errorf("%s: sample %d has %d bright pixels", g, i, bright)
				}
			}
		}
	}
}

// The published data set is the one of side 28, difficulty 1 and seed 0.
func TestDefaultDrawing(t *testing.T) {
	d, err := Open("digits:side=28,train=20000,test=4000,difficulty=1,seed=0", Options{})
	if err != nil || d.Name != "digits" || !slices.Equal(d.Train.Pixels, digits().Train.Pixels) {
		t.Errorf("got another data set, %v", err)
	}
}

func FuzzDrawing(f *testing.F) {
	for _, words := range []string{"", "side=20,train=5000,test=1000,difficulty=2", "difficulty=1e-1", "side=9,,", "seed=18446744073709551615", "difficulty=0x1p0", "colour,side=8"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		var g Drawing
		var err error
		// The words are split and looked up one by one.
		memorytest.Within(t, memorytest.Bound{PerByte: 64, Constant: 64 << 10}, func() int {
			g, err = ParseDrawing(words)
			return len(words)
		})
		// What they ask for is refused before it is drawn, or is what was asked for.
		const most = 1 << 16
		var d *Dataset
		var drawn error
		memorytest.Within(t, memorytest.Bound{PerByte: 64, Constant: 2 << 20}, func() int {
			d, drawn = Open("digits:"+words, Options{MaxBytes: most})
			return len(words)
		})
		if drawn == nil && len(d.Train.Pixels)+len(d.Test.Pixels) > most {
			t.Errorf("%q draws %d and %d bytes", words, len(d.Train.Pixels), len(d.Test.Pixels))
		}
		if err != nil {
			return
		}
		if again, err := ParseDrawing(strings.TrimPrefix(strings.TrimPrefix(g.String(), digitsName), ":")); err != nil || again != g {
			t.Errorf("%q is %s, which is %+v, %v", words, g, again, err)
		}
	})
}
