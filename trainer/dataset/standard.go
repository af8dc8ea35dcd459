package dataset

import (
	"fmt"
	"math"
)

// Standard is how float features are standardised: a network's input is
// (value - Means[f]) / Deviations[f] for feature f.
type Standard struct {
	Means      []float64 // one a feature
	Deviations []float64 // one a feature, above 0
}

// maxMagnitude bounds features: float32 holds no larger ones.
const maxMagnitude = math.MaxFloat32

// standardOf returns the mean and the standard deviation of each feature over
// the samples, in float64. A feature that is the same in all of them has
// deviation 1. No feature may exceed [maxMagnitude], so no sum overflows.
func standardOf(s Samples) *Standard {
	n := float64(s.Len())
	means, largest, squares := make([]float64, s.Features), make([]float64, s.Features), make([]float64, s.Features)
	// Differences to the first sample keep the mean of equal numbers exact, and
	// the others as precise as the features are far apart.
	each := func(visit func(feature int, x float64)) {
		for i := range s.Len() {
			for f, x := range s.raw[i*s.Features : (i+1)*s.Features] {
				visit(f, x)
			}
		}
	}
	each(func(f int, x float64) { means[f] += (x - s.raw[f]) / n })
	for f := range means {
		means[f] += s.raw[f]
	}
	each(func(f int, x float64) { largest[f] = max(largest[f], math.Abs(x-means[f])) })
	each(func(f int, x float64) {
		if largest[f] > 0 { // scaled, since squares of tiny differences would vanish
			d := (x - means[f]) / largest[f]
			squares[f] += d * d / n
		}
	})
	deviations := squares
	for f, square := range squares {
		if deviations[f] = largest[f] * math.Sqrt(square); deviations[f] == 0 {
			deviations[f] = 1
		}
	}
	return &Standard{means, deviations}
}

// apply writes standardised features to Values, in place of raw. The error names
// the first that float32 does not hold.
func (s *Standard) apply(samples *Samples) error {
	values := make([]float32, len(samples.raw))
	for i, x := range samples.raw {
		f := i % samples.Features
		values[i] = float32((x - s.Means[f]) / s.Deviations[f])
		if math.IsInf(float64(values[i]), 0) {
			return fmt.Errorf("%w: feature %d of a sample is %g, too far from the mean %g of deviation %g for float32",
				ErrInvalid, f+1, x, s.Means[f], s.Deviations[f])
		}
	}
	samples.Values, samples.raw = values, nil
	return nil
}

// standardiseFeatures standardises all parts: by the standard given or, where
// there is none, by that of the training part.
func (d *Dataset) standardiseFeatures(given *Standard) error {
	d.Mean, d.Deviation = 0, 1
	d.Standard = given
	if given == nil {
		d.Standard = standardOf(d.Train)
		if !varies(d.Train) {
			return fmt.Errorf("%s: %w: every feature is the same in all %d training samples; there is nothing to learn from", d.Name, ErrInvalid, d.Train.Len())
		}
	} else if features := d.Test.Features; features != len(given.Means) {
		return fmt.Errorf("%s: the network %w: it has %d features, and the network was trained on %d", d.Name, ErrOption, features, len(given.Means))
	}
	for _, part := range []*Samples{&d.Train, &d.Validation, &d.Test} {
		if err := d.Standard.apply(part); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	return nil
}

// varies tells whether any feature differs between two samples.
func varies(s Samples) bool {
	for i, x := range s.raw {
		if x != s.raw[i%s.Features] {
			return true
		}
	}
	return false
}

// checkFeature says why a number cannot be a feature.
func checkFeature(x float64) error {
	switch {
	case math.IsNaN(x):
		return fmt.Errorf("%w: NaN is missing: fill it in or leave the sample out", ErrInvalid)
	case math.Abs(x) > maxMagnitude:
		return fmt.Errorf("%w: %g is more than float32 holds", ErrInvalid, x)
	}
	return nil
}
