package network_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/network/networktest"
)

// branchOf returns the place of the only gate of a branch; -1: there is none.
func branchOf(g *network.Graph) int {
	return slices.IndexFunc(g.Gates, func(gate network.Gate) bool { return gate.Kind == network.Branches })
}

// TestRemovedBranches removes the branch of every network that has one: the outputs are those of
// the whole network where the branch has no part, what is left has the nodes and the
// parameters that are outside of the branch, and is read again with the same gates.
func TestRemovedBranches(t *testing.T) {
	networks := 0
	for name, g := range graphs() {
		b := branchOf(g)
		if b < 0 {
			continue
		}
		networks++
		n := filled(g, 3)
		keep := make(network.Survivors, len(g.Gates))
		keep[b] = []int{}
		small, err := n.Keep(keep)
		if err != nil {
			t.Fatal(err)
		}
		n.Participations[b][0] = 0
		folded := small.Clone()
		folded.Fold()
		left, err := folded.WithoutBranches()
		if err != nil {
			t.Fatal(err)
		}
		const rows = 5
		x := samples(g, rows, 5)
		whole, cut, rest := n.Values().ForwardWithin(x, rows, network.Float32Unit, nil), small.Values().Forward(x, rows), left.Values().Forward(x, rows)
		for row := range rows {
			for k, want := range whole.Output(row) {
				bound := whole.OutputBounds(row)[k]
				if d := math.Abs(cut.Output(row)[k] - want); d > bound*0x1p-28 {
					t.Errorf("%s: output %d changes by %g when the branch is removed", name, k, d)
				}
				if d := math.Abs(rest.Output(row)[k] - want); d > bound { // folding rounds
					t.Errorf("%s: output %d changes by %g without the nodes of the branch", name, k, d)
				}
			}
		}
		if got, want := small.ParameterCount(), left.ParameterCount(); got != want || small.MACs() != left.MACs() {
			t.Errorf("%s: %d parameters and %d multiplications are left, without the nodes of the branch %d and %d", name, got, small.MACs(), want, left.MACs())
		}
		sizes := g.SizesWith(small.Widths())
		if got, macs := g.ParametersAt(sizes), g.MACsAt(sizes); got != left.ParameterCount() || macs != left.MACs() {
			t.Errorf("%s: %d parameters and %d multiplications are expected, there are %d and %d", name, got, macs, left.ParameterCount(), left.MACs())
		}
		if len(g.Loads(sizes)) != len(g.Alike()) {
			t.Errorf("%s: %d loads for %d nodes with parameters", name, len(g.Loads(sizes)), len(g.Alike()))
		}
		for _, node := range left.Nodes {
			if kind := node.Op.Kind(); kind == network.BranchKind || kind == network.AddKind && name != "residual of images" {
				t.Errorf("%s: node %s is left", name, node.Name)
			}
		}
		// A gate that waited for a point in the branch would have no contributions.
		points := map[string]string{}
		for _, gate := range gatesOf(left.Graph) {
			points[gate.name] = gate.points
		}
		for _, gate := range gatesOf(small.Graph) {
			if want, is := points[gate.name]; is && gate.points != want {
				t.Errorf("%s: the gate of %s multiplies %s, want %s", name, gate.name, gate.points, want)
			}
		}
		text, err := json.Marshal(small.Graph)
		if err != nil {
			t.Fatal(err)
		}
		read, err := network.ReadGraph(text, anySize)
		if err != nil {
			t.Fatal(err)
		}
		named := func(g *network.Graph) []gate { // the points of an empty gate mean nothing
			gates := gatesOf(g)
			for i := range gates {
				if gates[i].units == 0 {
					gates[i].points = ""
				}
			}
			return gates
		}
		if got, want := named(read), named(small.Graph); !slices.Equal(got, want) {
			t.Errorf("%s: gates are read as %v, written as %v", name, got, want)
		}
		if read.ParameterCount() != small.ParameterCount() {
			t.Errorf("%s: %d parameters are read, %d written", name, read.ParameterCount(), small.ParameterCount())
		}
	}
	if networks < 4 {
		t.Errorf("%d networks with a branch were tried", networks)
	}
}

