package record

import (
	"math"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// spread returns the mean squared distance of standardised targets from the mean of
// their target among the same samples: the mean squared error of a network that
// knows these means and nothing else. It is 1 for the training part, to rounding,
// and 0 where all samples are alike.
func spread(s dataset.Samples) float64 {
	if s.Len() == 0 {
		return 0
	}
	n := float64(s.Len())
	sum := 0.
	for k := range s.Outputs {
		// Differences to the first sample keep the mean of equal numbers exact.
		first := float64(s.Targets[k])
		mean, squares := first, 0.
		for i := k; i < len(s.Targets); i += s.Outputs {
			mean += (float64(s.Targets[i]) - first) / n
		}
		for i := k; i < len(s.Targets); i += s.Outputs {
			d := float64(s.Targets[i]) - mean
			squares += d * d / n
		}
		sum += squares
	}
	return sum / float64(s.Outputs)
}

// Explained returns the fraction of variance that predictions with a mean squared
// error explain,
//
//	R2 = 1 - sum (z-t)^2 / sum (t - mean t)^2,
//
// summed over all samples and all targets in standardised units, with the mean of
// each target among these samples. It is 1 for perfect predictions, 0 for those of
// the means, and below 0 for worse. It is nil where the samples are all alike.
func Explained(loss float64, s dataset.Samples) *float64 {
	variance := spread(s)
	if variance == 0 {
		return nil
	}
	r2 := 1 - loss/variance
	return &r2
}

// targetErrors returns the root of the mean squared error and the mean absolute error of each
// target in its own units, from predictions for samples.
func targetErrors(predictions []float32, s dataset.Samples, standard *dataset.Standard) (rmse, mae []float64) {
	rmse, mae = make([]float64, s.Outputs), make([]float64, s.Outputs)
	for i, t := range s.Targets {
		d := float64(predictions[i]) - float64(t)
		rmse[i%s.Outputs] += d * d / float64(s.Len())
		mae[i%s.Outputs] += math.Abs(d) / float64(s.Len())
	}
	for k, unit := range standard.Deviations {
		rmse[k], mae[k] = math.Sqrt(rmse[k])*unit, mae[k]*unit
	}
	return rmse, mae
}

// Shape returns the number of inputs, the players of each gate and the number of outputs.
func Shape(g *network.Graph) []int {
	return append(append([]int{g.Inputs()}, g.Widths()...), g.Outputs())
}

// NewNetworkResult fills in what can be said of a network by looking at it.
func NewNetworkResult(n *network.Network) NetworkResult {
	kept, all := n.NonZero()
	return NetworkResult{Shape: Shape(n.Graph), Parameters: n.ParameterCount(), ZeroWeights: all - kept, MACs: n.MACs(), Bytes: n.Bytes()}
}

// SetEvaluation adds to j how well the network does on a part of the data, by an evaluation
// that has brought the logits.
func SetEvaluation(j *NetworkResult, e backend.Evaluation, d *dataset.Dataset, part backend.Part) {
	j.Quality, j.Loss = NewQuality(e, d, part), &e.Loss
	if !d.Regression() {
		j.Classes = NewClasses(len(e.ClassSamples), part.Of(d).Labels, e.Class)
	}
}

// NewQuality says how well a network does by its evaluation on a part of the data,
// which has to have brought the logits in regression.
func NewQuality(e backend.Evaluation, d *dataset.Dataset, part backend.Part) Quality {
	if d.Regression() {
		samples := part.Of(d)
		q := Quality{R2: Explained(e.Loss, samples)}
		q.RMSE, q.MAE = targetErrors(e.Logits, samples, d.TargetStandard)
		return q
	}
	accuracy := e.Accuracy()
	q := Quality{Accuracy: &accuracy}
	sum, classes := 0., 0
	for class, samples := range e.ClassSamples {
		if samples == 0 {
			continue
		}
		sum += 100 * float64(e.ClassCorrect[class]) / float64(samples)
		classes++
		if e.ClassCorrect[class] == 0 {
			q.Unrecognised = append(q.Unrecognised, class)
		}
	}
	if classes > 0 {
		balanced := sum / float64(classes)
		q.BalancedAccuracy = &balanced
	}
	return q
}

// LargestClass returns the percentage of some samples that are of the largest class, 0 in
// regression.
func LargestClass(s dataset.Samples) float64 {
	var counts [math.MaxUint8 + 1]int
	largest := 0
	for _, label := range s.Labels {
		counts[label]++
		largest = max(largest, counts[label])
	}
	return 100 * float64(largest) / float64(max(s.Len(), 1))
}
