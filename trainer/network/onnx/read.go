package onnx

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nashprune/trainer/network"
)

// Model is a network with what its file says besides.
type Model struct {
	// Network has the parameters in float32 and all participations one. The number of a
	// file's inputs that it reads is that after Before.
	Network *network.Network

	Name     string  // of the graph
	Producer string  // the program that wrote the file, with its version
	Comment  string  // for people
	Opset    int     // of the file that was read
	Metadata []Entry // in their order

	Input  string        // the name of the tensor of samples
	Sample network.Shape // of one sample of the input, before Before
	Output string        // the name of the tensor of results
	Batch  string        // the name of the number of samples

	// Before is what is done to samples before the network sees them, and After what is
	// done to its outputs.
	Before, After []Step

	// Digest is the SHA-256, in hexadecimal, of the file and then of the external data, tensor
	// by tensor.
	Digest string

	// Shared are the constants that are parameters of several nodes. Here each node has a copy.
	Shared []Shared

	// Sparse says that weights are written as sparse initializers where these take less.
	Sparse bool

	// kinds are those of the numbers of initializers that are not float32 in the file.
	kinds map[string]int64
	// inputKind and outputKind are the kinds of number of the tensors of samples and of results.
	// Nodes compute in that of the input.
	inputKind, outputKind int64

	origins map[string]origin // of the nodes of the network, by name
	kept    header
}

// header is what a file says that nothing here reads, and that is written back.
type header struct {
	domain, graphComment string
	version              int64
}

// Step is an operator of ONNX that is no part of the network: at the input Sub, Div, Add or
// Mul with a constant, or Reshape; at the output the same arithmetic, Softmax or LogSoftmax.
type Step struct {
	Op       string
	Node     string    // its name; may be empty
	Output   string    // the name of the tensor that it makes; may be empty
	Constant string    // the name of its constant; may be empty
	Shape    []int     // of the constant, without samples; of a Reshape that of a sample
	Values   []float32 // of the constant; nil where it has none
}

// Shared is a constant of a file and the nodes of the network that have it as a parameter.
type Shared struct {
	Constant string
	Nodes    []string
}

// origin holds the names that a node of the network has in a file.
type origin struct {
	node   string
	output string   // the tensor that it makes
	params []string // initializers, by parameter; empty: none of its own
}

// Options say how a file is read.
type Options struct {
	Folder string // that external data lies in; empty: external data is refused
	// Players are the kinds of player of the graph; nil: [network.DefaultPlayers].
	Players []network.PlayerKind
	// Constants are inputs of the graph that are bound, by name, each a tensor as
	// [ReadTensor] takes it.
	Constants map[string][]byte
}

// ReadFile reads a file with its external data; an error names the file.
func ReadFile(path string) (*Model, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	m, err := Options{Folder: filepath.Dir(path)}.Read(data)
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", path, err)
	}
	return m, nil
}

// Read reads a model without external data.
func Read(data []byte) (*Model, error) { return Options{}.Read(data) }

// Read reads a model from the bytes of a file, which may be anything.
func (o Options) Read(data []byte) (*Model, error) {
	r, err := o.open(data)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.readGraph(); err != nil {
		return nil, err
	}
	return r.finish(o.Players)
}

// The operator sets that can be read, and the one that is written.
const (
	oldestOpset  = 7
	newestOpset  = 22
	writtenOpset = 17
	writtenIR    = 8
)

// budgetFor returns how many bytes constants and parameters may take.
func budgetFor(size int) int { return 64*size + 1<<20 }

// entriesFor returns how many entries axes may have for so many bytes: an average pool
// makes channels of few numbers.
func entriesFor(size int) int { return 1<<17 + 4*size }

