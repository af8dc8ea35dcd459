package models_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
)

func encode(t *testing.T, g *network.Graph) string {
	t.Helper()
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "},{", "},\n{")
}

// node writes a table.
func node(name, op string, more ...string) string {
	text := "[[node]]\nname = \"" + name + "\"\nop = \"" + op + "\"\n"
	for _, line := range more {
		text += line + "\n"
	}
	return text
}

var lenetFile = node("conv1", "conv2d", "out = 20", "kernel = 5") + node("act1", "activation") + node("pool1", "max-pool", "kernel = 2") +
	node("conv2", "conv2d", "out = 50", "kernel = [5, 5]", "stride = 1") + node("act2", "activation", `function = "relu"`) + node("pool2", "max-pool", "kernel = 2", "stride = 2") +
	node("flatten", "flatten") + node("fc1", "dense", "out = 500 # features") + node("act3", "activation") + node("head", "dense", `out = "classes"`)

var resnetFile = func() string {
	text := "# A residual network of three blocks.\n" + normed("conv1", "bn1", 4, 3, 1, "input") + node("act1", "activation")
	stream := "act1"
	for stage, out := range []int{4, 8, 16} {
		at := "stage" + string(rune('1'+stage)) + ".block1."
		stride := min(stage, 1) + 1
		text += normed(at+"conv1", at+"bn1", out, 3, stride, stream) + node(at+"act1", "activation")
		text += normed(at+"conv2", at+"bn2", out, 3, 1, at+"act1")
		if stage > 0 {
			text += normed(at+"shortcut.conv", at+"shortcut.bn", out, 1, stride, stream)
			stream = at + "shortcut.bn"
		}
		text += node(at+"add", "add", `in = ["`+at+`bn2", "`+stream+`"]`) + node(at+"act2", "activation")
		stream = at + "act2"
	}
	return text + node("pool", "average-pool", "global = true") + node("flatten", "flatten") + node("head", "dense", `out = "classes"`)
}()

func normed(conv, norm string, out, kernel, stride int, in string) string {
	number := func(key string, n int) string { return key + " = " + network.Shape{n}.String() }
	return node(conv, "conv2d", number("out", out), number("kernel", kernel), number("stride", stride), number("padding", kernel/2), "bias = false", `in = "`+in+`"`) +
		node(norm, "batch-norm")
}

