package network_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// gate is what a test expects of one: its name, kind and number of players, and the
// nodes whose output it multiplies.
type gate struct {
	name   string
	kind   network.PlayerKind
	units  int
	points string
}

func gatesOf(g *network.Graph) []gate {
	var gates []gate
	for _, from := range g.Gates {
		var points []string
		for _, n := range from.Points {
			points = append(points, g.Nodes[n].Name)
		}
		gates = append(gates, gate{from.Name, from.Kind, from.Players, strings.Join(points, " ")})
	}
	return gates
}

func TestGatesFollowFromTies(t *testing.T) {
	in, neurons, channels, filters, features, branches := network.Inputs, network.Neurons, network.Channels, network.Filters, network.Features, network.Branches
	want := map[string][]gate{
		"perceptron":            {{"input", in, 5, "input"}, {"0", neurons, 7, "0"}, {"2", neurons, 3, "2"}},
		"one layer":             {{"input", in, 3, "input"}},
		"one unit":              {{"input", in, 1, "input"}, {"0", neurons, 1, "0"}},
		"residual":              {{"input", in, 5, "input"}, {"stem", channels, 6, "stem outer"}, {"inner", neurons, 4, "inner"}, {"sum.branch", branches, 1, "sum.branch"}},
		"residual of one layer": {{"input", in, 4, "input"}, {"x", channels, 5, "x y"}, {"sum.branch", branches, 1, "sum.branch"}},
		"sum of affine parts":   {{"input", in, 4, "input"}, {"x", channels, 5, "x y"}, {"sum.branch", branches, 1, "sum.branch"}},
		"concat":                {{"input", in, 5, "input"}, {"x", neurons, 3, "x"}, {"y", neurons, 4, "y"}},
		"concat with the input": {{"input", in, 5, "input"}, {"x", neurons, 3, "x"}},
		"split":                 {{"input", in, 4, "input"}}, // z holds two classes, so neither is gated
		"image":                 {{"input", in, 2, "input"}, {"flat", features, 12, "flat"}, {"0", neurons, 4, "0"}},
		"cut image":             {{"input", in, 3, "input"}, {"flat", features, 4, "flat"}, {"0", neurons, 5, "0"}},
		"twice":                 {{"input", in, 3, "input"}, {"x", neurons, 2, "x"}},
		"lenet":                 {{"input", in, 1, "input"}, {"conv1", filters, 3, "conv1"}, {"conv2", filters, 4, "conv2"}, {"flat", features, 64, "flat"}, {"fc", neurons, 5, "fc"}},
		"residual of images":    {{"input", in, 2, "input"}, {"stem", channels, 4, "n0 n2"}, {"c1", filters, 3, "n1"}, {"sum.branch", branches, 1, "sum.branch"}, {"c3", channels, 5, "n3 n4"}},
		"norms first":           {{"input", in, 1, "input"}, {"stem", channels, 3, "stem n1 c1 n2"}, {"sum.branch", branches, 1, "sum.branch"}, {"flat", features, 12, "flat"}},
		"depthwise":             {{"input", in, 2, "input"}, {"up", filters, 6, "n1 n2"}, {"down", filters, 3, "down"}, {"flat", features, 36, "flat"}},
		"groups":                {{"input", in, 2, "input"}, {"c2", filters, 3, "c2"}},                           // groups of several channels stay
		"concat of images":      {{"input", in, 2, "input"}, {"c1", filters, 2, "c1"}, {"c2", filters, 3, "c2"}}, // its features are of two classes
		"pixel":                 {{"input", in, 1, "input"}, {"c", filters, 1, "n"}},
		"dropout":               {{"input", in, 2, "input"}, {"c", filters, 3, "c"}, {"flat", features, 18, "flat"}, {"fc", neurons, 5, "fc"}},
		"norm of numbers":       {{"input", in, 4, "input"}, {"x", neurons, 5, "n"}},
		"sum twice":             {{"input", in, 3, "input"}, {"x", neurons, 4, "x"}},
	}
	for name, g := range graphs() {
		if got := gatesOf(g); !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s: gates are %v, want %v", name, got, want[name])
		}
	}
}

