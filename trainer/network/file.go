package network

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"nashprune/trainer/atomicfile"
)

// Metadata is what a model file says beside its weights: what data the network
// was trained on, so that it can be judged on it again. The file also names the
// model, as [Format] writes it, for people who look inside.
type Metadata struct {
	Data            string  // name of the data set
	Height, Width   int     // of an image; Height*Width inputs
	Classes         int     // one logit each; 0 in regression, so that programs that know only classes refuse the file
	Mean, Deviation float64 // input = (pixel/255 - Mean) / Deviation; finite, Deviation > 0
	Generator       string  // the program that wrote the file: "nashprune <version>"

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
}

// Regression reports whether the network predicts numbers rather than classes.
func (m Metadata) Regression() bool { return m.TargetMeans != nil }

// tensorFormat is the value of "format" by which loaders of safetensors files
// know tensors that are laid out for PyTorch.
const tensorFormat = "pt"

// maxInputs bounds the inputs of a network read from a file: 2^24, an image of
// 4096x4096. The size of the file does not bound them when pruning left the
// first hidden layer empty and its weights have shape [0, inputs].
const maxInputs = 1 << 24

// Save writes a network to a model file, whole or not at all, as [Write] does.
func Save(path string, n *Network, m Metadata) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Write(w, n, m) })
}

// Load reads a model file as [Read] does; an error names the file.
func Load(path string) (*Network, Metadata, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("load model: %w", err)
	}
	defer file.Close()
	n, m, err := Read(file)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("load model %s: %w", path, err)
	}
	return n, m, nil
}

// Write writes a network as a safetensors file. Tensors are named and shaped as
// in torch.nn.Sequential(Linear, ReLU, Linear, ...), or with LeakyReLU, GELU or
// Tanh in place of ReLU as "activation" in the metadata says: "0.weight" of [out, in],
// "0.bias" of [out], "2.weight", and so on; there,
// net.load_state_dict(safetensors.torch.load_file(path)) takes them in. The
// same network and metadata give the same bytes.
//
// The outputs of such a net are logits or, where the metadata says "task":
// "regression", standardised predictions: in the target's own units they are
// net(x)[:, k] * target_deviations[k] + target_means[k], both lists in JSON.
//
// The network must be folded (see [Network.Fold]), since a file has no place
// for participations. That, numbers that are not finite and metadata that does
// not fit the network are errors, and nothing is written.
func Write(w io.Writer, n *Network, m Metadata) error {
	for l, layer := range n.Hidden() {
		for i, s := range layer.Participation {
			if s != 1 {
				return fmt.Errorf("player %d of hidden layer %d has participation %g: fold the network before writing it", i, l+1, s)
			}
		}
	}
	if !n.Activation.Known() {
		return fmt.Errorf("the network has the activation %.40q: want one of %q", n.Activation, Activations)
	}
	if err := m.check(n); err != nil {
		return err
	}
	var tensors []Tensor
	for l, layer := range n.Layers {
		weight, bias := tensorNames(l)
		tensors = append(tensors,
			Tensor{Name: weight, Shape: []int{layer.Out, layer.In}, Float32: layer.Weight},
			Tensor{Name: bias, Shape: []int{layer.Out}, Float32: layer.Bias})
	}
	for _, tensor := range tensors {
		if err := tensor.checkFinite(); err != nil {
			return err
		}
	}
	return WriteTensors(w, m.encode(n), tensors)
}

// tensorNames returns the names of the weight and bias of layer l. The odd
// places of the sequence are activations, which have no parameters.
func tensorNames(l int) (weight, bias string) {
	place := strconv.Itoa(2 * l)
	return place + ".weight", place + ".bias"
}

// Read reads a network that [Write] wrote, all participations one. It may be
// given any bytes: what is no safetensors file, has other tensors than the
// layers of a network, layers that do not fit on one another, numbers that are
// not finite, or metadata that is missing or does not fit is an error of one
// line, and memory stays within a constant times the bytes read.
func Read(r io.Reader) (*Network, Metadata, error) {
	metadata, tensors, err := ReadTensors(r)
	if err != nil {
		return nil, Metadata{}, err
	}
	n, err := assemble(tensors)
	if err != nil {
		return nil, Metadata{}, err
	}
	m, err := decodeMetadata(metadata)
	if err == nil {
		n.Activation, err = decodeActivation(metadata)
	}
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("metadata: %w", err)
	}
	if err := m.check(n); err != nil {
		return nil, Metadata{}, err
	}
	return n, m, nil
}

// assemble makes a network of the tensors of a model file.
func assemble(tensors []Tensor) (*Network, error) {
	named := map[string]Tensor{}
	for _, tensor := range tensors {
		if err := tensor.checkFinite(); err != nil {
			return nil, err
		}
		named[tensor.Name] = tensor
	}
	layers := (len(tensors) + 1) / 2 // an odd number lacks one, which is found below
	if layers < 1 || layers > maxHidden+1 {
		return nil, fmt.Errorf("the file holds %d tensors, want 2 for each of 1 to %d layers", len(tensors), maxHidden+1)
	}
	n := &Network{Layers: make([]Linear, layers)}
	for l := range n.Layers {
		weightName, biasName := tensorNames(l)
		weight, bias := named[weightName], named[biasName]
		if weight.Name == "" || bias.Name == "" {
			return nil, fmt.Errorf("tensors %q and %q are not both there: want those of a sequence Linear, ReLU, Linear, ..., all with biases",
				weightName, biasName)
		}
		if len(weight.Shape) != 2 || len(bias.Shape) != 1 || bias.Shape[0] != weight.Shape[0] {
			return nil, fmt.Errorf("%q has shape %v and %q %v, want [out in] and [out]", weightName, weight.Shape, biasName, bias.Shape)
		}
		layer := Linear{In: weight.Shape[1], Out: weight.Shape[0], Weight: weight.Float32, Bias: bias.Float32}
		if l > 0 && layer.In != n.Layers[l-1].Out {
			return nil, fmt.Errorf("%q takes %d inputs, but the layer below has %d outputs", weightName, layer.In, n.Layers[l-1].Out)
		}
		if l < layers-1 {
			layer.Participation = ones(layer.Out)
		}
		n.Layers[l] = layer
	}
	return n, nil
}

