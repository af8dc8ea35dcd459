package onnx

import (
	"fmt"
	"slices"
)

// The messages of ONNX, with the fields that are read. onnx.proto numbers them.

type modelProto struct {
	ir, version                                int64
	producer, producerVersion, domain, comment string
	opsets                                     []opsetProto
	metadata                                   []Entry
	functions                                  int
	graph                                      *graphProto
}

// Entry is a key of a model's metadata with its value.
type Entry struct{ Key, Value string }

type opsetProto struct {
	domain  string
	version int64
}

type graphProto struct {
	name, comment           string
	nodes                   []nodeProto
	inputs, outputs, values []valueProto
	initializers            []tensorProto
	sparseBytes             int // of the sparse ones
}

type nodeProto struct {
	name, op, domain string
	in, out          []string
	attributes       []attributeProto
}

type attributeProto struct {
	name    string
	kind    int64
	float   float32
	integer int64
	text    string
	tensor  *tensorProto
	floats  []float32
	ints    []int64
}

// Kinds of attribute.
const (
	floatAttribute   = 1
	integerAttribute = 2
	textAttribute    = 3
	tensorAttribute  = 4
	floatsAttribute  = 6
	intsAttribute    = 7
)

// valueProto describes a tensor of the graph.
type valueProto struct {
	name   string
	kind   int64 // of its numbers; 0: no tensor, or unknown
	shaped bool
	dims   []dimension
}

// dimension is the length of a dimension: a number, a name, or neither.
type dimension struct {
	length int64 // 0: unknown
	name   string
}

// The most that a file may have. Networks that can be pruned have far less.
const (
	maxNodes   = 1 << 16
	maxTensors = 1 << 16
	maxOurs    = 10000 // nodes of the network
	maxRank    = 16
)

func (m *modelProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			m.ir = f.integer()
		case 2:
			m.producer = f.text()
		case 3:
			m.producerVersion = f.text()
		case 4:
			m.domain = f.text()
		case 5:
			m.version = f.integer()
		case 6:
			m.comment = f.text()
		case 7:
			if m.graph == nil {
				m.graph = &graphProto{}
			}
			f.message("the graph", m.graph.decode)
		case 8:
			var o opsetProto
			f.message("an operator set", o.decode)
			m.opsets = append(m.opsets, o)
		case 14:
			var e Entry
			f.message("metadata", e.decode)
			m.metadata = append(m.metadata, e)
		case 25:
			m.functions++
		}
	})
}

func (m *modelProto) encode() []byte {
	var to message
	to.integer(1, m.ir)
	to.text(2, m.producer)
	to.text(3, m.producerVersion)
	to.text(4, m.domain)
	to.integer(5, m.version)
	to.text(6, m.comment)
	to.data(7, m.graph.encode())
	for _, o := range m.opsets {
		to.data(8, o.encode())
	}
	for _, e := range m.metadata {
		to.data(14, e.encode())
	}
	return to
}

func (e *Entry) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			e.Key = f.text()
		case 2:
			e.Value = f.text()
		}
	})
}

func (e Entry) encode() []byte {
	var to message
	to.text(1, e.Key)
	to.text(2, e.Value)
	return to
}

func (o *opsetProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			o.domain = f.text()
		case 2:
			o.version = f.integer()
		}
	})
}

func (o opsetProto) encode() []byte {
	var to message
	to.text(1, o.domain)
	to.integer(2, o.version)
	return to
}

func (g *graphProto) decode(data []byte) error {
	tensors := 0
	err := eachField(data, func(f *field) {
		switch f.number {
		case 1:
			g.nodes = append(g.nodes, nodeProto{})
			n := &g.nodes[len(g.nodes)-1]
			f.message(fmt.Sprintf("node %d", len(g.nodes)-1), n.decode)
		case 2:
			g.name = f.text()
		case 5:
			g.initializers = append(g.initializers, tensorProto{})
			t := &g.initializers[len(g.initializers)-1]
			f.message(fmt.Sprintf("initializer %d", len(g.initializers)-1), t.decode)
		case 10:
			g.comment = f.text()
		case 11, 12, 13:
			var v valueProto
			f.message("the description of a tensor", v.decode)
			list := map[bool]*[]valueProto{f.number == 11: &g.inputs, f.number == 12: &g.outputs, f.number == 13: &g.values}[true]
			*list = append(*list, v)
		case 15:
			g.initializers = append(g.initializers, tensorProto{})
			t := &g.initializers[len(g.initializers)-1]
			g.sparseBytes += len(f.data())
			f.message(fmt.Sprintf("sparse initializer %d", len(g.initializers)-1), t.decodeSparse)
		}
		tensors = len(g.initializers) + len(g.inputs) + len(g.outputs) + len(g.values)
		if f.err == nil && (len(g.nodes) > maxNodes || tensors > maxTensors) {
			f.err = fmt.Errorf("it has over %d nodes or %d tensors; it must have fewer", maxNodes, maxTensors)
		}
	})
	return err
}