// TestFeaturesAreFinerThanTheirChannels: flattened features are units of their own, each
// of which is removed with its channel.
func TestFeaturesAreFinerThanTheirChannels(t *testing.T) {
	g := graphs()["image"] // of 2 channels of 6 numbers
	isClass := func(units int) bool {
		return slices.ContainsFunc(g.Classes, func(c network.Class) bool { return c.Units == units })
	}
	if !isClass(2) || !isClass(12) {
		t.Errorf("no class has the 2 channels and another the 12 features: %+v", g.Classes)
	}
	cut, err := g.Cut(network.Survivors{{1}, nil, nil})
	if err != nil {
		t.Fatal(err)
	}
	const flatten = 1
	if got, want := cut.Nodes[flatten], []int{6, 7, 8, 9, 10, 11}; !slices.Equal(got, want) {
		t.Errorf("of channel 1 the features %v stay, want %v", got, want)
	}
}

func TestInputsThatCannotFoldAreNoPlayers(t *testing.T) {
	for name, nodes := range map[string][]network.Node{
		"an activation of the input": {input(3), activation("a", network.ReLU), dense("x", 2)},
		"a sum with the input":       {input(3), dense("x", 3), add("sum", 0, 1), dense("head", 2)},
	} {
		for _, g := range build(t, all, nodes...).Gates {
			if g.Kind == network.Inputs {
				t.Errorf("%s: the inputs have a gate", name)
			}
		}
	}
}

func TestOnlyTheNamedKindsAreGated(t *testing.T) {
	g := build(t, network.DefaultPlayers, input(5), dense("0", 7), activation("1", network.ReLU), dense("2", 3))
	if got := gatesOf(g); !reflect.DeepEqual(got, []gate{{"0", network.Neurons, 7, "0"}}) {
		t.Errorf("gates are %v, want those of neurons alone", got)
	}
}