func (t Tensor) checkFinite() error {
	for i, x := range t.Float32 {
		if !finite(float64(x)) {
			return fmt.Errorf("number %d of tensor %.40q is %g: training diverged, or the file is damaged", i, t.Name, x)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// check says whether metadata is in range and fits a network.
func (m Metadata) check(n *Network) error {
	// Each side is bounded first, so that their product cannot overflow.
	if m.Height < 1 || m.Height > maxInputs || m.Width < 1 || m.Width > maxInputs || int64(m.Height)*int64(m.Width) > maxInputs {
		return fmt.Errorf("metadata: images of %dx%d, want 1 to %d pixels", m.Height, m.Width, maxInputs)
	}
	if inputs := n.Layers[0].In; m.Height*m.Width != inputs {
		return fmt.Errorf("metadata: images of %dx%d for a network of %d inputs", m.Height, m.Width, inputs)
	}
	if err := m.checkOutputs(n.Layers[len(n.Layers)-1].Out); err != nil {
		return err
	}
	if !finite(m.Mean) || !finite(m.Deviation) || m.Deviation <= 0 {
		return fmt.Errorf("metadata: mean %g and deviation %g, want finite numbers and a deviation above 0", m.Mean, m.Deviation)
	}
	if m.FeatureNames != nil && len(m.FeatureNames) != n.Layers[0].In {
		return fmt.Errorf("metadata: %d names of features for a network of %d inputs", len(m.FeatureNames), n.Layers[0].In)
	}
	return m.checkFeatures(n.Layers[0].In)
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

// encode returns the strings that a file keeps of metadata.
func (m Metadata) encode(n *Network) map[string]string {
	widths := n.Widths()
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) } // reads back to the bit
	encoded := map[string]string{
		"format":      tensorFormat,
		"model":       Format(widths[1 : len(widths)-1]),
		activationKey: string(n.Activation),
		"data":        m.Data,
		"height":      strconv.Itoa(m.Height),
		"width":       strconv.Itoa(m.Width),
		"classes":     strconv.Itoa(m.Classes),
		"mean":        number(m.Mean),
		"deviation":   number(m.Deviation),
		"generator":   m.Generator,
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
	list(meansKey, m.Means, len(m.Means))
	list(deviationsKey, m.Deviations, len(m.Deviations))
	list(classNamesKey, m.ClassNames, len(m.ClassNames))
	list(featureNamesKey, m.FeatureNames, len(m.FeatureNames))
	if m.Regression() {
		encoded[taskKey] = regression
		list(targetMeansKey, m.TargetMeans, len(m.TargetMeans))
		list(targetDeviationsKey, m.TargetDeviations, len(m.TargetDeviations))
		list(targetNamesKey, m.TargetNames, len(m.TargetNames))
	}
	return encoded
}

// The values of "task". Files that do not name one are of classification.
const (
	taskKey        = "task"
	regression     = "regression"
	classification = "classification"
)

const activationKey = "activation"

// decodeActivation returns the activation that a file names. Files from before
// there was a choice name none and have rectifiers.
func decodeActivation(metadata map[string]string) (Activation, error) {
	text, found := metadata[activationKey]
	if !found {
		return ReLU, nil
	}
	if a := Activation(text); a.Known() {
		return a, nil
	}
	return "", fmt.Errorf("%q is %.40q, want one of %q", activationKey, text, Activations)
}

// The keys of lists, which are JSON. Numbers read back to the bit.
const (
	meansKey            = "feature_means"
	deviationsKey       = "feature_deviations"
	classNamesKey       = "class_names"
	featureNamesKey     = "feature_names"
	targetMeansKey      = "target_means"
	targetDeviationsKey = "target_deviations"
	targetNamesKey      = "target_names"
)

// decodeMetadata is the inverse of encode. Keys it does not know pass. The error
// is the first that was found.
func decodeMetadata(metadata map[string]string) (m Metadata, err error) {
	fail := func(format string, args ...any) {
		if err == nil {
			err = fmt.Errorf(format, args...)
		}
	}
	text := func(key string) string {
		value, found := metadata[key]
		if !found {
			fail("%q is missing: nashprune did not write this file", key)
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
	if format := text("format"); format != tensorFormat {
		fail("\"format\" is %.40q, want %q", format, tensorFormat)
	}
	m = Metadata{
		Data:   text("data"),
		Height: integer("height"), Width: integer("width"), Classes: integer("classes"),
		Mean: number("mean"), Deviation: number("deviation"),
		Generator: text("generator"),
	}
	list := func(key string, into any) { // which not every file has
		if value, found := metadata[key]; found && json.Unmarshal([]byte(value), into) != nil {
			fail("%q is %.40q, want a list in JSON", key, value)
		}
	}
	list(meansKey, &m.Means)
	list(deviationsKey, &m.Deviations)
	list(classNamesKey, &m.ClassNames)
	list(featureNamesKey, &m.FeatureNames)
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
