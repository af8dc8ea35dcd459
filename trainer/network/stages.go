package network

// Stage is what an engine computes at once: a node, and for a dense layer or a gated node
// the activation that alone reads it. The gate of the node, if it has one, lies between the
// two.
type Stage struct {
	Node       int
	Activation int // the node of the activation; -1: none
}

// Out returns the node whose output the stage leaves.
func (s Stage) Out() int { return max(s.Node, s.Activation) }

// Stages returns the nodes in their order, with activations joined to the dense layers and the
// gated nodes before them. Nodes of removed branches are left out.
func (g *Graph) Stages() []Stage {
	consumers := g.consumers()
	var stages []Stage
	joined := make([]bool, len(g.Nodes))
	for n, node := range g.Nodes {
		if joined[n] || g.isGone(n) {
			continue
		}
		s := Stage{n, -1}
		joins := node.Op.Kind() == DenseKind || n > 0 && g.GateAt(n) >= 0
		if joins && len(consumers[n]) == 1 {
			if next := consumers[n][0]; g.Nodes[next].Op.Kind() == ActivationKind {
				s.Activation = next
				joined[next] = true
			}
		}
		stages = append(stages, s)
	}
	return stages
}

// Activations returns how many numbers the outputs of all stages have for one sample.
func (g *Graph) Activations() int {
	numbers := 0
	for _, s := range g.Stages() {
		numbers += g.Nodes[s.Node].Shape.Size()
	}
	return numbers
}
