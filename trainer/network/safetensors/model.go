package safetensors

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/network"
)

// The keys of what a file says of its network.
const (
	formatKey     = "format"
	modelKey      = "model"
	graphKey      = "graph"  // as JSON, see [network.Graph]
	prefixKey     = "prefix" // of names of tensors; not in every file
	activationKey = "activation"
)

var modelKeys = []string{csrKey, formatKey, modelKey, graphKey, prefixKey, activationKey}

// tensorFormat is the value of "format" by which loaders of safetensors files
// know tensors that are laid out for PyTorch.
const tensorFormat = "pt"

// maxInputs bounds the inputs of a network read from a file: 2^24, an image of
// 4096x4096. The size of the file does not bound them when pruning left the
// first hidden layer empty and its weights have shape [0, inputs].
const maxInputs = 1 << 24

// Layout is how a file holds a network, where others chose it. The zero value is how
// nashprune does: in F32, under the names of the parameters.
type Layout struct {
	Prefix   string            // stands before all names of tensors, such as "module."
	Types    map[string]Type   // of parameters, by name; the others are F32
	Passed   []Tensor          // tensors beside the parameters, which keep their bytes
	Metadata map[string]string // entries that nashprune does not know
	Sparse   bool              // weights are compressed sparse rows where these take less
}

// Round rounds the parameters of a network to the numbers that the file holds.
func (l Layout) Round(n *network.Network) {
	for p, v := range n.Parameters {
		kind := l.Types[n.Graph.Params[p].Name]
		for i, x := range v {
			v[i] = kind.Round(x)
		}
	}
}

// SaveModel writes a network to a model file, whole or not at all, as [WriteModel] does.
func SaveModel(path string, n *network.Network, m Metadata) error {
	return atomicfile.Write(path, func(w io.Writer) error { return WriteModel(w, n, m, Layout{}) })
}

// LoadModel reads a model file as [ReadModel] does; an error names the file.
func LoadModel(path string) (*network.Network, Metadata, error) {
	f, err := ReadFile(path)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("load model %w", err)
	}
	n, m, _, err := f.Model()
	if err != nil && !f.Ours() {
		err = fmt.Errorf("nashprune did not write it: %w; prune and inspect read state dicts of PyTorch (nashprune help pruning)", err)
	}
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("load model %s: %w", path, err)
	}
	return n, m, nil
}

// WriteModel writes a network as a safetensors file. Tensors are named and shaped as
// in torch.nn.Sequential(Linear, ReLU, Linear, ...), or with LeakyReLU, GELU or
// Tanh in place of ReLU as "activation" in the metadata says: "0.weight" of [out, in],
// "0.bias" of [out], "2.weight", and so on; there,
// net.load_state_dict(safetensors.torch.load_file(path)) takes them in. The
// same arguments give the same bytes.
//
// The outputs of such a net are logits or, where the metadata says "task":
// "regression", standardised predictions: in the target's own units they are
// net(x)[:, k] * target_deviations[k] + target_means[k], both lists in JSON.
//
// The network must be folded (see [network.Network.Fold]), since a file has no place
// for participations. That, numbers that are not finite in their type and metadata that does
// not fit the network are errors, and nothing is written.
func WriteModel(w io.Writer, n *network.Network, m Metadata, l Layout) error {
	if err := n.CheckFolded(); err != nil {
		return err
	}
	if err := m.Check(n); err != nil {
		return err
	}
	var tensors []Tensor
	for p, param := range n.Graph.Params {
		tensor := Tensor{Name: l.Prefix + param.Name, Shape: param.Shape, Type: l.Types[param.Name], Float32: n.Parameters[p]}
		if err := tensor.checkFinite(); err != nil {
			return err
		}
		tensors = append(tensors, tensor)
	}
	metadata := m.Entries()
	metadata[formatKey], metadata[graphKey] = tensorFormat, encodeGraph(n.Graph)
	if hidden, activation, ok := n.Graph.HiddenWidths(); ok { // for people who look inside, and for PyTorch
		metadata[modelKey], metadata[activationKey] = network.Format(hidden), string(activation)
	}
	for key, value := range l.Metadata {
		if _, ours := metadata[key]; !ours {
			metadata[key] = value
		}
	}
	if l.Sparse {
		tensors, metadata[csrKey] = compress(tensors)
	}
	if l.Prefix != "" {
		metadata[prefixKey] = l.Prefix
	}
	return Write(w, metadata, append(tensors, l.Passed...))
}

