package settings

import (
	"math"
	"strconv"
	"strings"

	"nashprune/trainer/dataset"
)

// Trained returns the defaults of runs that prune a trained network: the market opens at
// once, for five of 16 epochs, at a learning rate that follows from the network; all were chosen
// on validation parts (testdata/prune).
func Trained() Config {
	c := Default()
	c.Model, c.Data = "", "" // as the file says
	c.Epochs, c.LearningRate, c.WarmUp, c.GameShare = 16, 0, 0, 0.3
	return c
}

// The learning rate that trained networks have by default, up to a depth.
const (
	TrainedRate  = 4e-3 // twice that of a training from the start
	trainedDepth = 4
)

// TrainedRateOf returns the default learning rate of a trained network of a depth, see
// [network.Graph.DepthWithoutNorms]: 4e-3 up to a depth of 4, and 4e-3 x 4 / depth from there on. A step of adamw changes each
// weight by the rate, and the changes of layers without batch norms multiply.
func TrainedRateOf(depth int) float64 {
	return TrainedRate * trainedDepth / float64(max(depth, trainedDepth))
}

// unscaled leaves features as they are.
const unscaled = "none"

// normalisation returns how features are scaled, nil where it follows from the data.
func (c Config) normalisation() *dataset.Standard {
	s, _ := parseNormalise(c.Normalise)
	return s
}

// parseNormalise reads MEANS/DEVIATIONS; nil of an empty text.
func parseNormalise(text string) (s *dataset.Standard, ok bool) {
	switch text {
	case "":
		return nil, true
	case unscaled:
		return &dataset.Standard{Means: []float64{0}, Deviations: []float64{1}}, true
	}
	means, deviations, _ := strings.Cut(text, "/")
	s = new(dataset.Standard)
	for _, part := range []struct {
		list  string
		least float64 // above which numbers are
		into  *[]float64
	}{{means, -math.MaxFloat32, &s.Means}, {deviations, 0, &s.Deviations}} {
		for _, word := range strings.Split(part.list, ",") {
			x, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
			if err != nil || !(x > part.least && x < math.MaxFloat32) {
				return nil, false
			}
			*part.into = append(*part.into, x)
		}
	}
	return s, len(s.Means) == len(s.Deviations)
}
