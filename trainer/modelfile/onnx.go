package modelfile

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
)

// onnxSuffix is that of files of ONNX.
const onnxSuffix = ".onnx"

// IsONNX reports whether a path is that of a file of ONNX.
func IsONNX(path string) bool { return strings.EqualFold(filepath.Ext(path), onnxSuffix) }

// white is the pixel that a network sees as 1 before it is standardised. A file that
// standardises its samples itself takes pixels from 0 to white.
const white = 255

// onnxFile is a model in ONNX.
type onnxFile struct {
	model          *onnx.Model
	metadata       *safetensors.Metadata
	floats, pixels *dataset.Standard
}

func readONNX(path string) (Model, error) {
	m, err := onnx.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &onnxFile{model: m}
	if err = f.readMetadata(); err == nil {
		err = f.readStandards()
	}
	if err == nil && (f.metadata == nil || !f.metadata.Regression()) {
		err = f.checkLogits()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// typeOf names kinds of number as safetensors do.
var typeOf = map[string]safetensors.Type{"float32": safetensors.F32, "float64": safetensors.F64, "float16": safetensors.F16, "bfloat16": safetensors.BF16}

func (f *onnxFile) Source() Source {
	var types []string
	for _, kind := range f.model.Kinds() {
		types = append(types, string(typeOf[kind]))
	}
	slices.Sort(types)
	return Source{Format: "ONNX", Suffix: onnxSuffix, Digest: f.model.Digest, Types: types}
}

func (f *onnxFile) Metadata() *safetensors.Metadata { return f.metadata }
func (f *onnxFile) Round(n *network.Network)        { f.model.Round(n) }

func (f *onnxFile) Standards() (floats, pixels *dataset.Standard) { return f.floats, f.pixels }

func (f *onnxFile) Network(a Asked) (*network.Network, string, error) {
	if a.Graph != nil {
		return nil, "", fmt.Errorf("the file has a graph, and --model is %s; leave out --model", a.Model)
	}
	if a.Players == nil {
		return f.model.Network, "", nil
	}
	g, err := network.NewGraph(f.model.Network.Nodes, a.Players)
	if err != nil {
		return nil, "", err
	}
	derived := SharedWords(f.model)
	if f.model.Computes() != "float32" {
		derived = append(derived, "it computes in "+f.model.Computes()+", and here in float32")
	}
	return network.With(g, f.model.Network.Parameters), strings.Join(derived, "; "), nil
}

// SharedWords says that nodes share parameters in a file, and not here; nil: they do not.
func SharedWords(m *onnx.Model) []string {
	if m.Shared == nil {
		return nil
	}
	first := m.Shared[0]
	words, nodes := fmt.Sprintf("the parameter %.80q is shared by the nodes", first.Constant), strings.Join(first.Nodes, ", ")
	if n := len(m.Shared); n > 1 {
		words = fmt.Sprintf("%d parameters are shared by several nodes, such as %.80q by", n, first.Constant)
	}
	return []string{fmt.Sprintf("%s %.200s; here each node has a copy of its own, and training makes copies differ", words, nodes)}
}

func (f *onnxFile) Write(w io.Writer, pruned *network.Network, m safetensors.Metadata) error {
	f.model.Metadata = withMetadata(f.model.Metadata, m)
	return f.model.Write(w, pruned)
}

func (f *onnxFile) WriteSparse(w io.Writer, pruned *network.Network, m safetensors.Metadata) error {
	return safetensors.WriteModel(w, pruned, m, safetensors.Layout{Sparse: true})
}

// withMetadata returns the entries of a file with those of metadata, which come last, by key.
func withMetadata(entries []onnx.Entry, m safetensors.Metadata) []onnx.Entry {
	ours := m.Entries()
	all := slices.DeleteFunc(slices.Clone(entries), func(e onnx.Entry) bool { _, is := ours[e.Key]; return is })
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		all = append(all, onnx.Entry{Key: key, Value: ours[key]})
	}
	return all
}

// readMetadata reads what nashprune wrote of the data, if it wrote the file.
func (f *onnxFile) readMetadata() error {
	entries := map[string]string{}
	for _, e := range f.model.Metadata {
		entries[e.Key] = e.Value
	}
	if !strings.HasPrefix(entries[safetensors.GeneratorKey], "nashprune") {
		return nil
	}
	m, err := safetensors.ReadMetadata(entries)
	if err == nil {
		err = m.Check(f.model.Network)
	}
	f.metadata = &m
	return err
}

// readStandards finds how samples are scaled: as the metadata says, or by what the file does
// to samples before the network; nil where it does nothing. If it says both they must agree.
func (f *onnxFile) readStandards() error {
	scales := slices.ContainsFunc(f.model.Before, func(s onnx.Step) bool { return s.Op != "Reshape" })
	if f.metadata != nil {
		f.floats, f.pixels = standardsOf(*f.metadata)
		if !scales {
			return nil
		}
	} else if !scales {
		return nil
	}
	means, deviations, err := standardBy(f.model.Before, f.model.Sample)
	if err != nil {
		return fmt.Errorf("the input: %w", err)
	}
	if f.metadata == nil {
		f.floats = &dataset.Standard{Means: means, Deviations: deviations}
		f.pixels = byChannel(f.floats, f.model.Network.Graph.Input().Sample)
		return nil
	}
	saidMeans, saidDeviations, err := standardBy(onnx.Standardise(standardOf(*f.metadata, f.model.Sample)), f.model.Sample)
	if err != nil {
		return fmt.Errorf("its metadata: %w", err)
	}
	for e := range means {
		if !near(means[e], saidMeans[e]) || !near(deviations[e], saidDeviations[e]) {
			return fmt.Errorf("its metadata has mean %g and deviation %g for number %d of a sample, and its nodes have %g and %g; they must be the same", saidMeans[e], saidDeviations[e], e, means[e], deviations[e])
		}
	}
	return nil
}

// near reports whether two numbers are one number of float32, of a quotient of two roundings.
func near(a, b float64) bool {
	return math.Abs(a-b) <= 8*network.Float32Unit*max(math.Abs(a), math.Abs(b))
}

// checkLogits wants the likeliest class to be that of the largest logit of the network, whatever
// is done to its outputs.
func (f *onnxFile) checkLogits() error {
	steps := slices.DeleteFunc(slices.Clone(f.model.After), func(s onnx.Step) bool { return s.Op == "Softmax" || s.Op == "LogSoftmax" })
	scale, shift, err := onnx.Affine(steps, network.Shape{f.model.Network.Outputs()})
	if err != nil {
		return fmt.Errorf("the output: %w", err)
	}
	for k := range scale {
		if !(scale[k] > 0) || scale[k] != scale[0] || shift[k] != shift[0] {
			return fmt.Errorf("output %d becomes %g times it plus %g; the factor must be above 0, and both the same for all classes", k, scale[k], shift[k])
		}
	}
	return nil
}

// mostChannels are those of an image.
const mostChannels = 4

// byChannel returns how pixels from 0 to 1 are scaled where numbers from 0 to white are, one
// number a channel; nil: those of a channel differ. Samples of one dimension have their channels one
// after the other.
func byChannel(s *dataset.Standard, sample network.Shape) *dataset.Standard {
	least, most := 1, mostChannels
	if len(sample) == 3 {
		least, most = sample[0], sample[0]
	}
	for channels := least; channels <= most; channels++ {
		inner := len(s.Means) / channels
		if inner*channels != len(s.Means) || !areAlike(s.Means, inner) || !areAlike(s.Deviations, inner) {
			continue
		}
		pixels := &dataset.Standard{}
		for c := range channels {
			pixels.Means = append(pixels.Means, s.Means[c*inner]/white)
			pixels.Deviations = append(pixels.Deviations, s.Deviations[c*inner]/white)
		}
		return pixels
	}
	return nil
}

// standardBy returns the means and deviations of x -> (x - mean) / deviation, which steps do to
// each number of a sample.
func standardBy(steps []onnx.Step, sample network.Shape) (means, deviations []float64, err error) {
	scale, shift, err := onnx.Affine(steps, sample)
	if err != nil {
		return nil, nil, err
	}
	for e, by := range scale {
		if !(by > 0) || math.IsInf(by, 0) || math.IsInf(shift[e], 0) || math.IsNaN(shift[e]) {
			return nil, nil, fmt.Errorf("number %d of a sample becomes %g times it plus %g; the factor must be above 0, both finite", e, by, shift[e])
		}
		means, deviations = append(means, -shift[e]/by), append(deviations, 1/by)
	}
	return means, deviations, nil
}

// areAlike reports whether each group of so many numbers holds one number only.
func areAlike(v []float64, size int) bool {
	for i, x := range v {
		if x != v[i/size*size] {
			return false
		}
	}
	return true
}

// NewONNX returns the model of a file that takes samples as their data set holds them:
// bytes of images as numbers from 0 to 255, and features in their own units. It returns logits
// or, in regression, predictions in the units of the targets.
func NewONNX(n *network.Network, m safetensors.Metadata) *onnx.Model {
	model := onnx.New(n)
	model.Producer = m.Generator
	model.Output = "logits"
	model.Before = onnx.Standardise(standardOf(m, n.Graph.Input().Sample))
	if m.Regression() {
		model.Output = "predictions"
		model.After = onnx.Rescale(m.TargetMeans, m.TargetDeviations)
	}
	model.Metadata = withMetadata(nil, m)
	return model
}

// standardOf returns what samples of a shape are standardised by, in units of the data set,
// and the shape in which these numbers stand.
func standardOf(m safetensors.Metadata, sample network.Shape) (means, deviations []float64, shape []int) {
	if m.Means != nil {
		return m.Means, m.Deviations, sample
	}
	means, deviations = []float64{m.Mean}, []float64{m.Deviation}
	if m.ChannelMeans != nil {
		means, deviations, shape = m.ChannelMeans, m.ChannelDeviations, []int{m.Channels, 1, 1}
		if len(sample) == 1 { // channel by channel in one row
			means, deviations, shape = spread(means, m.Height*m.Width), spread(deviations, m.Height*m.Width), sample
		}
	}
	means, deviations = slices.Clone(means), slices.Clone(deviations)
	for i := range means {
		means[i] *= white
		deviations[i] *= white
	}
	return means, deviations, shape
}

// spread repeats each number.
func spread(v []float64, times int) []float64 {
	var out []float64
	for _, x := range v {
		out = append(out, slices.Repeat([]float64{x}, times)...)
	}
	return out
}
