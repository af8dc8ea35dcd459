package modelfile_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/dataset"
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

// counted returns the numbers from 1 to n.
func counted(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(i + 1)
	}
	return v
}

// TestStandardsOfONNX: what a file does to its samples says how data is scaled, of bytes, of
// channels and of features.
func TestStandardsOfONNX(t *testing.T) {
	row := networktest.Random(networktest.PerceptronOf(network.ReLU, 3, 4, 2))
	image := networktest.Random(networktest.Build(networktest.Chain(
		networktest.Input(2, 3, 3), networktest.Flatten("flat"), networktest.Dense("out", 2))...))
	one := networktest.Random(networktest.PerceptronOf(network.ReLU, 1, 4, 2))
	for _, n := range []*network.Network{row, image, one} {
		n.Fold()
	}
	for name, c := range map[string]struct {
		n             *network.Network
		before, after []onnx.Step
		metadata      []onnx.Entry
		check         func(m *safetensors.Metadata, floats, pixels *dataset.Standard) bool
		words         string // of an error
	}{
		"nothing": {n: row, check: func(m *safetensors.Metadata, floats, pixels *dataset.Standard) bool {
			return m == nil && floats == nil && pixels == nil
		}},
		"alike": {n: row, before: onnx.Standardise([]float64{25.5}, []float64{51}, nil), check: func(_ *safetensors.Metadata, floats, pixels *dataset.Standard) bool {
			return near(floats.Means, []float64{25.5, 25.5, 25.5}) && near(floats.Deviations, []float64{51, 51, 51}) && near(pixels.Means, []float64{0.1}) && near(pixels.Deviations, []float64{0.2})
		}},
		"channels": {n: image, before: onnx.Standardise([]float64{25.5, 51}, []float64{51, 102}, []int{2, 1, 1}), check: func(_ *safetensors.Metadata, floats, pixels *dataset.Standard) bool {
			return len(floats.Means) == 18 && near(pixels.Means, []float64{0.1, 0.2}) && near(pixels.Deviations, []float64{0.2, 0.4})
		}},
		"channels in a row": {n: row, before: onnx.Standardise([]float64{25.5, 51, 102}, []float64{51, 51, 102}, []int{3}), check: func(_ *safetensors.Metadata, _, pixels *dataset.Standard) bool {
			return near(pixels.Means, []float64{0.1, 0.2, 0.4}) && near(pixels.Deviations, []float64{0.2, 0.2, 0.4})
		}},
		"unlike pixels": {n: image, before: onnx.Standardise(counted(18), counted(18), []int{2, 3, 3}), check: func(_ *safetensors.Metadata, floats, pixels *dataset.Standard) bool {
			return near(floats.Means, counted(18)) && pixels == nil
		}},
		"one feature": {n: one, before: onnx.Standardise([]float64{1}, []float64{4}, []int{1}), check: func(_ *safetensors.Metadata, floats, _ *dataset.Standard) bool {
			return near(floats.Means, []float64{1}) && near(floats.Deviations, []float64{4})
		}},
		"features": {n: row, before: onnx.Standardise([]float64{1, 2, 3}, []float64{4, 5, 6}, []int{3}),
			metadata: []onnx.Entry{{Key: "class_names", Value: `no list`}, {Key: "generator", Value: "another program"}},
			check: func(m *safetensors.Metadata, floats, _ *dataset.Standard) bool {
				return m == nil && near(floats.Means, []float64{1, 2, 3}) && near(floats.Deviations, []float64{4, 5, 6})
			}},
		"temperature": {n: row, after: onnx.Rescale([]float64{1, 1}, []float64{0.5, 0.5}), check: func(m *safetensors.Metadata, _, _ *dataset.Standard) bool {
			return m == nil
		}},
		"logits upside down": {n: row, after: onnx.Rescale([]float64{0, 0}, []float64{-1, -1}), words: "output 0 becomes -1 times it plus 0; the factor must be above 0"},
		"logits that move":   {n: row, after: onnx.Rescale([]float64{0, 3}, []float64{1, 1}), words: "output 1 becomes 1 times it plus 3"},
		"mirrored":           {n: row, before: onnx.Standardise([]float64{1}, []float64{-2}, nil), words: "the factor must be above 0"},
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
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if floats, pixels := m.Standards(); !c.check(m.Metadata(), floats, pixels) {
			t.Errorf("%s: %+v, floats %v, pixels %v", name, m.Metadata(), floats, pixels)
		}
	}
}

