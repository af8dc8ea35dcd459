package pytorch

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"nashprune/trainer/network"
)

// named says how a graph is named where it does not follow.
const named = "name the network with --model, by a name or a .toml file (nashprune help networks)"

// Derive returns the network of modules whose graph follows from names and shapes: a sequence
// of dense layers, with an activation that is assumed between them, or the residual networks
// and VGGs of torchvision. Samples have the given shape. It says what was derived and what
// was assumed.
func (s *State) Derive(sample network.Shape, activation network.Activation, players []network.PlayerKind) (*network.Network, string, error) {
	if !slices.ContainsFunc(s.modules, func(m module) bool { return !m.dense() }) {
		return s.perceptron(activation, players)
	}
	for _, family := range []func(network.Shape, network.Activation, []network.PlayerKind) (*network.Network, string, bool, error){s.residual, s.vgg} {
		if n, words, ok, err := family(sample, activation, players); ok {
			return n, words, err
		}
	}
	return nil, "", fmt.Errorf("the graph does not follow from the names and shapes of %.300s; %s", s.list(), named)
}

// dense reports whether a module is a Linear with a bias.
func (m module) dense() bool {
	weight, bias := m.tensors["weight"].Shape, m.tensors["bias"].Shape
	return len(m.tensors) == 2 && len(weight) == 2 && len(bias) == 1 && bias[0] == weight[0]
}

// perceptron returns the network of a sequence of dense layers.
func (s *State) perceptron(activation network.Activation, players []network.PlayerKind) (*network.Network, string, error) {
	layers, err := s.ordered(s.modules)
	if err != nil {
		return nil, "", err
	}
	if len(layers) > network.MaxHidden+1 {
		return nil, "", fmt.Errorf("the file has %d dense layers; it must have %d at most", len(layers), network.MaxHidden+1)
	}
	b := builder{nodes: []network.Node{{Name: "input", Op: &network.Input{Sample: network.Shape{layers[0].tensors["weight"].Shape[1]}}}}}
	widths := []string{strconv.Itoa(b.nodes[0].Op.(*network.Input).Sample[0])}
	for l, m := range layers {
		shape := m.tensors["weight"].Shape
		if l > 0 {
			last := layers[l-1]
			if before := last.tensors["weight"].Shape[0]; before != shape[1] {
				return nil, "", fmt.Errorf("module %.80q reads %d numbers and %.80q before it gives %d; a sequence of dense layers must fit; %s", m.name, shape[1], last.name, before, named)
			}
			if gap, ok := between(last.name, m.name); ok && gap == 0 {
				return nil, "", fmt.Errorf("modules %.80q and %.80q have no place between them for an activation; %s", last.name, m.name, named)
			}
			b.add(after(last.name, "act"), &network.Activate{Function: activation})
		}
		b.add(m.name, &network.Dense{Out: shape[0]})
		widths = append(widths, strconv.Itoa(shape[0]))
	}
	n, err := s.built(b, players)
	return n, fmt.Sprintf("the graph is derived: dense layers %s; assumed: the activation %s between them (--activation names another)", strings.Join(widths, "-"), activation), err
}

// builder makes nodes that each read the one before, unless they name others.
type builder struct{ nodes []network.Node }

func (b *builder) add(name string, op network.Op, in ...int) int {
	if in == nil {
		in = []int{len(b.nodes) - 1}
	}
	b.nodes = append(b.nodes, network.Node{Name: name, Op: op, In: in})
	return len(b.nodes) - 1
}

// built returns the network of nodes, which must have the tensors of the modules.
func (s *State) built(b builder, players []network.PlayerKind) (*network.Network, error) {
	g, err := network.NewGraph(b.nodes, players)
	if err != nil {
		return nil, fmt.Errorf("the network that names and shapes suggest does not fit together: %w; %s", err, named)
	}
	modules := map[string]module{}
	for _, m := range s.modules {
		modules[m.name] = m
	}
	for n, node := range g.Nodes {
		if len(node.Params) == 0 {
			continue
		}
		if has := modules[node.Name].words(); has != wordsOf(g, n) {
			return nil, fmt.Errorf("module %.80q has %s, and must have %s by the other modules; %s", node.Name, has, wordsOf(g, n), named)
		}
		delete(modules, node.Name)
	}
	for name := range modules {
		return nil, fmt.Errorf("module %.80q has no place in the network that names and shapes suggest; %s", name, named)
	}
	return s.network(g), nil
}

// place returns the number that the name of a module of a Sequential ends with.
func place(name string) (int, bool) {
	n, err := strconv.Atoi(path.Base(strings.ReplaceAll(name, ".", "/")))
	return n, err == nil
}

// between returns how many modules without parameters are between two of a Sequential; ok
// is false where names do not say it.
func between(a, b string) (gap int, ok bool) {
	m, first := place(a)
	n, second := place(b)
	return n - m - 1, first && second && container(a) == container(b)
}

// container returns the name of the module that holds a module.
func container(name string) string { return name[:strings.LastIndexByte("."+name, '.')] }

// after names a node without parameters behind a module: by the next place of a Sequential,
// or by a word.
func after(name, word string) string {
	if n, ok := place(name); ok {
		return container(name) + strconv.Itoa(n+1)
	}
	return name + "." + word
}
