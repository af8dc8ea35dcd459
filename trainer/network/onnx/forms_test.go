package onnx

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
)

// fileOf returns a model of one input x of a sample of a shape, and the output y.
func fileOf(opset int64, sample []int, initializers []tensorProto, nodes ...nodeProto) *modelProto {
	in := valueProto{name: "x", kind: float32Kind, dims: []dimension{{name: "batch"}}}
	for _, n := range sample {
		in.dims = append(in.dims, dimension{length: int64(n)})
	}
	return &modelProto{opsets: []opsetProto{{version: opset}}, graph: &graphProto{
		inputs: []valueProto{in}, outputs: []valueProto{{name: "y"}}, initializers: initializers, nodes: nodes,
	}}
}

// nodeOf returns a node; words are the operator, inputs, "->" and the output.
func nodeOf(words string, attributes ...attributeProto) nodeProto {
	in, out, _ := strings.Cut(words, " -> ")
	parts := strings.Split(in, " ")
	return nodeProto{op: parts[0], in: parts[1:], out: []string{out}, attributes: attributes}
}

func textOf(name, v string) attributeProto {
	return attributeProto{name: name, kind: textAttribute, text: v}
}

func floatTensor(name string, dims []int, v []float32) tensorProto {
	return realTensor(name, dims, float32Kind, v)
}

// counted returns a tensor of 1, 2, 3 and so on.
func counted(name string, dims ...int) tensorProto {
	v := make([]float32, product(dims))
	for i := range v {
		v[i] = float32(i + 1)
	}
	return floatTensor(name, dims, v)
}

// tail ends an image of so many numbers in a sum of them.
func tail(size int) ([]tensorProto, []nodeProto) {
	return []tensorProto{floatTensor("ones", []int{size, 1}, slices.Repeat([]float32{1}, size))},
		[]nodeProto{nodeOf("Flatten t -> f"), nodeOf("MatMul f ones -> y")}
}

