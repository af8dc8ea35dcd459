package backend

import (
	"math"
	"testing"
)

// TestOutputSampleIsTheCurvatureOfAnUndecidedLoss: the mean over the outputs of the products
// of its derivatives is the second derivative of the loss, which central
// differences of its own first derivatives find, at equal logits.
func TestOutputSampleIsTheCurvatureOfAnUndecidedLoss(t *testing.T) {
	for _, outputs := range []int{1, 2, 3, 10} {
		for _, regression := range []bool{false, true} {
			sample := NewOutputSample(outputs, regression)
			derivative := func(z []float64) []float64 { // of the loss, of class 0 or targets of zero
				d, sum := make([]float64, outputs), 0.
				for k := range d {
					d[k] = math.Exp(z[k])
					sum += d[k]
				}
				for k := range d {
					d[k] /= sum
					if regression {
						d[k] = 2 * z[k] / float64(outputs)
					}
				}
				return d // that of class 0 has one less in d[0], which no second derivative sees
			}
			const step = 1e-4
			for i := range outputs {
				z := make([]float64, outputs)
				z[i] = step
				ahead := derivative(z)
				z[i] = -step
				behind := derivative(z)
				for j := range outputs {
					mean := 0.
					for drawn := range outputs {
						of := func(k int) float64 {
							if k == drawn {
								return sample.Own
							}
							return sample.Others
						}
						mean += of(i) * of(j) / float64(outputs)
					}
					// The difference is off by step^2 times the third derivative, at most 1.
					if want := (ahead[j] - behind[j]) / (2 * step); math.Abs(mean-want) > 2*step*step {
						t.Errorf("%d outputs, regression %v: the mean at %d, %d is %g, the second derivative %g", outputs, regression, i, j, mean, want)
					}
				}
			}
		}
	}
}

// TestOutputSampleDrawsEveryOutputAlike: over n places each of K outputs comes n/K times,
// give or take five standard deviations of a binomial, with any step between places.
func TestOutputSampleDrawsEveryOutputAlike(t *testing.T) {
	const n = 30000
	for _, outputs := range []int{1, 2, 3, 10, 256} {
		for _, step := range []int{1, 10, 256} {
			counts := make([]int, outputs)
			for i := range n {
				counts[NewOutputSample(outputs, false).At(step*i)]++
			}
			mean := n / float64(outputs)
			for k, count := range counts {
				if math.Abs(float64(count)-mean) > 5*math.Sqrt(mean*(1-1/float64(outputs))) {
					t.Errorf("output %d of %d comes %d times in %d, every %d places", k, outputs, count, n, step)
				}
			}
		}
	}
}
