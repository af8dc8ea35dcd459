package onnx

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"nashprune/trainer/atomicfile"
	"nashprune/trainer/network"
)

// New returns a model of a network that is in no file yet: with the names of its nodes,
// "input" and "output".
func New(n *network.Network) *Model {
	return &Model{Network: n, Name: "network", Input: "input", Sample: n.Graph.Input().Sample, Output: "output", inputKind: float32Kind, outputKind: float32Kind}
}

// WriteFile writes a model whole or not at all, as [Model.Write] does.
func (m *Model) WriteFile(path string, n *network.Network) error {
	return atomicfile.Write(path, func(w io.Writer) error { return m.Write(w, n) })
}

// Write writes a network in place of the model's own: the same one, or what pruning or
// [network.Network.WithoutNorms] left of it. Nodes that the model's file has keep the names
// that they have there. The same network gives the same bytes.
//
// Participations that are not one, numbers that are not finite, another input than the
// model's and layers without outputs are errors, and nothing is written.
func (m *Model) Write(w io.Writer, n *network.Network) error {
	if err := n.CheckFolded(); err != nil {
		return err
	}
	if have, want := n.Graph.Input().Sample, m.Network.Graph.Input().Sample; !have.Equal(want) {
		return fmt.Errorf("the network reads samples of %s and the model such of %s; they must be the same", have, want)
	}
	wr := &writer{model: m, network: n, tensors: make([]string, len(n.Nodes)), taken: map[string]bool{}, named: map[string]bool{}}
	for at, node := range n.Nodes {
		if err := wr.node(at, node); err != nil {
			return fmt.Errorf("node %d, %.80q: %w", at, node.Name, err)
		}
	}
	wr.end()
	_, err := w.Write(wr.file().encode())
	return err
}

// writer makes the nodes of a file.
type writer struct {
	model   *Model
	network *network.Network
	graph   graphProto
	tensors []string        // what nodes of the network make, by node
	taken   map[string]bool // names of tensors
	named   map[string]bool // names of nodes
}

// reserve keeps the names that nodes have in the file from being given to others.
func (w *writer) reserve() {
	w.taken[w.model.Input], w.taken[w.model.Output] = true, true
}

// free returns a name that no tensor has: the first of those that are given, or one like
// the last.
func (w *writer) free(names ...string) string { return freeOf(w.taken, names) }

func freeOf(taken map[string]bool, names []string) string {
	last := ""
	for _, name := range names {
		if name != "" && !taken[name] {
			taken[name] = true
			return name
		}
		last = name
	}
	for i := 2; ; i++ {
		if numbered := last + "_" + strconv.Itoa(i); !taken[numbered] {
			taken[numbered] = true
			return numbered
		}
	}
}

// title returns a name that no node of the file has, as free does. ONNX Runtime refuses
// files in which two nodes have one name.
func (w *writer) title(names ...string) string { return freeOf(w.named, names) }

// emit appends a node of the file.
func (w *writer) emit(op, name string, in []string, out string, attributes ...attributeProto) {
	w.graph.nodes = append(w.graph.nodes, nodeProto{name: name, op: op, in: in, out: []string{out}, attributes: attributes})
}

// constant appends an initializer, and returns its name.
func (w *writer) constant(t tensorProto) string {
	w.graph.initializers = append(w.graph.initializers, t)
	return t.name
}

func integerOf(name string, v int) attributeProto {
	return attributeProto{name: name, kind: integerAttribute, integer: int64(v)}
}

func integersOf(name string, v ...int) attributeProto {
	return attributeProto{name: name, kind: intsAttribute, ints: wide(v)}
}

func floatOf(name string, v float64) attributeProto {
	return attributeProto{name: name, kind: floatAttribute, float: float32(v)}
}

// steps writes what comes before or after the network. The last tensor is called after out,
// where that is not empty.
func (w *writer) steps(steps []Step, from, base, out string) string {
	for i, s := range steps {
		name := w.title(s.Node, base+"."+s.Op)
		to := out
		if to == "" || i < len(steps)-1 {
			to = w.free(s.Output, name)
		}
		in := []string{from}
		var attributes []attributeProto
		switch {
		case s.Op == "Reshape":
			in = append(in, w.constant(intTensor(w.free(name+".shape"), append([]int{-1}, s.Shape...))))
		case s.Values != nil:
			in = append(in, w.constant(w.real(w.free(s.Constant, name+".constant"), s.Shape, s.Values)))
		default:
			attributes = []attributeProto{integerOf("axis", -1)}
		}
		w.emit(s.Op, name, in, to, attributes...)
		from = to
	}
	return from
}

