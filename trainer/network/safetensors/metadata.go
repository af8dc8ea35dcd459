package safetensors

import (
	"encoding/json"
	"fmt"
	"strconv"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// Metadata is what a model file says beside its weights: what data the network
// was trained on, so that it can be evaluated on it again. The file also names the
// model, as [network.Format] writes it, for people who look inside.
type Metadata struct {
	Data            string  // name of the data set
	Channels        int     // of an image; 0 of rows of features, and of files from before there were channels
	Height, Width   int     // of an image; as many inputs as it has pixels in all channels
	Classes         int     // one logit each; 0 in regression, so that programs that know only classes refuse the file
	Mean, Deviation float64 // input = (pixel/255 - Mean) / Deviation; finite, Deviation > 0
	Generator       string  // the program that wrote the file: "nashprune <version>"

	// Of images of several channels, input = (pixel/255 - ChannelMeans[c]) /
	// ChannelDeviations[c] for channel c, and Mean and Deviation are those of all pixels;
	// finite, deviations above 0. Both are nil where Mean and Deviation hold for all.
	ChannelMeans, ChannelDeviations []float64

	// Of float features, input = (feature - Means[i]) / Deviations[i], and Mean and
	// Deviation are 0 and 1; one number an input, finite, deviations above 0. Both
	// are nil of bytes.
	Means, Deviations []float64

	ClassNames []string // one a class, in UTF-8; nil where classes have only numbers

	// Of regression, one number and one name an output: a network predicts
	// output*TargetDeviations[k] + TargetMeans[k] for target k, in that target's own
	// units. All three are nil of classification.
	TargetMeans, TargetDeviations []float64
	TargetNames                   []string

	FeatureNames []string // one an input, in UTF-8; nil where features have only places
	Label        string   // the column of a table that held the classes; else empty

	Division *dataset.Division // of the data; nil of files from before it was noted

	// Columns are those of a table that features come from, in the order of the features; nil where
	// each is a feature as it stands.
	Columns []dataset.Column
}

// Regression reports whether the network predicts numbers rather than classes.
func (m Metadata) Regression() bool { return m.TargetMeans != nil }

// Names returns the names of the classes, which are their numbers where they have no others; nil
// in regression.
func (m Metadata) Names() []string {
	names := m.ClassNames
	for class := len(names); class < m.Classes; class++ {
		names = append(names, strconv.Itoa(class))
	}
	return names
}

// Check says whether metadata is in range and fits a network.
func (m Metadata) Check(n *network.Network) error {
	// Each side is bounded first, so that their product cannot overflow.
	if m.Height < 1 || m.Height > maxInputs || m.Width < 1 || m.Width > maxInputs || int64(m.Height)*int64(m.Width) > maxInputs {
		return fmt.Errorf("metadata: images of %dx%d, want 1 to %d pixels", m.Height, m.Width, maxInputs)
	}
	if m.Channels < 0 || m.Channels > maxInputs {
		return fmt.Errorf("metadata: images of %d channels, want 0 to %d", m.Channels, maxInputs)
	}
	inputs := n.Graph.Input().Sample.Size()
	if int64(max(m.Channels, 1))*int64(m.Height*m.Width) != int64(inputs) {
		return fmt.Errorf("metadata: images of %dx%d and %d channels for a network of %d inputs", m.Height, m.Width, max(m.Channels, 1), inputs)
	}
	if d := m.Division; d != nil && !(d.Test >= 0 && d.Test < 1 && d.Validation >= 0 && d.Validation < 1) {
		return fmt.Errorf("metadata: parts of %g and %g of the data, want fractions from 0 to below 1", d.Test, d.Validation)
	}
	if err := m.checkOutputs(n.Outputs()); err != nil {
		return err
	}
	if !finite(m.Mean) || !finite(m.Deviation) || m.Deviation <= 0 {
		return fmt.Errorf("metadata: mean %g and deviation %g, want finite numbers and a deviation above 0", m.Mean, m.Deviation)
	}
	if m.FeatureNames != nil && len(m.FeatureNames) != inputs {
		return fmt.Errorf("metadata: %d names of features for a network of %d inputs", len(m.FeatureNames), inputs)
	}
	if m.Columns != nil && len(dataset.FeatureNames(m.Columns)) != inputs {
		return fmt.Errorf("metadata: columns of %d features for a network of %d inputs", len(dataset.FeatureNames(m.Columns)), inputs)
	}
	if len(m.ChannelMeans) != len(m.ChannelDeviations) || m.ChannelMeans != nil && len(m.ChannelMeans) != m.Channels {
		return fmt.Errorf("metadata: means of %d and deviations of %d channels for images of %d", len(m.ChannelMeans), len(m.ChannelDeviations), m.Channels)
	}
	if err := checkStandard("channel", m.ChannelMeans, m.ChannelDeviations); err != nil {
		return err
	}
	return m.checkFeatures(inputs)
}

// checkOutputs says whether there are as many classes or targets as outputs, and
// what is said of them fits.
func (m Metadata) checkOutputs(outputs int) error {
	means, deviations, names := len(m.TargetMeans), len(m.TargetDeviations), len(m.TargetNames)
	switch {
	case !m.Regression() && (m.TargetDeviations != nil || m.TargetNames != nil):
		return fmt.Errorf("metadata: deviations of %d targets and names of %d for a network of classes", deviations, names)
	case !m.Regression() && (m.Classes < 1 || m.Classes != outputs):
		return fmt.Errorf("metadata: %d classes for a network of %d logits", m.Classes, outputs)
	case !m.Regression() && m.ClassNames != nil && len(m.ClassNames) != m.Classes:
		return fmt.Errorf("metadata: %d names for %d classes", len(m.ClassNames), m.Classes)
	case !m.Regression():
		return nil
	case m.Classes != 0 || m.ClassNames != nil:
		return fmt.Errorf("metadata: %d classes and names of %d for a network that predicts numbers", m.Classes, len(m.ClassNames))
	case outputs < 1 || means != outputs || deviations != outputs || names != outputs:
		return fmt.Errorf("metadata: means of %d, deviations of %d and names of %d targets for a network of %d outputs", means, deviations, names, outputs)
	}
	return checkStandard("target", m.TargetMeans, m.TargetDeviations)
}

// checkStandard says whether means and deviations, as many, are in range; what says
// what they are of.
func checkStandard(what string, means, deviations []float64) error {
	for i, mean := range means {
		if deviation := deviations[i]; !finite(mean) || !finite(deviation) || deviation <= 0 {
			return fmt.Errorf("metadata: %s %d has mean %g and deviation %g, want finite numbers and a deviation above 0", what, i+1, mean, deviation)
		}
	}
	return nil
}

// checkFeatures says whether the means and deviations of features are in range,
// and as many as there are inputs.
func (m Metadata) checkFeatures(inputs int) error {
	if m.Means == nil && m.Deviations == nil {
		return nil
	}
	if len(m.Means) != inputs || len(m.Deviations) != inputs {
		return fmt.Errorf("metadata: means of %d and deviations of %d features for a network of %d inputs", len(m.Means), len(m.Deviations), inputs)
	}
	if m.Mean != 0 || m.Deviation != 1 {
		return fmt.Errorf("metadata: mean %g and deviation %g beside those of each feature, want 0 and 1", m.Mean, m.Deviation)
	}
	return checkStandard("feature", m.Means, m.Deviations)
}

// Entries returns the texts that a file keeps of metadata, by key. Those of a network are
// apart, see [WriteModel].
func (m Metadata) Entries() map[string]string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) } // reads back to the bit
	encoded := map[string]string{
		"data":       m.Data,
		"height":     strconv.Itoa(m.Height),
		"width":      strconv.Itoa(m.Width),
		"classes":    strconv.Itoa(m.Classes),
		"mean":       number(m.Mean),
		"deviation":  number(m.Deviation),
		GeneratorKey: m.Generator,
	}
	list := func(key string, value any, length int) {
		if length > 0 {
			text, err := json.Marshal(value)
			if err != nil {
				panic(err) // no number that check lets pass, and no string
			}
			encoded[key] = string(text)
		}
	}
	if m.Label != "" {
		encoded[labelKey] = m.Label
	}
	if m.Channels > 0 {
		encoded[channelsKey] = strconv.Itoa(m.Channels)
	}
	list(channelMeansKey, m.ChannelMeans, len(m.ChannelMeans))
	list(channelDeviationsKey, m.ChannelDeviations, len(m.ChannelDeviations))
	list(meansKey, m.Means, len(m.Means))
	list(deviationsKey, m.Deviations, len(m.Deviations))
	list(classNamesKey, m.ClassNames, len(m.ClassNames))
	list(featureNamesKey, m.FeatureNames, len(m.FeatureNames))
	list(columnsKey, m.Columns, len(m.Columns))
	if m.Division != nil {
		list(divisionKey, m.Division, 1)
	}
	if m.Regression() {
		encoded[taskKey] = regression
		list(targetMeansKey, m.TargetMeans, len(m.TargetMeans))
		list(targetDeviationsKey, m.TargetDeviations, len(m.TargetDeviations))
		list(targetNamesKey, m.TargetNames, len(m.TargetNames))
	}
	return encoded
}

