package evidence

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// testSamples are random samples of three features, in four classes or, with
// outputs, for regression.
func testSamples(count, outputs int) dataset.Samples { return samplesOf(count, 3, 4, outputs) }

// samplesOf are random samples of some features, in some classes or with targets.
func samplesOf(count, features, classes, targets int) dataset.Samples {
	draw := random.New(7, random.Testing, 0, 0)
	s := dataset.Samples{Features: features, Outputs: targets}
	for range count {
		for range s.Features {
			s.Values = append(s.Values, float32(draw.Normal()))
		}
		if targets == 0 {
			s.Labels = append(s.Labels, uint8(draw.Below(uint32(classes))))
		}
		for range targets {
			s.Targets = append(s.Targets, float32(draw.Normal()))
		}
	}
	return s
}

// wholeLoss is the mean loss of the whole network when the players outside live play zero.
func wholeLoss(w screen, whole *network.Network, live network.Survivors) float64 {
	n := whole.Clone()
	for gate, s := range n.Participations {
		for i := range s {
			if !slices.Contains(live[gate], i) {
				s[i] = 0
			}
		}
	}
	total := 0.
	for b, sample := range w.chosen {
		input := w.inputs[b*w.samples.Features:][:w.samples.Features]
		total += w.loss.Of(w.samples, sample, n.Values().Forward(read(n.Graph, input, 1), 1).Output(0))
	}
	return total / float64(len(w.chosen))
}

// thirds lists as live every player of each gate but those of a third, which are gone; a
// gate's only player is live.
func thirds(g *network.Graph) (live network.Survivors, gone [][]int) {
	live, gone = make(network.Survivors, len(g.Gates)), make([][]int, len(g.Gates))
	for gate, players := range g.Widths() {
		for i := range players {
			if i%3 == 1 {
				gone[gate] = append(gone[gate], i)
			} else {
				live[gate] = append(live[gate], i)
			}
		}
	}
	return live, gone
}

// TestScreenAsks compares asks without a refit with whole networks in which one player plays
// zero, for every activation, kind of graph and loss, in every gate.
func TestScreenAsks(t *testing.T) {
	graphs := map[string]*network.Graph{}
	for _, activation := range network.Activations {
		graphs["perceptron of "+string(activation)] = networktest.PerceptronOf(activation, 3, 6, 5, 7, 4)
	}
	for name, nodes := range networktest.Nets() {
		graphs[name] = networktest.Build(nodes...)
	}
	for name, g := range graphs {
		features, outputs := g.Input().Sample.Size(), g.Outputs()
		for _, targets := range []int{0, outputs} {
			n := networktest.Random(g)
			d := &dataset.Dataset{Name: "test", Classes: outputs, Mean: 0.25, Deviation: 1.5, Train: samplesOf(61, features, outputs, targets)}
			loss := backend.Loss{Smoothing: 0.1, ClassWeights: []float64{1, 2, 0.5, 1}[:outputs]}
			w := newScreen(d, loss, n.MACs(), backend.InOrder(61))
			all := make(network.Survivors, len(g.Gates))
			for gate, players := range g.Widths() {
				all[gate] = network.Indices(players)
			}
			before := wholeLoss(w, n, all)
			for gate, players := range g.Widths() {
				asks := w.asks(n, gate)
				for i := range players {
					live := slices.Clone(all)
					live[gate] = slices.Delete(slices.Clone(all[gate]), i, i+1)
					// Losses of 61 samples in float64, each of a few dozen products.
					want := wholeLoss(w, n, live) - before
					if math.Abs(asks[i]-want) > 1e-12*(1+math.Abs(before)+math.Abs(want)) {
						t.Errorf("%s, %d targets, player %d:%d asks %g, want %g", name, targets, gate, i, asks[i], want)
					}
				}
			}
		}
	}
}

// TestScreenSamples: samples are those of the held-out part, evenly, fewer for a large
// network and never more than there are.
func TestScreenSamples(t *testing.T) {
	d := &dataset.Dataset{Deviation: 1, Train: testSamples(2000, 0), Validation: testSamples(1000, 0)}
	for _, c := range []struct{ multiplications, available, want int }{
		{1, 1000, mostSamples}, {0, 1000, mostSamples}, {screenWork / 100, 1000, 100}, {1 << 40, 1000, fewestSamples}, {1, 7, 7}, {1 << 40, 7, 7}, {1, 1, 1},
	} {
		w := newScreen(d, backend.Loss{}, c.multiplications, backend.InOrder(c.available))
		if len(w.chosen) != c.want || len(w.inputs) != 3*c.want || w.samples.Len() != 1000 {
			t.Errorf("%+v: %d of %d samples", c, len(w.chosen), w.samples.Len())
		}
		for k, i := range w.chosen {
			if i != k*c.available/c.want {
				t.Errorf("%+v: sample %d is %d, want %d", c, k, i, k*c.available/c.want)
			}
		}
	}
	d.Validation = dataset.Samples{Features: 3}
	if w := newScreen(d, backend.Loss{}, 1, backend.InOrder(10)); w.samples.Len() != 2000 {
		t.Errorf("without a validation part there are %d samples", w.samples.Len())
	}
}
