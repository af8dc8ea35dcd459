package trainer

import (
	"io"
	"path/filepath"
	"strings"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/backend"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/npz"
	"nashprune/trainer/network/safetensors"
)

// ExportFormat is a kind of file that networks are exported to.
type ExportFormat string

const (
	ExportONNX        ExportFormat = "onnx"
	ExportSafetensors ExportFormat = "safetensors"
	ExportNPZ         ExportFormat = "npz"
	ExportCSR         ExportFormat = "csr"         // safetensors whose weights are compressed sparse rows
	ExportSparseONNX  ExportFormat = "sparse-onnx" // ONNX whose weights are sparse initializers
)

// exporters write a network with the metadata of its model file.
var exporters = map[ExportFormat]func(w io.Writer, n *network.Network, m safetensors.Metadata) error{
	ExportONNX: func(w io.Writer, n *network.Network, m safetensors.Metadata) error {
		return modelfile.NewONNX(n, m).Write(w, n)
	},
	ExportSparseONNX: func(w io.Writer, n *network.Network, m safetensors.Metadata) error {
		model := modelfile.NewONNX(n, m)
		model.Sparse = true
		return model.Write(w, n)
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
var ExportFormats = []ExportFormat{ExportONNX, ExportSparseONNX, ExportSafetensors, ExportCSR, ExportNPZ}

// Export writes the network of a model file to a file of a format, whole or not at all, and
// returns it. With fold, batch norms are merged into the convolutions and dense layers that
// they alone read.
func Export(model, out string, format ExportFormat, fold bool) (*network.Network, error) {
	export, known := exporters[format]
	if !known {
		return nil, backend.Usagef("--format is %.40q; it must be one of %v", format, ExportFormats)
	}
	n, metadata, err := modelfile.Load(model)
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

// ExportPath returns the file that a model is exported to where none is named: the one beside
// it with the format's suffix.
func ExportPath(model string, format ExportFormat) string {
	base := strings.TrimSuffix(model, filepath.Ext(model)) + "."
	switch format {
	case ExportCSR:
		return base + string(format) + modelSuffix
	case ExportSparseONNX:
		return base + "sparse." + string(ExportONNX)
	}
	return base + string(format)
}
