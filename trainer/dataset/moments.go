package dataset

import "math"

// moments returns the mean and the standard deviation of all pixel values over
// 255. The sums are exact, in integers; samples without pixels give 0 and 0.
func (s Samples) moments() (mean, deviation float64) {
	var histogram [math.MaxUint8 + 1]uint64
	for _, pixel := range s.Pixels {
		histogram[pixel]++
	}
	var count, sum, squares uint64
	for value, times := range histogram {
		count += times
		sum += times * uint64(value)
		squares += times * uint64(value*value)
	}
	if count == 0 {
		return 0, 0
	}
	mean = float64(sum) / float64(count)
	variance := float64(squares)/float64(count) - mean*mean
	return mean / math.MaxUint8, math.Sqrt(variance) / math.MaxUint8
}
