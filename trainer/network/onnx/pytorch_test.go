package onnx

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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

// TestPyTorchLogits: a network that PyTorch exported has PyTorch's logits, within what float32
// explains. So has the file that we write of it, and with its batch norms merged.
func TestPyTorchLogits(t *testing.T) {
	for _, path := range exportedFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := path[:strings.LastIndex(path, "-")]
			input, want := floatsOf(t, name+".input"), floatsOf(t, name+".logits")
			compareLogits(t, m, m.Network, input, want)

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

// exportedFiles returns all networks that PyTorch exported.
func exportedFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(exported, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no networks in %s (%v)", exported, err)
	}
	if folder := os.Getenv(exportedVariable); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
		if err != nil || len(more) == 0 {
			t.Fatalf("no networks in %s (%v)", folder, err)
		}
		files = append(files, more...)
	}
	return files
}

// compareLogits compares stored logits with ours.
func compareLogits(t *testing.T, m *Model, n *network.Network, input, want []float32) {
	t.Helper()
	evaluate(m, n, input, len(input)/m.Sample.Size()).compare(t, widened(want))
}

// evaluation is what a model makes of samples, with how far a computation in float32 may be
// from it.
type evaluation struct {
	out, bounds []float64 // bounds hold for any order of sums
	// near is how far outputs move, at most, when each parameter and each number of a sample
	// moves at random by 32 units roundoff; a result is rounded itself besides. Bounds of deep networks say little, since they
	// take all roundings to add up; roundings of a sound computation move outputs less.
	near float64
}

func evaluate(m *Model, n *network.Network, samples []float32, rows int) *evaluation {
	e := &evaluation{}
	e.out, e.bounds = evaluated(m, n, samples, rows)
	random := rand.New(rand.NewPCG(7, 8))
	moved := func(v []float32) []float32 {
		v = slices.Clone(v)
		for i := range v {
			v[i] *= 1 + float32(random.IntN(65)-32)*network.Float32Unit
		}
		return v
	}
	for range 3 {
		near := n.Clone()
		for p, v := range near.Parameters {
			near.Parameters[p] = moved(v)
		}
		out, _ := evaluated(m, near, moved(samples), rows)
		for i, y := range out {
			e.near = max(e.near, math.Abs(y-e.out[i]))
		}
	}
	return e
}

// compare holds outputs to both.
func (e *evaluation) compare(t *testing.T, have []float64) {
	t.Helper()
	if len(have) != len(e.out) {
		t.Fatalf("there are %d outputs; there must be %d", len(have), len(e.out))
	}
	largest, used := 0., 0.
	for i, x := range have {
		d, near := math.Abs(x-e.out[i]), e.near+8*network.Float32Unit*math.Abs(e.out[i])
		if !(d <= e.bounds[i] && d <= near) {
			t.Errorf("output %d is %g; it must be %g within %g and %g", i, x, e.out[i], e.bounds[i], near)
		}
		largest, used = max(largest, d), max(used, d/near)
	}
	t.Logf("the largest difference is %.2g, %.2g of what roundings move", largest, used)
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