// node writes a node of the network.
func (w *writer) node(at int, node network.Node) error {
	if at == 0 {
		w.reserve()
		w.tensors[0] = w.keep(w.steps(w.model.Before, w.model.Input, "before", ""), node.Op.(*network.Input).Keep, "input", "")
		return nil
	}
	if slices.Min(node.Shape) == 0 {
		return fmt.Errorf("nothing is left of it; a file of ONNX needs an output of every layer: keep one player of it at least")
	}
	from := w.model.origins[node.Name]
	out := w.model.Output
	if at < len(w.network.Nodes)-1 || len(w.model.After) > 0 || w.model.outputKind != w.model.inputKind {
		out = w.free(from.output, node.Name)
	}
	var in, params []string
	for _, n := range node.In {
		in = append(in, w.tensors[n])
	}
	for k, p := range node.Params {
		tensor, err := w.parameter(from.own(k, w.network.Graph.Params[p].Name), p)
		if err != nil {
			return err
		}
		params = append(params, tensor)
	}
	name := w.title(from.node, node.Name)
	w.tensors[at] = out
	switch op := node.Op.(type) {
	case *network.Dense:
		w.emit("Gemm", name, append(in, params...), out, integerOf("transB", 1))
	case *network.Conv2D:
		groups := max(op.Groups, 1)
		if op.Depthwise {
			groups = w.network.Nodes[node.In[0]].Shape[0]
		}
		w.emit("Conv", name, append(in, params...), out, append(window(op.Window), integerOf("group", groups))...)
	case *network.BatchNorm:
		w.emit("BatchNormalization", name, append(in, params...), out, floatOf("epsilon", op.Epsilon), floatOf("momentum", 1-op.Momentum))
	case *network.Activate:
		return w.activation(op.Function, name, in, out)
	case *network.Add:
		if len(in) == 2 {
			w.emit("Add", name, in, out)
		} else {
			w.emit("Sum", name, in, out)
		}
	case *network.Concat:
		w.emit("Concat", name, in, out, integerOf("axis", 1))
	case *network.Flatten:
		flat := out
		if op.Keep != nil {
			flat = w.free(node.Name + ".all")
		}
		w.emit("Flatten", name, in, flat, integerOf("axis", 1))
		w.keep(flat, op.Keep, node.Name, out)
	case *network.MaxPool:
		w.emit("MaxPool", name, in, out, window(op.Window)...)
	case *network.AveragePool:
		if op.Global {
			w.emit("GlobalAveragePool", name, in, out)
			break
		}
		w.emit("AveragePool", name, in, out, append(window(op.Window), integerOf("count_include_pad", 1))...)
	case *network.Dropout:
		ratio := w.constant(w.real(w.free(node.Name+".ratio"), nil, []float32{float32(op.Probability)}))
		w.emit("Dropout", name, append(in, ratio), out)
	default:
		return fmt.Errorf("there is no operator of ONNX for kind %q here", node.Op.Kind())
	}
	return nil
}

// own returns what parameter k of a node is called in the file; one that the file does not have
// is called as here.
func (o origin) own(k int, here string) string {
	if k < len(o.params) && o.params[k] != "" {
		return o.params[k]
	}
	return here
}

// kindOf returns the kind of number in which a parameter lies in the file of a model, which is
// called own there: that of the file or, of one that the file does not have, of its input.
func (m *Model) kindOf(own string) int64 {
	if kind := m.kinds[own]; kind != 0 {
		return kind
	}
	return m.inputKind
}

// Round rounds the parameters of a network, which is the model's or left of it, to the numbers
// that its file can hold.
func (m *Model) Round(n *network.Network) {
	m.eachParameter(n, func(p int, own string) {
		for i, x := range n.Parameters[p] {
			n.Parameters[p][i] = m.round(own, x)
		}
	})
}

// round returns a number of a parameter as nodes read it.
func (m *Model) round(own string, x float32) float32 {
	return kinds[m.inputKind].real.round(kinds[m.kindOf(own)].real.round(x))
}

// Computes names the kind of number of the file's samples, in which its nodes compute.
func (m *Model) Computes() string { return kindName(m.inputKind) }

// Kinds names the kinds of number of the parameters in the file, and of its input, sorted.
func (m *Model) Kinds() []string {
	names := []string{kindName(m.inputKind)}
	m.eachParameter(m.Network, func(_ int, own string) { names = append(names, kindName(m.kindOf(own))) })
	slices.Sort(names)
	return slices.Compact(names)
}

// eachParameter visits the parameters of a network with the names that they have in the file.
func (m *Model) eachParameter(n *network.Network, visit func(p int, own string)) {
	for _, node := range n.Nodes {
		from := m.origins[node.Name]
		for k, p := range node.Params {
			visit(p, from.own(k, n.Graph.Params[p].Name))
		}
	}
}

