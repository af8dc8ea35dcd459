package network_test

import (
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// build makes a graph of nodes that read the node before them unless they say more.
func build(t *testing.T, players []network.PlayerKind, nodes ...network.Node) *network.Graph {
	t.Helper()
	g, err := network.NewGraph(networktest.Chain(nodes...), players)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var (
	input      = networktest.Input
	dense      = networktest.Dense
	activation = networktest.Activate
	add        = networktest.Add
	concat     = networktest.Concat
	flatten    = networktest.Flatten
)

// all is every kind of player.
var all = network.PlayerKinds

// graphs returns networks of every operator by name, with players of all kinds.
func graphs() map[string]*network.Graph {
	graphs := map[string]*network.Graph{}
	for name, nodes := range networktest.Nets() {
		graphs[name] = networktest.Build(nodes...)
	}
	return graphs
}

// filled returns a network with random parameters and participations in (0, 1).
func filled(g *network.Graph, seed uint64) *network.Network {
	n, stream := network.New(g), random.New(seed, random.Testing, 0, 0)
	for p, v := range n.Parameters {
		for i := range v {
			v[i] = networktest.Draw(g.Params[p], stream.Normal())
		}
	}
	for _, s := range n.Participations {
		for i := range s {
			s[i] = float32(0.1 + 0.8*stream.Float64())
		}
	}
	return n
}

// samples returns rows random samples for a graph.
func samples(g *network.Graph, rows int, seed uint64) []float64 {
	stream, x := random.New(seed, random.Testing, 1, 0), make([]float64, rows*g.Inputs())
	for i := range x {
		x[i] = float64(float32(stream.Normal()))
	}
	return x
}