// TestForms reads graphs in the forms of exporters, and compares the nodes that they become.
func TestForms(t *testing.T) {
	image := []int{1, 4, 4}
	kernel := counted("k", 1, 1, 3, 3)
	square := integersOf("kernel_shape", 3, 3)
	for name, c := range map[string]struct {
		file *modelProto
		want string // words of the nodes after the input, and what the output of ones must be
		ones float64
	}{
		"MatMul and Add": {
			fileOf(13, []int{3}, []tensorProto{counted("w", 3, 2), counted("b", 2)}, nodeOf("MatMul x w -> a"), nodeOf("Add b a -> y")),
			"dense", 1 + 3 + 5 + 1,
		},
		"Gemm with factors": {
			fileOf(7, []int{3}, []tensorProto{counted("w", 3, 2), counted("b", 1, 2)}, nodeOf("Gemm x w b -> y", floatOf("alpha", 2), floatOf("beta", 3))),
			"dense", 2*(1+3+5) + 3,
		},
		"Conv and Add": {
			withTail(fileOf(13, image, []tensorProto{kernel, floatTensor("b", []int{1, 1, 1}, []float32{7})}, nodeOf("Conv x k -> a"), nodeOf("Add a b -> t")), 4),
			"conv2d 3x3, flatten, dense", 4 * (45 + 7),
		},
		"Pad before Conv": {
			withTail(fileOf(10, image, []tensorProto{kernel}, nodeOf("Pad x -> p", integersOf("pads", 0, 0, 1, 1, 0, 0, 1, 1)), nodeOf("Conv p k -> t")), 16),
			"conv2d 3x3 padding 1, flatten, dense", 1*9 + 2*9 + 3*9 + 4*9 + 5*16 + 6*9 + 7*9 + 8*9 + 9*9 + (2+4+6+8)*3,
		},
		"padding behind that no window reaches": {
			withTail(fileOf(11, image, []tensorProto{kernel}, nodeOf("Conv x k -> t", integersOf("pads", 1, 1, 0, 0), integersOf("strides", 2, 2))), 4),
			"conv2d 3x3 stride 2 padding 1, flatten, dense", (5 + 6 + 8 + 9) + (4 + 5 + 6 + 7 + 8 + 9) + (2 + 3 + 5 + 6 + 8 + 9) + 45,
		},
		"SAME_LOWER": {
			withTail(fileOf(11, image, nil, nodeOf("MaxPool x -> t", square, textOf("auto_pad", "SAME_LOWER"))), 16),
			"max-pool 3x3 stride 1 padding 1, flatten, dense", 16,
		},
		"a mean and its dimensions": {
			withTail(fileOf(13, []int{1, 2, 3}, nil, nodeOf("ReduceMean x -> t", integersOf("axes", -2, -1), integerOf("keepdims", 1))), 1),
			"average-pool global, flatten, dense", 1,
		},
		"a squeezed mean": {
			fileOf(11, []int{2, 2, 3}, []tensorProto{counted("w", 2, 1)}, nodeOf("GlobalAveragePool x -> a"), nodeOf("Squeeze a -> b", integersOf("axes", 2, 3)), nodeOf("MatMul b w -> y")),
			"average-pool global, flatten, dense", 3,
		},
		"a batch norm of numbers that are squeezed": {
			fileOf(11, []int{2}, []tensorProto{counted("w", 2, 1), counted("s", 2), counted("m", 2), floatTensor("v", []int{2}, []float32{4 - 1e-5, 1 - 1e-5})},
				nodeOf("Unsqueeze x -> a", integersOf("axes", 2)), nodeOf("BatchNormalization a s s m v -> b"), nodeOf("Squeeze b -> c", integersOf("axes", 2)), nodeOf("MatMul c w -> y")),
			"batch-norm, dense", 1 + 2*(2*(1-2)+2),
		},
		"a shape that is computed": {
			fileOf(13, []int{2, 2, 1}, []tensorProto{counted("w", 4, 1), intTensor("zero", []int{0}), intTensor("minus", []int{-1}), intTensor("two", []int{2})},
				nodeOf("Shape x -> s"), nodeOf("Gather s zero -> n"), nodeOf("Mul n two -> m"), nodeOf("Div m two -> d"), nodeOf("Concat d minus -> r", integerOf("axis", 0)),
				nodeOf("Reshape x r -> f"), nodeOf("MatMul f w -> y")),
			"flatten, dense", 10,
		},
		"weights as nodes": {
			fileOf(13, []int{3}, nil, nodeProto{op: "Constant", out: []string{"c"}, attributes: []attributeProto{{name: "value_floats", kind: floatsAttribute, floats: []float32{1, 2, 3, 4, 5, 6}}}},
				nodeProto{op: "Constant", out: []string{"s"}, attributes: []attributeProto{integersOf("value_ints", 2, -1)}},
				nodeOf("Reshape c s -> r"), nodeOf("Transpose r -> w", integersOf("perm", 1, 0)), nodeOf("Identity w -> i"), nodeOf("Dropout x -> d", attributeProto{name: "seed", kind: integerAttribute, integer: 3}), nodeOf("MatMul d i -> y")),
			"dropout 0.5, dense", 6,
		},
		"a node that nothing reads": {
			fileOf(13, []int{1}, []tensorProto{counted("w", 1, 1)}, nodeOf("Resize x -> z"), nodeOf("MatMul x w -> y")),
			"dense", 1,
		},
		"a sample in another shape": {
			withTail(fileOf(13, []int{16}, []tensorProto{kernel, intTensor("s", []int{-1, 1, 4, 4})}, nodeOf("Reshape x s -> r"), nodeOf("Conv r k -> t")), 4),
			"conv2d 3x3, flatten, dense", 4 * 45,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := read(t, c.file.encode())
			var words []string
			for _, node := range m.Network.Nodes[1:] {
				words = append(words, network.Words(node.Op))
			}
			if have := strings.Join(words, ", "); have != c.want {
				t.Errorf("the nodes are %s; they must be %s", have, c.want)
			}
			x := slices.Repeat([]float64{1}, m.Network.Inputs())
			if y := m.Network.Values().Forward(x, 1).Output(0)[0]; math.Abs(y-c.ones) > 1e-6*c.ones {
				t.Errorf("the output of ones is %g; it must be %g", y, c.ones)
			}
			again := read(t, written(t, m, m.Network))
			sameNetwork(t, again.Network, m.Network)
			if !again.Sample.Equal(m.Sample) || again.Batch != "batch" {
				t.Errorf("samples of %s and batch %q; they were of %s", again.Sample, again.Batch, m.Sample)
			}
		})
	}
}

