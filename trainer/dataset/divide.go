package dataset

import (
	"fmt"
	"math"
	"strconv"

	"nashprune/trainer/random"
)

// DefaultTestFraction is how much becomes the test part of a data set that has
// none.
const DefaultTestFraction = 0.2

// The streams of [random.Division].
const (
	testDivision  uint32 = 0 // which samples of a class, or of all in regression, become the test part
	orderDivision uint32 = 1 // the order of the training samples

	validationDivision uint32 = 2 // which samples of a class become the validation part
)

// drawTest moves a fraction of the training samples to the test part: of the n
// samples of each class, or of all n in regression, round(fraction n), but at
// least one, and not the last one. The test samples stay in the order of the file;
// the others are shuffled. Everything follows from the seed.
func (d *Dataset) drawTest(fraction float64, seed uint64) error {
	train, test := d.draw(seed, testDivision, func(n int) int {
		return min(max(int(math.Round(fraction*float64(n))), 1), n-1)
	})
	switch {
	case len(test) == 0 && d.Regression():
		return fmt.Errorf("%s: %w: it has a single sample, so none can be put aside for the test part", d.Name, ErrInvalid)
	case len(test) == 0:
		return fmt.Errorf("%s: %w: no class has two samples, so none can be put aside for the test part; --task regression predicts numbers", d.Name, ErrInvalid)
	}
	all := d.Train.arranged(append(shuffled(train, seed), test...))
	d.Train, d.Test = all.part(0, len(train)), all.part(len(train), all.Len())
	return nil
}

// holdOut moves a fraction of the training samples to the validation part: round(fraction n)
// of all n, and of each class as many as come closest to the fraction, but not the last one.
// The samples of both stay in their order. Data with a validation part of its own keeps that.
func (d *Dataset) holdOut(fraction float64, seed uint64) error {
	n := d.Train.Len()
	held := int(math.Round(fraction * float64(n)))
	switch {
	case d.Validation.Len() > 0:
		if fraction > 0 {
			d.Notes = append(d.Notes, fmt.Sprintf("the data has %d validation samples of its own; no training samples are held out", d.Validation.Len()))
		}
		return nil
	case fraction == 0:
		d.Validation = Samples{Features: d.Train.Features, Outputs: d.Train.Outputs}
		return nil
	case held == n:
		return fmt.Errorf("%w %v of %d samples leaves none to train on; choose a smaller one", ErrFraction, fraction, n)
	case held == 0:
		return fmt.Errorf("%w %v of %d samples holds none out; choose a larger one, or 0", ErrFraction, fraction, n)
	}
	// What rounding leaves of one class goes to the next.
	seen, drawn := 0, 0
	train, validation := d.draw(seed, validationDivision, func(n int) int {
		seen += n
		share := min(max(int(math.Round(fraction*float64(seen)))-drawn, 0), max(n-1, 0))
		drawn += share
		return share
	})
	if len(validation) == 0 {
		return fmt.Errorf("%w %v holds none out: no class of the training samples has two", ErrFraction, fraction)
	}
	all := d.Train.arranged(append(train, validation...))
	d.Train, d.Validation = all.part(0, len(train)), all.part(len(train), n)
	return nil
}

// noteMissingClasses notes the classes of which a part has no samples.
func (d *Dataset) noteMissingClasses() {
	for _, part := range []struct {
		name string
		Samples
	}{{"training", d.Train}, {"validation", d.Validation}, {"test", d.Test}} {
		if part.Len() == 0 {
			continue
		}
		seen := make([]bool, d.Classes)
		for _, label := range part.Labels {
			seen[label] = true
		}
		var missing []string
		for class, seen := range seen {
			switch {
			case seen:
			case d.ClassNames != nil:
				missing = append(missing, fmt.Sprintf("%.40q", d.ClassNames[class]))
			default:
				missing = append(missing, strconv.Itoa(class))
			}
		}
		if missing != nil {
			d.Notes = append(d.Notes, fmt.Sprintf("the %s part has no sample of %d of the %d classes: %s", part.name, len(missing), d.Classes, someOf(missing)))
		}
	}
}

// draw divides the training samples: of the n samples of each class, or of all in regression,
// share(n) at random. Both parts are places in order. Everything follows from the seed.
func (d *Dataset) draw(seed uint64, stream uint32, share func(n int) int) (rest, drawn []int32) {
	classes := make([][]int32, max(1, d.Classes))
	for i := range d.Train.Len() {
		class := 0
		if !d.Regression() {
			class = int(d.Train.Labels[i])
		}
		classes[class] = append(classes[class], int32(i))
	}
	isDrawn := make([]bool, d.Train.Len())
	for class, members := range classes {
		most := share(len(members))
		for rank, place := range random.New(seed, random.Division, stream, uint32(class)).Permutation(len(members)) {
			isDrawn[members[place]] = rank < most
		}
	}
	for i, is := range isDrawn {
		if is {
			drawn = append(drawn, int32(i))
		} else {
			rest = append(rest, int32(i))
		}
	}
	return rest, drawn
}

// shuffled returns places in random order. Files are often in the order of the classes.
func shuffled(places []int32, seed uint64) []int32 {
	order := random.New(seed, random.Division, orderDivision, 0).Permutation(len(places))
	for i, place := range order {
		order[i] = places[place]
	}
	return order
}

// arranged returns all samples with that of place order[i] in place i, in the same memory.
func (s Samples) arranged(order []int32) Samples {
	if s.raw.matrix != nil {
		permute(order, s.raw.width, s.raw.row)
	}
	arrange(order, s.Features, s.Pixels)
	arrange(order, 1, s.Labels)
	arrange(order, s.Outputs, s.rawTargets)
	return s
}

// arrange puts row order[i] of rows of a width in place i, where there are any.
func arrange[T any](order []int32, width int, data []T) {
	if data != nil {
		permute(order, width, func(i int) []T { return data[i*width : (i+1)*width] })
	}
}
