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

	raw        rows      // of floats, until they are standardised into Values
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
// A network's input is (feature - mean) / deviation, both of the training part alone:
// Mean and Deviation are those of all bytes, Means and Deviations those of each
// channel. Floats are standardised feature by feature already, as Standard says, and
// have Mean 0 and Deviation 1. All parts have the same kind of features.
type Dataset struct {
	Name   string
	Digest string // of all samples, SHA-256 in hexadecimal; empty of data to evaluate on

	// The shape of an image, whose features are its channels one after the other, each
	// row by row. Samples that are no images have 0 channels, Height 1 and Width features.
	Channels, Height, Width int

	Classes           int // labels are 0 to Classes-1; 0 in regression
	Mean, Deviation   float64
	Means, Deviations []float64 // of bytes: one a channel, or one of all where Channels is 0; nil of floats

	Standard   *Standard // how floats were standardised; nil for bytes
	ClassNames []string  // one a class, where labels are words of a CSV file; else nil
	Label      string    // the column of a CSV file that holds the labels; else empty

	// Of a CSV file the columns that features come from, the names of the features, and what became
	// of all columns where some are no plain numbers.
	Columns      []Column
	FeatureNames []string
	Uses         []ColumnUse
	encoding     encoding

	// In regression, how targets were standardised over the training part and what
	// they are called; nil in classification.
	TargetStandard *Standard
	TargetNames    []string

	Division Division // how parts were drawn

	Notes []string // what was decided about the data that its owner should know, a sentence each

	folders bool // images in folders, read class by class

	Train      Samples
	Validation Samples // held out of the training set; may be empty
	Test       Samples
}

// Division says how the parts of data were drawn.
type Division struct {
	Seed       uint64  `json:"seed"`
	Test       float64 `json:"test,omitempty"`       // the fraction drawn for the test part; 0 where the data has one
	Validation float64 `json:"validation,omitempty"` // the fraction of the rest held out
}

// Bytes returns what the samples of all parts take in memory.
func (d *Dataset) Bytes() (bytes int) {
	for _, s := range []Samples{d.Train, d.Validation, d.Test} {
		bytes += len(s.Pixels) + 4*len(s.Values) + len(s.Labels) + 4*len(s.Targets)
	}
	return bytes
}

// Shape returns the shape of a sample: {channels, height, width} of images, else
// {features}.
func (d *Dataset) Shape() []int {
	if d.Channels > 0 {
		return []int{d.Channels, d.Height, d.Width}
	}
	return []int{d.Train.Features}
}

// Normalisation returns the mean and the deviation of a channel. Data without those of
// each channel has one of each.
func (d *Dataset) Normalisation(channel int) (mean, deviation float64) {
	if d.Means == nil {
		return d.Mean, d.Deviation
	}
	return d.Means[channel], d.Deviations[channel]
}

// Channel returns the channel of a feature by its place in a sample, as [Dataset.Normalisation]
// takes it.
func (d *Dataset) Channel(feature int) int {
	if len(d.Means) < 2 {
		return 0
	}
	return feature / (d.Height * d.Width)
}

// Input returns what a network sees of a feature of value x.
func (d *Dataset) Input(feature int, x float64) float64 {
	mean, deviation := d.Normalisation(d.Channel(feature))
	return (x - mean) / deviation
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
