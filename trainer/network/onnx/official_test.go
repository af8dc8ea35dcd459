package onnx

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"nashprune/trainer/network"
)

// officialVariable names the folder of ONNX's own test cases, which the Debian package
// libonnx-testdata installs.
const (
	officialVariable = "NASHPRUNE_ONNX_TESTDATA"
	officialFolder   = "/usr/share/libonnx-testdata/data"
)

// official returns the folders of test cases of a kind.
func official(t *testing.T, kind string) []string {
	t.Helper()
	root := os.Getenv(officialVariable)
	if root == "" {
		root = officialFolder
	}
	cases, err := filepath.Glob(filepath.Join(root, kind, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no test cases of ONNX in %s", root)
		}
		t.Skipf("no test cases of ONNX in %s: install libonnx-testdata, or name their folder in %s", root, officialVariable)
	}
	return cases
}

// TestOfficialCases reads every test case of ONNX's operators, and of modules that PyTorch
// exported. Inputs after the first are bound as constants. A case either gives the stored
// output, within the bounds of float32, or is refused in one line. Which ones pass is listed in
// testdata/official.txt.
func TestOfficialCases(t *testing.T) {
	listed, err := os.ReadFile("testdata/official.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(listed))
	var passed []string
	refused := 0
	for _, kind := range []string{"node", "pytorch-converted", "pytorch-operator", "simple"} {
		for _, folder := range official(t, kind) {
			name := kind + "/" + strings.TrimPrefix(filepath.Base(folder), "test_")
			known, err := runOfficial(folder)
			switch {
			case !known && strings.ContainsAny(err.Error(), "\n\r"):
				t.Errorf("%s: %q is not one line", name, err)
			case !known:
				refused++
				if slices.Contains(want, name) {
					t.Errorf("%s: %v", name, err)
				}
				if testing.Verbose() {
					fmt.Println(name, err)
				}
			case err != nil:
				t.Errorf("%s: %v", name, err)
			default:
				passed = append(passed, name)
			}
		}
	}
	for _, name := range passed {
		if !slices.Contains(want, name) {
			t.Errorf("%s passes and is not in testdata/official.txt", name)
		}
	}
	t.Logf("%d cases pass, %d are refused", len(passed), refused)
}

// runOfficial runs a case. It is not known where it is refused, for the reason in err.
func runOfficial(folder string) (known bool, err error) {
	data, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
	if err != nil {
		return true, err
	}
	o := Options{Constants: map[string][]byte{}}
	var p modelProto
	if err := p.decode(data); err != nil {
		return true, err
	}
	// Operators that are older than operator set 7 and have changed have other attributes.
	if p.opsets[0].version < oldestOpset {
		data = message(data).with(8, opsetProto{version: oldestOpset}.encode())
	}
	set := filepath.Join(folder, "test_data_set_0")
	sample, rows := []float32(nil), 0
	for i, in := range p.graph.inputs {
		tensor, err := os.ReadFile(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			continue // an initializer that is listed
		}
		if sample == nil {
			shape, values, err := ReadTensor(tensor)
			if err != nil {
				return false, err
			}
			if len(shape) == 0 {
				return false, fmt.Errorf("input 0 is one number")
			}
			sample, rows = values, shape[0]
			continue
		}
		o.Constants[in.name] = tensor
	}
	r, err := o.open(data)
	if err != nil {
		return false, err
	}
	defer r.close()
	for i := range r.proto.graph.nodes { // what operators before set 7 needed to do what they do now
		n := &r.proto.graph.nodes[i]
		n.attributes = slices.DeleteFunc(n.attributes, func(a attributeProto) bool { return a.name == "is_test" || a.name == "broadcast" })
	}
	if err := r.readGraph(); err != nil {
		return false, err
	}
	v := r.values[r.output]
	if v == nil || !v.isSamples() || v.part != whole && v.part != after {
		return false, fmt.Errorf("the output is no tensor of samples")
	}
	tensor, err := os.ReadFile(filepath.Join(set, "output_0.pb"))
	if err != nil {
		return true, err
	}
	shape, want, err := ReadTensor(tensor)
	if err != nil {
		return true, err
	}
	if size := product(shape); size != rows*v.view.Size() || !slices.Equal(shape[1:], v.view) {
		return true, fmt.Errorf("the output has shape %v, and the sample %v", shape, v.view)
	}
	n, err := headed(r, v.node)
	if err != nil {
		return true, err
	}
	return true, compareOfficial(n, r, v.node, sample, want, rows)
}

// headed makes a network of the nodes that were read, for which a dense layer of one output
// follows a node.
func headed(r *reader, node int) (*network.Network, error) {
	flat, err := r.add("flat", origin{}, &network.Flatten{}, []int{node})
	if err != nil {
		return nil, err
	}
	size := r.nodes[flat].Shape[0]
	if _, err := r.add("head", origin{}, &network.Dense{Out: 1}, []int{flat}, make([]float32, size), make([]float32, 1)); err != nil {
		return nil, err
	}
	g, err := network.NewGraph(r.nodes, nil)
	if err != nil {
		return nil, err
	}
	n := network.New(g)
	for at, node := range g.Nodes {
		for k, p := range node.Params {
			n.Parameters[p] = r.params[at][k]
		}
	}
	return n, nil
}

// compareOfficial compares what a node makes, and steps make of it, with the stored output.
// Both are float32 computations of the same numbers: each is within its bounds.
func compareOfficial(n *network.Network, r *reader, node int, sample, want []float32, rows int) error {
	input, bounds := applied(r.before, r.sample, widened(sample), make([]float64, len(sample)))
	if features := n.Graph.Input().Features(); features != nil {
		input, bounds = chosen(input, features, rows), chosen(bounds, features, rows)
	}
	pass := n.Values().ForwardWithin(input, rows, network.Float32Unit, bounds)
	out, outBounds := pass.After[node], pass.Bounds[node]
	shape := n.Nodes[node].Shape
	if len(r.after) > 0 && r.after[len(r.after)-1].Values == nil {
		out, outBounds = softened(r.after[len(r.after)-1].Op, out, outBounds, shape.Size())
	} else {
		out, outBounds = applied(r.after, shape, out, outBounds)
	}
	for e, x := range want {
		// A stored number is rounded itself, and may be infinite.
		if d := math.Abs(float64(x) - out[e]); float64(x) != out[e] && !(d <= outBounds[e]+network.Float32Unit*math.Abs(out[e])) {
			return fmt.Errorf("number %d is %g; it must be %g within %g", e, out[e], x, outBounds[e])
		}
	}
	return nil
}

// chosen returns some numbers of each row.
func chosen(v []float64, features []int, rows int) []float64 {
	var out []float64
	for row := range rows {
		out = append(out, network.Select(v[row*len(v)/rows:], features)...)
	}
	return out
}

// with returns a message with a field more.
func (m message) with(number protowire.Number, data []byte) message {
	m = slices.Clone(m)
	m.data(number, data)
	return m
}

func widened(v []float32) []float64 {
	wide := make([]float64, len(v))
	for i, x := range v {
		wide[i] = float64(x)
	}
	return wide
}

// applied takes numbers and their bounds through steps of arithmetic.
func applied(steps []Step, sample network.Shape, v, bounds []float64) (_, _ []float64) {
	scale, shift, err := Affine(steps, sample)
	if err != nil {
		panic(err)
	}
	v, bounds = slices.Clone(v), slices.Clone(bounds)
	for e := range v {
		a, b := scale[e%len(scale)], shift[e%len(scale)]
		gamma := network.Roundings(len(steps), network.Float32Unit)
		bounds[e] = math.Abs(a)*bounds[e] + gamma*(math.Abs(a*v[e])+math.Abs(b))
		v[e] = a*v[e] + b
	}
	return v, bounds
}

// softened takes rows of logits through a softmax, or its logarithm, to which an error of
// logits passes on at most twice.
func softened(op string, v, bounds []float64, width int) (_, _ []float64) {
	out, outBounds := make([]float64, len(v)), make([]float64, len(v))
	for row := 0; row < len(v); row += width {
		logits := v[row:][:width]
		largest, sum := slices.Max(logits), 0.
		for _, z := range logits {
			sum += math.Exp(z - largest)
		}
		spread, bound := largest-slices.Min(logits), slices.Max(bounds[row:][:width])
		gamma := network.Roundings(width+8, network.Float32Unit) * (1 + spread)
		for i, z := range logits {
			out[row+i] = z - largest - math.Log(sum)
			outBounds[row+i] = 2*bound + gamma*(1+math.Abs(out[row+i]))
			if op == "Softmax" {
				out[row+i] = math.Exp(out[row+i])
				outBounds[row+i] *= out[row+i]
			}
		}
	}
	return out, outBounds
}