// TestBranchesOfResidualNetworks: each block is a branch, its filters leave with it, and its
// projection stays.
func TestBranchesOfResidualNetworks(t *testing.T) {
	m, err := models.Parse("resnet14:4")
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Graph(network.Shape{3, 32, 32}, 10, network.ReLU, append(slices.Clone(network.DefaultPlayers), network.Branches))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, gate := range g.Gates {
		if gate.Kind != network.Branches {
			continue
		}
		names = append(names, gate.Name)
		for _, part := range g.Parts(i) {
			if g.Gates[part].Kind != network.Filters {
				t.Errorf("%s leave with %s", g.Gates[part].Name, gate.Name)
			}
		}
		if len(g.Parts(i)) != 1 {
			t.Errorf("%d gates leave with %s, want the filters within", len(g.Parts(i)), gate.Name)
		}
	}
	want := []string{
		"stage1.block1.branch", "stage1.block2.branch", "stage2.block1.branch", "stage2.block2.branch", "stage3.block1.branch", "stage3.block2.branch",
	}
	if !slices.Equal(names, want) {
		t.Errorf("branches are %v, want %v", names, want)
	}
	// The second block of the second stage: two convolutions of 8 channels by 3x3, on 16x16
	// places, with norms.
	players := g.Widths()
	players[slices.IndexFunc(g.Gates, func(gate network.Gate) bool { return gate.Name == "stage2.block2.branch" })] = 0
	sizes := g.SizesWith(players)
	if got := g.ParameterCount() - g.ParametersAt(sizes); got != 2*(8*8*9+2*8) {
		t.Errorf("the branch has %d parameters", got)
	}
	norms := 2 * 8 * 16 * 16
	if got := g.MACs() - g.MACsAt(sizes); got != 2*8*8*9*16*16+norms {
		t.Errorf("the branch takes %d multiplications", got)
	}
	nodes := network.WithBranches(g.Nodes)
	if len(nodes) != len(g.Nodes) {
		t.Errorf("%d nodes are added to %d that have branches", len(nodes)-len(g.Nodes), len(g.Nodes))
	}
}

// TestBranchesThatEndNone: a file may hold anything, so nodes that end no branch are refused.
func TestBranchesThatEndNone(t *testing.T) {
	branch := func(name string, removed bool, in ...int) network.Node {
		return network.Node{Name: name, Op: &network.Branch{Removed: removed}, In: in}
	}
	for name, c := range map[string]struct {
		nodes []network.Node
		want  string
	}{
		"of the input":       {[]network.Node{input(3), branch("b", false, 0), dense("x", 3, 0), add("sum", 2, 1), dense("head", 2)}, "ends with a convolution"},
		"read by no sum":     {[]network.Node{input(3), dense("x", 3), branch("b", true), activation("a", network.ReLU), add("sum", 0, 3), dense("head", 2)}, "read by an add"},
		"sum of branches":    {[]network.Node{input(3), dense("x", 3, 0), branch("b", true, 1), dense("y", 3, 0), branch("c", true, 3), add("sum", 2, 4), dense("head", 2)}, "something else"},
		"of a branch":        {[]network.Node{input(3), dense("x", 3), branch("b", true), branch("c", false), add("sum", 0, 3), dense("head", 2)}, "read by an add"},
		"read twice":         {[]network.Node{input(3), dense("x", 3), branch("b", false), add("sum", 0, 2), add("sum2", 3, 2), dense("head", 2)}, "read by one node"},
		"removed with units": {[]network.Node{input(3), dense("x", 5), dense("y", 3), branch("b", true), add("sum", 0, 3), dense("head", 2)}, "x has 5 units in the removed branch b"},
	} {
		_, err := network.NewGraph(networktest.Chain(c.nodes...), network.PlayerKinds)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, c.want)
		}
	}
}

// TestWhereBranchesAre: names are free ones, and no branch is the only reader of a node in none.
func TestWhereBranchesAre(t *testing.T) {
	g := build(t, network.PlayerKinds, input(3), dense("block.branch", 3, 0), add("block.add", 0, 1), dense("head", 2))
	if b := branchOf(g); b < 0 || g.Gates[b].Name != "block.branch1" {
		t.Errorf("gates are %v", gatesOf(g))
	}
	g = build(t, network.PlayerKinds, input(3), dense("x", 4, 0), dense("y", 3, 1), dense("z", 3, 1), add("sum", 0, 2, 3), dense("head", 2))
	if b := branchOf(g); b >= 0 {
		t.Errorf("x would be read by nothing without %s", g.Gates[b].Name)
	}
}
