package cost

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/models"
	"nashprune/trainer/random"
)

// named is the graph of a model for images of so many pixels a side.
func named(t *testing.T, words string, side int) *network.Graph {
	t.Helper()
	m, err := models.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.Graph(network.Shape{3, side, side}, 10, network.ReLU, network.DefaultPlayers)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestLatencyModelOfAGraphIsFound: from 48 shapes of a network with more nodes than that,
// since those that do the same work share coefficients.
func TestLatencyModelOfAGraphIsFound(t *testing.T) {
	g := named(t, "resnet32:8", 12)
	whole, draw := network.New(g), random.New(1, random.Testing, 0, 0)
	parts, err := latencyParts(whole, 1)
	if err != nil {
		t.Fatal(err)
	}
	alike := g.Alike()
	if kinds := slices.Max(alike) + 1; len(alike) != 67 || kinds != 12 {
		t.Errorf("%d nodes with parameters of %d kinds, want 67 of 12", len(alike), kinds)
	}
	want := &Model{Batch: 128, Base: 50, Shapes: 1}
	for l, kind := range alike { // a convolution takes long for its products, a norm for its numbers
		want.PerMAC = append(want.PerMAC, 1e-3*float64(1+kind%3))
		if l < len(alike)-1 {
			want.PerNeuron = append(want.PerNeuron, 1e-2*float64(1+kind%2))
		}
	}
	f := fitting{alike: alike}
	for _, part := range parts {
		loads := part.Loads(part.Sizes())
		f.networks, f.microseconds = append(f.networks, loads), append(f.microseconds, want.timeOf(loads)*(1+0.03*draw.Normal()))
	}
	m := f.model()
	m.Batch = 128
	if err := m.Check(g); err != nil || m.Error > 0.04 {
		t.Errorf("error %g, %v", m.Error, err)
	}
	for _, share := range []float64{0.25, 0.5, 0.75} {
		var players []int
		for _, width := range g.Widths() {
			players = append(players, int(share*float64(width)))
		}
		if off := math.Abs(m.Time(g, players)/want.Time(g, players) - 1); off > 0.1 {
			t.Errorf("with %g of all players it takes %g us instead of %g", share, m.Time(g, players), want.Time(g, players))
		}
	}
}

// TestAPlayerCostsWhatItsRemovalSaves: of any gate, beside its neighbours as they are.
func TestAPlayerCostsWhatItsRemovalSaves(t *testing.T) {
	for _, words := range []string{"resnet8:4", "lenet5"} {
		g := named(t, words, 28)
		for _, r := range []Resource{Parameters, MACs} {
			costs := r.Costs(g, g.Widths(), nil)
			for gate, players := range g.Widths() {
				keep := make(network.Survivors, len(g.Gates))
				keep[gate] = network.Indices(players - 1)
				cut, err := g.Cut(keep)
				if err != nil {
					t.Fatal(err)
				}
				saved := g.ParameterCount() - cut.Graph.ParameterCount()
				if r == MACs {
					saved = g.MACs() - cut.Graph.MACs()
				}
				if got := costs[gate][players-1]; got != float64(saved) && !(slices.Min(costs[gate]) == got && got > float64(saved)) { // or it costs the least
					t.Errorf("%s: the last player of %s costs %v %s, and its removal saves %d", words, g.Gates[gate].Name, got, r, saved)
				}
			}
		}
	}
}