func TestBadGraphsAreRefusedByNode(t *testing.T) {
	for _, c := range []struct {
		nodes []network.Node
		want  string
	}{
		{[]network.Node{input(3)}, "must have an input and one more"},
		{[]network.Node{dense("a", 2), dense("b", 2)}, `node 0, "a"`},
		{[]network.Node{input(3), dense("a", 2), input(3)}, `node 2, "input"`},
		{[]network.Node{input(3), dense("a", 2), dense("a", 2)}, `node 2, "a": its name is empty or taken`},
		{[]network.Node{input(3), dense("a", 2, 1)}, "must be an earlier node"},
		{[]network.Node{input(0), dense("a", 2)}, "it must have one number at least"},
		{[]network.Node{input(2, 2), dense("a", 2)}, "put a flatten before it"},
		{[]network.Node{input(3), dense("a", -1)}, "out is -1"},
		{[]network.Node{input(3), dense("a", 2), add("b", 0, 1), dense("c", 1)}, "shapes 3 and 2"},
		{[]network.Node{input(3), add("b", 0), dense("c", 1)}, "takes two inputs at least"},
		{[]network.Node{input(3), activation("b", "sine"), dense("c", 1)}, `function is "sine"`},
		{[]network.Node{input(3, 2), flatten("f"), concat("b", 0, 1), dense("c", 1)}, "may differ in the first dimension alone"},
		{[]network.Node{input(3), dense("a", 2, 0), dense("b", 2, 0)}, `node 1, "a": its output feeds no node`},
		{[]network.Node{input(3, 2), activation("a", network.ReLU)}, "must have one dimension"},
		{[]network.Node{input(3), flatten("a")}, "has no parameters"},
		{[]network.Node{input(3), kept("a", 0, 2), dense("b", 2)}, "features of one number"},
	} {
		_, err := network.NewGraph(networktest.Chain(c.nodes...), all)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
}

// kept returns a flatten that keeps some features.
func kept(name string, features ...int) network.Node {
	return network.Node{Name: name, Op: &network.Flatten{Keep: features}}
}

func anySize(*network.Graph) error { return nil }

// smallSize is what fuzzing has memory for.
func smallSize(g *network.Graph) error {
	if g.Entries() > 1<<16 {
		return errors.New("too large for a test")
	}
	return nil
}

func TestGraphsSurviveJSON(t *testing.T) {
	for name, g := range graphs() {
		for _, g := range []*network.Graph{g, half(t, g).Graph} {
			text, err := json.Marshal(g)
			if err != nil {
				t.Fatal(err)
			}
			read, err := network.ReadGraph(text, anySize)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !reflect.DeepEqual(gatesOf(read), gatesOf(g)) || !reflect.DeepEqual(read.Sizes(), g.Sizes()) {
				t.Errorf("%s: read back with gates %v and sizes %v, want %v and %v", name, gatesOf(read), read.Sizes(), gatesOf(g), g.Sizes())
			}
			if again, err := json.Marshal(read); err != nil || string(again) != string(text) {
				t.Errorf("%s: written as %s and then as %s, %v", name, text, again, err)
			}
		}
	}
}

func FuzzGraph(f *testing.F) {
	f.Add([]byte(`{"nodes":[{"name":"input","op":"input","set":{"sample":[2,3]}},{"name":"f","op":"flatten","in":["input"],"set":{"keep":[1,4]}},{"name":"d","op":"dense","in":["f"],"set":{"out":2}}],"players":["inputs"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, err := network.ReadGraph(text, smallSize)
		if err != nil {
			return
		}
		written, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := network.ReadGraph(written, smallSize); err != nil {
			t.Fatalf("%s was read and %s is refused: %v", text, written, err)
		}
	})
}

// half keeps every second player of each gate, the first included.
func half(t *testing.T, g *network.Graph) *network.Cut {
	t.Helper()
	keep := make(network.Survivors, len(g.Gates))
	for i, gate := range g.Gates {
		keep[i] = []int{}
		for p := 0; p < gate.Players; p += 2 {
			keep[i] = append(keep[i], p)
		}
	}
	c, err := g.Cut(keep)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSizes(t *testing.T) {
	for name, g := range graphs() {
		if name == "cut image" { // whose channels have unequal numbers of features
			continue
		}
		c := half(t, g)
		sizes := g.SizesWith(c.Graph.Widths())
		if got, want := g.ParametersAt(sizes), c.Graph.ParameterCount(); got != want {
			t.Errorf("%s: %d parameters at the sizes that are left, the cut graph has %d", name, got, want)
		}
		if got, want := g.MACsAt(sizes), c.Graph.MACs(); got != want {
			t.Errorf("%s: %d multiplications at the sizes that are left, the cut graph has %d", name, got, want)
		}
	}
	// 784-512-256-10, by hand.
	g, err := network.MLP([]int{784, 512, 256, 10}, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	if g.ParameterCount() != 535818 || g.MACs() != 535040 {
		t.Errorf("%d parameters and %d multiplications, want 535818 and 535040", g.ParameterCount(), g.MACs())
	}
	// The stream of a residual block costs rows and columns of both its layers: a channel
	// of 6 has 5 + 1 in the stem, 4 columns inside, 4 + 1 outside and 3 in the head.
	r := graphs()["residual"]
	sizes := r.Sizes()
	sizes[r.Gates[1].Class]--
	if got := r.ParameterCount() - r.ParametersAt(sizes); got != 18 {
		t.Errorf("a channel of the stream costs %d parameters, want 18", got)
	}
}

func TestNeuronsThatAddToFeaturesAreNoPlayers(t *testing.T) {
	// Participations of neurons do not scale the features in the sum. That of a branch does not either.
	g := build(t, network.DefaultPlayers, input(2, 3), flatten("flat"), dense("x", 6), add("sum", 1, 2), dense("head", 2))
	if len(g.Gates) != 0 {
		t.Errorf("gates are %v, want none", gatesOf(g))
	}
}