// GeneratorKey is that of the program which wrote the file. Files of nashprune have it.
const GeneratorKey = "generator"

const (
	channelsKey = "channels" // not in every file
	labelKey    = "label"    // of the name of the column with the labels
)

// The values of "task". Files that do not name one are of classification.
const (
	taskKey        = "task"
	regression     = "regression"
	classification = "classification"
)

// The keys of lists, which are JSON. Numbers read back to the bit.
const (
	channelMeansKey      = "channel_means"
	channelDeviationsKey = "channel_deviations"
	meansKey             = "feature_means"
	deviationsKey        = "feature_deviations"
	classNamesKey        = "class_names"
	featureNamesKey      = "feature_names"
	columnsKey           = "columns"
	divisionKey          = "division"
	targetMeansKey       = "target_means"
	targetDeviationsKey  = "target_deviations"
	targetNamesKey       = "target_names"
)

// dataKeys are all that [Metadata.Entries] has.
var dataKeys = []string{
	"data", "height", "width", "classes", "mean", "deviation", GeneratorKey,
	channelsKey, channelMeansKey, channelDeviationsKey, meansKey, deviationsKey, classNamesKey, featureNamesKey, columnsKey, labelKey, divisionKey,
	taskKey, targetMeansKey, targetDeviationsKey, targetNamesKey,
}

