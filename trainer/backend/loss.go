package backend

import (
	"math"

	"nashprune/trainer/dataset"
)

// Loss is what training minimises, averaged over the samples of a batch. A sample
// with logits z, a network's outputs, has the loss
//
//	w_y sum_k q_k (log sum_j exp(z_j) - z_k),   q_k = (1-Smoothing) [k = y] + Smoothing/K
//
// in classification, where y is its class of K and w_y that class's weight: the
// cross-entropy with a label that is smoothed (arXiv:1512.00567, section 7). In
// regression it is mean_k (z_k - t_k)^2 with the standardised targets t.
//
// Contributions are derivatives of this loss. Evaluations report it without
// smoothing and weights, so that networks trained in different ways compare.
type Loss struct {
	Smoothing    float64   // 0 <= S < 1
	ClassWeights []float64 // one a class, at least 0 and finite; nil: all 1
}

// Weight returns the weight of a class.
func (l Loss) Weight(class int) float64 {
	if l.ClassWeights == nil {
		return 1
	}
	return l.ClassWeights[class]
}

// Chance returns the mean loss over the training part of a network that knows
// nothing, for the scale of losses: of K classes log K times the mean weight of the
// samples, and of standardised targets their variance, 1.
func (l Loss) Chance(d *dataset.Dataset) float64 {
	if d.Regression() {
		return 1
	}
	scale := 1.
	if l.ClassWeights != nil {
		scale = l.MeanWeight(d.Train)
	}
	return scale * math.Log(float64(d.Classes))
}

// MeanWeight returns the mean weight of samples of classes.
func (l Loss) MeanWeight(s dataset.Samples) float64 {
	mean := 0.
	for _, label := range s.Labels {
		mean += l.Weight(int(label)) / float64(s.Len())
	}
	return mean
}

// Of returns the loss of sample i of s, from the network's outputs for it.
func (l Loss) Of(s dataset.Samples, i int, outputs []float64) float64 {
	if s.Outputs > 0 {
		sum := 0.
		for k, target := range s.Targets[i*s.Outputs : (i+1)*s.Outputs] {
			d := outputs[k] - float64(target)
			sum += d * d
		}
		return sum / float64(s.Outputs)
	}
	highest, mean := math.Inf(-1), 0.
	for _, z := range outputs {
		highest = max(highest, z)
		mean += z / float64(len(outputs))
	}
	sum := 0.
	for _, z := range outputs {
		sum += math.Exp(z - highest)
	}
	class := int(s.Labels[i])
	return l.Weight(class) * (highest + math.Log(sum) - (1-l.Smoothing)*outputs[class] - l.Smoothing*mean)
}
