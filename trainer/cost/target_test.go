package cost

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
)

// TestCostsAreWhatTheNetworkLoses: a player costs what a network without it takes
// less, of each resource.
func TestCostsAreWhatTheNetworkLoses(t *testing.T) {
	g := perceptron(20, 30, 15, 4)
	players := g.Widths()
	for _, c := range []struct {
		resource Resource
		want     []float64
	}{
		{Players, []float64{1, 1}},
		{Parameters, []float64{20 + 1 + 15, 30 + 1 + 4}},
		{MACs, []float64{20 + 15, 30 + 4}},
		{Latency, []float64{20*1e-3 + 15*2e-3 + 0.25, 30*2e-3 + 4*5e-4 + 0.5}},
	} {
		got := c.resource.Costs(g, players, testLatencyModel())
		for l, want := range c.want {
			for n, cost := range got[l] {
				if math.Abs(cost-want) > 1e-12*40 || len(got[l]) != players[l] { // the difference of two times of about 40 us
					t.Errorf("%s: player %d of layer %d costs %g, want %g", c.resource, n, l, cost, want)
				}
			}
		}
	}
	if !slices.Equal(players, []int{30, 15}) {
		t.Errorf("the numbers of players were changed: %v", players)
	}
}

// TestCostsOfSharedAxes: where a class lies on both sides of a weight, or several times on
// one, a player's cost is still the difference of what two real networks take.
func TestCostsOfSharedAxes(t *testing.T) {
	for name, nodes := range networktest.Nets() {
		g, err := network.NewGraph(nodes, network.DefaultPlayers)
		if err != nil {
			t.Fatal(err)
		}
		for resource, amount := range map[Resource]func(*network.Graph) int{Parameters: (*network.Graph).ParameterCount, MACs: (*network.Graph).MACs} {
			costs := resource.Costs(g, g.Widths(), nil)
			for i, players := range g.Widths() {
				before := 0
				for count := range players + 1 {
					keep := make(network.Survivors, len(g.Gates))
					keep[i] = network.Indices(count)
					cut, err := g.Cut(keep)
					if err != nil {
						t.Fatal(err)
					}
					after := amount(cut.Graph)
					if count > 0 && costs[i][count-1] != float64(after-before) {
						t.Errorf("%s, gate %s: player %d costs %g %s, want %d", name, g.Gates[i].Name, count, costs[i][count-1], resource, after-before)
					}
					before = after
				}
			}
		}
	}
}

// TestCostsAreNeverNothing: where a model finds that width takes no time, players
// still have an order.
func TestCostsAreNeverNothing(t *testing.T) {
	flat := &Model{Base: 7, PerMAC: []float64{0, 0, 0}, PerNeuron: []float64{0, 0}}
	for _, want := range [][]float64{{1, 1}, {0.05, 5}} {
		for l, costs := range Latency.Costs(perceptron(20, 30, 15, 4), []int{30, 15}, flat) {
			for _, cost := range costs {
				if math.Abs(cost-want[l]) > 1e-13 { // of times near 80
					t.Errorf("players of layer %d cost %v", l, costs)
				}
			}
		}
		flat.PerNeuron[1] = 5
	}
}

// TestCostsAreAHundredthAtLeast of those of the most expensive layer, and left as they are
// above that.
func TestCostsAreAHundredthAtLeast(t *testing.T) {
	for measured, want := range map[float64]float64{0.04: 0.05, 0.06: 0.06} {
		m := &Model{Base: 7, PerMAC: []float64{0, 0, 0}, PerNeuron: []float64{measured, 5}}
		costs := Latency.Costs(perceptron(20, 30, 15, 4), []int{30, 15}, m)[0]
		if len(costs) != 30 || math.Abs(costs[0]-want) > 1e-13 || math.Abs(costs[29]-want) > 1e-13 { // of times near 80
			t.Errorf("players that take %g us cost %v", measured, costs)
		}
	}
}

// TestBudgetsFallToTheirLimit along the cubic schedule, and never rise.
func TestBudgetsFallToTheirLimit(t *testing.T) {
	target := Target{Resource: Parameters, Limit: 100}
	for _, c := range []struct{ t, want float64 }{{0, 900}, {0.5, 200}, {1, 100}, {2, 100}} {
		if got := target.Budget(900, c.t); got != c.want {
			t.Errorf("at %g: %g, want %g", c.t, got, c.want)
		}
	}
	if got := target.Budget(80, 0.3); got != 100 {
		t.Errorf("a network within the limit may take %g", got)
	}
}
