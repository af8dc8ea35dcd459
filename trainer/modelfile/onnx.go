package modelfile

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/trainer/network"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
)

// onnxSuffix is that of files of ONNX.
const onnxSuffix = ".onnx"

func isONNX(path string) bool { return strings.EqualFold(filepath.Ext(path), onnxSuffix) }

// onnxFile is a model in ONNX. It is written back in float32, whatever it came in.
type onnxFile struct {
	model    *onnx.Model
	metadata *safetensors.Metadata
}

func readONNX(path string) (Model, error) {
	m, err := onnx.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &onnxFile{model: m}
	if f.metadata, err = f.standards(); err != nil {
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

// standards returns what a file says of its data by what it does to samples before the network,
// and to outputs after it: nil where it does nothing to samples. Numbers that are standardised
// alike, or alike in each channel of an image, are pixels; others are features.
func (f *onnxFile) standards() (*safetensors.Metadata, error) {
	sample := f.model.Network.Graph.Input().Sample
	if !slices.ContainsFunc(f.model.Before, func(s onnx.Step) bool { return s.Op != "Reshape" }) {
		return nil, nil
	}
	means, deviations, err := standardBy(f.model.Before, f.model.Sample)
	if err != nil {
		return nil, fmt.Errorf("the input: %w", err)
	}
	m := &safetensors.Metadata{Deviation: 1}
	channels := 1
	if len(sample) == 3 {
		channels = sample[0]
	}
	if inner := sample.Size() / channels; areAlike(means, inner) && areAlike(deviations, inner) {
		for c := range channels {
			m.ChannelMeans = append(m.ChannelMeans, means[c*inner]/white)
			m.ChannelDeviations = append(m.ChannelDeviations, deviations[c*inner]/white)
		}
		m.Mean, m.Deviation = m.ChannelMeans[0], m.ChannelDeviations[0]
		if channels == 1 {
			m.ChannelMeans, m.ChannelDeviations = nil, nil
		}
	} else {
		m.Means, m.Deviations = means, deviations
	}
	for key, names := range map[string]*[]string{"class_names": &m.ClassNames, "feature_names": &m.FeatureNames, "target_names": &m.TargetNames} {
		for _, entry := range f.model.Metadata {
			if entry.Key != key {
				continue
			}
			if err := json.Unmarshal([]byte(entry.Value), names); err != nil {
				return nil, fmt.Errorf("its metadata %s is no list of names in JSON: %w", key, err)
			}
		}
	}
	in, out := f.model.Network.Inputs(), f.model.Network.Outputs()
	switch {
	case m.FeatureNames != nil && (m.Means == nil || len(m.FeatureNames) != in):
		return nil, fmt.Errorf("its metadata has %d feature_names; it must be one for each of %d features", len(m.FeatureNames), in)
	case m.ClassNames != nil && len(m.ClassNames) != out:
		return nil, fmt.Errorf("its metadata has %d class_names; it must be one for each of %d outputs", len(m.ClassNames), out)
	case m.TargetNames != nil && len(m.TargetNames) != out:
		return nil, fmt.Errorf("its metadata has %d target_names; it must be one for each of %d outputs", len(m.TargetNames), out)
	}
	if m.TargetNames != nil {
		scale, shift, err := onnx.Affine(f.model.After, network.Shape{out})
		if err != nil {
			return nil, fmt.Errorf("the output: %w", err)
		}
		m.TargetMeans, m.TargetDeviations = shift, scale
	}
	return m, nil
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
