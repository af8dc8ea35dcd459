package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MLP returns the graph of a multilayer perceptron of the given widths: inputs, hidden
// layers, outputs; at least two numbers. Nodes are named as the places of
// torch.nn.Sequential(Linear, ReLU, Linear, ...) are: dense layers 0, 2, 4, activations
// between them 1, 3.
func MLP(widths []int, function Activation, players []PlayerKind) (*Graph, error) {
	nodes := []Node{{Name: "input", Op: &Input{Sample: Shape{widths[0]}}}}
	add := func(op Op) {
		nodes = append(nodes, Node{Name: strconv.Itoa(len(nodes) - 1), Op: op, In: []int{len(nodes) - 1}})
	}
	for l, width := range widths[1:] {
		if l > 0 {
			add(&Activate{function})
		}
		add(&Dense{width})
	}
	return NewGraph(nodes, players)
}

// HiddenWidths returns the widths of the hidden layers and the activation of a graph as
// [MLP] makes them; ReLU where there is no hidden layer. ok is false for other graphs.
func (g *Graph) HiddenWidths() (hidden []int, function Activation, ok bool) {
	function = ReLU
	for n, node := range g.Nodes[1:] {
		if !slices.Equal(node.In, []int{n}) || node.Name != strconv.Itoa(n) {
			return nil, "", false
		}
		switch op := node.Op.(type) {
		case *Dense:
			if n%2 != 0 {
				return nil, "", false
			}
			hidden = append(hidden, op.Out)
		case *Activate:
			if n%2 != 1 || n > 1 && op.Function != function {
				return nil, "", false
			}
			function = op.Function
		default:
			return nil, "", false
		}
	}
	return hidden[:len(hidden)-1], function, len(g.Nodes)%2 == 0 && len(g.Nodes[0].Shape) == 1
}

// MaxHidden is how many hidden layers a perceptron may have.
const MaxHidden = 64

// The limits of a model. A layer of one neuron cannot be pruned without cutting
// the network in two, and past the upper limits the widths are a slip of the
// finger: one layer of 65536 on another has 2^32 weights.
const (
	minWidth = 2
	maxWidth = 65536
)

// family is what a model begins with: a multilayer perceptron.
const family = "mlp:"

// Parse returns the widths of the hidden layers, from the inputs up, of a model
// such as "mlp:512-256": 1 to 64 layers of 2 to 65536 neurons. How many
// parameters that makes depends on the data set and is not looked at.
func Parse(model string) (hidden []int, err error) {
	list, found := strings.CutPrefix(model, family)
	if !found {
		return nil, fmt.Errorf("model %.40q: want %q and the widths of the hidden layers, such as \"mlp:512-256\"", model, family)
	}
	if layers := strings.Count(list, "-") + 1; layers > MaxHidden {
		return nil, fmt.Errorf("model %.40q: it has %d hidden layers, more than %d", model, layers, MaxHidden)
	}
	if hidden, err = ParseWidths(list, minWidth); err != nil {
		return nil, fmt.Errorf("model %.40q: hidden %w", model, err)
	}
	return hidden, nil
}

// ParseWidths is the inverse of [JoinWidths], for numbers from least to 65536.
func ParseWidths(list string, least int) (widths []int, err error) {
	for l, text := range strings.Split(list, "-") {
		// ParseUint takes neither signs nor spaces, and reports what overflows.
		width, err := strconv.ParseUint(text, 10, 32)
		if err != nil || width < uint64(least) || width > maxWidth {
			return nil, fmt.Errorf("layer %d has width %.20q, want a whole number from %d to %d", l, text, least, maxWidth)
		}
		widths = append(widths, int(width))
	}
	return widths, nil
}

// Format is the inverse of [Parse]: it writes the widths of hidden layers as a
// model. It also writes widths that pruning left and that Parse takes for a
// mistake, such as "mlp:1-0".
func Format(hidden []int) string {
	return family + JoinWidths(hidden)
}

// JoinWidths writes widths as in 512-256.
func JoinWidths(widths []int) string {
	words := make([]string, len(widths))
	for l, width := range widths {
		words[l] = strconv.Itoa(width)
	}
	return strings.Join(words, "-")
}
