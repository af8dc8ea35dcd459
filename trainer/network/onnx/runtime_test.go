package onnx

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// runtimeFolder holds ONNX Runtime for Node.js, which "make onnxruntime" installs.
const runtimeFolder = "../../../testdata/onnxruntime"

// runtimeCase is a file that is written, with samples and what they must give.
type runtimeCase struct {
	name  string
	model *Model
	want  *evaluation
}

// TestONNXRuntime: ONNX Runtime reads the files that are written, and has our outputs within
// what float32 explains: of every operator, with batch norms merged, pruned, and with steps
// before and after the network.
func TestONNXRuntime(t *testing.T) {
	if _, err := os.Stat(filepath.Join(runtimeFolder, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("ONNX Runtime is not installed: run make onnxruntime")
	}
	var cases []runtimeCase
	folder := t.TempDir()
	words := []string{filepath.Join(runtimeFolder, "run.js")}
	add := func(name string, m *Model, n *network.Network) {
		t.Helper()
		c := runtimeCase{name: name, model: m}
		const rows = 3
		samples, random := make([]float32, rows*m.Sample.Size()), rand.New(rand.NewPCG(5, 6))
		for i := range samples {
			samples[i] = float32(random.NormFloat64())
		}
		c.want = evaluate(m, n, samples, rows)
		path := filepath.Join(folder, fmt.Sprint(len(cases)))
		if err := m.WriteFile(path+".onnx", n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := os.WriteFile(path+".input", floatTensor("", nil, samples).raw, 0o644); err != nil {
			t.Fatal(err)
		}
		words = append(words, path+".onnx", path+".input", m.Sample.String())
		cases = append(cases, c)
	}
	for name, nodes := range networktest.Nets() {
		n := drawn(t, nodes)
		add(name, New(n), n)
		merged, err := n.WithoutNorms()
		if err != nil {
			t.Fatal(err)
		}
		add(name+" merged", New(n), merged)
		keep := make(network.Survivors, len(n.Gates))
		for i, gate := range n.Gates {
			keep[i] = network.Indices(gate.Players)[:(gate.Players+1)/2]
		}
		small, err := n.Keep(keep)
		if err != nil {
			t.Fatal(err)
		}
		add(name+" pruned", New(n), small)
		thinOut(n)
		m := New(n)
		m.Sparse = true
		add(name+" sparse", m, n)
	}
	n := drawn(t, networktest.Nets()["lenet"])
	m := New(n)
	m.Before = Standardise([]float64{0.25}, []float64{0.5}, []int{1, 1, 1})
	m.After = []Step{{Op: "Softmax"}}
	add("standardised images", m, n)
	n = drawn(t, networktest.Nets()["perceptron"])
	m = New(n)
	m.Before = Standardise([]float64{1, 2, 3, 4, 5}, []float64{2, 1, 0.5, 3, 1.5}, []int{5})
	m.After = Rescale([]float64{10, -10}, []float64{3, 0.125})
	add("regression", m, n)
	for _, path := range exportedFiles(t) {
		m, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		add(filepath.Base(path), m, m.Network)
	}

	run := exec.Command("node", words...)
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []struct {
		Input, Output string
		Values        []float64
	}
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(cases) {
		t.Fatalf("%d results of %d cases: %v", len(results), len(cases), err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := results[i]
			if r.Input != c.model.Input || r.Output != c.model.Output {
				t.Errorf("it has input %s and output %s; it must have %s and %s", r.Input, r.Output, c.model.Input, c.model.Output)
			}
			c.want.compare(t, r.Values)
		})
	}
}

// evaluated returns what a model makes of samples, with the bounds of float32.
func evaluated(m *Model, n *network.Network, samples []float32, rows int) (out, bounds []float64) {
	input, inputBounds := applied(m.Before, m.Sample, widened(samples), make([]float64, len(samples)))
	if features := n.Graph.Input().Features(); features != nil {
		input, inputBounds = chosen(input, features, rows), chosen(inputBounds, features, rows)
	}
	pass := n.Values().ForwardWithin(input, rows, network.Float32Unit, inputBounds)
	last := len(n.Nodes) - 1
	out, bounds = pass.After[last], pass.Bounds[last]
	if slices.ContainsFunc(m.After, func(s Step) bool { return s.Values == nil }) {
		return softened(m.After[0].Op, out, bounds, n.Outputs())
	}
	return applied(m.After, n.Graph.Output().Shape, out, bounds)
}