func (g *graphProto) encode() []byte {
	var to message
	for i := range g.nodes {
		to.data(1, g.nodes[i].encode())
	}
	to.text(2, g.name)
	for i := range g.initializers {
		if t := &g.initializers[i]; t.indices != nil {
			to.data(15, t.encodeSparse())
			continue
		}
		to.data(5, g.initializers[i].encode())
	}
	to.text(10, g.comment)
	for _, v := range g.inputs {
		to.data(11, v.encode())
	}
	for _, v := range g.outputs {
		to.data(12, v.encode())
	}
	return to
}

func (n *nodeProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			n.in = append(n.in, f.text())
		case 2:
			n.out = append(n.out, f.text())
		case 3:
			n.name = f.text()
		case 4:
			n.op = f.text()
		case 5:
			var a attributeProto
			f.message("an attribute", a.decode)
			n.attributes = append(n.attributes, a)
		case 7:
			n.domain = f.text()
		}
	})
}

func (n *nodeProto) encode() []byte {
	var to message
	for _, name := range n.in {
		to.data(1, []byte(name)) // an empty name is an input that is not given
	}
	for _, name := range n.out {
		to.data(2, []byte(name))
	}
	to.text(3, n.name)
	to.text(4, n.op)
	for i := range n.attributes {
		to.data(5, n.attributes[i].encode())
	}
	return to
}

func (a *attributeProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			a.name = f.text()
		case 2:
			a.float = f.float()
		case 3:
			a.integer = f.integer()
		case 4:
			a.text = f.text()
		case 5:
			a.tensor = &tensorProto{}
			f.message("its tensor", a.tensor.decode)
		case 7:
			a.floats = f.floats(a.floats)
		case 8:
			a.ints = f.integers(a.ints)
		case 20:
			a.kind = f.integer()
		}
	})
}

func (a *attributeProto) encode() []byte {
	var to message
	to.text(1, a.name)
	switch a.kind {
	case floatAttribute:
		to.float(2, a.float)
	case integerAttribute:
		to.integer(3, a.integer)
	case textAttribute:
		to.text(4, a.text)
	case floatsAttribute:
		for _, x := range a.floats {
			to.float(7, x)
		}
	case intsAttribute:
		to.integers(8, a.ints)
	}
	to.integer(20, a.kind)
	return to
}

func (v *valueProto) decode(data []byte) error {
	return eachField(data, func(f *field) {
		switch f.number {
		case 1:
			v.name = f.text()
		case 2:
			f.message("its type", v.decodeType)
		}
	})
}

// decodeType reads a TypeProto, of which tensors matter.
func (v *valueProto) decodeType(data []byte) error {
	return eachField(data, func(f *field) {
		if f.number != 1 {
			return
		}
		f.message("the type of a tensor", func(data []byte) error {
			return eachField(data, func(f *field) {
				switch f.number {
				case 1:
					v.kind = f.integer()
				case 2:
					v.shaped = true
					f.message("its shape", v.decodeShape)
				}
			})
		})
	})
}

func (v *valueProto) decodeShape(data []byte) error {
	return eachField(data, func(f *field) {
		if f.number != 1 {
			return
		}
		var d dimension
		f.message("a dimension", func(data []byte) error {
			return eachField(data, func(f *field) {
				switch f.number {
				case 1:
					d.length = f.integer()
				case 2:
					d.name = f.text()
				}
			})
		})
		v.dims = append(v.dims, d)
	})
}

func (v valueProto) encode() []byte {
	var shape, tensor, kind, to message
	for _, d := range v.dims {
		var dim message
		dim.integer(1, d.length)
		dim.text(2, d.name)
		shape.data(1, dim)
	}
	tensor.integer(1, v.kind)
	tensor.data(2, shape)
	kind.data(1, tensor)
	to.text(1, v.name)
	to.data(2, kind)
	return to
}

// find returns the attribute of a name, or nil.
func (n *nodeProto) find(name string) *attributeProto {
	i := slices.IndexFunc(n.attributes, func(a attributeProto) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return &n.attributes[i]
}
