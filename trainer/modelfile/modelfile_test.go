package modelfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/modelfile"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/safetensors"
)

// TestRoundTrip: a state dict is read, and what a cut keeps of it is written and read again
// as a model, in its own names and types.
func TestRoundTrip(t *testing.T) {
	n := networktest.Random(networktest.PerceptronOf(network.ReLU, 4, 3, 2))
	n.Fold()
	var tensors []safetensors.Tensor
	for p, param := range n.Params {
		tensors = append(tensors, safetensors.Tensor{Name: "module." + param.Name, Shape: param.Shape, Type: safetensors.F16, Float32: n.Parameters[p]})
	}
	write := func(write func(b *bytes.Buffer) error) string {
		t.Helper()
		var b bytes.Buffer
		path := filepath.Join(t.TempDir(), "net.safetensors")
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write(func(b *bytes.Buffer) error { return safetensors.Write(b, nil, tensors) })
	m, err := modelfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Source(); s.Format != "safetensors" || s.Suffix != ".safetensors" || !reflect.DeepEqual(s.Types, []string{"F16"}) || len(s.Digest) != 64 || m.Metadata() != nil {
		t.Errorf("source %+v", s)
	}
	read, derived, err := m.Network(modelfile.Asked{Players: network.DefaultPlayers, Activation: network.ReLU, Sample: network.Shape{4}})
	if err != nil || !strings.Contains(derived, "4-3-2") {
		t.Fatalf("derived %q, %v", derived, err)
	}
	small, err := read.Keep(network.Survivors{{0, 2}})
	if err != nil {
		t.Fatal(err)
	}
	m.Round(small)
	metadata := safetensors.Metadata{Data: "d", Height: 1, Width: 4, Classes: 2, Deviation: 1, Generator: "nashprune"}
	again, err := modelfile.Read(write(func(b *bytes.Buffer) error { return m.Write(b, small, metadata) }))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Metadata(), &metadata) || !reflect.DeepEqual(again.Source().Types, []string{"F16"}) {
		t.Errorf("source %+v, metadata %+v", again.Source(), again.Metadata())
	}
	back, derived, err := again.Network(modelfile.Asked{Players: network.DefaultPlayers})
	if err != nil || derived != "" || !reflect.DeepEqual(back.Parameters, small.Parameters) {
		t.Errorf("parameters %v, want %v; derived %q, %v", back, small.Parameters, derived, err)
	}
	named := modelfile.Asked{Players: network.DefaultPlayers, Model: "mlp:2", Graph: func() (*network.Graph, error) { return n.Graph, nil }}
	if _, _, err := again.Network(named); err == nil || !strings.Contains(err.Error(), "leave out --model") {
		t.Errorf("error %v", err)
	}
	if _, derived, err := m.Network(modelfile.Asked{Players: network.DefaultPlayers, Model: "mlp:3", Graph: func() (*network.Graph, error) { return n.Graph, nil }}); err != nil || !strings.Contains(derived, "matched by names") {
		t.Errorf("derived %q, %v", derived, err)
	}
}

func TestUnknownFormats(t *testing.T) {
	if _, err := modelfile.Read("net.pth"); !errors.Is(err, modelfile.ErrUnknown) || !strings.Contains(err.Error(), "there is no such file or folder; it must be an .onnx file, or a .safetensors file") {
		t.Errorf("error %v", err)
	}
	// A pickle of PyTorch is told apart before it is taken for a damaged file.
	if _, _, err := modelfile.Load("net.pt"); !errors.Is(err, modelfile.ErrUnknown) || !strings.HasSuffix(err.Error(), `save_file(net.state_dict(), "model.safetensors")`) {
		t.Errorf("error %v", err)
	}
	if _, err := modelfile.Read(filepath.Join(t.TempDir(), "net.safetensors")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestFileOfPyTorch: a file that PyTorch wrote (testdata/prune/pytorch.py) has the logits that
// PyTorch computes.
func TestFileOfPyTorch(t *testing.T) {
	m, err := modelfile.Read("../../testdata/prune/small.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := m.Network(modelfile.Asked{Players: network.DefaultPlayers, Activation: network.ReLU, Sample: network.Shape{1, 28, 28}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var logits [][]float64
	if err := json.Unmarshal(text, &logits); err != nil {
		t.Fatal(err)
	}
	inputs := make([]float64, len(logits)*784)
	for i := range inputs {
		inputs[i] = math.Sin(float64(i + 1))
	}
	pass := n.Values().Forward(inputs, len(logits))
	for row, want := range logits {
		for k, got := range pass.Output(row) {
			if math.Abs(got-want[k]) > 1e-9 {
				t.Errorf("logit %d of sample %d is %g, and PyTorch has %g", k, row, got, want[k])
			}
		}
	}
	if len(logits) != 3 || n.Graph.Nodes[1].Name != "1" || m.Source().Types[0] != "F16" {
		t.Errorf("%d samples; node %s, %v", len(logits), n.Graph.Nodes[1].Name, m.Source())
	}
}

// TestOneCopy: a network takes the memory of its file and little more, also while it is read.
func TestOneCopy(t *testing.T) {
	const width = 1024
	n := network.New(networktest.PerceptronOf(network.ReLU, width, width, width, width))
	var tensors []safetensors.Tensor
	for p, param := range n.Params {
		tensors = append(tensors, safetensors.Tensor{Name: param.Name, Shape: param.Shape, Float32: n.Parameters[p]})
	}
	var file bytes.Buffer
	if err := safetensors.Write(&file, nil, tensors); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	used := memorytest.Allocated(func() {
		m, err := modelfile.Read(path)
		if err == nil {
			_, _, err = m.Network(modelfile.Asked{Players: network.DefaultPlayers, Activation: network.ReLU})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if most := uint64(file.Len()) * 6 / 5; used > most {
		t.Errorf("a file of %d bytes takes %d, want at most %d", file.Len(), used, most)
	}
}
