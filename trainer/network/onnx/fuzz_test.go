package onnx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network/networktest"
)

// bound is what the documentation of the package says of memory.
var bound = memorytest.Bound{PerByte: 256, Constant: 64 << 20}

// FuzzRead: any file is read within the bound of memory, or refused in one line. What was
// read is written, and reads back to the same.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"sequential-9", "forms-9", "forms-16", "residual-9"} {
		data, err := os.ReadFile(filepath.Join(exported, name+".onnx"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, name := range []string{"perceptron", "cut image", "depthwise", "residual", "concat of images", "dropout"} {
		n := drawn(f, networktest.Nets()[name])
		m := New(n)
		m.After = []Step{{Op: "Softmax"}}
		f.Add(written(f, m, n))
		m.inputKind, m.outputKind, m.kinds = float16Kind, float64Kind, map[string]int64{n.Graph.Params[0].Name: bfloat16Kind}
		f.Add(written(f, m, n))
		thinOut(n)
		m.Sparse = true
		f.Add(written(f, m, n))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Model
		var err error
		memorytest.Within(t, bound, func() int {
			m, err = Read(data)
			return len(data)
		})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%q is not one line", err)
			}
			return
		}
		m.Round(m.Network) // of what the reader computed of constants
		var b bytes.Buffer
		if err := m.Write(&b, m.Network); err != nil {
			return // an empty layer, or a number that is too large for its kind
		}
		again, err := Read(b.Bytes())
		if err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
		sameNetwork(t, again.Network, m.Network)
	})
}

// TestTruncations: a file that ends at any byte is refused in one line.
func TestTruncations(t *testing.T) {
	n := drawn(t, networktest.Nets()["depthwise"])
	file := written(t, New(n), n)
	for end := range file {
		_, err := Read(file[:end])
		if err == nil || strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 500 {
			t.Fatalf("%d bytes of %d: %v", end, len(file), err)
		}
	}
}

// TestMemory holds files that ask for much memory to the bound.
func TestMemory(t *testing.T) {
	dense := func(dims ...dimension) *modelProto {
		return &modelProto{opsets: []opsetProto{{version: 17}}, graph: &graphProto{
			inputs:  []valueProto{{name: "x", kind: float32Kind, dims: append([]dimension{{name: "N"}}, dims...)}},
			outputs: []valueProto{{name: "y"}},
		}}
	}
	initial := func(name string, dims []int) tensorProto {
		return floatTensor(name, dims, make([]float32, product(dims)))
	}
	for name, make := range map[string]func() []byte{
		"empty messages": func() []byte {
			return slices.Concat([]byte{0x3a, 0x80, 0x80, 0x06}, slices.Repeat([]byte{0x0a, 0x00}, 49152))
		},
		"empty initializers": func() []byte {
			return slices.Concat([]byte{0x3a, 0x80, 0x80, 0x06}, slices.Repeat([]byte{0x2a, 0x00}, 49152))
		},
		"many features and no weights": func() []byte {
			m := dense(dimension{length: 1 << 17})
			m.graph.initializers = []tensorProto{initial("w", []int{0, 1 << 17})}
			m.graph.nodes = []nodeProto{{op: "Gemm", in: []string{"x", "w"}, out: []string{"y"}, attributes: []attributeProto{integerOf("transB", 1)}}}
			return m.encode()
		},
		"large images": func() []byte {
			m := dense(dimension{length: 1}, dimension{length: 1 << 14}, dimension{length: 1 << 14})
			m.graph.initializers = []tensorProto{initial("w", []int{1, 1})}
			m.graph.nodes = []nodeProto{
				{op: "GlobalAveragePool", in: []string{"x"}, out: []string{"a"}}, {op: "Flatten", in: []string{"a"}, out: []string{"b"}},
				{op: "Gemm", in: []string{"b", "w"}, out: []string{"y"}},
			}
			return m.encode()
		},
		"one weight in many layers": func() []byte {
			m := dense(dimension{length: 200})
			m.graph.initializers = []tensorProto{initial("w", []int{200, 200})}
			for i := range 5000 {
				in := "x"
				if i > 0 {
					in = m.graph.nodes[i-1].out[0]
				}
				m.graph.nodes = append(m.graph.nodes, nodeProto{op: "MatMul", in: []string{in, "w"}, out: []string{fmt.Sprint(i)}})
			}
			m.graph.nodes[4999].out[0] = "y"
			return m.encode()
		},
		"constants that grow": func() []byte {
			m := dense(dimension{length: 2})
			m.graph.initializers = []tensorProto{initial("c", []int{1000})}
			last := "c"
			for i := range 40 {
				next := fmt.Sprint(i)
				m.graph.nodes = append(m.graph.nodes, nodeProto{op: "Concat", in: []string{last, last}, out: []string{next}, attributes: []attributeProto{integerOf("axis", 0)}})
				if last = next; i == 39 {
					m.graph.nodes = append(m.graph.nodes, nodeProto{op: "Add", in: []string{"x", last}, out: []string{"y"}})
				}
			}
			return m.encode()
		},
	} {
		t.Run(name, func(t *testing.T) {
			data := make()
			memorytest.Within(t, bound, func() int {
				if m, err := Read(data); err != nil {
					t.Log(err)
				} else if m.Network == nil {
					t.Error("there is no network and no error")
				}
				return len(data)
			})
		})
	}
}

// TestNodesOfOneName: names stay apart without looking at each that is taken.
func TestNodesOfOneName(t *testing.T) {
	r := &reader{names: map[string]int{}}
	seen := map[string]bool{}
	for _, name := range append(slices.Repeat([]string{"a"}, 5), "a_2", "a_9", "a_9") {
		if free := r.unique(name); seen[free] {
			t.Errorf("%s is given twice", free)
		} else {
			seen[free] = true
		}
	}
}