// TestSharedConstants: those that several nodes have as parameters are named, with their nodes.
func TestSharedConstants(t *testing.T) {
	w, b := counted("w", 2, 2), counted("b", 2)
	for _, c := range []struct {
		nodes []nodeProto
		want  string
	}{
		{[]nodeProto{nodeOf("Gemm x w b -> y")}, "[]"},
		{[]nodeProto{nodeOf("BatchNormalization x b b b b -> y")}, "[]"}, // one node
		{[]nodeProto{nodeOf("MatMul x w -> h"), nodeOf("Relu h -> r"), nodeOf("MatMul r w -> y")}, "[{w [h y]}]"},
		{[]nodeProto{nodeOf("Gemm x w b -> h"), nodeOf("MatMul h w -> a"), nodeOf("Add a b -> y")}, "[{w [h a]} {b [h a]}]"},
		{[]nodeProto{nodeOf("Transpose w -> u", integersOf("perm", 1, 0)), nodeOf("Transpose w -> v", integersOf("perm", 1, 0)),
			nodeOf("MatMul x u -> h"), nodeOf("MatMul h v -> y")}, "[{w [h y]}]"},
	} {
		m := read(t, fileOf(13, []int{2}, []tensorProto{w, b}, c.nodes...).encode())
		if have := fmt.Sprint(m.Shared); have != c.want {
			t.Errorf("%s is shared; it must be %s", have, c.want)
		}
	}
}

// withTail ends the tensor t of a file in a sum of its numbers.
func withTail(m *modelProto, size int) *modelProto {
	initializers, nodes := tail(size)
	m.graph.initializers, m.graph.nodes = append(m.graph.initializers, initializers...), append(m.graph.nodes, nodes...)
	return m
}

