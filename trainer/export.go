package trainer

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/network/npz"
	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
)

// ExportFormat is a kind of file that networks are exported to.
type ExportFormat string

const (
	ExportONNX        ExportFormat = "onnx"
	ExportSafetensors ExportFormat = "safetensors"
	ExportNPZ         ExportFormat = "npz"
	ExportCSR         ExportFormat = "csr" // safetensors whose weights are compressed sparse rows
)

// exporters write a network with the metadata of its model file.
var exporters = map[ExportFormat]func(w io.Writer, n *network.Network, m safetensors.Metadata) error{
	ExportONNX: func(w io.Writer, n *network.Network, m safetensors.Metadata) error {
		return exportONNX(n, m).Write(w, n)
	},
	ExportSafetensors: func(w io.Writer, n *network.Network, m safetensors.Metadata) error {
		return safetensors.WriteModel(w, n, m, safetensors.Layout{})
	},
	ExportCSR: func(w io.Writer, n *network.Network, m safetensors.Metadata) error {
		return safetensors.WriteModel(w, n, m, safetensors.Layout{Sparse: true})
	},
	ExportNPZ: func(w io.Writer, n *network.Network, _ safetensors.Metadata) error { return npz.Write(w, n) },
}

// ExportFormats lists all formats.
var ExportFormats = []ExportFormat{ExportONNX, ExportSafetensors, ExportCSR, ExportNPZ}

// Export writes the network of a model file to a file of a format, whole or not at all, and
// returns it. With fold, batch norms are merged into the convolutions and dense layers that
// they alone read.
func Export(model, out string, format ExportFormat, fold bool) (*network.Network, error) {
	export, known := exporters[format]
	if !known {
		return nil, backend.Usagef("--format is %.40q; it must be one of %v", format, ExportFormats)
	}
	n, metadata, err := safetensors.LoadModel(model)
	if err != nil {
		return nil, err
	}
	if fold {
		if n, err = n.WithoutNorms(); err != nil {
			return nil, err
		}
	}
	return n, atomicfile.Write(out, func(w io.Writer) error { return export(w, n, metadata) })
}

// exportONNX returns the model of a file that takes samples as their data set holds them:
// bytes of images as numbers from 0 to 255, and features in their own units. It returns logits
// or, in regression, predictions in the units of the targets.
func exportONNX(n *network.Network, m safetensors.Metadata) *onnx.Model {
	model := onnx.New(n)
	model.Producer = m.Generator
	model.Output = "logits"
	means, deviations, shape := standardOf(m, n.Graph.Input().Sample)
	model.Before = onnx.Standardise(means, deviations, shape)
	if m.Regression() {
		model.Output = "predictions"
		model.After = onnx.Rescale(m.TargetMeans, m.TargetDeviations)
	}
	model.Metadata = []onnx.Entry{{Key: "data", Value: m.Data}}
	for _, list := range []struct {
		key   string
		names []string
	}{{"class_names", m.ClassNames}, {"feature_names", m.FeatureNames}, {"target_names", m.TargetNames}} {
		if list.names != nil {
			text, err := json.Marshal(list.names)
			if err != nil {
				panic(err) // no text fails
			}
			model.Metadata = append(model.Metadata, onnx.Entry{Key: list.key, Value: string(text)})
		}
	}
	return model
}

// standardOf returns what samples of a shape are standardised by, in units of the data set,
// and the shape in which these numbers stand.
func standardOf(m safetensors.Metadata, sample network.Shape) (means, deviations []float64, shape []int) {
	if m.Means != nil {
		return m.Means, m.Deviations, sample
	}
	const white = 255 // pixels are divided by it before they are standardised
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

// ExportPath returns the file that a model is exported to where none is named: the one beside
// it with the format's suffix.
func ExportPath(model string, format ExportFormat) string {
	path := strings.TrimSuffix(model, modelSuffix) + "." + string(format)
	if format == ExportCSR {
		path += modelSuffix
	}
	return path
}
