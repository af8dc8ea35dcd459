// Package dataset holds labelled samples in memory and finds, checks, reads
// and draws them.
package dataset

// Samples is a number of labelled samples, as they came: features are bytes or
// floats.
type Samples struct {
	Features int       // of one sample
	Pixels   []uint8   // Len() rows of Features bytes, for features from 0 to 1 in steps of 1/255
	Values   []float32 // Len() rows of Features numbers, instead of Pixels
	Labels   []uint8   // the class of each sample

	raw []float64 // of floats, until they are standardised into Values
}

// At returns a feature by its place in Pixels or Values.
func (s Samples) At(place int) float64 {
	if s.Values != nil {
		return float64(s.Values[place])
	}
	return float64(s.Pixels[place]) / 255
}

// Len returns the number of samples.
func (s Samples) Len() int { return len(s.Labels) }

// Dataset is what a network is trained and judged on.
//
// A network's input is (feature - Mean) / Deviation. Bytes have one mean and one
// standard deviation for all features, taken over the training part alone.
// Floats are standardised feature by feature already, as Standard says, and have
// Mean 0 and Deviation 1. All parts have the same kind of features.
type Dataset struct {
	Name            string
	Height, Width   int // of the images; Height*Width features; floats have Height 1
	Classes         int // labels are 0 to Classes-1
	Mean, Deviation float64

	Standard   *Standard // how floats were standardised; nil for bytes
	ClassNames []string  // one a class, where labels are words of a CSV file; else nil
	Label      string    // the column of a CSV file that holds the labels; else empty

	FeatureNames []string // the other columns of a CSV file; else nil

	Train      Samples
	Validation Samples // held out of the training set; may be empty
	Test       Samples
}