// TestRefusals: what cannot be read is refused with the node, its operator, and what it must be.
func TestRefusals(t *testing.T) {
	image, kernel := []int{2, 5, 5}, counted("k", 2, 2, 3, 3)
	weights := counted("w", 2, 2)
	for want, file := range map[string]*modelProto{
		`node 0, "n" (Resize): there is no such operator here; a network that can be pruned is made of dense layers`: fileOf(13, image, nil, nodeProto{name: "n", op: "Resize", in: []string{"x"}, out: []string{"y"}}),
		`(Conv): dilations are [2 2]; they must be 1`:                                                                fileOf(13, image, []tensorProto{kernel}, nodeOf("Conv x k -> y", integersOf("dilations", 2, 2))),
		`(Conv): it has 2 positions along dimension 2, with padding of 0 before and 1 after`:                         fileOf(13, []int{2, 4, 4}, []tensorProto{kernel}, nodeOf("Conv x k -> y", integersOf("pads", 0, 0, 1, 1), integersOf("strides", 2, 2))),
		`(AveragePool): the mean of its last window along dimension 2 is of fewer numbers`: fileOf(13, []int{1, 4, 4}, nil, nodeOf("AveragePool x -> y",
			integersOf("kernel_shape", 3, 3), integersOf("strides", 3, 3), integersOf("pads", 1, 1, 0, 0), integerOf("ceil_mode", 1), integerOf("count_include_pad", 1))),
		`(Clip): it clips to [0, 5]`:                                                                       fileOf(10, image, nil, nodeOf("Clip x -> y", floatOf("min", 0), floatOf("max", 5))),
		`(LeakyRelu): alpha is 0.2; it must be 0.01`:                                                       fileOf(13, image, nil, nodeOf("LeakyRelu x -> y", floatOf("alpha", 0.2))),
		`(Mul): it multiplies two tensors of samples`:                                                      fileOf(13, image, nil, nodeOf("Relu x -> a"), nodeOf("Mul a x -> y")),
		`(Relu): input 0 is "z", which no node before it makes`:                                            fileOf(13, image, nil, nodeOf("Relu z -> y")),
		`(Gemm): it has an attribute "secret"; without it, it could be read`:                               fileOf(13, []int{2}, []tensorProto{weights}, nodeOf("Gemm x w -> y", integerOf("secret", 1))),
		`(Gemm): input 1 must be a constant of floating numbers`:                                           fileOf(13, []int{2}, nil, nodeOf("Gemm x x -> y")),
		`(MatMul): it reads 3 numbers a sample with weights of [2, 2]; they must fit`:                      fileOf(13, []int{3}, []tensorProto{weights}, nodeOf("MatMul x w -> y")),
		`(Reshape): its shape is [25 2] for N samples of 2x5x5; its first dimension must be the number of`: fileOf(13, image, []tensorProto{intTensor("s", []int{25, 2})}, nodeOf("Reshape x s -> y")),
		`(Transpose): perm is [0 2 1 3]; the dimensions of samples must keep their order`:                  fileOf(13, image, nil, nodeOf("Transpose x -> y", integersOf("perm", 0, 2, 1, 3))),
		`(Softmax): it must be the last node`:                                                              fileOf(13, []int{2}, []tensorProto{weights}, nodeOf("Softmax x -> a"), nodeOf("MatMul a w -> y")),
		`(Pad): mode is "reflect"`:                                                                         fileOf(10, image, nil, nodeOf("Pad x -> y", textOf("mode", "reflect"), integersOf("pads", 0, 0, 1, 1, 0, 0, 1, 1))),
		`(Relu): it reads what Mul of "a" changes; that can be read at the network's output alone`:         fileOf(13, []int{2}, []tensorProto{weights, counted("c", 2)}, nodeOf("MatMul x w -> m"), nodeOf("Mul m c -> a"), nodeOf("Relu a -> y")),
		`(Squeeze): it has no axes, and the file is for one sample`:                                        ofOne(fileOf(13, []int{2, 1, 1}, nil, nodeOf("Relu x -> a"), nodeOf("Squeeze a -> y"))),
		`(Erf): it must be part of a GELU`:                                                                 fileOf(13, image, nil, nodeOf("Erf x -> y")),
		`the output "y" has shape 2x5x5 a sample; it must have one dimension`:                              fileOf(13, image, nil, nodeOf("Relu x -> y")),
		`tensor "y" is made twice`:                                                                         fileOf(13, image, nil, nodeOf("Relu x -> y"), nodeOf("Tanh x -> y")),
		`the operator set is 23; it must be from 7 to 22`:                                                  fileOf(23, image, nil, nodeOf("Relu x -> y")),
		`initializer "w": it has 4 bytes for 4 numbers of float32`:                                         fileOf(13, []int{2}, []tensorProto{{name: "w", dims: []int64{2, 2}, kind: float32Kind, raw: []byte("four")}}, nodeOf("MatMul x w -> y")),
		`(MatMul): number 1 of its weight is +Inf; it must be finite`:                                      fileOf(13, []int{1}, []tensorProto{floatTensor("w", []int{1, 2}, []float32{1, float32(math.Inf(1))})}, nodeOf("MatMul x w -> y")),
		`dimension 1 of input "x" is "0"; it must be fixed`:                                                fileOf(13, []int{0}, []tensorProto{weights}, nodeOf("MatMul x w -> y")),
		`(Dropout): training_mode is true`:                                                                 fileOf(13, []int{2}, []tensorProto{floatTensor("r", nil, []float32{0.5}), intTensor("t", []int{1})}, nodeOf("Dropout x r t -> y")),
		`(Shape): it reads what is a part of a GELU, erf(x / sqrt(2))`:                                     fileOf(13, []int{2}, []tensorProto{floatTensor("r", nil, []float32{1.4142135})}, nodeOf("Div x r -> a"), nodeOf("Erf a -> b"), nodeOf("Shape b -> y")),
	} {
		_, err := Read(file.encode())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v; it must say %s", err, want)
		}
	}
}

