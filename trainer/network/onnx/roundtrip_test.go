package onnx

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// drawn returns a network with random parameters, of which running variances are above 0.
func drawn(t testing.TB, nodes []network.Node) *network.Network {
	t.Helper()
	nodes = slices.Clone(nodes)
	for at := range nodes {
		if conv, is := nodes[at].Op.(*network.Conv2D); is && conv.Groups == 1 {
			usual := *conv
			usual.Groups = 0 // which is 1, too
			nodes[at].Op = &usual
		}
	}
	g, err := network.NewGraph(nodes, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	n, random := network.New(g), rand.New(rand.NewPCG(3, 4))
	for p, v := range n.Parameters {
		for i := range v {
			v[i] = float32(random.NormFloat64())
			if g.Params[p].Statistic {
				v[i] = 0.5 + v[i]*v[i]
			}
		}
	}
	return n
}

// written returns the file of a network.
func written(t testing.TB, m *Model, n *network.Network) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, data []byte) *Model {
	t.Helper()
	m, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// nodesOf describes the nodes of a graph.
func nodesOf(t testing.TB, g *network.Graph) string {
	t.Helper()
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRoundTrip: what is written reads back to the same graph and the same bits of
// parameters, and is then written as the same bytes.
func TestRoundTrip(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		t.Run(name, func(t *testing.T) {
			n := drawn(t, nodes)
			file := written(t, New(n), n)
			if again := written(t, New(n), n); !bytes.Equal(file, again) {
				t.Error("two files of one network differ")
			}
			m := read(t, file)
			sameNetwork(t, m.Network, n)
			if again := written(t, m, m.Network); !bytes.Equal(file, again) {
				t.Error("the file that was read is written otherwise")
			}
		})
	}
}

// TestRoundTripOfKinds: parameters come back in the kinds of number of their file, also where
// nodes compute in another one, and rounding once is enough.
func TestRoundTripOfKinds(t *testing.T) {
	for _, c := range []struct{ in, out, weights int64 }{
		{float16Kind, float16Kind, float16Kind}, {float32Kind, float32Kind, float16Kind}, {float32Kind, float32Kind, bfloat16Kind},
		{float64Kind, float64Kind, float64Kind}, {float16Kind, float32Kind, float16Kind}, {float32Kind, float64Kind, float64Kind}, {float16Kind, float16Kind, float32Kind},
	} {
		for name, nodes := range networktest.Nets() {
			n := drawn(t, nodes)
			m := New(n)
			m.inputKind, m.outputKind, m.kinds = c.in, c.out, map[string]int64{}
			for i, p := range n.Graph.Params {
				if i != 1 { // which is of the kind of the input
					m.kinds[p.Name] = c.weights
				}
			}
			m.Before, m.After = Standardise([]float64{0.25}, []float64{0.5}, slices.Repeat([]int{1}, len(m.Sample))), []Step{{Op: "Softmax"}}
			exact := n.Clone()
			m.Round(n)
			file := written(t, m, n)
			if again := written(t, m, exact); c.weights != float32Kind && !bytes.Equal(file, again) {
				t.Errorf("%s: parameters that were not rounded give another file", name)
			}
			back := read(t, file)
			sameNetwork(t, back.Network, n)
			if again := written(t, back, back.Network); !bytes.Equal(file, again) {
				t.Errorf("%s in %v: the file that was read is written otherwise", name, c)
			}
			if back.inputKind != c.in || back.outputKind != c.out || !slices.Equal(back.Kinds(), m.Kinds()) || !slices.Contains(back.Kinds(), kindName(c.weights)) {
				t.Errorf("%s: the file has input %s, output %s and parameters of %v, and had %v", name, kindName(back.inputKind), kindName(back.outputKind), back.Kinds(), c)
			}
		}
	}
	n := drawn(t, networktest.Nets()["lenet"])
	m := New(n)
	m.inputKind, m.outputKind = float16Kind, float16Kind
	n.Parameters[0][0] = 1e6
	if err := m.Write(new(bytes.Buffer), n); err == nil || !strings.Contains(err.Error(), "1e+06, more than float16 holds") {
		t.Errorf("error %v", err)
	}
}

func sameNetwork(t *testing.T, have, want *network.Network) {
	t.Helper()
	if have, want := nodesOf(t, have.Graph), nodesOf(t, want.Graph); have != want {
		t.Errorf("the graph is\n%s\nand was\n%s", have, want)
	}
	for p, v := range want.Parameters {
		if !slices.Equal(have.Parameters[p], v) {
			t.Errorf("%s is %v and was %v", want.Graph.Params[p].Name, have.Parameters[p], v)
		}
	}
}

// TestPrunedRoundTrip: what pruning leaves of a network that was read is written under the
// names of its file, and reads back to the same nodes and parameters.
func TestPrunedRoundTrip(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		t.Run(name, func(t *testing.T) {
			n := drawn(t, nodes)
			g, err := network.NewGraph(n.Nodes, network.PlayerKinds)
			if err != nil {
				t.Fatal(err)
			}
			whole := network.New(g)
			whole.Parameters = n.Parameters
			m := read(t, written(t, New(n), n))
			keep := make(network.Survivors, len(g.Gates))
			for i, gate := range g.Gates {
				keep[i] = network.Indices(gate.Players)[:(gate.Players+1)/2]
				if gate.Kind == network.Branches && name != "residual" { // whose branch stays
					keep[i] = []int{}
				}
			}
			small, err := whole.Keep(keep)
			if err != nil {
				t.Fatal(err)
			}
			if small, err = small.WithoutBranches(); err != nil {
				t.Fatal(err)
			}
			again := read(t, written(t, m, small)).Network
			if len(again.Nodes) != len(small.Nodes) {
				t.Fatalf("%d nodes became %d", len(small.Nodes), len(again.Nodes))
			}
			for at, node := range small.Nodes {
				if again.Nodes[at].Name != node.Name || !again.Nodes[at].Shape.Equal(node.Shape) {
					t.Errorf("node %s of %s became %s of %s", node.Name, node.Shape, again.Nodes[at].Name, again.Nodes[at].Shape)
				}
			}
			for p, v := range small.Parameters {
				if !slices.Equal(again.Parameters[p], v) {
					t.Errorf("%s differs", small.Graph.Params[p].Name)
				}
			}
			x := make([]float64, small.Graph.Inputs())
			for i := range x {
				x[i] = float64(i%7) - 3
			}
			if have, want := again.Values().Forward(x, 1).Output(0), small.Values().Forward(x, 1).Output(0); !slices.Equal(have, want) {
				t.Errorf("outputs are %v and were %v", have, want)
			}
		})
	}
}

// TestWriteRefuses what a file cannot hold.
func TestWriteRefuses(t *testing.T) {
	fresh := func() *network.Network { return drawn(t, networktest.Nets()["perceptron"]) }
	for name, change := range map[string]func(n *network.Network) *network.Network{
		"a participation": func(n *network.Network) *network.Network { n.Participations[0][2] = 0.5; return n },
		"no number":       func(n *network.Network) *network.Network { n.Parameters[1][0] /= 0; return n },
		"an empty layer": func(n *network.Network) *network.Network {
			small, err := n.Keep(network.Survivors{{}, nil})
			if err != nil {
				t.Fatal(err)
			}
			return small
		},
		"another input": func(*network.Network) *network.Network { return drawn(t, networktest.Nets()["one layer"]) },
	} {
		n := fresh()
		m := New(n)
		var b bytes.Buffer
		if err := m.Write(&b, change(n)); err == nil || b.Len() > 0 {
			t.Errorf("%s: error %v, and %d bytes are written", name, err, b.Len())
		}
	}
}
