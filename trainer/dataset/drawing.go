package dataset

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Drawing says what data set of digits is drawn.
type Drawing struct {
	Seed        uint64
	Side        int // of an image, in pixels
	Train, Test int // samples
	// Difficulty is how much handwriting varies, in hundredths of what it does in
	// the published data set: turn, slant, size, place, wobble and noise.
	Difficulty int
	// Colour draws coloured digits on a coloured ground of changing brightness, in
	// channels red, green and blue.
	Colour bool
}

// The limits of a drawing. From a difficulty of about 3 on, digits run over the
// edge and may be turned on their side.
const (
	leastSide      = 8
	mostSide       = 256
	mostDrawn      = 10_000_000 // samples of a part
	difficultyUnit = 100        // that of the published data set
	mostDifficulty = 3 * difficultyUnit
)

// DefaultDrawing returns the published data set.
func DefaultDrawing() Drawing {
	return Drawing{Side: digitSide, Train: digitTrain, Test: digitTest, Difficulty: difficultyUnit}
}

// ParseDrawing reads what stands behind "digits:", such as "colour" or
// "side=20,train=5000,test=1000,difficulty=2,seed=3": what is not named is that of the
// published data set, which is grey and of difficulty 1. Sides are 8 to 256, samples
// at least 10 and at most ten million a part, difficulties 0 to 3 in hundredths.
func ParseDrawing(words string) (Drawing, error) {
	g := DefaultDrawing()
	if words == "" {
		return g, nil
	}
	seen := map[string]bool{}
	for word := range strings.SplitSeq(words, ",") {
		key, value, valued := strings.Cut(word, "=")
		if seen[key] {
			return g, fmt.Errorf("%.20q comes twice", key)
		}
		seen[key] = true
		var err error
		switch key {
		case "colour":
			if g.Colour = true; valued {
				err = errors.New("there without a value, as in digits:colour,side=20")
			}
		case "side":
			g.Side, err = parseWithin(value, leastSide, mostSide)
		case "train":
			g.Train, err = parseWithin(value, digitClasses, mostDrawn)
		case "test":
			g.Test, err = parseWithin(value, digitClasses, mostDrawn)
		case "seed":
			if g.Seed, err = strconv.ParseUint(value, 10, 63); err != nil { // 63 bits, as --seed
				err = errors.New("a whole number from 0 up")
			}
		case "difficulty":
			g.Difficulty, err = parseDifficulty(value)
		default:
			return g, fmt.Errorf("there is no %.20q: colour, side, train, test, difficulty and seed can be set, as in digits:side=20,difficulty=2", key)
		}
		if err != nil {
			return g, fmt.Errorf("%s is %.20q; it must be %w", key, value, err)
		}
	}
	return g, nil
}

func parseWithin(text string, least, most int) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || int(n) < least || int(n) > most {
		return 0, fmt.Errorf("a whole number from %d to %d", least, most)
	}
	return int(n), nil
}

func parseDifficulty(text string) (int, error) {
	x, err := strconv.ParseFloat(text, 64)
	hundredths := math.Round(x * difficultyUnit)
	if err != nil || !(hundredths >= 0 && hundredths <= mostDifficulty) || math.Abs(x*difficultyUnit-hundredths) > 1e-9 {
		return 0, fmt.Errorf("a number from 0 to %d with two decimals at most", mostDifficulty/difficultyUnit)
	}
	return int(hundredths), nil
}

// String returns the name by which [Open] knows the data set: what differs from
// the published one stands behind "digits:".
func (g Drawing) String() string {
	var words []string
	published := DefaultDrawing()
	add := func(key string, value, usual int) {
		if value != usual {
			words = append(words, key+"="+strconv.Itoa(value))
		}
	}
	if g.Colour {
		words = append(words, "colour")
	}
	add("side", g.Side, published.Side)
	add("train", g.Train, published.Train)
	add("test", g.Test, published.Test)
	if g.Difficulty != published.Difficulty {
		words = append(words, "difficulty="+strconv.FormatFloat(float64(g.Difficulty)/difficultyUnit, 'g', -1, 64))
	}
	if g.Seed != published.Seed {
		words = append(words, "seed="+strconv.FormatUint(g.Seed, 10))
	}
	if words == nil {
		return digitsName
	}
	return digitsName + ":" + strings.Join(words, ",")
}
