package network_test

import (
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// build makes a graph of nodes that read the node before them unless they say more.
func build(t *testing.T, players []network.PlayerKind, nodes ...network.Node) *network.Graph {
	t.Helper()
	g, err := network.NewGraph(chain(nodes), players)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// chain gives every node without inputs the one before it.
func chain(nodes []network.Node) []network.Node {
	for n := 1; n < len(nodes); n++ {
		if nodes[n].In == nil {
			nodes[n].In = []int{n - 1}
		}
	}
	return nodes
}

func input(shape ...int) network.Node {
	return network.Node{Name: "input", Op: &network.Input{Sample: shape}}
}

func dense(name string, out int, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Dense{Out: out}, In: in}
}

func activation(name string, function network.Activation, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Activate{Function: function}, In: in}
}

func add(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Add{}, In: in}
}

func concat(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Concat{}, In: in}
}

func flatten(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Flatten{}, In: in}
}

// all is every kind of player.
var all = network.PlayerKinds

// graphs returns networks of every operator, with odd widths, by name.
func graphs(t *testing.T) map[string]*network.Graph {
	return map[string]*network.Graph{
		"perceptron": build(t, all, input(5), dense("0", 7), activation("1", network.ReLU), dense("2", 3), activation("3", network.Tanh), dense("4", 2)),
		"one layer":  build(t, all, input(3), dense("0", 4)),
		"one unit":   build(t, all, input(1), dense("0", 1), activation("1", network.GELU), dense("2", 1)),
		// A stream of two producers: the gates of both are one.
		"residual": build(t, all, input(5),
			dense("stem", 6), activation("a", network.ReLU),
			dense("inner", 4), activation("b", network.GELU), dense("outer", 6), add("sum", 2, 5), activation("c", network.LeakyReLU), dense("head", 3)),
		// A sum of the producers themselves, before any activation.
		"sum of affine parts": build(t, all, input(4), dense("x", 5, 0), dense("y", 5, 0), add("sum", 1, 2), activation("a", network.Tanh), dense("head", 2)),
		"concat": build(t, all, input(5), dense("x", 3, 0), activation("a", network.ReLU, 1), dense("y", 4, 0), activation("b", network.Tanh, 3),
			concat("both", 2, 4), dense("head", 3)),
		"concat with the input": build(t, all, input(5), dense("x", 3, 0), activation("a", network.ReLU), concat("both", 2, 0), dense("head", 2)),
		// The sum splits the rows of z into those tied to x and those tied to y.
		"split": build(t, all, input(4), dense("x", 2, 0), dense("y", 3, 0), concat("both", 1, 2), dense("z", 5, 0), add("sum", 3, 4), activation("a", network.ReLU), dense("head", 2)),
		"image": build(t, all, input(2, 3, 2), flatten("flat"), dense("0", 4), activation("1", network.ReLU), dense("2", 3)),
		"twice": build(t, all, input(3), dense("x", 2, 0), activation("a", network.ReLU), concat("both", 2, 2), dense("head", 2)),
	}
}

// filled returns a network with random parameters and participations in (0, 1).
func filled(g *network.Graph, seed uint64) *network.Network {
	n, stream := network.New(g), random.New(seed, random.Testing, 0, 0)
	for _, v := range n.Parameters {
		for i := range v {
			v[i] = float32(stream.Normal())
		}
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(0.1 + 0.8*stream.Float64())
		}
	}
	return n
}

// samples returns rows random samples for a graph.
func samples(g *network.Graph, rows int, seed uint64) []float64 {
	stream, x := random.New(seed, random.Testing, 1, 0), make([]float64, rows*g.Inputs())
	for i := range x {
		x[i] = float64(float32(stream.Normal()))
	}
	return x
}
