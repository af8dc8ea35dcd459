package onnx

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nashprune/trainer/network"
)

// exported is the folder of networks that PyTorch exported, with inputs and logits; its
// export.py says how. exportedVariable names a folder of more of them.
const (
	exported         = "../../../testdata/onnx"
	exportedVariable = "NASHPRUNE_ONNX_EXPORTED"
)

// TestPyTorchLogits: a network that PyTorch exported has PyTorch's logits, within the bounds of
// float32. So has the file that we write of it, and with its batch norms merged.
func TestPyTorchLogits(t *testing.T) {
	var files []string
	for _, folder := range []string{exported, os.Getenv(exportedVariable)} {
		found, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if files = append(files, found...); len(files) == 0 {
			t.Fatalf("no networks in %s", folder)
		}
		if os.Getenv(exportedVariable) == "" {
			break
		}
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := path[:strings.LastIndex(path, "-")]
			input, want := floatsOf(t, name+".input"), floatsOf(t, name+".logits")
			t.Logf("largest difference of a logit: %.2g", compareLogits(t, m, m.Network, input, want))

			again := read(t, written(t, m, m.Network))
			sameNetwork(t, again.Network, m.Network)
			merged, err := m.Network.WithoutNorms()
			if err != nil {
				t.Fatal(err)
			}
			compareLogits(t, m, merged, input, want)
			small := read(t, written(t, m, merged))
			sameNetwork(t, small.Network, merged)
		})
	}
}

// compareLogits returns the largest difference between stored logits and ours. Each is within
// the bounds of a float32 computation.
func compareLogits(t *testing.T, m *Model, n *network.Network, input, want []float32) float64 {
	t.Helper()
	rows := len(input) / m.Sample.Size()
	pass := n.Values().ForwardWithin(widened(input), rows, network.Float32Unit, nil)
	last := len(n.Nodes) - 1
	out, bounds := pass.After[last], pass.Bounds[last]
	if len(m.After) > 0 {
		out, bounds = softened(m.After[0].Op, out, bounds, n.Outputs())
	}
	if len(out) != len(want) {
		t.Fatalf("there are %d logits; %d are stored", len(out), len(want))
	}
	largest := 0.
	for e, x := range want {
		d := math.Abs(float64(x) - out[e])
		if !(d <= bounds[e]) {
			t.Errorf("logit %d is %g; it must be %g within %g", e, out[e], x, bounds[e])
		}
		largest = max(largest, d)
	}
	return largest
}

// floatsOf reads a file of float32.
func floatsOf(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v := make([]float32, len(data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return v
}
