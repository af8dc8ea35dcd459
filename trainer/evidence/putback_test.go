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

// wholeLoss is the mean loss of the whole network when the players outside live play
// zero, but for the one of a gate that is put back and plays one.
func wholeLoss(w *PutBackSamples, whole *network.Network, live network.Survivors, backGate, backIndex int) float64 {
	n := whole.Clone()
	for gate, s := range n.Participations {
		for i := range s {
			switch {
			case gate == backGate && i == backIndex:
				s[i] = 1
			case !slices.Contains(live[gate], i):
				s[i] = 0
			}
		}
	}
	total := 0.
	for b := range w.chosen {
		input := w.inputs[b*w.samples.Features:][:w.samples.Features]
		pass := n.Values().Forward(read(n.Graph, input, 1), 1)
		total += w.lossOf(b, pass.Output(0))
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

// putBackGraphs are a perceptron of every activation, and every other kind of graph.
func putBackGraphs() map[string]*network.Graph {
	graphs := map[string]*network.Graph{}
	for _, activation := range network.Activations {
		graphs["perceptron of "+string(activation)] = networktest.PerceptronOf(activation, 3, 6, 5, 7, 4)
	}
	for name, nodes := range networktest.Nets() {
		graphs[name] = networktest.Build(nodes...)
	}
	return graphs
}

// TestPutBack compares with whole networks in which all removed players play zero, for
// every activation, kind of graph and loss, in every gate.
func TestPutBack(t *testing.T) {
	for name, g := range putBackGraphs() {
		features, outputs := g.Input().Sample.Size(), g.Outputs()
		for _, targets := range []int{0, outputs} {
			n := networktest.Random(g)
			d := &dataset.Dataset{Name: "test", Classes: outputs, Deviation: 1, Train: samplesOf(61, features, outputs, targets)}
			loss := backend.Loss{Smoothing: 0.1, ClassWeights: []float64{1, 2, 0.5, 1}[:outputs]}
			w := NewPutBackSamples(d, loss, n.MACs())
			live, gone := thirds(g)
			falls, err := w.PutBack(n, live, gone)
			if err != nil {
				t.Fatal(err)
			}
			without := wholeLoss(w, n, live, -1, -1)
			all, different := 0, 0
			for gate := range gone {
				for p, i := range gone[gate] {
					want := without - wholeLoss(w, n, live, gate, i)
					// The same products in another order: some hundred roundings of losses of
					// at most some hundreds.
					if got := falls[gate][p]; math.Abs(got-want) > 1e-11 {
						t.Errorf("%s, %d targets, player %d of gate %s: the loss falls by %g, want %g", name, targets, i, g.Gates[gate].Name, got, want)
					}
					all++
					if math.Abs(want) > 1e-3 {
						different++
					}
				}
			}
			if different < all/2 || all == 0 && g.Players() > len(g.Gates) {
				t.Errorf("%s: %d of %d players make a difference, the test shows little", name, different, all)
			}
		}
	}
}

// TestWitnesses: they are held out where something is, spread evenly, no more than
// there are, and fewer for a large network.
func TestWitnesses(t *testing.T) {
	d := &dataset.Dataset{Classes: 4, Mean: 0.5, Deviation: 2, Train: testSamples(5000, 0)}
	w := NewPutBackSamples(d, backend.Loss{}, 1000)
	if w.part != backend.TrainPart || len(w.chosen) != mostSamples || w.chosen[1] != 10 || w.chosen[mostSamples-1] != 4990 {
		t.Errorf("%d samples of the %s part: %v ...", len(w.chosen), w.part, w.chosen[:3])
	}
	if got, want := w.inputs[3+1], (d.Train.At(10*3+1)-0.5)/2; got != want {
		t.Errorf("input %g, want %g", got, want)
	}
	if w := NewPutBackSamples(d, backend.Loss{}, 1<<28/100); len(w.chosen) != 100 {
		t.Errorf("%d samples for a network that takes a hundredth of the work each", len(w.chosen))
	}
	if w := NewPutBackSamples(d, backend.Loss{}, 1<<40); len(w.chosen) != fewestSamples {
		t.Errorf("%d samples for the largest network", len(w.chosen))
	}
	d.Validation = testSamples(17, 0)
	if w := NewPutBackSamples(d, backend.Loss{}, 1000); w.part != backend.ValidationPart || len(w.chosen) != 17 {
		t.Errorf("%d samples of the %s part", len(w.chosen), w.part)
	}
}

// TestLossOf compares with the definition, term by term, also where exponentials
// would overflow.
func TestLossOf(t *testing.T) {
	s := testSamples(4, 0)
	l := backend.Loss{Smoothing: 0.2, ClassWeights: []float64{1, 2, 3, 4}}
	for i, class := range s.Labels {
		z := []float64{0.5, -1, 2, float64(i)}
		sum := 0.
		for _, x := range z {
			sum += math.Exp(x)
		}
		want := 0.
		for k, x := range z {
			q := l.Smoothing / 4
			if k == int(class) {
				q += 1 - l.Smoothing
			}
			want += l.ClassWeights[class] * q * (math.Log(sum) - x)
		}
		if got := l.Of(s, i, z); math.Abs(got-want) > 1e-14*want { // a few operations
			t.Errorf("sample %d: %g, want %g", i, got, want)
		}
		if got := (backend.Loss{}).Of(s, i, []float64{1000, 1000, 1000, 1000}); math.Abs(got-math.Log(4)) > 1e-12 {
			t.Errorf("sample %d: %g at large logits, want log 4", i, got)
		}
	}
	r := testSamples(2, 2)
	r.Targets = []float32{1, 2, 3, 4}
	if got := l.Of(r, 1, []float64{5, 4}); got != 2 {
		t.Errorf("mean squared error %g, want 2", got)
	}
}
