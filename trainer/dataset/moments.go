package dataset

import (
	"math"
	"math/bits"
)

// moments returns the mean and the standard deviation of all pixel values over
// 255. Their sums are exact, in integers, so both are 0 or more, the deviation
// is 0 only where all pixels are alike, and no platform rounds differently.
// Samples without pixels give 0 and 0.
func (s Samples) moments() (mean, deviation float64) {
	var histogram [math.MaxUint8 + 1]uint64
	for _, pixel := range s.Pixels {
		histogram[pixel]++
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