// ofOne fixes the number of samples at one.
func ofOne(m *modelProto) *modelProto {
	m.graph.inputs[0].dims[0] = dimension{length: 1}
	return m
}

// TestExternalData reads weights from a file in the model's folder, and refuses places that are
// outside of it, or that other tensors have.
func TestExternalData(t *testing.T) {
	folder := t.TempDir()
	weights := counted("w", 3, 2)
	if err := os.WriteFile(filepath.Join(folder, "weights.bin"), append(make([]byte, 8), weights.raw...), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside.bin")
	if err := os.WriteFile(outside, make([]byte, 100), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, "link.bin")); err != nil {
		t.Log(err) // not every system lets us
	}
	at := func(entries ...string) tensorProto {
		external := tensorProto{name: "w", dims: []int64{3, 2}, kind: float32Kind, location: 1}
		for i := 0; i < len(entries); i += 2 {
			external.external = append(external.external, Entry{entries[i], entries[i+1]})
		}
		return external
	}
	for want, tensors := range map[string][]tensorProto{
		"": {at("location", "weights.bin", "offset", "8", "length", "24")},
		"bytes 16 to 40 of \"weights.bin\", which has 32": {at("location", "weights.bin", "offset", "16")},
		"it has 20 bytes; it must have 24":                {at("location", "weights.bin", "length", "20")},
		"offset is \"-1\"":                                {at("location", "weights.bin", "offset", "-1")},
		"path escapes from parent":                        {at("location", "../outside.bin")},
		"no such file":                                    {at("location", "none.bin")},
		"tensors share bytes":                             {at("location", "weights.bin"), {name: "v", dims: []int64{3, 2}, kind: float32Kind, location: 1, external: []Entry{{"location", "weights.bin"}}}},
	} {
		node := nodeOf("MatMul x w -> y")
		if len(tensors) > 1 {
			node = nodeOf("Gemm x w v -> y")
		}
		file := fileOf(13, []int{3}, tensors, node)
		path := filepath.Join(folder, "model.onnx")
		if err := os.WriteFile(path, file.encode(), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := ReadFile(path)
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("the error is %v; it must say %s", err, want)
		case want == "" && err != nil:
			t.Error(err)
		case want == "" && m.Digest != fmt.Sprintf("%x", sha256.Sum256(append(file.encode(), weights.raw...))):
			t.Errorf("the digest is %s", m.Digest)
		case want == "" && !slices.Equal(m.Network.Parameters[0], []float32{1, 3, 5, 2, 4, 6}):
			t.Errorf("the weights are %v", m.Network.Parameters[0])
		}
		if _, err := Read(file.encode()); err == nil {
			t.Error("external data is read without a folder")
		}
	}
	link := fileOf(13, []int{3}, []tensorProto{at("location", "link.bin")}, nodeOf("MatMul x w -> y"))
	if _, err := (Options{Folder: folder}).Read(link.encode()); err == nil {
		t.Error("a link leads outside the folder")
	}
}

