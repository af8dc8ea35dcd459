package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network/onnx"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/record"
)

// TestExport writes the pruned network of a run in each format.
func TestExport(t *testing.T) {
	atImages(t)
	succeed(t, train("--keep", "8", "--out", "run")...)
	model := filepath.Join("run", record.PrunedFile)
	n, _, err := safetensors.LoadModel(model)
	if err != nil {
		t.Fatal(err)
	}
	if said := succeed(t, "export", "run"); !strings.HasPrefix(said, "run/pruned.onnx holds ") {
		t.Errorf("it says %q", said)
	}
	m, err := onnx.ReadFile(filepath.Join("run", "pruned.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for p, v := range n.Parameters {
		if !slices.Equal(v, m.Network.Parameters[p]) {
			t.Errorf("%s differs", n.Graph.Params[p].Name)
		}
	}
	if said := succeed(t, "inspect", "run/pruned.onnx"); !strings.Contains(said, "Before the network, and kept as it is: Sub, Div\n") {
		t.Errorf("inspect says\n%s", said)
	}
	succeed(t, "export", model, "--format", "npz", "--fold")
	if _, err := os.Stat(filepath.Join("run", "pruned.npz")); err != nil {
		t.Error(err)
	}
	succeed(t, "export", model, "--format", "safetensors", "--out", "copy.safetensors")
	sameFile(t, model, "copy.safetensors")
	succeed(t, "export", "run/pruned.onnx", "--format", "safetensors", "--out", "copy.safetensors")
	sameFile(t, model, "copy.safetensors")
	for args, c := range map[string]struct {
		code  int
		words string
	}{
		"":                         {exitUsage, "takes one run folder or model file"},
		"nosuch":                   {exitFailed, "no model file and no run folder"},
		"run --format tflite":      {exitUsage, `--format is "tflite"; it must be one of [onnx sparse-onnx safetensors csr npz]`},
		"run --format safetensors": {exitUsage, "pruned.safetensors is the model itself: name another file with --out"},
		"run/config.toml":          {exitFailed, "load model run/config.toml"},
		"run/pruned.onnx":          {exitUsage, "run/pruned.onnx is the model itself"},
	} {
		code, stdout, stderr := execute(t, append([]string{"export"}, strings.Fields(args)...)...)
		refused(t, c.code, c.words, code, stdout, stderr)
	}
}

// TestInspectONNX shows a network of PyTorch, and of one that cannot be read its nodes.
func TestInspectONNX(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(repository, "testdata", "onnx", "residual-16.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	writeFile(t, "net.onnx", file)
	if said := succeed(t, "inspect", "net.onnx", "--players", "filters"); !strings.Contains(said, "filters") || !strings.Contains(said, "conv2d 3x3 stride 2 padding 1") {
		t.Errorf("inspect says\n%s", said)
	}
	writeFile(t, "NET.ONNX", file)
	if said := succeed(t, "inspect", "NET.ONNX"); !strings.Contains(said, "conv2d 3x3") {
		t.Errorf("inspect says\n%s", said)
	}
	writeFile(t, "net.onnx", bytes.ReplaceAll(file, []byte("GlobalAveragePool"), []byte("GlobalMiddlePool_")))
	said := succeed(t, "inspect", "net.onnx")
	for _, want := range []string{"/block2/block2.0/Conv", "12x8x8", "\nThe network cannot be pruned: node ", "(GlobalMiddlePool_): there is no such operator here"} {
		if !strings.Contains(said, want) {
			t.Errorf("inspect does not say %q:\n%s", want, said)
		}
	}
	writeFile(t, "net.onnx", file[:200])
	code, stdout, stderr := execute(t, "inspect", "net.onnx")
	refused(t, exitFailed, "no model of ONNX", code, stdout, stderr)
}
