package dataset

import (
	"math"
	"math/bits"
)

// normalise sets the means and the deviations of bytes. A channel without variation has
// deviation 1.
func (d *Dataset) normalise() {
	d.Mean, d.Deviation = d.Train.moments()
	d.Means, d.Deviations = []float64{d.Mean}, []float64{d.Deviation}
	if d.Channels < 2 {
		return
	}
	d.Means, d.Deviations = make([]float64, d.Channels), make([]float64, d.Channels)
	for c := range d.Channels {
		d.Means[c], d.Deviations[c] = d.Train.channelMoments(c, d.Channels)
		if d.Deviations[c] == 0 {
			d.Deviations[c] = 1
		}
	}
}

// moments returns the mean and the standard deviation of all pixel values over 255.
func (s Samples) moments() (mean, deviation float64) { return s.channelMoments(0, 1) }

// channelMoments returns the mean and the standard deviation of the pixel values of one
// channel of several over 255. Their sums are exact, in integers, so both are 0 or more, the deviation
// is 0 only where all pixels are alike, and no platform rounds differently.
// Samples without pixels give 0 and 0.
func (s Samples) channelMoments(channel, channels int) (mean, deviation float64) {
	var histogram [math.MaxUint8 + 1]uint64
	plane := max(s.Features/channels, 1)
	for start := channel * plane; start < len(s.Pixels); start += channels * plane {
		for _, pixel := range s.Pixels[start : start+plane] {
			histogram[pixel]++
		}
	}
	var count, sum, squares uint64
	for i, times := range histogram {
		value := uint64(i)
		count += times
		sum += times * value
		squares += times * value * value
	}
	if count == 0 {
		return 0, 0
	}
	// The variance is (count*squares - sum*sum) / count^2, whose numerator can
	// take 80 bits.
	high, low := bits.Mul64(count, squares)
	sumHigh, sumLow := bits.Mul64(sum, sum)
	low, borrow := bits.Sub64(low, sumLow, 0)
	high, _ = bits.Sub64(high, sumHigh, borrow)
	spread := float64(high)*0x1p64 + float64(low)

	scale := float64(count * math.MaxUint8)
	return float64(sum) / scale, math.Sqrt(spread) / scale
}
