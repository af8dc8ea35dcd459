package network_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"nashprune/trainer/network"
)

// TestRemovalOfAbsentPlayers holds removal to what it claims: players whose
// participation is zero go, and no output changes but by the order of sums.
func TestRemovalOfAbsentPlayers(t *testing.T) {
	for name, g := range graphs() {
		n, c := filled(g, 1), half(t, g)
		for i, s := range n.Participations {
			kept := map[int]bool{}
			for _, p := range c.Gates[i] {
				kept[p] = true
			}
			for p := range s {
				if !kept[p] {
					s[p] = 0
				}
			}
		}
		small := c.Of(n)
		const rows = 9
		x := samples(g, rows, 2)
		a, b := n.Values().ForwardWithin(x, rows, network.Float32Unit, nil), small.Values().Forward(part(c, x, rows), rows)
		for row := range rows {
			for k, want := range a.Output(row) {
				// Float64 has 2^29 times less rounding than the bound is for.
				if d := math.Abs(b.Output(row)[k] - want); d > a.OutputBounds(row)[k]*0x1p-28 {
					t.Fatalf("%s: output %d of sample %d changes by %g", name, k, row, d)
				}
			}
		}
		whole := network.New(g)
		c.Scatter(whole, small)
		if !reflect.DeepEqual(c.Of(whole), small) {
			t.Errorf("%s: what was scattered is not what is selected again", name)
		}
	}
}

// part returns the inputs that a cut network reads of those that the whole reads.
func part(c *network.Cut, x []float64, rows int) []float64 {
	inputs := len(x) / rows
	inner := c.Graph.Nodes[0].Shape[1:].Size()
	var read []float64
	for row := range rows {
		for _, k := range c.Nodes[0] {
			read = append(read, x[row*inputs+k*inner:][:inner]...)
		}
	}
	return read
}

func TestRemovalCutsWhatTiesSay(t *testing.T) {
	g := graphs()["residual"]
	c, err := g.Cut(network.Survivors{{0, 4}, {1, 2, 5}, {3}, {0}})
	if err != nil {
		t.Fatal(err)
	}
	in, stream, inner := []int{0, 4}, []int{1, 2, 5}, []int{3}
	want := [][][]int{
		{stream, in}, {stream}, // stem
		{inner, stream}, {inner},
		{stream, inner}, {stream}, // outer
		{{0, 1, 2}, stream}, {{0, 1, 2}}, // head
	}
	if !reflect.DeepEqual(c.Params, want) {
		t.Errorf("parameters keep %v, want %v", c.Params, want)
	}
	for i, p := range c.Graph.Params {
		for d, kept := range want[i] {
			if p.Shape[d] != len(kept) {
				t.Errorf("%s has shape %v, want %d entries in dimension %d", p.Name, p.Shape, len(kept), d)
			}
		}
	}
}

// TestRemovalTwice compares two removals with one of both.
func TestRemovalTwice(t *testing.T) {
	for name, g := range graphs() {
		n := filled(g, 3)
		first := half(t, g)
		second := half(t, first.Graph)
		keep := make(network.Survivors, len(g.Gates))
		for i := range keep {
			keep[i] = network.Select(first.Gates[i], second.Gates[i])
		}
		once, err := n.Keep(keep)
		if err != nil {
			t.Fatal(err)
		}
		twice := second.Of(first.Of(n))
		if !reflect.DeepEqual(once.Parameters, twice.Parameters) || !reflect.DeepEqual(once.Participations, twice.Participations) {
			t.Errorf("%s: two removals leave other numbers than one", name)
		}
		if !reflect.DeepEqual(once.Graph, twice.Graph) {
			t.Errorf("%s: two removals leave another graph than one:\n%+v\n%+v", name, once.Graph, twice.Graph)
		}
	}
}

func TestEmptyLayers(t *testing.T) {
	g := graphs()["perceptron"]
	small, err := filled(g, 1).Keep(network.Survivors{nil, {}, nil})
	if err != nil {
		t.Fatal(err)
	}
	p := small.Values().Forward(samples(g, 1, 1), 1)
	// The layer above sees nothing but its bias.
	for i, u := range p.Before[3] {
		if u != float64(small.Parameters[3][i]) {
			t.Errorf("unit %d above an empty layer is %g, want its bias %g", i, u, small.Parameters[3][i])
		}
	}
}

// TestEmptyGraphsSurviveJSON: a graph from which all players were removed is read as what
// was written, though its input reads nothing.
func TestEmptyGraphsSurviveJSON(t *testing.T) {
	for name, g := range graphs() {
		keep := make(network.Survivors, len(g.Gates))
		for i := range keep {
			keep[i] = []int{}
		}
		cut, err := g.Cut(keep)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(cut.Graph)
		if err != nil {
			t.Fatal(err)
		}
		read, err := network.ReadGraph(text, anySize)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n, node := range cut.Graph.Nodes {
			if !read.Nodes[n].Shape.Equal(node.Shape) {
				t.Errorf("%s, node %s: read with shape %v, written with %v", name, node.Name, read.Nodes[n].Shape, node.Shape)
			}
		}
	}
}

func TestSurvivorsAreChecked(t *testing.T) {
	g := graphs()["perceptron"]
	for _, keep := range []network.Survivors{nil, {nil, {1, 1}, nil}, {nil, {-1}, nil}, {nil, {7}, nil}, {nil, nil, {2, 1}}} {
		if _, err := g.Cut(keep); err == nil {
			t.Errorf("survivors %v are taken", keep)
		}
	}
}

// TestFold holds folding to its claim: the function stays, participations are one.
func TestFold(t *testing.T) {
	for name, g := range graphs() {
		n := filled(g, 4)
		folded := n.Clone()
		folded.Fold()
		for i, s := range folded.Participations {
			for p, x := range s {
				if x != 1 {
					t.Fatalf("%s: participation %d of gate %d is %g after folding", name, p, i, x)
				}
			}
		}
		const rows = 5
		x := samples(g, rows, 5)
		a, b := n.Values().ForwardWithin(x, rows, network.Float32Unit, nil), folded.Values().Forward(x, rows)
		for row := range rows {
			for k, want := range a.Output(row) {
				// Each folded number is rounded to float32 once; the bound counts many more.
				if d := math.Abs(b.Output(row)[k] - want); d > a.OutputBounds(row)[k] {
					t.Errorf("%s: output %d of sample %d changes by %g, bound %g", name, k, row, d, a.OutputBounds(row)[k])
				}
			}
		}
	}
}
