// Package network says what a network is: its layers, its players, how large
// it is, how it starts, what is left when players are removed, and its file.
package network

import "slices"

// Linear is an affine layer followed, in all layers but the last, by a gate
// and an activation. With input x it computes
//
//	z_i = s_i (sum_j W_ij x_j + b_i),   output_i = activation(z_i)
//
// so player i owns row i of the weights and its bias. The last layer has no
// participation and no activation: its outputs are the logits, or in regression
// the predictions.
type Linear struct {
	In, Out       int
	Weight        []float32 // Out rows of In numbers, as PyTorch stores them
	Bias          []float32 // Out numbers
	Participation []float32 // s, Out numbers in [0, 1]; nil in the last layer
}

// Network is a multilayer perceptron.
type Network struct {
	Activation Activation // of all layers but the last
	Layers     []Linear
}

// New returns a network with the given widths (inputs, hidden layers, outputs;
// at least two numbers): weights and biases are zero, participations one, the
// activation is ReLU. A hidden width may be zero: the layer above then sees nothing
// but its bias.
func New(widths []int) *Network {
	n := &Network{Activation: ReLU, Layers: make([]Linear, len(widths)-1)}
	for l := range n.Layers {
		in, out := widths[l], widths[l+1]
		n.Layers[l] = Linear{In: in, Out: out, Weight: make([]float32, in*out), Bias: make([]float32, out)}
		if l < len(n.Layers)-1 {
			n.Layers[l].Participation = ones(out)
		}
	}
	return n
}

func ones(n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = 1
	}
	return s
}

// Widths returns the number of inputs, the width of each hidden layer and the
// number of outputs.
func (n *Network) Widths() []int {
	widths := []int{n.Layers[0].In}
	for _, layer := range n.Layers {
		widths = append(widths, layer.Out)
	}
	return widths
}

// Hidden returns the layers that have players: all but the last.
func (n *Network) Hidden() []Linear { return n.Layers[:len(n.Layers)-1] }

// Players returns the number of players, one a hidden neuron.
func (n *Network) Players() int {
	players := 0
	for _, layer := range n.Hidden() {
		players += layer.Out
	}
	return players
}

// Parameters returns the number of weights and biases.
func (n *Network) Parameters() int { return ParametersOf(n.Widths()) }

// ParametersOf returns the number of weights and biases of a network of the given
// widths.
func ParametersOf(widths []int) int {
	parameters := 0
	for l, in := range widths[:len(widths)-1] {
		parameters += (in + 1) * widths[l+1]
	}
	return parameters
}

// MACs returns the multiply-accumulate operations that one sample costs.
func (n *Network) MACs() int { return MACsOf(n.Widths()) }

// MACsOf returns those of a network of the given widths.
func MACsOf(widths []int) int {
	macs := 0
	for l, in := range widths[:len(widths)-1] {
		macs += in * widths[l+1]
	}
	return macs
}

// Bytes returns the memory that the weights and biases take in float32.
func (n *Network) Bytes() int { return 4 * n.Parameters() }

// Clone returns a copy that shares nothing with n.
func (n *Network) Clone() *Network {
	c := &Network{Activation: n.Activation, Layers: slices.Clone(n.Layers)}
	for l := range c.Layers {
		layer := &c.Layers[l]
		layer.Weight = slices.Clone(layer.Weight)
		layer.Bias = slices.Clone(layer.Bias)
		layer.Participation = slices.Clone(layer.Participation)
	}
	return c
}

// Fold multiplies every player's participation into its weights and bias and
// sets it to one. The function that the network computes stays the same, but
// for one rounding to float32 of each weight and bias.
func (n *Network) Fold() {
	for _, layer := range n.Hidden() {
		for i, s := range layer.Participation {
			row := layer.Weight[i*layer.In : (i+1)*layer.In]
			for j := range row {
				row[j] *= s
			}
			layer.Bias[i] *= s
			layer.Participation[i] = 1
		}
	}
}

// Survivors lists, for each hidden layer, the indices of the players that
// stay, in increasing order. No indices at all leave a layer empty.
type Survivors [][]int

// All returns the survivors without removals.
func (n *Network) All() Survivors {
	all := make(Survivors, len(n.Layers)-1)
	for l := range all {
		all[l] = Indices(n.Layers[l].Out)
	}
	return all
}

// Indices returns 0 to n-1.
func Indices(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// ends returns the survivors among the inputs and the outputs of layer l:
// network inputs and logits all stay.
func (n *Network) ends(l int, keep Survivors) (in, out []int) {
	in, out = Indices(n.Layers[0].In), Indices(n.Layers[len(n.Layers)-1].Out)
	if l > 0 {
		in = keep[l-1]
	}
	if l < len(n.Layers)-1 {
		out = keep[l]
	}
	return in, out
}

// Keep returns the network that is left when every player outside keep is
// removed: its row, its bias, and its column in the layer above are gone. A
// player with participation zero adds exactly zero to every sum, so removing
// it changes a logit only by the order in which the rest is added.
func (n *Network) Keep(keep Survivors) *Network {
	small := &Network{Activation: n.Activation, Layers: make([]Linear, len(n.Layers))}
	for l, layer := range n.Layers {
		in, out := n.ends(l, keep)
		small.Layers[l] = Linear{
			In: len(in), Out: len(out),
			Weight:        SelectMatrix(layer.Weight, layer.In, out, in),
			Bias:          Select(layer.Bias, out),
			Participation: Select(layer.Participation, out),
		}
	}
	return small
}

// Select returns the chosen entries of v; nil stays nil.
func Select[T any](v []T, chosen []int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, len(chosen))
	for i, c := range chosen {
		out[i] = v[c]
	}
	return out
}

// SelectMatrix returns the chosen rows and columns of a row-major matrix with
// rows of the given width.
func SelectMatrix[T any](m []T, width int, rows, columns []int) []T {
	out := make([]T, 0, len(rows)*len(columns))
	for _, r := range rows {
		row := m[r*width : (r+1)*width]
		for _, c := range columns {
			out = append(out, row[c])
		}
	}
	return out
}

// Scatter is the inverse of Keep: it writes the numbers of small, the network
// left of n after keep, back to where they stood in n. Everything else in n
// stays as it is.
func (n *Network) Scatter(small *Network, keep Survivors) {
	for l, layer := range n.Layers {
		in, out := n.ends(l, keep)
		from := small.Layers[l]
		for i, r := range out {
			for j, c := range in {
				layer.Weight[r*layer.In+c] = from.Weight[i*from.In+j]
			}
			layer.Bias[r] = from.Bias[i]
			if layer.Participation != nil {
				layer.Participation[r] = from.Participation[i]
			}
		}
	}
}

// Sum returns the sum of numbers, such as those of the players of hidden layers.
func Sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}