// TestKindsOfNumber: weights of other types become the float32 nearest to them.
func TestKindsOfNumber(t *testing.T) {
	bits := func(size int, words ...uint64) []byte {
		var raw []byte
		for _, w := range words {
			raw = append(raw, binary.LittleEndian.AppendUint64(nil, w)[:size]...)
		}
		return raw
	}
	for _, c := range []struct {
		kind int64
		raw  []byte
		want []float32
	}{
		{float16Kind, bits(2, 0x3c00, 0x8001, 0x7bff), []float32{1, -0x1p-24, 65504}},
		{bfloat16Kind, bits(2, 0x3f80, 0xc000, 0x0080), []float32{1, -2, 0x1p-126}},
		{float64Kind, bits(8, math.Float64bits(0.1), math.Float64bits(-3), math.Float64bits(1e-60)), []float32{0.1, -3, 0}},
	} {
		m := read(t, fileOf(13, []int{3}, []tensorProto{{name: "w", dims: []int64{3, 1}, kind: c.kind, raw: c.raw}}, nodeOf("MatMul x w -> y")).encode())
		if have := m.Network.Parameters[0]; !slices.Equal(have, c.want) || m.kinds["w"] != c.kind {
			t.Errorf("%s: the weights are %v of %s; they must be %v", kindName(c.kind), have, kindName(m.kinds["w"]), c.want)
		}
	}
}

// TestMetadata: what a file says besides its graph is written back.
func TestMetadata(t *testing.T) {
	file := fileOf(13, []int{2}, []tensorProto{counted("w", 2, 2), counted("m", 2)}, nodeOf("Sub x m -> s"), nodeOf("MatMul s w -> a"), nodeOf("Softmax a -> y"))
	file.metadata, file.producer, file.producerVersion, file.comment, file.graph.name = []Entry{{"b", "1"}, {"a", "2"}}, "p", "3", "text", "g"
	file.domain, file.version, file.graph.comment = "d", 5, "of the graph"
	m := read(t, file.encode())
	again := read(t, written(t, m, m.Network))
	for _, m := range []*Model{m, again} {
		if !slices.Equal(m.Metadata, file.metadata) || m.Producer != "p 3" || m.Comment != "text" || m.Name != "g" || m.Input != "x" || m.Output != "y" {
			t.Errorf("the model is %+v", m)
		}
		if len(m.Before) != 1 || m.Before[0].Op != "Sub" || m.Before[0].Constant != "m" || len(m.After) != 1 || m.After[0].Op != "Softmax" {
			t.Errorf("the steps are %+v and %+v", m.Before, m.After)
		}
	}
	var p modelProto
	if err := p.decode(written(t, m, m.Network)); err != nil {
		t.Fatal(err)
	}
	if p.domain != "d" || p.version != 5 || p.graph.comment != "of the graph" {
		t.Errorf("the file says %s, %d and %s", p.domain, p.version, p.graph.comment)
	}
	if p.ir != writtenIR || len(p.opsets) != 1 || p.opsets[0].version != writtenOpset {
		t.Errorf("IR version %d and operator sets %v", p.ir, p.opsets)
	}
	var names []string
	for _, t := range p.graph.initializers {
		names = append(names, t.name)
	}
	if want := []string{"m", "w", "a.bias"}; !slices.Equal(names, want) {
		t.Errorf("initializers are %v; they must be %v", names, want)
	}
}

// TestUnusedInitializers: tensors that no node needs are not looked at.
func TestUnusedInitializers(t *testing.T) {
	words := tensorProto{name: "words", dims: []int64{1}, kind: 8}
	m := read(t, fileOf(13, []int{2}, []tensorProto{words, counted("w", 2, 2)}, nodeOf("MatMul x w -> y")).encode())
	if len(m.Network.Nodes) != 2 {
		t.Errorf("there are %d nodes", len(m.Network.Nodes))
	}
}
