package pytorch_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/memorytest"
	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/network/pytorch"
	"nashprune/trainer/network/safetensors"
)

// state reads tensors of the given names and shapes, "fc1.weight 3 2", with numbers that all
// differ. They stand in the order given.
func state(t testing.TB, descriptions ...string) (*pytorch.State, error) {
	t.Helper()
	f, next := new(safetensors.File), float32(0)
	for _, d := range descriptions {
		fields := strings.Fields(d)
		tensor := safetensors.Tensor{Name: fields[0]}
		size := 1
		for _, word := range fields[1:] {
			var n int
			if _, err := fmt.Sscan(word, &n); err != nil {
				t.Fatal(err)
			}
			tensor.Shape, size = append(tensor.Shape, n), size*n
		}
		tensor.Float32 = make([]float32, size)
		for i := range tensor.Float32 {
			next++
			tensor.Float32[i] = next
		}
		f.Tensors = append(f.Tensors, tensor)
	}
	return pytorch.Read(f)
}

func must(t testing.TB, descriptions ...string) *pytorch.State {
	t.Helper()
	s, err := state(t, descriptions...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dense describes a Linear.
func dense(name string, out, in int) []string {
	return []string{fmt.Sprintf("%s.weight %d %d", name, out, in), fmt.Sprintf("%s.bias %d", name, out)}
}

// names lists the parameters of a network with their first numbers.
func names(n *network.Network) (list []string) {
	for p, param := range n.Params {
		list = append(list, fmt.Sprint(param.Name, " ", n.Parameters[p][0]))
	}
	return list
}

// TestSequencesOfDenseLayers: their graph follows, in the order of their numbers, under their
// own names and without the prefix.
func TestSequencesOfDenseLayers(t *testing.T) {
	for _, c := range []struct {
		descriptions []string
		prefix       string
		want         []string // nodes
	}{
		{slices.Concat(dense("module.10", 2, 4), dense("module.8", 4, 3), dense("module.0", 3, 5)), "module.", []string{"input", "0", "1", "8", "9", "10"}},
		{slices.Concat(dense("model.module.fc1", 4, 5), dense("model.module.fc2", 2, 4)), "model.module.", []string{"input", "fc1", "fc1.act", "fc2"}},
		// By the order of the file, which is none of the alphabet.
		{slices.Concat(dense("hidden", 4, 5), dense("classify", 2, 4)), "", []string{"input", "hidden", "hidden.act", "classify"}},
		{dense("net.0", 2, 5), "", []string{"input", "net.0"}},
	} {
		s := must(t, c.descriptions...)
		n, words, err := s.Derive(network.Shape{5}, network.Tanh, network.DefaultPlayers)
		if err != nil {
			t.Errorf("%q: %v", c.descriptions, err)
			continue
		}
		var got []string
		for _, node := range n.Nodes {
			got = append(got, node.Name)
		}
		if !slices.Equal(got, c.want) || !strings.Contains(words, "assumed: the activation tanh") {
			t.Errorf("%q: nodes %q, want %q; %s", c.descriptions, got, c.want, words)
		}
		if s.Layout.Prefix != c.prefix {
			t.Errorf("%q: prefix %q, want %q", c.descriptions, s.Layout.Prefix, c.prefix)
		}
	}
	n, _, err := must(t, slices.Concat(dense("10", 2, 4), dense("2", 4, 5))...).Derive(network.Shape{5}, network.ReLU, network.DefaultPlayers)
	if want := []string{"2.weight 11", "2.bias 31", "10.weight 1", "10.bias 9"}; err != nil || !slices.Equal(names(n), want) {
		t.Errorf("parameters %q, want %q (%v)", names(n), want, err)
	}
}

// TestWhatDoesNotFollow: what leaves a choice is refused, with what to do.
func TestWhatDoesNotFollow(t *testing.T) {
	for _, c := range []struct {
		want         string
		descriptions []string
	}{
		{"name the network with --model", []string{"0.weight 3 1 5 5", "0.bias 3", "3.weight 2 27", "3.bias 2"}},
		{"holds 0 modules", []string{}},
		{"must fit", slices.Concat(dense("0", 4, 5), dense("2", 2, 3))},
		{"no place between them for an activation", slices.Concat(dense("0", 4, 5), dense("1", 2, 4))},
		{"order of the modules a, b is not clear", []string{"a.bias 4", "a.weight 4 5", "b.bias 2", "b.weight 2 4"}},
		{"does not follow", []string{"0.weight 4 5"}}, // no bias
		{"must be a convolution", []string{"conv1.weight 4 5", "layer1.0.conv1.weight 4 4 3 3", "fc.weight 2 4", "fc.bias 2"}},
		{"fc\" has bias [2]; it must be a dense layer", []string{"conv1.weight 4 2 3 3", "layer1.0.conv1.weight 4 4 3 3", "layer1.0.conv2.weight 4 4 3 3", "fc.bias 2"}},
		{"must be a dense layer", []string{"conv1.weight 4 2 3 3", "layer1.0.conv1.weight 4 4 3 3", "layer1.0.conv2.weight 4 4 3 3", "fc.weight", "fc.bias 2"}},
		{"bn1", []string{"conv1.weight 4 2 3 3", "layer1.0.conv1.weight 4 4 3 3", "layer1.0.conv2.weight 4 4 3 3", "fc.weight 2 4", "fc.bias 2"}},
		{"reads 9 numbers, and 4 channels of 2x2", []string{"features.0.weight 4 2 3 3", "features.0.bias 4", "classifier.weight 2 9", "classifier.bias 2"}},
		{"leave out 4 places", []string{"features.0.weight 4 2 3 3", "features.5.weight 4 4 3 3", "classifier.weight 2 4", "classifier.bias 2"}},
	} {
		s, err := state(t, c.descriptions...)
		if err == nil {
			_, _, err = s.Derive(network.Shape{2, 4, 4}, network.ReLU, network.DefaultPlayers)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.descriptions, err, c.want)
		}
	}
	for want, descriptions := range map[string][]string{
		"is of no module": {"weight 3 2"},
		"no numbers":      {"0.weight 0 2"},
	} {
		if _, err := state(t, descriptions...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", descriptions, err, want)
		}
	}
}

// model returns the graph of a name.
func model(t testing.TB, name string, sample ...int) *network.Graph {
	t.Helper()
	m, err := models.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Graph(sample, 10, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// renamed describes the parameters of a graph under other names of their nodes.
func renamed(g *network.Graph, rename func(node string) string) (descriptions []string) {
	for _, p := range g.Params {
		words := []string{rename(g.Nodes[p.Node].Name) + "." + p.ParamSpec.Name}
		for _, n := range p.Shape {
			words = append(words, fmt.Sprint(n))
		}
		descriptions = append(descriptions, strings.Join(words, " "))
	}
	return descriptions
}

var torchvisionNames = strings.NewReplacer("stage", "layer", "block1.", "0.", "block2.", "1.", "shortcut.conv", "downsample.0", "shortcut.bn", "downsample.1", "head", "fc")

// TestGraphsThatAreNamed: modules are found by the names of nodes, by those of torchvision,
// and by shapes and order; numbers go to their places.
func TestGraphsThatAreNamed(t *testing.T) {
	for _, c := range []struct {
		model  string
		sample []int
		rename func(string) string
		how    string
	}{
		{"resnet14:4", []int{3, 8, 8}, func(s string) string { return s }, "by names"},
		{"resnet14:4", []int{3, 8, 8}, torchvisionNames.Replace, "by names: layer1.0.conv1 is stage1.block1.conv1"},
		{"mlp:8-9", []int{8}, strings.NewReplacer("0", "head", "2", "fc", "4", "stem").Replace, "by shapes and order"},
		{"lenet5", []int{1, 28, 28}, strings.NewReplacer("conv1", "0", "conv2", "3", "fc1", "7", "head", "9").Replace, "by shapes and order: 0 is conv1, 3 is conv2, 7 is fc1, 9 is head"},
		{"mlp:8-8-8", []int{8}, func(s string) string { return fmt.Sprint("layers.", s) }, "by shapes and order"},
	} {
		g := model(t, c.model, c.sample...)
		descriptions := renamed(g, c.rename)
		slices.Sort(descriptions) // as the files of others are
		n, words, err := must(t, descriptions...).Match(g, c.model, network.DefaultPlayers)
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		if !strings.Contains(words, c.how) {
			t.Errorf("%s: %s, want %s", c.model, words, c.how)
		}
		first := map[string]float32{} // of each tensor
		next := float32(1)
		for _, d := range descriptions {
			first[strings.Fields(d)[0]] = next
			shape := g.Params[slices.IndexFunc(g.Params, func(p network.Param) bool {
				return c.rename(g.Nodes[p.Node].Name)+"."+p.ParamSpec.Name == strings.Fields(d)[0]
			})].Shape
			next += float32(network.Shape(shape).Size())
		}
		for p, param := range n.Params {
			want := c.rename(g.Nodes[g.Params[p].Node].Name) + "." + param.ParamSpec.Name
			if param.Name != want || n.Parameters[p][0] != first[want] {
				t.Errorf("%s: parameter %d is %s, whose first number is %g; want %s with %g", c.model, p, param.Name, n.Parameters[p][0], want, first[want])
			}
		}
	}
}

func TestGraphsThatDoNotFit(t *testing.T) {
	g := model(t, "mlp:8-8", 8)
	for want, descriptions := range map[string][]string{
		"has 2 modules with parameters and --model mlp:8-8 has 3": slices.Concat(dense("0", 8, 8), dense("2", 8, 8)),
		"no module is left for node 4":                            slices.Concat(dense("x0", 8, 8), dense("x2", 8, 8), dense("x4", 9, 8)),
		`module "4" has bias [9], weight [9 8], and node 4`:       slices.Concat(dense("0", 8, 8), dense("2", 8, 8), dense("4", 9, 8)),
		"is not clear": {"a.bias 8", "a.weight 8 8", "b.bias 8", "b.weight 8 8", "c.bias 10", "c.weight 10 8"},
	} {
		if _, _, err := must(t, descriptions...).Match(g, "mlp:8-8", network.DefaultPlayers); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// families makes state dicts with torchvision, and logits of images of 32x32.
const families = `
import json, struct, sys, torch, torchvision
from torchvision.models import resnet, vgg
torch.manual_seed(1)
nets = {
    "basic": resnet.ResNet(resnet.BasicBlock, [1, 2, 1, 1], num_classes=10),
    "bottleneck": resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10, groups=2, width_per_group=8),
}
def small(norm):
    net = vgg.VGG(vgg.make_layers([8, 16, "M", 16, 16, "M", 24, "M", 24, "M"], norm), num_classes=10)
    net.avgpool = torch.nn.Identity()
    net.classifier = torch.nn.Sequential(torch.nn.Linear(24 * 4, 20), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(20, 10))
    return net
nets["vgg"], nets["vgg-bn"] = small(False), small(True)
made = []
for name, net in nets.items():
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1); module.running_var.uniform_(0.5, 1.5); module.weight.data.uniform_(0.5, 1.5)
    header, numbers = {}, b""
    for key, tensor in net.state_dict().items():
        data = tensor.contiguous().numpy().tobytes()
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        header["module." + key] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(numbers), len(numbers) + len(data)]}
        numbers += data
    text = json.dumps(header).encode()
    file = sys.argv[1] + "/" + name + ".safetensors"
    with open(file, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + numbers)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        logits = net.eval().double()(x.double())
    made.append({"File": file, "Inputs": x.reshape(-1).tolist(), "Logits": logits.reshape(-1).tolist()})
json.dump(made, open(sys.argv[1] + "/made.json", "w"))
`

// TestTorchvision: the graphs of torchvision's families follow from their state dicts.
func TestTorchvision(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains nothing, and evaluates 5 million parameters in float64")
	}
	interpreter, folder := python(t), t.TempDir()
	if exec.Command(interpreter, "-c", "import torchvision").Run() != nil {
		t.Skip("python3 -c 'import torchvision' fails")
	}
	if out, err := exec.Command(interpreter, "-W", "ignore", "-c", families, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range samples(t, filepath.Join(folder, "made.json")) {
		f, err := safetensors.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		state, err := pytorch.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		n, words, err := state.Derive(network.Shape{3, 32, 32}, network.ReLU, network.DefaultPlayers)
		if err != nil {
			t.Errorf("%s: %v", s.File, err)
			continue
		}
		pass := n.Values().Forward(s.Inputs, 2)
		for i, want := range s.Logits {
			if got := pass.Output(i / 10)[i%10]; !(got-want < 1e-4*(1+max(want, -want)) && want-got < 1e-4*(1+max(want, -want))) {
				t.Errorf("%s: logit %d is %g, want %g (%s)", s.File, i, got, want, words)
				break
			}
		}
		if state.Layout.Prefix != "module." || strings.Contains(s.File, "bn") != (len(state.Layout.Passed) > 0) && strings.Contains(s.File, "vgg") {
			t.Errorf("%s: layout %q, %d tensors passed over", s.File, state.Layout.Prefix, len(state.Layout.Passed))
		}
	}
}

// FuzzState checks that no tensors make the package panic or allocate out of proportion, and
// that what it makes has all numbers of the file.
func FuzzState(f *testing.F) {
	file := func(descriptions ...string) []byte {
		var b bytes.Buffer
		var tensors []safetensors.Tensor
		for _, d := range descriptions {
			fields := strings.Fields(d)
			tensor := safetensors.Tensor{Name: fields[0], Shape: []int{}}
			size := 1
			for _, word := range fields[1:] {
				var n int
				if _, err := fmt.Sscan(word, &n); err != nil {
					f.Fatal(err)
				}
				tensor.Shape, size = append(tensor.Shape, n), size*n
			}
			tensor.Float32 = make([]float32, size)
			tensors = append(tensors, tensor)
		}
		if err := safetensors.Write(&b, nil, tensors); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	f.Add(file(slices.Concat(dense("module.0", 3, 2), dense("module.2", 2, 3))...))
	f.Add(file(renamed(model(f, "resnet8:2", 3, 8, 8), torchvisionNames.Replace)...))
	f.Add(file("features.0.weight 2 3 3 3", "features.0.bias 2", "features.1.weight 2", "features.1.bias 2", "features.1.running_mean 2", "features.1.running_var 2", "classifier.weight 2 32", "classifier.bias 2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		metadata, tensors, err := safetensors.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		numbers := 0
		for _, tensor := range tensors {
			numbers += len(tensor.Float32)
		}
		memorytest.Within(t, memorytest.Bound{PerByte: 2048, Constant: 8 << 20}, func() int {
			s, err := pytorch.Read(&safetensors.File{Metadata: metadata, Tensors: tensors})
			if err != nil {
				return len(text)
			}
			if n, _, err := s.Derive(network.Shape{3, 8, 8}, network.ReLU, network.DefaultPlayers); err == nil {
				made := 0
				for _, v := range n.Parameters {
					made += len(v)
				}
				if made != numbers {
					t.Errorf("the network has %d numbers, the file %d", made, numbers)
				}
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than a line: %q", err)
			}
			return len(text)
		})
	})
}

// TestStateRead: prefixes, counters and types are remembered.
func TestStateRead(t *testing.T) {
	n := networktest.Random(networktest.PerceptronOf(network.ReLU, 3, 2, 2))
	f := &safetensors.File{Metadata: map[string]string{"format": "pt", "epoch": "3"}}
	for p, param := range n.Params {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: "module." + param.Name, Shape: param.Shape, Type: safetensors.F16, Float32: n.Parameters[p]})
	}
	counter := safetensors.Tensor{Name: "module.1.num_batches_tracked", Shape: []int{}, Type: "I64", Raw: make([]byte, 8)}
	f.Tensors = append(f.Tensors, counter)
	s, err := pytorch.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	want := safetensors.Layout{
		Prefix: "module.", Passed: []safetensors.Tensor{counter}, Metadata: map[string]string{"epoch": "3"},
		Types: map[string]safetensors.Type{"0.weight": safetensors.F16, "0.bias": safetensors.F16, "2.weight": safetensors.F16, "2.bias": safetensors.F16},
	}
	if !reflect.DeepEqual(s.Layout, want) {
		t.Errorf("layout %+v, want %+v", s.Layout, want)
	}
}