// real returns a tensor of the kind of number in which nodes compute.
func (w *writer) real(name string, dims []int, v []float32) tensorProto {
	return realTensor(name, dims, w.model.inputKind, v)
}

// parameter appends parameter p, which is called own if that is free, in the kind of number of
// the file, and returns the tensor that nodes read: itself or, where they compute in another
// kind, what a Cast makes of it.
func (w *writer) parameter(own string, p int) (string, error) {
	param := w.network.Graph.Params[p]
	kind := w.model.kindOf(own)
	for i, x := range w.network.Parameters[p] {
		switch rounded := w.model.round(own, x); {
		case x-x != 0:
			return "", fmt.Errorf("number %d of %s is %g; it must be finite", i, param.Name, x)
		case rounded-rounded != 0:
			return "", fmt.Errorf("number %d of %s is %g, more than %s holds", i, param.Name, x, kindName(kind))
		}
	}
	tensor := realTensor(w.free(own, param.Name), param.Shape, kind, w.network.Parameters[p])
	if w.model.Sparse && param.Weight {
		tensor = tensor.sparse()
	}
	name := w.constant(tensor)
	if kind == w.model.inputKind {
		return name, nil
	}
	return w.cast(name, w.free(name+".cast"), w.model.inputKind), nil
}

// cast writes a change of the kind of number.
func (w *writer) cast(from, to string, kind int64) string {
	w.emit("Cast", w.title(to), []string{from}, to, integerOf("to", int(kind)))
	return to
}

func window(w network.Window) []attributeProto {
	p := w.Padding
	return []attributeProto{integersOf("kernel_shape", w.Kernel[:]...), integersOf("strides", w.Stride[:]...), integersOf("pads", p[0], p[1], p[0], p[1])}
}

// keep writes the choice of some entries of the first dimension of samples; nil: all. The
// result is called out; empty: as it comes.
func (w *writer) keep(from string, places []int, base, out string) string {
	if places == nil {
		return from
	}
	if out == "" {
		out = w.free(base + ".kept")
	}
	w.emit("Gather", w.title(base+".keep"), []string{from, w.constant(intTensor(w.free(base+".places"), places))}, out, integerOf("axis", 1))
	return out
}

// activation writes a function. Operator set 17 has no GELU: it is written out.
func (w *writer) activation(function network.Activation, name string, in []string, out string) error {
	scalar := func(what string, x float32) string {
		return w.constant(w.real(w.free(name+"."+what), nil, []float32{x}))
	}
	switch function {
	case network.ReLU:
		w.emit("Relu", name, in, out)
	case network.LeakyReLU:
		w.emit("LeakyRelu", name, in, out, floatOf("alpha", network.LeakySlope))
	case network.Tanh:
		w.emit("Tanh", name, in, out)
	case network.ReLU6:
		w.emit("Clip", name, append(in, scalar("low", 0), scalar("high", 6)), out)
	case network.GELU:
		x, at := in[0], ""
		part := func(op, what string, in ...string) {
			at = w.free(name + "." + what)
			w.emit(op, w.title(name+"."+what), in, at)
		}
		part("Div", "scaled", x, scalar("root", 1.4142135))
		part("Erf", "erf", at)
		part("Add", "plus", at, scalar("one", 1))
		part("Mul", "double", x, at)
		w.emit("Mul", name, []string{at, scalar("half", 0.5)}, out)
	default:
		return fmt.Errorf("there is no operator of ONNX for the activation %q here", function)
	}
	return nil
}

// end writes what comes after the network.
func (w *writer) end() {
	m, last := w.model, w.tensors[len(w.tensors)-1]
	if m.outputKind == m.inputKind {
		w.steps(m.After, last, "after", m.Output)
		return
	}
	w.cast(w.steps(m.After, last, "after", ""), m.Output, m.outputKind)
}

// file completes the file.
func (w *writer) file() *modelProto {
	m := w.model
	batch := cmp.Or(m.Batch, "N")
	described := func(name string, kind int64, sample []int) []valueProto {
		v := valueProto{name: name, kind: kind, dims: []dimension{{name: batch}}}
		for _, n := range sample {
			v.dims = append(v.dims, dimension{length: int64(n)})
		}
		return []valueProto{v}
	}
	g := &w.graph
	g.comment = m.kept.graphComment
	g.name = cmp.Or(m.Name, "network")
	g.inputs, g.outputs = described(m.Input, m.inputKind, m.Sample), described(m.Output, m.outputKind, w.network.Graph.Output().Shape)
	return &modelProto{
		ir: writtenIR, opsets: []opsetProto{{version: writtenOpset}}, producer: m.Producer, comment: m.Comment, metadata: m.Metadata,
		domain: m.kept.domain, version: m.kept.version, graph: g,
	}
}
