package network

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Node applies an operator to the outputs of earlier nodes.
type Node struct {
	Name string // unique; parameters are called after it
	Op   Op
	In   []int // places of earlier nodes

	Shape Shape // of its output; filled in by [NewGraph]
	// Params are the places of its parameters in [Graph.Params]. A node of a removed branch has
	// none.
	Params []int

	produces bool // its operator has parameters, and makes the axis of its first dimension
}

// Param is a parameter of a graph.
type Param struct {
	ParamSpec
	Name  string // "NODE.weight"
	Node  int
	Plays bool  // its entries are players
	axes  []int // of the first dimensions, places in Graph.axes
}

// Size returns how many numbers a parameter has.
func (p Param) Size() int { return Shape(p.Shape).Size() }

// Graph is the structure of a network: nodes in the order in which they compute, the
// first an [Input], the last the output, whose entries are the logits or, in
// regression, the predictions. A graph is never changed once it is built.
type Graph struct {
	Nodes   []Node
	Params  []Param // in the order of their nodes
	Classes []Class // in the order of the first axis that they lie on
	Gates   []Gate  // in the order of their classes

	axes  []axis
	units []unit // class by class
	ends  []int  // by node, the end of the branch that it is in; -1: none
}

// axis is a dimension of a node's output.
type axis struct {
	node, dim int
	units     []int // the unit of each entry
	terms     []term
}

// term says that an axis has so many entries for each unit of a class.
type term struct{ class, entries int }

type unit struct {
	class  int
	parent int // the coarser unit with which it is removed; -1: none
}

// NewGraph infers shapes, parameters, classes and gates of nodes with a name, an
// operator and inputs. Gates are on the classes of the given kinds of player; for branches
// nodes are put in, see [WithBranches]. The error names the node and says what is wrong.
func NewGraph(nodes []Node, players []PlayerKind) (*Graph, error) {
	g := &Graph{Nodes: slices.Clone(nodes)}
	if err := g.infer(); err != nil {
		return nil, err
	}
	if slices.Contains(players, Branches) && !slices.ContainsFunc(nodes, isEnd) {
		g = &Graph{Nodes: WithBranches(nodes)}
		if err := g.infer(); err != nil {
			return nil, err
		}
	}
	if entries := g.Entries(); entries > maxEntries {
		return nil, fmt.Errorf("the nodes have %d channels, positions and features together; a network must have %d at most", entries, maxEntries)
	}
	g.classify()
	return g, g.addGates(players)
}

// maxEntries bounds the memory that a graph takes without its parameters.
const maxEntries = 1 << 22

// infer fills in shapes and parameters.
func (g *Graph) infer() error {
	names, used := map[string]bool{}, make([]bool, len(g.Nodes))
	if len(g.Nodes) < 2 {
		return fmt.Errorf("a network has %d nodes; it must have an input and one more", len(g.Nodes))
	}
	fail := func(n int, err error) error { return fmt.Errorf("node %d, %.40q: %w", n, g.Nodes[n].Name, err) }
	for n, node := range g.Nodes {
		switch _, input := node.Op.(*Input); {
		case node.Name == "" || names[node.Name]:
			return fail(n, fmt.Errorf("its name is empty or taken; names must differ"))
		case input != (n == 0):
			return fail(n, fmt.Errorf("the first node, and no other, must be an %s", InputKind))
		}
		names[node.Name] = true
		for _, from := range node.In {
			if from < 0 || from >= n {
				return fail(n, fmt.Errorf("an input is node %d; it must be an earlier node", from))
			}
			used[from] = true
		}
	}
	if err := g.findBranches(); err != nil {
		return err
	}
	for n := range g.Nodes {
		node := &g.Nodes[n]
		out, specs, err := node.Op.Infer(g.shapesOf(node.In))
		if err != nil {
			return fail(n, err)
		}
		if err := bounded(out); err != nil {
			return fail(n, err)
		}
		node.Shape, node.Params, node.produces = out, nil, len(specs) > 0
		if g.isGone(n) {
			continue
		}
		for _, spec := range specs {
			if err := countable(spec); err != nil {
				return fail(n, err)
			}
			node.Params = append(node.Params, len(g.Params))
			g.Params = append(g.Params, Param{ParamSpec: spec, Name: node.Name + "." + spec.Name, Node: n})
		}
	}
	for n, is := range used[:len(used)-1] {
		if !is {
			return fmt.Errorf("node %d, %.40q: its output feeds no node; remove it", n, g.Nodes[n].Name)
		}
	}
	if last := g.Output(); len(last.Shape) != 1 {
		return fmt.Errorf("node %d, %.40q: the output has shape %s; it must have one dimension", len(g.Nodes)-1, last.Name, last.Shape)
	}
	if len(g.Params) == 0 {
		return fmt.Errorf("the network has no parameters; it must have a layer with weights")
	}
	return nil
}