// ReadModel reads a network that [WriteModel] wrote, all participations one. It may be
// given any bytes: what is no safetensors file, has other tensors than its graph,
// numbers that are not finite, or metadata that is missing or does not fit is an error of
// one line, and memory stays within a constant times the bytes read. Files of version
// 0.1, which hold no graph, are perceptrons by the names and shapes of their tensors.
func ReadModel(r io.Reader) (*network.Network, Metadata, error) {
	metadata, tensors, err := read(r, -1, true)
	if err != nil {
		return nil, Metadata{}, err
	}
	n, m, _, err := (&File{Metadata: metadata, Tensors: tensors}).Model()
	return n, m, err
}

// Ours reports whether nashprune wrote the file, so that it has the graph, and says how
// samples are scaled.
func (f *File) Ours() bool { return f.Metadata[GeneratorKey] != "" }

// Model returns the network of a file that nashprune wrote, as [ReadModel] does, and how
// the file holds it.
func (f *File) Model() (*network.Network, Metadata, Layout, error) {
	fail := func(err error) (*network.Network, Metadata, Layout, error) { return nil, Metadata{}, Layout{}, err }
	expanded, err := f.expanded()
	if err != nil {
		return fail(err)
	}
	tensors, layout, err := (&File{Metadata: f.Metadata, Tensors: expanded}).Parameters(f.Metadata[prefixKey])
	if err != nil {
		return fail(err)
	}
	_, layout.Sparse = f.Metadata[csrKey]
	g, err := readGraph(f.Metadata, tensors)
	if err != nil {
		return fail(err)
	}
	m, err := ReadMetadata(f.Metadata)
	if format := f.Metadata[formatKey]; err == nil && format != tensorFormat {
		err = fmt.Errorf("%q is %.40q, want %q", formatKey, format, tensorFormat)
	}
	if err != nil {
		return fail(fmt.Errorf("metadata: %w", err))
	}
	var parameters [][]float32
	for _, param := range g.Params {
		parameters = append(parameters, named(tensors, param.Name).Float32)
	}
	n := network.With(g, parameters)
	if err := m.Check(n); err != nil {
		return fail(err)
	}
	return n, m, layout, nil
}

// passedSuffix is that of the counter which PyTorch keeps of each batch norm, and which
// no result depends on.
const passedSuffix = ".num_batches_tracked"

// Parameters returns the tensors of a file that are parameters, without the prefix of their
// names, and how the file holds them. It is an error when a name lacks the prefix, when
// a number is not finite, and when a tensor has other numbers than floats.
func (f *File) Parameters(prefix string) ([]Tensor, Layout, error) {
	l := Layout{Prefix: prefix, Types: map[string]Type{}, Metadata: map[string]string{}}
	var tensors []Tensor
	for _, t := range f.Tensors {
		if strings.HasSuffix(t.Name, passedSuffix) && t.Raw != nil {
			l.Passed = append(l.Passed, t)
			continue
		}
		if err := t.checkFinite(); err != nil {
			return nil, l, err
		}
		name, found := strings.CutPrefix(t.Name, prefix)
		if !found {
			return nil, l, fmt.Errorf("tensor %.40q does not begin with the prefix %.40q of the others", t.Name, prefix)
		}
		t.Name = name
		if t.Type != "" {
			l.Types[name] = t.Type
		}
		tensors = append(tensors, t)
	}
	for key, value := range f.Metadata {
		if !slices.Contains(dataKeys, key) && !slices.Contains(modelKeys, key) {
			l.Metadata[key] = value
		}
	}
	return tensors, l, nil
}

func encodeGraph(g *network.Graph) string {
	text, err := json.Marshal(g)
	if err != nil {
		panic(err) // no graph fails
	}
	return string(text)
}

// decodeActivation returns the activation that a file names. Files from before
// there was a choice name none and have rectifiers.
func decodeActivation(metadata map[string]string) (network.Activation, error) {
	text, found := metadata[activationKey]
	if !found {
		return network.ReLU, nil
	}
	if a := network.Activation(text); a.Known() {
		return a, nil
	}
	return "", fmt.Errorf("%q is %.40q, want one of %q", activationKey, text, network.Activations)
}

// named returns the tensor of a name; one without a name where there is none.
func named(tensors []Tensor, name string) Tensor {
	for _, t := range tensors {
		if t.Name == name {
			return t
		}
	}
	return Tensor{}
}

