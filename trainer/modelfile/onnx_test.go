package modelfile_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
)

// near reports whether numbers are those of a file, which are float32: the mean and the
// deviation of one step each, of a quotient of two roundings.
func near(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 4*network.Float32Unit*math.Abs(b) })
}

// TestStandardsOfONNX: what a file does to its samples says how data is scaled, of bytes, of
// channels and of features.
func TestStandardsOfONNX(t *testing.T) {
	row := networktest.Random(networktest.PerceptronOf(network.ReLU, 3, 4, 2))
	image := networktest.Random(networktest.Build(networktest.Chain(
		networktest.Input(2, 3, 3), networktest.Flatten("flat"), networktest.Dense("out", 2))...))
	row.Fold()
	image.Fold()
	for name, c := range map[string]struct {
		n             *network.Network
		before, after []onnx.Step
		metadata      []onnx.Entry
		check         func(m *safetensors.Metadata) bool
		words         string // of an error
	}{
		"nothing": {n: row, check: func(m *safetensors.Metadata) bool { return m == nil }},
		"pixels": {n: row, before: onnx.Standardise([]float64{25.5}, []float64{51}, nil), check: func(m *safetensors.Metadata) bool {
			return near([]float64{m.Mean, m.Deviation}, []float64{0.1, 0.2}) && m.Means == nil && m.ChannelMeans == nil
		}},
		"channels": {n: image, before: onnx.Standardise([]float64{25.5, 51}, []float64{51, 102}, []int{2, 1, 1}), check: func(m *safetensors.Metadata) bool {
			return near(m.ChannelMeans, []float64{0.1, 0.2}) && near(m.ChannelDeviations, []float64{0.2, 0.4})
		}},
		"features": {n: row, before: onnx.Standardise([]float64{1, 2, 3}, []float64{4, 5, 6}, []int{3}),
			metadata: []onnx.Entry{{Key: "feature_names", Value: `["a","b","c"]`}, {Key: "class_names", Value: `["no","yes"]`}},
			check: func(m *safetensors.Metadata) bool {
				return near(m.Means, []float64{1, 2, 3}) && near(m.Deviations, []float64{4, 5, 6}) && slices.Equal(m.FeatureNames, []string{"a", "b", "c"}) && slices.Equal(m.ClassNames, []string{"no", "yes"})
			}},
		"targets": {n: row, before: onnx.Standardise([]float64{1, 2, 3}, []float64{4, 5, 6}, []int{3}), after: onnx.Rescale([]float64{10, 20}, []float64{2, 3}),
			metadata: []onnx.Entry{{Key: "target_names", Value: `["z","y"]`}},
			check: func(m *safetensors.Metadata) bool {
				return near(m.TargetMeans, []float64{10, 20}) && near(m.TargetDeviations, []float64{2, 3}) && m.Regression()
			}},
		"too few names": {n: row, before: onnx.Standardise([]float64{1}, []float64{2}, nil),
			metadata: []onnx.Entry{{Key: "class_names", Value: `["no"]`}}, words: "1 class_names; it must be one for each of 2 outputs"},
		"no list": {n: row, before: onnx.Standardise([]float64{1}, []float64{2}, nil),
			metadata: []onnx.Entry{{Key: "class_names", Value: `no`}}, words: "class_names is no list of names"},
		"mirrored": {n: row, before: onnx.Standardise([]float64{1}, []float64{-2}, nil), words: "the factor must be above 0"},
	} {
		model := onnx.New(c.n)
		model.Before, model.After, model.Metadata = c.before, c.after, c.metadata
		var b bytes.Buffer
		path := filepath.Join(t.TempDir(), "net.onnx")
		if err := model.Write(&b, c.n); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := modelfile.Read(path)
		if c.words != "" {
			if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v, want %q", name, err, c.words)
			}
			continue
		}
		if err != nil || !c.check(m.Metadata()) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}
