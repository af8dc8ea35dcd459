package onnx

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// thinOut leaves every seventh weight of a network.
func thinOut(n *network.Network) {
	for p, param := range n.Params {
		if !param.Weight {
			continue
		}
		for i := range n.Parameters[p] {
			if i%7 != 3 {
				n.Parameters[p][i] = 0
			}
		}
	}
}

// TestSparseRoundTrip: weights that are sparse initializers are read back to the bit, in every
// kind of number, and files are smaller by what the zeros took.
func TestSparseRoundTrip(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		n := drawn(t, nodes)
		thinOut(n)
		for _, kind := range []int64{float32Kind, float16Kind, float64Kind} {
			m := New(n)
			m.inputKind, m.outputKind = kind, kind
			m.Round(n)
			dense := written(t, m, n)
			m.Sparse = true
			sparse := written(t, m, n)
			again, err := Read(sparse)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sameNetwork(t, again.Network, n)
			if largest := n.Parameters[0]; len(largest) > 100 && len(sparse) >= len(dense) && kind != float16Kind {
				t.Errorf("%s: %d bytes, dense %d", name, len(sparse), len(dense))
			}
			// One that is read as sparse is written as sparse.
			if !bytes.Equal(written(t, again, again.Network), sparse) {
				t.Errorf("%s: another file is written of what was read", name)
			}
		}
	}
}

// sparseFile is a Gemm of 2 outputs of 3 inputs whose weights are a sparse initializer.
func sparseFile(w tensorProto) []byte {
	m := &modelProto{ir: writtenIR, opsets: []opsetProto{{version: 17}}, graph: &graphProto{
		name:   "g",
		inputs: []valueProto{{name: "x", kind: float32Kind, dims: []dimension{{name: "N"}, {length: 3}}}}, outputs: []valueProto{{name: "y"}},
		initializers: []tensorProto{w}, nodes: []nodeProto{{op: "Gemm", in: []string{"x", "w"}, out: []string{"y"}, attributes: []attributeProto{integerOf("transB", 1)}}},
	}}
	return m.encode()
}

// places returns indices of some shape.
func places(dims []int64, v ...int64) *tensorProto {
	t := &tensorProto{kind: int64Kind, dims: dims}
	for _, n := range v {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, uint64(n))
	}
	return t
}

// TestSparseForms: places may be numbers of the whole tensor or of each dimension; what is out
// of range, out of order or of another length is refused in one line.
func TestSparseForms(t *testing.T) {
	values := func(dims ...int64) tensorProto {
		w := floatTensor("w", nil, []float32{5, 7})
		w.stored, w.dims = dims, []int64{2, 3}
		return w
	}
	for name, c := range map[string]struct {
		values  tensorProto
		indices *tensorProto
		dims    []int64
		want    string
	}{
		"places":            {values(2), places([]int64{2}, 1, 5), nil, ""},
		"a place an axis":   {values(2), places([]int64{2, 2}, 0, 1, 1, 2), nil, ""},
		"out of range":      {values(2), places([]int64{2}, 1, 6), nil, "is 6; it must be from 0 to 5"},
		"negative":          {values(2), places([]int64{2}, -1, 5), nil, "is -1; it must be from 0 to 5"},
		"out of an axis":    {values(2), places([]int64{2, 2}, 0, 1, 0, 3), nil, "is 3; it must be from 0 to 2"},
		"twice":             {values(2), places([]int64{2}, 5, 5), nil, "places must rise"},
		"in another order":  {values(2), places([]int64{2}, 5, 1), nil, "places must rise"},
		"another rank":      {values(2), places([]int64{2, 3}, 0, 0, 1, 1, 1, 1), nil, "must be [n], and [n] or [n,2]"},
		"fewer places":      {values(2), places([]int64{1}, 1), nil, "must be [n], and [n] or [n,2]"},
		"four axes":         {values(2), places([]int64{1, 1, 1, 2}, 1, 5), nil, "must be [n], and [n] or [n,2]"},
		"a matrix":          {values(1, 2), places([]int64{2}, 1, 5), nil, "must be [n], and [n] or [n,2]"},
		"missing numbers":   {values(3), places([]int64{3}, 1, 2, 5), nil, "it has 8 bytes for 3 numbers"},
		"missing places":    {values(2), places([]int64{2}, 1), nil, "indices: it has 8 bytes for 2 numbers"},
		"too many zeros":    {values(2), places([]int64{2}, 1, 5), []int64{2, 3000}, "there must be one of 256"},
		"a shape too large": {values(2), places([]int64{2}, 1, 5), []int64{1 << 30, 1 << 30}, "2^31 numbers at most"},
	} {
		w := c.values
		w.indices = c.indices
		if c.dims != nil {
			w.dims = c.dims
		}
		file := sparseFile(w)
		var m *Model
		var err error
		memorytest.Within(t, bound, func() int {
			m, err = Read(file)
			return len(file)
		})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := m.Network.Parameters[0], []float32{0, 5, 0, 0, 0, 7}; !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
