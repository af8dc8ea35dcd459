// Package networktest has graphs for tests: perceptrons, and small networks of every
// operator with odd widths.
package networktest

import (
	"math"

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
	for p, v := range n.Parameters {
		for i := range v {
			v[i] = Draw(g.Params[p], draw.Normal())
		}
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(draw.Float64())
		}
	}
	return n
}

// Draw makes a number of a parameter of a standard normal one: a positive one for a variance,
// for a convolution one that keeps the scale of images, else itself.
func Draw(p network.Param, normal float64) float32 {
	switch {
	case p.Statistic && p.Initial > 0:
		normal = math.Exp(normal / 2)
	case len(p.Shape) > 2:
		normal /= math.Sqrt(float64(network.Shape(p.Shape[1:]).Size()))
	}
	return float32(normal)
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

// Conv returns a convolution without a bias.
func Conv(name string, out int, window network.Window, groups int, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Conv2D{Out: out, Window: window, Groups: groups}, In: in}
}

// BiasedConv returns a convolution with a bias.
func BiasedConv(name string, out int, window network.Window, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Conv2D{Out: out, Window: window, Bias: true}, In: in}
}

// Norm returns a batch norm.
func Norm(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: network.PyTorchBatchNorm(), In: in}
}

// Max returns a max pool.
func Max(name string, window network.Window, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.MaxPool{Window: window}, In: in}
}

// Average returns an average pool.
func Average(name string, window network.Window, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.AveragePool{Window: window}, In: in}
}

// GlobalAverage returns an average pool of whole images.
func GlobalAverage(name string, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.AveragePool{Global: true}, In: in}
}

// Drop returns a dropout.
func Drop(name string, probability float64, in ...int) network.Node {
	return network.Node{Name: name, Op: &network.Dropout{Probability: probability}, In: in}
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
		"lenet": Chain(Input(1, 9, 8), BiasedConv("conv1", 3, network.Square(3, 1, 0)), Max("pool1", network.Square(2, 2, 0)), Activate("a", network.ReLU),
			BiasedConv("conv2", 4, network.Square(2, 1, 1)), Activate("b", network.Tanh), Flatten("flat"), Dense("fc", 5), Activate("c", network.ReLU), Dense("head", 3)),
		// A stream of two producers with batch norms, and a branch that strides.
		"residual of images": Chain(Input(2, 5, 6), Conv("stem", 4, network.Square(3, 1, 1), 1), Norm("n0"), Activate("a0", network.ReLU),
			Conv("c1", 3, network.Square(3, 1, 1), 1), Norm("n1"), Activate("a1", network.ReLU), Conv("c2", 4, network.Square(3, 1, 1), 1), Norm("n2"), Add("sum", 3, 8), Activate("a2", network.LeakyReLU),
			Conv("c3", 5, network.Square(3, 2, 1), 1), Norm("n3"), Activate("a3", network.ReLU), Conv("short", 5, network.Square(1, 2, 0), 1, 10), Norm("n4"), Add("sum2", 13, 15),
			GlobalAverage("mean"), Flatten("flat"), Dense("head", 3)),
		// The norms read the stream itself, so each is a point of its gate.
		"norms first": Chain(Input(1, 4, 4), Conv("stem", 3, network.Square(3, 1, 1), 1), Norm("n1"), Activate("a1", network.ReLU), Conv("c1", 3, network.Square(3, 1, 1), 1),
			Add("sum", 1, 4), Norm("n2"), Activate("a2", network.ReLU), Average("pool", network.Square(3, 2, 1)), Flatten("flat"), Dense("head", 2)),
		"depthwise": Chain(Input(2, 5, 4), BiasedConv("up", 6, network.Square(1, 1, 0)), Norm("n1"), Activate("a", network.ReLU), network.Node{Name: "deep", Op: &network.Conv2D{Out: 6, Window: network.Square(3, 2, 1), Depthwise: true}}, Norm("n2"), Activate("b", network.ReLU),
			BiasedConv("down", 3, network.Square(1, 1, 0)), Activate("c", network.ReLU), Max("pool", network.Square(2, 1, 1)), Flatten("flat"), Dense("head", 2)),
		// Two groups, whose channels cannot be removed; a kernel as large as the image, and
		// strides beyond the kernel.
		"groups": Chain(Input(2, 4, 5), BiasedConv("c0", 4, network.Window{Kernel: [2]int{2, 1}, Stride: [2]int{2, 3}}), Conv("c1", 6, network.Square(1, 1, 0), 2), Activate("a", network.GELU),
			BiasedConv("c2", 3, network.Window{Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}}), Activate("b", network.ReLU), Flatten("flat"), Dense("head", 2)),
		// Flattened features of two convolutions, which leave with the filters of either.
		"concat of images": Chain(Input(2, 4, 5), Conv("c1", 2, network.Square(1, 1, 0), 1, 0), Conv("c2", 3, network.Square(3, 1, 1), 1, 0), Concat("both", 1, 2), Activate("a", network.ReLU),
			Max("pool", network.Square(2, 2, 0)), Flatten("flat"), Dense("head", 2)),
		// One pixel, one channel, one filter.
		"pixel":           Chain(Input(1, 1, 1), BiasedConv("c", 1, network.Square(3, 1, 1)), Norm("n"), Activate("a", network.Tanh), Flatten("flat"), Dense("head", 2)),
		"dropout":         Chain(Input(2, 3, 4), BiasedConv("c", 3, network.Square(2, 1, 0)), Activate("a", network.ReLU), Drop("d", 0.25), Flatten("flat"), Dense("fc", 5), Activate("b", network.Tanh), Drop("e", 0.5), Dense("head", 2)),
		"norm of numbers": Chain(Input(4), Dense("x", 5), Norm("n"), Activate("a", network.ReLU), Dense("head", 3)),
		"twice":           Chain(Input(3), Dense("x", 2, 0), Activate("a", network.ReLU), Concat("both", 2, 2), Dense("head", 2)),
	}
}