// ReadMetadata is the inverse of [Metadata.Entries]. Keys it does not know pass. The error
// is the first that was found.
func ReadMetadata(metadata map[string]string) (m Metadata, err error) {
	fail := func(format string, args ...any) {
		if err == nil {
			err = fmt.Errorf(format, args...)
		}
	}
	text := func(key string) string {
		value, found := metadata[key]
		if !found {
			fail("%q is missing", key)
		}
		return value
	}
	integer := func(key string) int {
		value := text(key)
		i, err := strconv.Atoi(value)
		if err != nil {
			fail("%q is %.40q, want a whole number", key, value)
		}
		return i
	}
	number := func(key string) float64 {
		value := text(key)
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			fail("%q is %.40q, want a number", key, value)
		}
		return x
	}
	m = Metadata{
		Data:   text("data"),
		Height: integer("height"), Width: integer("width"), Classes: integer("classes"),
		Mean: number("mean"), Deviation: number("deviation"),
		Generator: text(GeneratorKey), Label: metadata[labelKey],
	}
	if _, found := metadata[channelsKey]; found {
		m.Channels = integer(channelsKey)
	}
	list := func(key string, into any) { // which not every file has
		if value, found := metadata[key]; found && json.Unmarshal([]byte(value), into) != nil {
			fail("%q is %.40q, want a list in JSON", key, value)
		}
	}
	list(channelMeansKey, &m.ChannelMeans)
	list(channelDeviationsKey, &m.ChannelDeviations)
	list(meansKey, &m.Means)
	list(deviationsKey, &m.Deviations)
	list(classNamesKey, &m.ClassNames)
	list(featureNamesKey, &m.FeatureNames)
	list(columnsKey, &m.Columns)
	if value, found := metadata[divisionKey]; found && json.Unmarshal([]byte(value), &m.Division) != nil {
		fail("%q is %.40q, want an object in JSON", divisionKey, value)
	}
	list(targetMeansKey, &m.TargetMeans)
	list(targetDeviationsKey, &m.TargetDeviations)
	list(targetNamesKey, &m.TargetNames)
	switch task, named := metadata[taskKey]; {
	case task == regression && !m.Regression():
		fail("%q is %q and %q is missing", taskKey, task, targetMeansKey)
	case task != regression && m.Regression():
		fail("%q is there and %q is not %q", targetMeansKey, taskKey, regression)
	case named && task != regression && task != classification:
		fail("%q is %.40q, want %q or %q", taskKey, task, regression, classification)
	}
	return m, err
}
