package pytorch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/network/safetensors"
	"nashprune/trainer/random"
)

// python returns a Python that has PyTorch, or skips the test.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import torch").Run() == nil {
			return name
		}
	}
	t.Skip("python3 -c 'import torch' fails: without PyTorch nothing can run load_pruned.py")
	return ""
}

// sample is a network in a file, with samples and the logits that they have.
type sample struct {
	File           string
	Inputs, Logits []float64
}

// samples reads a list of them.
func samples(t *testing.T, path string) (list []sample) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const rows = 5

// save writes a network and evaluates it.
func save(t *testing.T, folder, name string, n *network.Network, l safetensors.Layout) sample {
	t.Helper()
	l.Round(n)
	input := n.Graph.Input().Sample
	m := safetensors.Metadata{
		Data: "test", Height: 1, Width: input.Size(), Classes: n.Outputs(),
		Mean: 0.25, Deviation: 2, Generator: "test",
	}
	if len(input) == 3 {
		m.Channels, m.Height, m.Width = input[0], input[1], input[2]
		m.ChannelMeans, m.ChannelDeviations = slices.Repeat([]float64{0.25}, input[0]), slices.Repeat([]float64{2}, input[0])
	}
	var file bytes.Buffer
	if err := safetensors.WriteModel(&file, n, m, l); err != nil {
		t.Fatal(err)
	}
	s := sample{File: filepath.Join(folder, name+".safetensors")}
	if err := os.WriteFile(s.File, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	draw := random.New(3, random.Testing, 0, 0)
	var read []float64 // what the network reads of the samples
	for range rows {
		scaled, chosen := make([]float64, input.Size()), [][]int{n.Graph.Input().Keep}
		for i := range scaled {
			scaled[i] = float64(float32(draw.Normal()))
			s.Inputs = append(s.Inputs, scaled[i]*2+0.25)
		}
		for d, length := range input {
			if d > 0 {
				chosen = append(chosen, network.Indices(length))
			} else if chosen[0] == nil {
				chosen[0] = network.Indices(length)
			}
		}
		read = append(read, network.SelectTensor(scaled, input, chosen)...)
	}
	pass := n.Values().Forward(read, rows)
	for row := range rows {
		s.Logits = append(s.Logits, pass.Output(row)...)
	}
	return s
}

// compare loads each file as a user does, and compares its logits.
const compare = `
import json, sys, torch
sys.path.insert(0, sys.argv[1])
from load_pruned import load
for s in json.load(open(sys.argv[2])):
    net, inputs = load(s["File"])
    shape = [5] + net._shape
    x = torch.tensor(s["Inputs"], dtype=torch.float64).reshape(shape)
    with torch.no_grad():
        got = net.double()(inputs(x)).reshape(-1)
    want = torch.tensor(s["Logits"], dtype=torch.float64)
    if got.shape != want.shape or not torch.allclose(got, want, rtol=1e-5, atol=1e-5):
        print(s["File"], "has", got, "want", want)
    print("compared", len(got))
`

// TestActivationsOfScript: the script has all functions that a file may name.
func TestActivationsOfScript(t *testing.T) {
	for _, a := range network.Activations {
		if !strings.Contains(pytorch.Script, fmt.Sprintf("%q: nn.", a)) {
			t.Errorf("%s does not build %s", pytorch.ScriptFile, a)
		}
	}
}

// withoutBranches returns a network as it is written.
func withoutBranches(t *testing.T, n *network.Network) *network.Network {
	t.Helper()
	n, err := n.WithoutBranches()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestScript: the script builds the network of every operator, whole and cut, in every type of
// numbers, with a prefix, and as sparse rows; its logits are those of the network.
func TestScript(t *testing.T) {
	interpreter := python(t)
	folder := t.TempDir()
	var samples []sample
	for i, name := range slices.Sorted(maps.Keys(networktest.Nets())) {
		g, err := network.NewGraph(networktest.Nets()[name], network.PlayerKinds)
		if err != nil {
			t.Fatal(err)
		}
		n := networktest.Random(g)
		n.Fold()
		kind := []safetensors.Type{safetensors.F32, safetensors.F16, safetensors.BF16, safetensors.F64}[i%4]
		l := safetensors.Layout{Prefix: []string{"", "module."}[i%2], Types: map[string]safetensors.Type{}}
		for _, p := range g.Params {
			l.Types[p.Name] = kind
		}
		samples = append(samples, save(t, folder, fmt.Sprint(i), withoutBranches(t, n), l))
		keep := make(network.Survivors, len(g.Gates)) // all but the second player of each gate
		for k, gate := range g.Gates {
			keep[k] = slices.DeleteFunc(network.Indices(gate.Players), func(player int) bool { return player == 1 })
		}
		cut, err := n.Keep(keep)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, save(t, folder, fmt.Sprint(i, "-cut"), withoutBranches(t, cut), l))
		for k, param := range n.Params { // a run of single weights writes few that are not zero
			for w := range n.Parameters[k] {
				if param.Weight && w%5 != 2 {
					n.Parameters[k][w] = 0
				}
			}
		}
		l.Sparse = true
		samples = append(samples, save(t, folder, fmt.Sprint(i, "-sparse"), withoutBranches(t, n), l))
	}
	text, err := json.Marshal(samples)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(folder, "samples.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, pytorch.ScriptFile), []byte(pytorch.Script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interpreter, "-W", "ignore", "-c", compare, folder, list).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("compared")) != len(samples) || bytes.Contains(out, []byte("want")) {
		t.Errorf("%v: %s", err, out)
	}
	if shown, err := exec.Command(interpreter, filepath.Join(folder, pytorch.ScriptFile), samples[0].File).CombinedOutput(); err != nil || !bytes.Contains(shown, []byte("Pruned(")) {
		t.Errorf("%v: %s", err, shown)
	}
}