// TestBadFilesAreRefused: with the node, and what it must be.
func TestBadFilesAreRefused(t *testing.T) {
	dense := node("head", "dense", `out = "classes"`)
	for _, c := range []struct{ text, want string }{
		{"", "it has 0 tables [[node]]"},
		{"a = 1\n" + dense, "among 2 keys"},
		{"node = 1", "it has 0 tables"},
		{"[node]\nname = \"a\"", "line 1 is \"[node]\"; a line must be [[node]]"},
		{"a.b = 1", "line 1"},
		{dense + "in = [\n", "expected"},
		{strings.Repeat("a = [", 90), "line 1"},
		{dense + dense, `node 2, "head": a name must be new`},
		{node("input", "flatten") + dense, `node 1, "input": a name must be new`},
		{node("a b", "flatten") + dense, "letters, digits, dots"},
		{node("a", "conv3d") + dense, `node 1, "a": op is "conv3d"; it must be one of activation, add, average-pool, batch-norm`},
		{node("a", "input") + dense, "it must be one of"},
		{"[[node]]\nname = 3\nop = \"flatten\"\n" + dense, "name is 3; it must be a text in quotes"},
		{"[[node]]\nop = \"flatten\"\n" + dense, "name is missing"},
		{"[[node]]\nname = \"a\"\n" + dense, "op is missing"},
		{node("", "flatten") + dense, "a name must be new"},
		{node("a", "flatten", "kernel = 3") + dense, `node 1, "a": flatten has no setting "kernel"; it takes no settings`},
		{node("a", "conv2d", "out = 3", "kernal = 3") + dense, "kernel is missing; it must be a whole number"},
		{node("a", "conv2d", "out = 3", "kernel = 3", "dilation = 2") + dense, `no setting "dilation"; it takes out, kernel, stride`},
		{node("a", "conv2d", "out = 3", "kernel = [3]") + dense, "kernel is [3]; it must be a number, or height and width such as [3, 5]"},
		{node("a", "conv2d", "out = 3", "kernel = []") + dense, "kernel is []"},
		{node("a", "conv2d", "out = 3", "kernel = 3.5") + dense, "kernel is 3.5"},
		{node("a", "conv2d", "out = 0", "kernel = 3") + dense, "out is 0; it must be a whole number from 1"},
		{node("a", "conv2d", "out = 99999999", "kernel = 3") + dense, "from 1 to 65536"},
		{node("a", "conv2d", "out = 3", "kernel = 3", `bias = "no"`) + dense, "bias is no; it must be true or false"},
		{node("a", "dense", `out = "many"`) + dense, `or "classes"`},
		{node("a", "activation", `function = "sine"`) + dense, `function is "sine"; it must be one of`},
		{node("a", "activation", `in = "b"`) + dense, `node 1, "a": it reads "b"; it must read "input" or a node above it`},
		{node("a", "activation", "in = 3") + dense, "in is 3; it must be a name in quotes, or a list of names"},
		{node("a", "batch-norm", `epsilon = "small"`) + dense, "epsilon is small; it must be a number"},
		{node("a", "dropout", "probability = 1") + dense, "probability is 1; it must be at least 0 and below 1"},
		{node("a", "batch-norm", "epsilon = 0") + dense, "epsilon must be above 0"},
		{node("a", "average-pool", "global = true", "kernel = 2") + dense, `average-pool has no setting "kernel"; it takes kernel, stride, padding, or global`},
		// What the graph finds.
		{node("a", "max-pool", "kernel = 9") + dense, `node 1, "a": a kernel of 9x9 leaves nothing of an input of 4x6x6`},
		{node("a", "conv2d", "out = 6", "kernel = 3", "groups = 4") + dense, `node 1, "a": 4 channels to 6 in 4 groups; groups must divide both`},
		{node("a", "conv2d", "out = 3", "kernel = 1") + node("b", "add", `in = ["a", "input"]`) + dense, `node 2, "b": inputs 0 and 1 have shapes 3x6x6 and 4x6x6`},
		{node("a", "conv2d", "out = 3", "kernel = 1") + dense, "put a flatten before it"},
		{node("a", "conv2d", "out = 3", "kernel = 1"), "it must have one dimension"},
		{node("a", "conv2d", "out = 3", "kernel = 1") + node("b", "flatten", `in = "input"`) + dense, `node 1, "a": its output feeds no node`},
	} {
		m, err := models.Read([]byte(c.text))
		if err == nil {
			_, err = m.Graph(network.Shape{4, 6, 6}, 3, network.ReLU, network.PlayerKinds)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\nerror is %v, want one with %q", c.text, err, c.want)
		}
	}
}

// TestFilesOfNumbers: a graph without images takes samples of one dimension, whatever
// their shape.
func TestFilesOfNumbers(t *testing.T) {
	m, err := models.Read([]byte(node("a", "dense", "out = 5") + node("b", "activation") + node("c", "concat", `in = ["b", "input"]`) + node("head", "dense", `out = "classes"`)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Graph(network.Shape{1, 3, 4}, 2, network.Tanh, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := g.ParameterCount(), (12*5+5)+(17*2+2); got != want || m.Images || g.Nodes[2].Op.(*network.Activate).Function != network.Tanh {
		t.Errorf("%d parameters, want %d; images %v, activation %v", got, want, m.Images, g.Nodes[2].Op)
	}
}

// large finds numbers of units that take time.
var large = regexp.MustCompile("[0-9_]{3}")

func FuzzRead(f *testing.F) {
	f.Add([]byte(lenetFile))
	f.Add([]byte(resnetFile))
	f.Add([]byte(node("a", "conv2d", "out = 4", "kernel = [1, 2]", "depthwise = true") + node("p", "average-pool", "kernel = 2", "padding = 1") + node("f", "flatten") + node("h", "dense", "out = 3")))
	f.Add([]byte(node("a", "dense", "out = 4") + node("b", "batch-norm", "momentum = 0.5") + node("c", "concat", `in = ["a", "b"]`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := models.Read(text)
		if err != nil || large.Match(text) {
			return
		}
		g, err := m.Graph(network.Shape{2, 12, 12}, 3, network.ReLU, network.PlayerKinds)
		if err != nil {
			return
		}
		written, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		read, err := network.ReadGraph(written, func(*network.Graph) error { return nil })
		if err != nil {
			t.Fatalf("%s was read, and is refused as a graph: %v", text, err)
		}
		if read.ParameterCount() != g.ParameterCount() {
			t.Fatalf("%s has %d parameters, read back %d", text, g.ParameterCount(), read.ParameterCount())
		}
	})
}
