package safetensors_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/safetensors"
)

// sparseNetwork has a few weights; its last layer is dense, and a row and a column are empty.
func sparseNetwork(t testing.TB) (*network.Network, safetensors.Metadata) {
	g, err := network.MLP([]int{12, 5, 2}, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	n := network.New(g)
	n.Parameters[0][3], n.Parameters[0][14], n.Parameters[0][59] = 0.5, -2, 1e-3
	for i := range n.Parameters[2] {
		n.Parameters[2][i] = float32(i + 1)
	}
	n.Parameters[1][2] = 7
	return n, safetensors.Metadata{Data: "d", Height: 3, Width: 4, Classes: 2, Deviation: 1, Generator: "test"}
}

func sparseFile(t testing.TB) []byte {
	n, m := sparseNetwork(t)
	var file bytes.Buffer
	if err := safetensors.WriteModel(&file, n, m, safetensors.Layout{Sparse: true}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestSparseRowsReadBack: weights with zeros are compressed sparse rows, others are not, and a
// reader finds the same network.
func TestSparseRowsReadBack(t *testing.T) {
	file := sparseFile(t)
	metadata, tensors, err := safetensors.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name string
		v    any
	}{
		{"0.weight.values", []float32{0.5, -2, 1e-3}},
		{"0.weight.columns", []byte{3, 0, 0, 0, 2, 0, 0, 0, 11, 0, 0, 0}},
		{"0.weight.offsets", []byte{0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}},
		{"0.bias", []float32{0, 0, 7, 0, 0}},
		{"2.weight", []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	}
	for i, w := range want {
		var got any = tensors[i].Float32
		if tensors[i].Raw != nil {
			got = tensors[i].Raw
		}
		if tensors[i].Name != w.name || !reflect.DeepEqual(got, w.v) {
			t.Errorf("tensor %d: %s %v, want %s %v", i, tensors[i].Name, got, w.name, w.v)
		}
	}
	if metadata["csr"] != `{"0.weight":[5,12]}` {
		t.Errorf("metadata %q", metadata["csr"])
	}
	n, _ := sparseNetwork(t)
	got, _, err := safetensors.ReadModel(bytes.NewReader(file))
	if err != nil || !reflect.DeepEqual(got.Parameters, n.Parameters) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestDamagedSparseRowsAreRefused: each number of the indices is changed, and the shape.
func TestDamagedSparseRowsAreRefused(t *testing.T) {
	for words, change := range map[string]func(m map[string]string, of map[string]*safetensors.Tensor){
		"begin at 1":      func(_ map[string]string, of map[string]*safetensors.Tensor) { of["offsets"].Raw[0] = 1 },
		"ends at 9":       func(_ map[string]string, of map[string]*safetensors.Tensor) { of["offsets"].Raw[8] = 9 },
		"begins at 1 and": func(_ map[string]string, of map[string]*safetensors.Tensor) { of["offsets"].Raw[8] = 0 },
		"end at 2":        func(_ map[string]string, of map[string]*safetensors.Tensor) { of["offsets"].Raw[20] = 2 },
		"column 12":       func(_ map[string]string, of map[string]*safetensors.Tensor) { of["columns"].Raw[8] = 12 },
		"column -":        func(_ map[string]string, of map[string]*safetensors.Tensor) { of["columns"].Raw[3] = 0x80 },
		"two dimensions":  func(m map[string]string, _ map[string]*safetensors.Tensor) { m["csr"] = `{"0.weight":[60]}` },
		"256 entries":     func(m map[string]string, _ map[string]*safetensors.Tensor) { m["csr"] = `{"0.weight":[5,1200000]}` },
		"6 numbers of I32": func(m map[string]string, of map[string]*safetensors.Tensor) {
			of["offsets"].Shape, of["offsets"].Raw = []int{5}, of["offsets"].Raw[:20]
		},
		"the values of 1": func(m map[string]string, _ map[string]*safetensors.Tensor) {
			m["csr"] = `{"0.weight":[5,12],"2.weight":[2,5]}`
		},
		"want shapes":          func(m map[string]string, _ map[string]*safetensors.Tensor) { m["csr"] = `[]` },
		"and 7 numbers of I32": func(m map[string]string, _ map[string]*safetensors.Tensor) { m["csr"] = `{"0.weight":[6,10]}` },
		"negative dimension":   func(m map[string]string, _ map[string]*safetensors.Tensor) { m["csr"] = `{"0.weight":[5,-12]}` },
	} {
		metadata, tensors, err := safetensors.Read(bytes.NewReader(sparseFile(t)))
		if err != nil {
			t.Fatal(err)
		}
		change(metadata, map[string]*safetensors.Tensor{"columns": &tensors[1], "offsets": &tensors[2]})
		var file bytes.Buffer
		if err := safetensors.Write(&file, metadata, tensors); err != nil {
			t.Fatal(err)
		}
		if _, _, err := safetensors.ReadModel(&file); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
