// Package modelfile reads trained networks from files of any format, and writes them back
// in the format in which they came. A format is a line of [formats] and a [Model].
package modelfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
)

// Model is a trained network as a file holds it.
type Model interface {
	// Source says what was read.
	Source() Source

	// Metadata is what nashprune wrote of the data beside the network; nil in files of others.
	Metadata() *safetensors.Metadata
	// Standards are how features of floats and pixels from 0 to 1 are scaled, one number for all or
	// one a feature or channel; nil: the network does not read such.
	Standards() (floats, pixels *dataset.Standard)

	// Network returns the network with all participations one, its players of the kinds
	// that are asked for. Its parameters are those of the model and not to be changed. It notes
	// in a line of words what was derived or assumed; empty: nothing.
	Network(a Asked) (n *network.Network, derived string, err error)

	// Round rounds the parameters of what [Model.Network] returned, or of what a cut kept
	// of it, to the numbers that the file can hold.
	Round(n *network.Network)

	// Write writes what a cut kept of what [Model.Network] returned, with the names and the
	// types of the file and with what nashprune says of the data.
	Write(w io.Writer, pruned *network.Network, m safetensors.Metadata) error

	// WriteSparse writes it as safetensors of compressed sparse rows; of a file of safetensors the names and
	// the types are kept.
	WriteSparse(w io.Writer, pruned *network.Network, m safetensors.Metadata) error
}

// Source says which file a network came from.
type Source struct {
	Format string   // as [formats] calls it
	Suffix string   // of files of the format, such as ".safetensors"
	Digest string   // SHA-256 of all that was read, in hexadecimal
	Types  []string // of the numbers of parameters, sorted
}

// Asked is what the user and the data say of a network that a file does not say.
type Asked struct {
	Players    []network.PlayerKind // nil: as the file says, or else the default
	Activation network.Activation   // where it is assumed
	Sample     network.Shape        // of the data
	// Model is what the user named the graph with, Graph makes it; empty: the file's own graph.
	Model string
	Graph func() (*network.Graph, error)
}

// format is a kind of model file.
type format struct {
	name  string
	files string // says which files are of the format
	is    func(path string) bool
	read  func(path string) (Model, error)
}

// formats are all that can be read. Another one is a line here.
var formats = []format{
	{"onnx", "an .onnx file", IsONNX, readONNX},
	{"safetensors", "a .safetensors file, an index of several (.safetensors.index.json), or a folder of them", safetensors.IsFile, readSafetensors},
}

// ErrUnknown is the kind of the error for a path that is none of a model file.
var ErrUnknown = errors.New("unknown format")

// Is reports whether a path is that of a model file or of a folder, by its name.
func Is(path string) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return f.is(path) })
}

// Read reads the model of a path.
func Read(path string) (Model, error) {
	var files []string
	for _, f := range formats {
		if f.is(path) {
			return f.read(path)
		}
		files = append(files, f.files)
	}
	missing, hint := "", ""
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		missing = ", and there is no such file or folder"
	}
	if isPickle(path) {
		hint = `; of a PyTorch network write one by safetensors.torch.save_file(net.state_dict(), "model.safetensors")`
	}
	return nil, fmt.Errorf("%w: %.200s is no model file by its name%s; it must be %s%s", ErrUnknown, path, missing, strings.Join(files, ", or "), hint)
}

// isPickle reports whether a path has an ending of files that PyTorch pickles, which only Python reads.
func isPickle(path string) bool {
	return slices.Contains([]string{".pt", ".pth", ".bin", ".ckpt", ".pkl"}, strings.ToLower(filepath.Ext(path)))
}

// Load returns the network of a file that nashprune wrote, and what it says of its data: of
// ONNX by its name, else of safetensors.
func Load(path string) (*network.Network, safetensors.Metadata, error) {
	if isPickle(path) {
		_, err := Read(path)
		return nil, safetensors.Metadata{}, err
	}
	if !IsONNX(path) {
		return safetensors.LoadModel(path)
	}
	m, err := readONNX(path)
	if err != nil {
		return nil, safetensors.Metadata{}, err
	}
	data := m.Metadata()
	if data == nil {
		return nil, safetensors.Metadata{}, fmt.Errorf("%s does not say what data it was trained on; it must be a file that nashprune wrote, as prune does", path)
	}
	n, _, err := m.Network(Asked{})
	return n, *data, err
}
