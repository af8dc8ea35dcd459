package modelfile

import (
	"encoding/json"
	"fmt"
	"io"
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

// onnxFile is a model in ONNX. It is written back in float32, whatever it came in.
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
	if err = f.readData(); err == nil && (f.metadata == nil || f.metadata.TargetNames == nil) {
		err = f.checkLogits()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *onnxFile) Source() Source {
	types := []string{string(safetensors.F32)}
	for _, kind := range f.model.Types {
		types = append(types, kind)
	}
	slices.Sort(types)
	return Source{Format: "ONNX", Suffix: onnxSuffix, Digest: f.model.Digest, Types: slices.Compact(types)}
}

func (f *onnxFile) Metadata() *safetensors.Metadata { return f.metadata }
func (f *onnxFile) Round(*network.Network)          {}

func (f *onnxFile) Standards() (floats, pixels *dataset.Standard) { return f.floats, f.pixels }

func (f *onnxFile) Network(a Asked) (*network.Network, string, error) {
	if a.Graph != nil {
		return nil, "", fmt.Errorf("the file has a graph, and --model is %s; leave out --model", a.Model)
	}
	g, err := network.NewGraph(f.model.Network.Nodes, a.Players)
	if err != nil {
		return nil, "", err
	}
	derived := ""
	if len(f.model.Types) > 0 {
		derived = "its numbers of other types are written back in float32"
	}
	return network.With(g, f.model.Network.Parameters), derived, nil
}

func (f *onnxFile) Write(w io.Writer, pruned *network.Network, _ safetensors.Metadata) error {
	return f.model.Write(w, pruned)
}

// white is the pixel that a network sees as 1 before it is standardised. A file that
// standardises its samples itself takes pixels from 0 to white.
const white = 255

// readData finds what a file says of its data by what it does to samples before the network,
// and to outputs after it: nothing where it does nothing to samples.
func (f *onnxFile) readData() (err error) {
	if !slices.ContainsFunc(f.model.Before, func(s onnx.Step) bool { return s.Op != "Reshape" }) {
		return nil
	}
	means, deviations, err := standardBy(f.model.Before, f.model.Sample)
	if err != nil {
		return fmt.Errorf("the input: %w", err)
	}
	f.floats = &dataset.Standard{Means: means, Deviations: deviations}
	f.pixels = byChannel(f.floats, f.model.Network.Graph.Input().Sample)
	m := &safetensors.Metadata{}
	f.metadata = m
	if sample := f.model.Network.Graph.Input().Sample; len(sample) == 3 {
		m.Channels, m.Height, m.Width = sample[0], sample[1], sample[2]
	}
	if at := slices.IndexFunc(f.model.Metadata, func(e onnx.Entry) bool { return e.Key == "data" }); at >= 0 {
		m.Data = f.model.Metadata[at].Value
	}
	for key, names := range map[string]any{"class_names": &m.ClassNames, "feature_names": &m.FeatureNames, "target_names": &m.TargetNames, "columns": &m.Columns} {
		for _, entry := range f.model.Metadata {
			if entry.Key != key {
				continue
			}
			if err := json.Unmarshal([]byte(entry.Value), names); err != nil {
				return fmt.Errorf("its metadata %s is no list in JSON: %w", key, err)
			}
		}
	}
	in, out := len(means), f.model.Network.Outputs()
	switch {
	case m.Columns != nil && len(dataset.FeatureNames(m.Columns)) != in:
		return fmt.Errorf("its metadata has columns of %d features; there must be %d", len(dataset.FeatureNames(m.Columns)), in)
	case m.FeatureNames != nil && len(m.FeatureNames) != in:
		return fmt.Errorf("its metadata has %d feature_names; it must be one for each of %d features", len(m.FeatureNames), in)
	case m.ClassNames != nil && len(m.ClassNames) != out:
		return fmt.Errorf("its metadata has %d class_names; it must be one for each of %d outputs", len(m.ClassNames), out)
	case m.TargetNames != nil && len(m.TargetNames) != out:
		return fmt.Errorf("its metadata has %d target_names; it must be one for each of %d outputs", len(m.TargetNames), out)
	}
	if m.TargetNames != nil {
		scale, shift, err := onnx.Affine(f.model.After, network.Shape{out})
		if err != nil {
			return fmt.Errorf("the output: %w", err)
		}
		m.TargetMeans, m.TargetDeviations = shift, scale
	}
	return nil
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
