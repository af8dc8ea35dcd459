package modelfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/network/safetensors"
)

// tensorFile is a model in safetensors: one that nashprune wrote, or a state dict.
type tensorFile struct {
	source   Source
	layout   safetensors.Layout
	network  *network.Network // nil of a state dict
	metadata *safetensors.Metadata
	state    *pytorch.State // nil of what nashprune wrote
}

func readSafetensors(path string) (Model, error) {
	f, err := safetensors.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t := &tensorFile{}
	if f.Ours() {
		var metadata safetensors.Metadata
		if t.network, metadata, t.layout, err = f.Model(); err == nil {
			t.metadata = &metadata
		}
	} else if t.state, err = pytorch.Read(f); err == nil {
		t.layout = t.state.Layout
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.source = Source{Format: "safetensors", Suffix: ".safetensors", Digest: f.Digest}
	for _, tensor := range f.Tensors {
		if kind := tensor.Type; kind == "" {
			t.source.Types = append(t.source.Types, string(safetensors.F32))
		} else if kind.Floats() {
			t.source.Types = append(t.source.Types, string(kind))
		}
	}
	slices.Sort(t.source.Types)
	t.source.Types = slices.Compact(t.source.Types)
	return t, nil
}

// InMemory returns the model of a network that no file holds. It must be folded
// (see [network.Network.Fold]).
func InMemory(n *network.Network) (Model, error) {
	if err := n.CheckFolded(); err != nil {
		return nil, err
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(n.Graph); err != nil {
		return nil, err
	}
	for _, parameter := range n.Parameters {
		if err := binary.Write(sum, binary.LittleEndian, parameter); err != nil {
			return nil, err
		}
	}
	return &tensorFile{network: n, source: Source{Format: "memory", Suffix: ".safetensors", Digest: fmt.Sprintf("%x", sum.Sum(nil)), Types: []string{string(safetensors.F32)}}}, nil
}

func (t *tensorFile) Source() Source                  { return t.source }
func (t *tensorFile) Metadata() *safetensors.Metadata { return t.metadata }
func (t *tensorFile) Round(n *network.Network)        { t.layout.Round(n) }

func (t *tensorFile) Standards() (floats, pixels *dataset.Standard) {
	if t.metadata == nil {
		return nil, nil
	}
	return standardsOf(*t.metadata)
}

// standardsOf returns how a network's metadata says that its inputs are scaled.
func standardsOf(m safetensors.Metadata) (floats, pixels *dataset.Standard) {
	switch {
	case m.Means != nil:
		return &dataset.Standard{Means: m.Means, Deviations: m.Deviations}, nil
	case m.ChannelMeans != nil:
		return nil, &dataset.Standard{Means: m.ChannelMeans, Deviations: m.ChannelDeviations}
	default:
		return nil, &dataset.Standard{Means: []float64{m.Mean}, Deviations: []float64{m.Deviation}}
	}
}

func (t *tensorFile) Network(a Asked) (*network.Network, string, error) {
	switch {
	case t.state != nil && a.Graph != nil:
		g, err := a.Graph()
		if err != nil {
			return nil, "", err
		}
		return t.state.Match(g, a.Model, a.Players)
	case t.state != nil:
		return t.state.Derive(a.Sample, a.Activation, a.Players)
	case a.Graph != nil:
		return nil, "", fmt.Errorf("the file has a graph, and --model is %s; leave out --model", a.Model)
	}
	g, err := network.NewGraph(t.network.Nodes, a.Players)
	if err != nil {
		return nil, "", err
	}
	return network.With(g, t.network.Parameters), "", nil
}

func (t *tensorFile) Write(w io.Writer, pruned *network.Network, m safetensors.Metadata) error {
	return safetensors.WriteModel(w, pruned, m, t.layout)
}

func (t *tensorFile) WriteSparse(w io.Writer, pruned *network.Network, m safetensors.Metadata) error {
	layout := t.layout
	layout.Sparse = true
	return safetensors.WriteModel(w, pruned, m, layout)
}
