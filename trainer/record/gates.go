package record

import "strconv"

// Gate is a gate of the network: its players scale the units of one class of axes.
type Gate struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`    // of its players, a [network.PlayerKind]
	Players int    `json:"players"` // at the start
	Kept    int    `json:"kept"`
}

// PerceptronGate names the gate of a hidden layer of a multilayer perceptron, from 0. As
// in torch.nn.Sequential, every second place is that of a dense layer.
func PerceptronGate(layer int) string { return strconv.Itoa(2 * layer) }

// Perceptron reports whether the gates are those of a multilayer perceptron, whose hidden
// layers have numbers.
func (r *Result) Perceptron() bool {
	for l, g := range r.Gates {
		if g.Name != PerceptronGate(l) {
			return false
		}
	}
	return true
}

// GateName returns what reports call a gate: in a multilayer perceptron the number of the
// hidden layer, from 0, else its name.
func (r *Result) GateName(gate int) string {
	if r.Perceptron() {
		return strconv.Itoa(gate)
	}
	return r.Gates[gate].Name
}

// fillGates adds the gates that results of schema 1, all of multilayer perceptrons, do not
// list.
func (r *Result) fillGates() {
	start := r.Dense.Shape
	end := start
	if r.Pruned != nil && len(r.Pruned.Shape) == len(start) {
		end = r.Pruned.Shape
	}
	for l := 0; l < len(start)-2; l++ {
		r.Gates = append(r.Gates, Gate{PerceptronGate(l), perceptronPlayers, start[l+1], end[l+1]})
	}
}

// perceptronPlayers is the kind of the players of a multilayer perceptron.
const perceptronPlayers = "neurons"
