package settings

import (
	"strconv"
	"strings"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
)

// BalancedWeights is the word for class weights that make up for classes of unequal
// size: n / (K n_k) with n_k of the n training samples in class k of K.
const BalancedWeights = "balanced"

// maxClassWeight bounds what is taken for a weight.
const maxClassWeight = 1e6

// parseClassWeights reads a list of weights, one a class, with commas in between.
func parseClassWeights(list string) ([]float64, error) {
	var weights []float64
	positive := false
	for _, word := range strings.Split(list, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || !(w >= 0 && w <= maxClassWeight) {
			return nil, backend.Usagef("--class-weights: %.40q is no weight: it is %s, or a number from 0 to 1e6 for each class, with commas in between", word, BalancedWeights)
		}
		weights = append(weights, w)
		positive = positive || w > 0
	}
	if !positive {
		return nil, backend.Usagef("--class-weights %.40q: nothing is left to learn when all weights are zero", list)
	}
	return weights, nil
}

// Loss returns what a training on the data minimises.
func (c Config) Loss(d *dataset.Dataset) (backend.Loss, error) {
	loss := backend.Loss{Smoothing: c.LabelSmoothing}
	switch c.ClassWeights {
	case "":
	case BalancedWeights:
		counts := make([]int, d.Classes)
		for _, label := range d.Train.Labels {
			counts[label]++
		}
		loss.ClassWeights = make([]float64, d.Classes)
		for k, n := range counts {
			if n > 0 {
				loss.ClassWeights[k] = float64(d.Train.Len()) / float64(d.Classes*n)
			}
		}
	default:
		weights, err := parseClassWeights(c.ClassWeights)
		if err != nil {
			return loss, err
		}
		if len(weights) != d.Classes {
			return loss, backend.Usagef("--class-weights has %d numbers, and %s has %d classes", len(weights), d.Name, d.Classes)
		}
		loss.ClassWeights = weights
		if loss.MeanWeight(d.Train) == 0 {
			return loss, backend.Usagef("--class-weights %.40q: every class of the training samples of %s has the weight 0, and nothing is left to learn", c.ClassWeights, d.Name)
		}
	}
	return loss, nil
}