// maxSize bounds the numbers of a sample at any node, so that no product overflows.
const maxSize = 1 << 28

func bounded(shape Shape) error {
	size := 1
	for _, n := range shape {
		if n > maxSize || size*n > maxSize {
			return fmt.Errorf("its output has shape %s; it must have %d numbers at most", shape, maxSize)
		}
		size *= n
	}
	return nil
}

// countable holds the size of a parameter to what an integer counts many times over.
func countable(spec ParamSpec) error {
	const most = 1 << 48
	size := 1.
	for _, n := range spec.Shape {
		size *= float64(n)
	}
	if size > most {
		return fmt.Errorf("its %s has shape %s; it must have 2^48 numbers at most", spec.Name, Shape(spec.Shape))
	}
	return nil
}

func (g *Graph) shapesOf(nodes []int) []Shape {
	shapes := make([]Shape, len(nodes))
	for k, n := range nodes {
		shapes[k] = g.Nodes[n].Shape
	}
	return shapes
}

// firstAxis returns the axis of the first dimension of a node's output.
func (g *Graph) firstAxis(n int) *axis {
	i := slices.IndexFunc(g.axes, func(a axis) bool { return a.node == n })
	return &g.axes[i]
}

// Input returns the operator of the first node.
func (g *Graph) Input() *Input { return g.Nodes[0].Op.(*Input) }

// Inputs returns how many numbers of a sample the network reads.
func (g *Graph) Inputs() int { return g.Nodes[0].Shape.Size() }

// Output returns the last node.
func (g *Graph) Output() Node { return g.Nodes[len(g.Nodes)-1] }

// Outputs returns the number of logits or predictions.
func (g *Graph) Outputs() int { return g.Output().Shape[0] }

// consumers returns for each node the nodes that read its output, in order.
func (g *Graph) consumers() [][]int {
	consumers := make([][]int, len(g.Nodes))
	for n, node := range g.Nodes {
		for _, from := range node.In {
			consumers[from] = append(consumers[from], n)
		}
	}
	return consumers
}

// description is a node in JSON.
type description struct {
	Name string          `json:"name"`
	Kind Kind            `json:"op"`
	In   []string        `json:"in,omitempty"`
	Set  json.RawMessage `json:"set"`
}

// graphDescription is a graph in JSON: what [NewGraph] takes.
type graphDescription struct {
	Nodes   []description `json:"nodes"`
	Players []PlayerKind  `json:"players,omitempty"`
}

// MarshalJSON writes nodes and kinds of player; the rest follows from them.
func (g *Graph) MarshalJSON() ([]byte, error) {
	var d graphDescription
	for _, node := range g.Nodes {
		set, err := json.Marshal(node.Op)
		if err != nil {
			return nil, err
		}
		n := description{Name: node.Name, Kind: node.Op.Kind(), Set: set}
		for _, from := range node.In {
			n.In = append(n.In, g.Nodes[from].Name)
		}
		d.Nodes = append(d.Nodes, n)
	}
	d.Players = g.playerKinds()
	return json.Marshal(d)
}

// maxNodes bounds a graph that is read from a file.
const maxNodes = 10000

// Entries returns how many entries all axes have together, which is what a graph takes
// memory for.
func (g *Graph) Entries() int {
	entries := 0
	for _, node := range g.Nodes {
		for _, length := range node.Shape {
			entries += length
		}
	}
	return entries
}

// ReadGraph reads a graph in JSON that may be anything. It calls check
// when nodes, shapes and parameters are known and little memory has been taken, before
// it works out classes, which takes memory for all entries.
func ReadGraph(text []byte, check func(*Graph) error) (*Graph, error) {
	var d graphDescription
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	if len(d.Nodes) > maxNodes {
		return nil, fmt.Errorf("the graph has %d nodes; it must have %d at most", len(d.Nodes), maxNodes)
	}
	places, g := map[string]int{}, &Graph{Nodes: make([]Node, len(d.Nodes))}
	for n, from := range d.Nodes {
		fresh, known := ops[from.Kind]
		if !known {
			return nil, fmt.Errorf("node %d, %.40q: unknown operator %.40q", n, from.Name, from.Kind)
		}
		op := fresh()
		if err := json.Unmarshal(from.Set, op); err != nil {
			return nil, fmt.Errorf("node %d, %.40q: %w", n, from.Name, err)
		}
		g.Nodes[n] = Node{Name: from.Name, Op: op}
		for _, name := range from.In {
			place, known := places[name]
			if !known {
				return nil, fmt.Errorf("node %d, %.40q: its input %.40q is no earlier node", n, from.Name, name)
			}
			g.Nodes[n].In = append(g.Nodes[n].In, place)
		}
		places[from.Name] = n
	}
	if err := g.infer(); err != nil {
		return nil, err
	}
	if err := check(g); err != nil {
		return nil, err
	}
	g.classify()
	return g, g.addGates(d.Players)
}
