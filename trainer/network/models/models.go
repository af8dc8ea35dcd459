// Package models makes networks of their names, such as lenet5, and of TOML files that
// describe a graph of operators.
//
// # Shortcuts of residual networks
//
// Where a stage changes the shape, the shortcut is a 1x1 convolution with a batch norm,
// option B of He et al. ("Deep Residual Learning for Image Recognition", CVPR 2016).
// Option A pads the channels of the stage before with zeros. It would make some channels
// of the wider stream the same as those of the narrower one, and leave the others alone:
// the convolutions that write to the wider stream would produce two classes, and neither
// could be removed apart from the other.
package models

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
)

// Model is a network whose inputs and outputs are not known yet.
type Model struct {
	// Hidden are the widths of the hidden layers of a multilayer perceptron, else nil.
	Hidden []int
	// Images says that samples have channels, a height and a width. Others have one
	// dimension.
	Images bool
	// Usual is the shape of the samples that the literature counts its parameters for.
	Usual network.Shape

	name string // for errors
	add  func(b *builder)
}

// The shapes of the samples of MNIST and of CIFAR-10.
var (
	mnist = network.Shape{1, 28, 28}
	cifar = network.Shape{3, 32, 32}
)

// Suffix is that of a file with a graph.
const Suffix = ".toml"

// Names says what [Parse] takes, for messages and help.
const Names = "mlp:512-256 (any hidden widths), lenet300, lenet5, vgg16, resnet20 (32, 56, 110 or any 6n+2; resnet14:8 for another base width than 16), or a graph in a .toml file"

// Parse returns the model that words mean: a name, or the path of a TOML file.
func Parse(words string) (*Model, error) {
	switch {
	case strings.HasSuffix(words, Suffix):
		return readFile(words)
	case words == "lenet300":
		return &Model{Hidden: []int{300, 100}, Usual: mnist, name: words}, nil
	case words == "lenet5":
		return &Model{Images: true, Usual: mnist, name: words, add: lenet5}, nil
	case words == "vgg16":
		return &Model{Images: true, Usual: cifar, name: words, add: vgg16}, nil
	case strings.HasPrefix(words, resnet):
		return parseResNet(words)
	}
	if hidden, err := network.Parse(words); err == nil || strings.HasPrefix(words, "mlp:") {
		return &Model{Hidden: hidden, Usual: mnist, name: words}, err
	}
	return nil, fmt.Errorf("there is no model %.40q; it must be %s", words, Names)
}

// readFile reads a model from a file.
func readFile(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; the description of a graph has at most %d", path, info.Size(), maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m.name = path
	return m, nil
}

// Graph returns the graph of a model for samples of a shape. The activation is that of
// nodes that name none. Errors name the node.
func (m *Model) Graph(sample network.Shape, outputs int, activation network.Activation, players []network.PlayerKind) (*network.Graph, error) {
	if m.Hidden != nil {
		return network.MLP(slices.Concat([]int{sample.Size()}, m.Hidden, []int{outputs}), activation, players)
	}
	if m.Images && len(sample) != 3 {
		return nil, fmt.Errorf("%s takes images of channels, height and width, and the samples are %s numbers without a shape; use data of images, or a model such as mlp:512-256", m.name, sample)
	}
	if !m.Images {
		sample = network.Shape{sample.Size()}
	}
	b := &builder{outputs: outputs, activation: activation}
	b.node(inputName, &network.Input{Sample: sample})
	m.add(b)
	g, err := network.NewGraph(b.nodes, players)
	if err != nil {
		return nil, fmt.Errorf("%s for samples of %s: %w", m.name, sample, err)
	}
	return g, nil
}

// inputName is the name of the first node.
const inputName = "input"

// builder makes the nodes of a graph.
type builder struct {
	nodes      []network.Node
	outputs    int
	activation network.Activation
}

// node adds a node that reads some others, or else the one before, and returns its place.
func (b *builder) node(name string, op network.Op, in ...int) int {
	if in == nil && len(b.nodes) > 0 {
		in = []int{len(b.nodes) - 1}
	}
	b.nodes = append(b.nodes, network.Node{Name: name, Op: op, In: in})
	return len(b.nodes) - 1
}

