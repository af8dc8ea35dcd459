// Package networktest has graphs for tests: perceptrons, and small networks of every
// operator with odd widths.
package networktest

import (
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// Perceptron returns a network of rectifiers whose hidden neurons are players, of the
// given widths from the inputs to the outputs. Its parameters are zero: those of layer l
// are number 2l, the weights, and 2l+1, the biases.
func Perceptron(widths ...int) *network.Network {
	return network.New(PerceptronOf(network.ReLU, widths...))
}

// PerceptronOf returns the graph of one with another activation.
func PerceptronOf(a network.Activation, widths ...int) *network.Graph {
	return must(network.MLP(widths, a, network.DefaultPlayers))
}

// Random returns a network of a graph with standard normal parameters and uniform
// participations in [0,1), always the same.
func Random(g *network.Graph) *network.Network {
	draw := random.New(9, random.Testing, 0, 0)
	n := network.New(g)
	for _, v := range n.Parameters {
		for i := range v {
			v[i] = float32(draw.Normal())
		}
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(draw.Float64())
		}
	}
	return n
}

// PerceptronKinds are the operators of a perceptron.
var PerceptronKinds = []network.Kind{network.InputKind, network.DenseKind, network.ActivationKind}

// Build returns the graph of nodes that read the node before them unless they say more,
// with players of all kinds.
func Build(nodes ...network.Node) *network.Graph {
	return must(network.NewGraph(Chain(nodes...), network.PlayerKinds))
}

func must(g *network.Graph, err error) *network.Graph {
	if err != nil {
		panic(err) // a mistake in a test
	}
	return g
}

// Chain gives every node without inputs the one before it.
func Chain(nodes ...network.Node) []network.Node {
	for n := 1; n < len(nodes); n++ {
		if nodes[n].In == nil {
			nodes[n].In = []int{n - 1}
		}
	}
	return nodes
}

// Input returns the node of samples of a shape.
func Input(shape ...int) network.Node {
	return network.Node{Name: "input", Op: &network.Input{Sample: shape}}
}

// Dense returns a dense layer.
func Dense(name string, out int, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Dense{Out: out}, In: in}
}

// Activate returns an activation.
func Activate(name string, function network.Activation, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Activate{Function: function}, In: in}
}

// Add returns a sum.
func Add(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Add{}, In: in}
}

// Concat returns a concatenation.
func Concat(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Concat{}, In: in}
}

// Flatten returns a flatten.
func Flatten(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Flatten{}, In: in}
}

// Nets returns the nodes of networks of every operator, by name.
func Nets() map[string][]network.Node {
	return map[string][]network.Node{
		"perceptron": Chain(Input(5), Dense("0", 7), Activate("1", network.ReLU), Dense("2", 3), Activate("3", network.Tanh), Dense("4", 2)),
		"one layer":  Chain(Input(3), Dense("0", 4)),
		"one unit":   Chain(Input(1), Dense("0", 1), Activate("1", network.GELU), Dense("2", 2)),
		// A stream of two producers: the gates of both are one.
		"residual": Chain(Input(5),
			Dense("stem", 6), Activate("a", network.ReLU),
			Dense("inner", 4), Activate("b", network.GELU), Dense("outer", 6), Add("sum", 2, 5), Activate("c", network.LeakyReLU), Dense("head", 3)),
		// A weight whose rows and columns are one class.
		"residual of one layer": Chain(Input(4), Dense("x", 5), Activate("a", network.ReLU), Dense("y", 5), Add("sum", 2, 3), Activate("b", network.Tanh), Dense("head", 2)),
		// A sum of the producers themselves, before any activation.
		"sum of affine parts": Chain(Input(4), Dense("x", 5, 0), Dense("y", 5, 0), Add("sum", 1, 2), Activate("a", network.Tanh), Dense("head", 2)),
		"sum twice":           Chain(Input(3), Dense("x", 4), Activate("a", network.ReLU), Add("sum", 2, 2, 2), Dense("head", 2)),
		"concat": Chain(Input(5), Dense("x", 3, 0), Activate("a", network.ReLU, 1), Dense("y", 4, 0), Activate("b", network.Tanh, 3),
			Concat("both", 2, 4), Dense("head", 3)),
		"concat with the input": Chain(Input(5), Dense("x", 3, 0), Activate("a", network.ReLU), Concat("both", 2, 0), Dense("head", 2)),
		// The sum splits the rows of z into those tied to x and those tied to y.
		"split": Chain(Input(4), Dense("x", 2, 0), Dense("y", 3, 0), Concat("both", 1, 2), Dense("z", 5, 0), Add("sum", 3, 4), Activate("a", network.ReLU), Dense("head", 2)),
		"image": Chain(Input(2, 3, 2), Flatten("flat"), Dense("0", 4), Activate("1", network.ReLU), Dense("2", 3)),
		// Some channels and some features of others are gone already.
		"cut image": Chain(network.Node{Name: "input", Op: &network.Input{Sample: network.Shape{4, 3}, Keep: []int{0, 2, 3}}},
			network.Node{Name: "flat", Op: &network.Flatten{Keep: []int{0, 1, 4, 8}}}, Dense("0", 5), Activate("1", network.ReLU), Dense("2", 3)),
		"twice": Chain(Input(3), Dense("x", 2, 0), Activate("a", network.ReLU), Concat("both", 2, 2), Dense("head", 2)),
	}
}
