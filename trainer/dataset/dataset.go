// Package dataset holds labelled samples in memory and finds, checks, reads
// and draws them.
package dataset

// Samples is a number of labelled samples, as they came: one byte a feature.
type Samples struct {
	Features int     // bytes of one sample
	Pixels   []uint8 // Len() rows of Features bytes, 0 to 255
	Labels   []uint8 // the class of each sample
}

// Len returns the number of samples.
func (s Samples) Len() int { return len(s.Labels) }

// Dataset is what a network is trained and judged on.
//
// A network's input is (pixel/255 - Mean) / Deviation, with one mean and one
// standard deviation for all features, taken over the training part alone.
type Dataset struct {
	Name            string
	Height, Width   int // of the images; Height*Width features
	Classes         int // labels are 0 to Classes-1
	Mean, Deviation float64

	Train      Samples
	Validation Samples // held out of the training set; may be empty
	Test       Samples
}

// Input returns what a network is given for a pixel.
func (d *Dataset) Input(pixel uint8) float64 {
	return (float64(pixel)/255 - d.Mean) / d.Deviation
}