func (b *builder) activate(name string) int {
	return b.node(name, &network.Activate{Function: b.activation})
}

// head adds the classifier.
func (b *builder) head() { b.node("head", &network.Dense{Out: b.outputs}) }

// normed adds a convolution of a square kernel with a batch norm, which has its bias.
func (b *builder) normed(conv, norm string, out, kernel, stride int, in ...int) int {
	b.node(conv, &network.Conv2D{Out: out, Window: network.Square(kernel, stride, kernel/2)}, in...)
	return b.node(norm, network.PyTorchBatchNorm())
}

// lenet5 is LeNet-5 as Caffe has it and the literature prunes it, 20-50-800-500, with an
// activation after each convolution.
func lenet5(b *builder) {
	for i, filters := range []int{20, 50} {
		b.node(fmt.Sprintf("conv%d", i+1), &network.Conv2D{Out: filters, Window: network.Square(5, 1, 0), Bias: true})
		b.activate(fmt.Sprintf("act%d", i+1))
		b.node(fmt.Sprintf("pool%d", i+1), &network.MaxPool{Window: network.Square(2, 2, 0)})
	}
	b.node("flatten", &network.Flatten{})
	b.node("fc1", &network.Dense{Out: 500})
	b.activate("act3")
	b.head()
}

// vgg16 is VGG-16 for images of 32x32, with batch norms and one dense layer.
func vgg16(b *builder) {
	for i, widths := range [][]int{{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}} {
		stage := fmt.Sprintf("stage%d.", i+1)
		for j, width := range widths {
			b.normed(fmt.Sprintf("%sconv%d", stage, j+1), fmt.Sprintf("%sbn%d", stage, j+1), width, 3, 1)
			b.activate(fmt.Sprintf("%sact%d", stage, j+1))
		}
		b.node(stage+"pool", &network.MaxPool{Window: network.Square(2, 2, 0)})
	}
	b.node("flatten", &network.Flatten{})
	b.head()
}

const resnet = "resnet"

// The limits of a residual network, as those of the widths of perceptrons.
const (
	deepest     = 1202 // the deepest one of the paper
	widest      = 4096
	usualWidth  = 16
	depthsWords = "resnetN or resnetN:WIDTH, N = 6n+2 from 8 to 1202 and WIDTH from 2 to 4096, such as resnet20 or resnet14:8"
)

// parseResNet reads resnetN[:WIDTH].
func parseResNet(words string) (*Model, error) {
	depth, width, given := strings.Cut(strings.TrimPrefix(words, resnet), ":")
	n, err := strconv.ParseUint(depth, 10, 16)
	w := uint64(usualWidth)
	if given && err == nil {
		w, err = strconv.ParseUint(width, 10, 16)
	}
	if err != nil || n < 8 || n > deepest || n%6 != 2 || w < 2 || w > widest {
		return nil, fmt.Errorf("there is no model %.40q; it must be %s", words, depthsWords)
	}
	return &Model{Images: true, Usual: cifar, name: words, add: func(b *builder) { residual(b, int(n-2)/6, int(w)) }}, nil
}

// residual is the residual network of He et al. for small images: three stages of so many
// blocks, with twice the width and half the height and width of the stage before.
func residual(b *builder, blocks, width int) {
	b.normed("conv1", "bn1", width, 3, 1)
	stream, channels := b.activate("act1"), width
	for stage := range 3 {
		for block := range blocks {
			out, stride := width<<stage, 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			at := fmt.Sprintf("stage%d.block%d.", stage+1, block+1)
			b.normed(at+"conv1", at+"bn1", out, 3, stride, stream)
			b.activate(at + "act1")
			branch := b.normed(at+"conv2", at+"bn2", out, 3, 1)
			if out != channels {
				stream, channels = b.normed(at+"shortcut.conv", at+"shortcut.bn", out, 1, stride, stream), out
			}
			b.node(at+"add", &network.Add{}, branch, stream)
			stream = b.activate(at + "act2")
		}
	}
	b.node("pool", &network.AveragePool{Global: true})
	b.node("flatten", &network.Flatten{})
	b.head()
}
