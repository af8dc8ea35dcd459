package dataset

// Samples is a number of labelled samples, as they came: features are bytes or
// floats, and what is to be predicted is a class or, in regression, numbers.
type Samples struct {
	Features int       // of one sample
	Pixels   []uint8   // Len() rows of Features bytes, for features from 0 to 1 in steps of 1/255
	Values   []float32 // Len() rows of Features numbers, instead of Pixels
	Labels   []uint8   // the class of each sample; nil in regression

	// Targets is Len() rows of Outputs numbers, standardised: what a network is to
	// predict in regression. Nil in classification, where Outputs is 0.
	Targets []float32
	Outputs int

	raw        []float64 // of floats, until they are standardised into Values
	rawTargets []float64 // until they are standardised into Targets
}

// At returns a feature by its place in Pixels or Values.
func (s Samples) At(place int) float64 {
	if s.Values != nil {
		return float64(s.Values[place])
	}
	return float64(s.Pixels[place]) / 255
}

// Len returns the number of samples.
func (s Samples) Len() int {
	if s.Outputs > 0 {
		return max(len(s.Targets), len(s.rawTargets)) / s.Outputs
	}
	return len(s.Labels)
}

// Dataset is what a network is trained and evaluated on.
//
// A network's input is (feature - Mean) / Deviation. Bytes have one mean and one
// standard deviation for all features, taken over the training part alone.
// Floats are standardised feature by feature already, as Standard says, and have
// Mean 0 and Deviation 1. All parts have the same kind of features.
type Dataset struct {
	Name            string
	Digest          string // of all samples as the files hold them, SHA-256 in hexadecimal; empty of data to evaluate on
	Height, Width   int    // of the images; Height*Width features; floats have Height 1
	Classes         int    // labels are 0 to Classes-1; 0 in regression
	Mean, Deviation float64

	Standard   *Standard // how floats were standardised; nil for bytes
	ClassNames []string  // one a class, where labels are words of a CSV file; else nil
	Label      string    // the column of a CSV file that holds the labels; else empty

	FeatureNames []string // the columns of a CSV file that hold features; else nil

	// In regression, how targets were standardised over the training part and what
	// they are called; nil in classification.
	TargetStandard *Standard
	TargetNames    []string

	Train      Samples
	Validation Samples // held out of the training set; may be empty
	Test       Samples
}

// Regression reports whether numbers are predicted rather than classes.
func (d *Dataset) Regression() bool { return d.Train.Outputs > 0 }

// Outputs returns how many numbers a network has to bring for each sample: one a
// class, or one a target.
func (d *Dataset) Outputs() int {
	if d.Regression() {
		return d.Train.Outputs
	}
	return d.Classes
}