// entriesBeyond is how many entries the axes of a graph may have besides those that
// tensors account for: an empty layer has inputs and no numbers.
const entriesBeyond = 1 << 17

// readGraph reads the graph that metadata describes and holds it to the tensors.
func readGraph(metadata map[string]string, tensors []Tensor) (*network.Graph, error) {
	text, found := metadata[graphKey]
	if !found {
		return perceptron(metadata, tensors)
	}
	g, err := network.ReadGraph([]byte(text), func(g *network.Graph) error {
		if err := CheckEntries(g, tensors); err != nil {
			return err
		}
		return fits(g, tensors)
	})
	if err != nil {
		return nil, fmt.Errorf("metadata: %q: %w", graphKey, err)
	}
	return g, nil
}

// CheckEntries refuses a graph whose axes have far more entries than a file has numbers, so
// that a short file cannot ask for much memory. It is for [network.ReadGraph].
func CheckEntries(g *network.Graph, tensors []Tensor) error {
	numbers := 0
	for _, t := range tensors {
		numbers += len(t.Float32) + len(t.Float64)
	}
	if entries := g.Entries(); entries > entriesBeyond+16*numbers {
		return fmt.Errorf("its axes have %d entries for %d numbers in the file", entries, numbers)
	}
	return nil
}

// fits says whether the tensors are the parameters of a graph.
func fits(g *network.Graph, tensors []Tensor) error {
	if len(tensors) != len(g.Params) {
		return fmt.Errorf("the file holds %d tensors and the graph has %d parameters", len(tensors), len(g.Params))
	}
	for _, param := range g.Params {
		if t := named(tensors, param.Name); t.Name == "" || !slices.Equal(t.Shape, param.Shape) {
			return fmt.Errorf("tensor %q of shape %v is missing; the file has shape %v", param.Name, param.Shape, t.Shape)
		}
	}
	return nil
}

// perceptron returns the graph of a file that describes none: "0.weight" and "0.bias",
// "2.weight" and so on are those of torch.nn.Sequential(Linear, activation, ...).
func perceptron(metadata map[string]string, tensors []Tensor) (*network.Graph, error) {
	activation, err := decodeActivation(metadata)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	layers := (len(tensors) + 1) / 2 // an odd number lacks one, which is found below
	if layers < 1 || layers > network.MaxHidden+1 {
		return nil, fmt.Errorf("the file holds %d tensors, want 2 for each of 1 to %d layers", len(tensors), network.MaxHidden+1)
	}
	var widths []int
	for l := range layers {
		place := strconv.Itoa(2 * l)
		weight, bias := named(tensors, place+".weight"), named(tensors, place+".bias")
		if weight.Name == "" || bias.Name == "" {
			return nil, fmt.Errorf("tensors %q and %q are not both there: want those of a sequence Linear, ReLU, Linear, ..., all with biases",
				place+".weight", place+".bias")
		}
		if len(weight.Shape) != 2 || len(bias.Shape) != 1 || bias.Shape[0] != weight.Shape[0] {
			return nil, fmt.Errorf("%q has shape %v and %q %v, want [out in] and [out]", weight.Name, weight.Shape, bias.Name, bias.Shape)
		}
		if l == 0 {
			widths = []int{weight.Shape[1]}
		}
		if in := weight.Shape[1]; in != widths[l] {
			return nil, fmt.Errorf("%q takes %d inputs, but the layer below has %d outputs", weight.Name, in, widths[l])
		}
		widths = append(widths, weight.Shape[0])
	}
	if widths[0] > maxInputs {
		return nil, fmt.Errorf("the network has %d inputs, more than %d", widths[0], maxInputs)
	}
	return network.MLP(widths, activation, network.DefaultPlayers)
}

func (t Tensor) checkFinite() error {
	if t.Raw != nil {
		return fmt.Errorf("tensor %.40q is of %s; a parameter must be of F32, F16, BF16 or F64", t.Name, t.Type)
	}
	for i, x := range t.Float32 {
		if !finite(float64(x)) {
			return fmt.Errorf("number %d of tensor %.40q is %g: training diverged, or the file is damaged", i, t.Name, x)
		}
		if !finite(float64(t.Type.Round(x))) {
			return fmt.Errorf("number %d of tensor %.40q is %g, more than %s holds", i, t.Name, x, t.Type)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
