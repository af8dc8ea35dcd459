package dataset

import (
	"fmt"
	"math"
	"slices"

	"nashprune/trainer/random"
)

// DefaultTestFraction is how much becomes the test part of a data set that has
// none.
const DefaultTestFraction = 0.2

// The streams of [random.Division].
const (
	testDivision  uint32 = 0 // which samples of a class, or of all in regression, become the test part
	orderDivision uint32 = 1 // the order of the training samples
)

// drawTest moves a fraction of the training samples to the test part: of the n
// samples of each class, or of all n in regression, round(fraction n), but at
// least one, and not the last one. The test samples stay in the order of the file;
// the others are shuffled. Everything follows from the seed.
func (d *Dataset) drawTest(fraction float64, seed uint64) error {
	classes := make([][]int32, max(1, d.Classes))
	for i := range d.Train.Len() {
		class := 0
		if !d.Regression() {
			class = int(d.Train.Labels[i])
		}
		classes[class] = append(classes[class], int32(i))
	}
	var test, train []int32
	for class, members := range classes {
		n := len(members)
		drawn := min(max(int(math.Round(fraction*float64(n))), 1), n-1)
		for rank, place := range random.New(seed, random.Division, testDivision, uint32(class)).Permutation(n) {
			if rank < drawn {
				test = append(test, members[place])
			} else {
				train = append(train, members[place])
			}
		}
	}
	switch {
	case len(test) == 0 && d.Regression():
		return fmt.Errorf("%s: %w: it has a single sample, so none can be put aside for the test part", d.Name, ErrInvalid)
	case len(test) == 0:
		return fmt.Errorf("%s: %w: no class has two samples, so none can be put aside for the test part; --task regression predicts numbers", d.Name, ErrInvalid)
	}
	slices.Sort(test)
	slices.Sort(train)
	d.Train, d.Test = d.Train.shuffled(train, seed), d.Train.gather(test)
	return nil
}

// shuffled returns the samples at places, in random order. Files are often in
// the order of the classes, and the validation part is the last of the training
// samples.
func (s Samples) shuffled(places []int32, seed uint64) Samples {
	order := random.New(seed, random.Division, orderDivision, 0).Permutation(len(places))
	for i, place := range order {
		order[i] = places[place]
	}
	return s.gather(order)
}

// gather returns copies of the samples at places.
func (s Samples) gather(places []int32) Samples {
	return Samples{
		Features: s.Features,
		Pixels:   rowsOf(s.Pixels, s.Features, places), raw: rowsOf(s.raw, s.Features, places),
		Labels:  rowsOf(s.Labels, 1, places),
		Outputs: s.Outputs, rawTargets: rowsOf(s.rawTargets, s.Outputs, places),
	}
}

// rowsOf returns copies of rows of a width; nil where there are none at all.
func rowsOf[T any](data []T, width int, places []int32) []T {
	if data == nil {
		return nil
	}
	rows := make([]T, 0, len(places)*width)
	for _, place := range places {
		rows = append(rows, data[int(place)*width:(int(place)+1)*width]...)
	}
	return rows
}