// open decodes the messages of a file, and finds what nodes may read from the beginning.
func (o Options) open(data []byte) (*reader, error) {
	sum := sha256.New()
	sum.Write(data)
	r := &reader{digest: sum, initializers: map[string]*tensorProto{}, values: map[string]*value{}, uses: map[string]int{}, made: map[string]int{}, feeds: map[string][]int{}, names: map[string]int{}, kinds: map[string]int64{}, transposed: map[string]string{}}
	if err := r.proto.decode(data); err != nil {
		return nil, fmt.Errorf("no model of ONNX: %w", err)
	}
	p, g := &r.proto, r.proto.graph
	if g == nil || len(g.nodes) == 0 {
		return nil, fmt.Errorf("no model of ONNX: it has no nodes")
	}
	for _, set := range p.opsets {
		if set.domain == "" || set.domain == "ai.onnx" {
			r.opset = int(min(max(set.version, 0), newestOpset+1))
		}
	}
	switch {
	case r.opset < oldestOpset || r.opset > newestOpset:
		return nil, fmt.Errorf("the operator set is %d; it must be from %d to %d: export the model with opset_version=%d", r.opset, oldestOpset, newestOpset, writtenOpset)
	case p.functions > 0:
		return nil, fmt.Errorf("the model defines %d operators of its own; it must have none: export it without functions", p.functions)
	}
	size := len(data)
	if o.Folder != "" {
		folder, err := os.OpenRoot(o.Folder)
		if err != nil {
			return nil, err
		}
		r.files = &files{folder: folder, digest: sum, left: map[string]int{}}
	}
	for i := range g.initializers {
		for _, e := range g.initializers[i].external {
			size += r.files.claim(e)
		}
	}
	r.budget, r.entries = budgetFor(size)+sparseBudget*g.sparseBytes, entriesFor(size)
	if err := r.openTensors(o.Constants); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// close closes the folder of external data.
func (r *reader) close() {
	if r.files != nil {
		r.files.folder.Close()
	}
}

// openTensors finds initializers, binds constants and finds the one input of samples.
func (r *reader) openTensors(constants map[string][]byte) error {
	g := r.proto.graph
	for i := range g.initializers {
		r.initializers[g.initializers[i].name] = &g.initializers[i]
	}
	var samples []valueProto
	for _, in := range g.inputs {
		if data, bound := constants[in.name]; bound {
			var t tensorProto
			if err := t.decode(data); err != nil {
				return fmt.Errorf("constant %.80q: %w", in.name, err)
			}
			r.budget += budgetFor(len(data))
			v, err := r.constant(&t)
			if err != nil {
				return fmt.Errorf("constant %.80q: %w", in.name, err)
			}
			v.name = in.name
			r.values[in.name] = v
		}
		if r.values[in.name] == nil && r.initializers[in.name] == nil {
			samples = append(samples, in)
		}
	}
	if len(samples) != 1 || len(g.outputs) != 1 {
		return fmt.Errorf("the graph has %d inputs and %d outputs; it must have one of each: export a network that takes one tensor and returns one", len(samples), len(g.outputs))
	}
	return r.openInput(samples[0])
}

// openInput makes the input node.
func (r *reader) openInput(in valueProto) error {
	if in.kind != float32Kind && in.kind != float16Kind && in.kind != float64Kind {
		return fmt.Errorf("input %.80q is of %s; it must be of floating numbers", in.name, kindName(in.kind))
	}
	if len(in.dims) < 2 || len(in.dims) > maxRank {
		return fmt.Errorf("input %.80q has %d dimensions; it must have those of samples, and of one sample after it", in.name, len(in.dims))
	}
	var sample network.Shape
	for d, dim := range in.dims[1:] {
		if dim.length < 1 || dim.length > maxLength {
			return fmt.Errorf("dimension %d of input %.80q is %q; it must be fixed: export the model with the size of its samples", d+1, in.name, cmp.Or(dim.name, fmt.Sprint(dim.length)))
		}
		sample = append(sample, int(dim.length))
	}
	r.batch, r.batchName = in.dims[0].length, in.dims[0].name
	r.input, r.inputKind, r.sample = in.name, in.kind, sample
	n, err := r.add("input", origin{}, &network.Input{Sample: sample}, nil)
	if err != nil {
		return fmt.Errorf("input %.80q: %w", in.name, err)
	}
	r.values[in.name] = &value{node: n, view: sample, raw: true, name: in.name}
	return nil
}

// readGraph makes nodes of ours of all nodes that the output depends on.
func (r *reader) readGraph() error {
	g := r.proto.graph
	live, err := r.live()
	if err != nil {
		return err
	}
	for i := range g.nodes {
		if !live[i] {
			continue
		}
		if err := r.readNode(&g.nodes[i]); err != nil {
			return fmt.Errorf("node %d, %.80q (%s): %w", i, title(&g.nodes[i]), opName(&g.nodes[i]), err)
		}
	}
	return nil
}

// title names a node; its output does where it has no name.
func title(n *nodeProto) string {
	if n.name == "" && len(n.out) > 0 {
		return n.out[0]
	}
	return n.name
}

// opName returns the operator of a node as one word of a line.
func opName(n *nodeProto) string { return strings.Trim(fmt.Sprintf("%.40q", n.op), `"`) }

// live finds the nodes that the output depends on, and counts who reads tensors.
func (r *reader) live() ([]bool, error) {
	g := r.proto.graph
	for i := range g.nodes {
		for _, name := range g.nodes[i].out {
			if name == "" {
				continue
			}
			if _, twice := r.made[name]; twice || r.values[name] != nil || r.initializers[name] != nil {
				return nil, fmt.Errorf("node %d, %.80q: tensor %.80q is made twice; names must differ", i, title(&g.nodes[i]), name)
			}
			r.made[name] = i
		}
	}
	output := g.outputs[0].name
	live, next := make([]bool, len(g.nodes)), []string{output}
	for len(next) > 0 {
		name := next[len(next)-1]
		next = next[:len(next)-1]
		i, made := r.made[name]
		if !made || live[i] {
			continue
		}
		live[i] = true
		for _, in := range g.nodes[i].in {
			r.feeds[in] = append(r.feeds[in], i)
			if g.nodes[i].op != "Shape" { // which changes nothing
				r.uses[in]++
			}
			next = append(next, in)
		}
	}
	r.uses[output]++
	r.output = output
	return live, nil
}

// finish makes a model of what was read.
func (r *reader) finish(players []network.PlayerKind) (*Model, error) {
	v := r.values[r.output]
	switch {
	case v == nil:
		return nil, fmt.Errorf("no node makes the output %.80q", r.output)
	case !v.isSamples():
		return nil, fmt.Errorf("the output %.80q is a constant; it must depend on the input", r.output)
	case v.part != whole && v.part != after:
		return nil, fmt.Errorf("the output %.80q is only %s; it must be complete", r.output, v.part)
	case v.node != len(r.nodes)-1:
		return nil, fmt.Errorf("the output %.80q is what node %.80q makes; the last node must make it", r.output, r.nodes[v.node].Name)
	case len(v.view) != 1:
		return nil, fmt.Errorf("the output %.80q has shape %s a sample; it must have one dimension: end the network with a dense layer", r.output, v.view)
	}
	if players == nil {
		players = network.DefaultPlayers
	}
	g, err := network.NewGraph(r.nodes, players)
	if err != nil {
		return nil, err
	}
	n := network.New(g)
	for at, node := range g.Nodes {
		for k, p := range node.Params {
			n.Parameters[p] = r.params[at][k]
		}
	}
	p := &r.proto
	m := &Model{
		Sparse:  r.proto.graph.sparseBytes > 0,
		Network: n, Name: p.graph.name, Producer: p.producer, Comment: p.comment, Opset: r.opset, Metadata: p.metadata,
		Digest: hex.EncodeToString(r.digest.Sum(nil)),
		Input:  r.input, Sample: r.sample, Output: r.output, Batch: r.batchName, Before: r.before, After: r.after, kinds: r.kinds, inputKind: r.inputKind, outputKind: r.inputKind,
		origins: map[string]origin{}, kept: header{p.domain, p.graph.comment, p.version}, Shared: r.shared(),
	}
	if kind := p.graph.outputs[0].kind; kind == float32Kind || kind == float16Kind || kind == float64Kind {
		m.outputKind = kind
	}
	if p.producerVersion != "" {
		m.Producer += " " + p.producerVersion
	}
	for at, node := range g.Nodes {
		m.origins[node.Name] = r.origins[at]
	}
	return m, nil
}

// shared finds the constants that are parameters of several nodes, in the order of their first.
func (r *reader) shared() []Shared {
	var names []string
	nodes := map[string][]string{}
	for at, from := range r.origins {
		for _, name := range from.params {
			name = cmp.Or(r.transposed[name], name)
			if nodes[name] == nil {
				names = append(names, name)
			}
			if node := r.nodes[at].Name; !slices.Contains(nodes[name], node) {
				nodes[name] = append(nodes[name], node)
			}
		}
	}
	var shared []Shared
	for _, name := range names {
		if len(nodes[name]) > 1 {
			shared = append(shared, Shared{name, nodes[name]})
		}
	}
	return shared
}

// errOtherOutput is of the outputs of nodes but their first, such as the indices of a pool.
var errOtherOutput = errors.New("it is not the first output of its node; only that can be read")

// errUnknown is of whole numbers that depend on the number of samples otherwise than as a
// multiple, or are out of range.
var errUnknown = errors.New("its result depends on the number of samples, or is out of range; it must be known, or a multiple of it")

// value returns a tensor that is known; nil: it is not.
func (r *reader) value(name string) (*value, error) {
	t := r.initializers[name]
	if v := r.values[name]; v != nil || t == nil {
		return v, nil
	}
	v, err := r.constant(t)
	if err != nil {
		return nil, fmt.Errorf("initializer %.80q: %w", name, err)
	}
	if v.reals != nil {
		r.kinds[name] = t.kind
	}
	v.name = name
	r.values[name] = v
	return v, nil
}

// readNode reads a node whose inputs have been read.
func (r *reader) readNode(n *nodeProto) error {
	if n.domain != "" && n.domain != "ai.onnx" {
		return fmt.Errorf("its operator is of domain %.40q; it must be one of ONNX itself", n.domain)
	}
	read, known := operators[n.op]
	if !known {
		return fmt.Errorf("there is no such operator here; a network that can be pruned is made of %s", readable)
	}
	c := &call{reader: r, node: n}
	for k, name := range n.in {
		v, err := r.value(name)
		if err != nil {
			return err
		}
		if name != "" && v == nil {
			if made, is := r.made[name]; is && slices.Index(r.proto.graph.nodes[made].out, name) > 0 {
				return fmt.Errorf("input %d is %.80q: %w", k, name, errOtherOutput)
			}
			return fmt.Errorf("input %d is %.80q, which no node before it makes", k, name)
		}
		c.in = append(c.in, v)
	}
	if len(n.out) == 0 {
		return fmt.Errorf("it has no output")
	}
	out := read(c)
	if err := c.finish(); err != nil {
		return err
	}
	named := *out
	if !(out.reals != nil && (n.op == "Cast" || n.op == "Identity")) { // of which a constant keeps its name
		named.name = n.out[0]
	}
	if out.reals != nil && r.kinds[named.name] == 0 {
		r.kinds[named.name] = c.kind()
	}
	if out.reals != nil && n.op == "Transpose" {
		r.transposed[named.name] = c.in[0].name
	}
	r.values[n.out[0]] = &named
	return nil
}