// TestSharedParameters: a note says that parameters of several nodes are copied. The file has one weight
// and one bias for two Gemms.
func TestSharedParameters(t *testing.T) {
	m, err := modelfile.Read(filepath.Join("testdata", "shared.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	_, derived, err := m.Network(modelfile.Asked{Players: network.DefaultPlayers})
	want := `2 parameters are shared by several nodes, such as "tied.weight" by tied, tied_2; here each node has a copy of its own, and training makes copies differ`
	if err != nil || derived != want {
		t.Errorf("%q, %v; want %q", derived, err, want)
	}
}

// TestMetadataOfONNX: a file that nashprune wrote holds all that a model file does, and is
// refused where its metadata and its nodes differ, or do not fit.
func TestMetadataOfONNX(t *testing.T) {
	n := networktest.Random(networktest.PerceptronOf(network.ReLU, 3, 4, 2))
	n.Fold()
	for name, m := range map[string]safetensors.Metadata{
		"a table": {Data: "csv:plants", Height: 1, Width: 3, Classes: 2, Deviation: 1, Means: []float64{1, 2, 3}, Deviations: []float64{4, 5, 0.1},
			FeatureNames: []string{"a", "b", "c"}, ClassNames: []string{"no", "yes"}, Label: "kind"},
		"images":     {Data: "idx:a", Channels: 1, Height: 1, Width: 3, Classes: 2, Mean: 0.1307, Deviation: 0.3081},
		"in colours": {Data: "idx:a", Channels: 3, Height: 1, Width: 1, Classes: 2, Deviation: 1, ChannelMeans: []float64{0.1, 0.2, 0.3}, ChannelDeviations: []float64{0.4, 0.5, 0.6}},
		"regression": {Data: "csv:boxes", Height: 1, Width: 3, Deviation: 1, Means: []float64{1, 2, 3}, Deviations: []float64{4, 5, 0.1},
			TargetMeans: []float64{10, 20}, TargetDeviations: []float64{2, 3}, TargetNames: []string{"z", "y"}},
	} {
		m.Generator = "nashprune test"
		for _, c := range []struct {
			change func(*onnx.Model)
			words  string
		}{
			{func(*onnx.Model) {}, ""},
			{func(f *onnx.Model) { f.Before = nil }, ""}, // the metadata says it
			{func(f *onnx.Model) { f.Before[0].Values[0] += 0.125 }, "they must be the same"},
			{func(f *onnx.Model) {
				f.Metadata = slices.DeleteFunc(f.Metadata, func(e onnx.Entry) bool { return e.Key == "data" })
			}, `"data" is missing`},
			{func(f *onnx.Model) {
				for i, e := range f.Metadata {
					if e.Key == "width" {
						f.Metadata[i].Value = "4"
					}
				}
			}, "for a network of 3 inputs"},
		} {
			f := modelfile.NewONNX(n, m)
			c.change(f)
			path := filepath.Join(t.TempDir(), "net.onnx")
			if err := f.WriteFile(path, n); err != nil {
				t.Fatal(err)
			}
			read, got, err := modelfile.Load(path)
			switch {
			case c.words != "":
				if err == nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: error %v, want %q", name, err, c.words)
				}
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case !reflect.DeepEqual(got, m) || !reflect.DeepEqual(read.Parameters, n.Parameters):
				t.Errorf("%s: metadata %+v, want %+v", name, got, m)
			}
		}
	}
}
