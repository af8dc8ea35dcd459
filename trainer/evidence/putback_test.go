package evidence

import (
	"math"
	"slices"
	"testing"

	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// testSamples are random samples of three features, in four classes or, with
// outputs, for regression.
func testSamples(count, outputs int) dataset.Samples {
	draw := random.New(7, random.Testing, 0, 0)
	s := dataset.Samples{Features: 3, Outputs: outputs}
	for range count {
		for range s.Features {
			s.Values = append(s.Values, float32(draw.Normal()))
		}
		if outputs == 0 {
			s.Labels = append(s.Labels, uint8(draw.Below(4)))
		}
		for range outputs {
			s.Targets = append(s.Targets, float32(draw.Normal()))
		}
	}
	return s
}

// testNetwork is a network with random weights and participations.
func testNetwork(widths []int, activation network.Activation) *network.Network {
	draw := random.New(9, random.Testing, 0, 0)
	n := network.New(widths)
	n.Activation = activation
	for _, layer := range n.Layers {
		for i := range layer.Weight {
			layer.Weight[i] = float32(draw.Normal())
		}
		for i := range layer.Bias {
			layer.Bias[i] = float32(draw.Normal())
		}
		for i := range layer.Participation {
			layer.Participation[i] = float32(draw.Float64())
		}
	}
	return n
}

// plainLoss is the mean loss of a network, written out neuron by neuron, when the
// players outside live and beside the one that is back play zero, and that one plays
// one.
func plainLoss(w *Witnesses, n *network.Network, live network.Survivors, backLayer, backIndex int) float64 {
	total := 0.
	for b := range w.chosen {
		x := w.inputs.Data[b*w.inputs.Stride:][:w.inputs.Cols]
		for l, layer := range n.Layers {
			next := make([]float64, layer.Out)
			for i := range next {
				u := float64(layer.Bias[i])
				for j := range layer.In {
					u += float64(layer.Weight[i*layer.In+j]) * x[j]
				}
				switch {
				case l == len(n.Layers)-1:
					next[i] = u
				case l == backLayer && i == backIndex:
					next[i] = n.Activation.At(u)
				case slices.Contains(live[l], i):
					next[i] = n.Activation.At(float64(layer.Participation[i]) * u)
				}
			}
			x = next
		}
		total += w.lossOf(b, x)
	}
	return total / float64(len(w.chosen))
}

// TestPutBack compares with networks of full width in which every removed player plays
// zero, computed neuron by neuron, for every activation and loss, in every layer.
func TestPutBack(t *testing.T) {
	for _, activation := range network.Activations {
		for _, outputs := range []int{0, 4} {
			n := testNetwork([]int{3, 6, 5, 7, 4}, activation)
			d := &dataset.Dataset{Name: "test", Classes: 4, Deviation: 1, Train: testSamples(61, outputs)}
			loss := backend.Loss{Smoothing: 0.1, ClassWeights: []float64{1, 2, 0.5, 1}}
			w := NewWitnesses(d, loss, n.MACs())
			live := network.Survivors{{0, 2, 3}, {1, 4}, {0, 1, 2, 5, 6}}
			gone := [][]int{{1, 4, 5}, {0, 2, 3}, {3, 4}}
			falls := w.PutBack(n, live, gone)
			without := plainLoss(w, n, live, -1, -1)
			different := 0
			for l := range gone {
				for p, i := range gone[l] {
					want := without - plainLoss(w, n, live, l, i)
					// The same products in another order: some hundred roundings of losses of
					// at most some hundreds.
					if got := falls[l][p]; math.Abs(got-want) > 1e-11 {
						t.Errorf("%s, %d targets, player %d:%d: the loss falls by %g, want %g", activation, outputs, l, i, got, want)
					}
					if math.Abs(want) > 1e-3 {
						different++
					}
				}
			}
			if different < 4 {
				t.Errorf("%s: %d players make a difference, the test shows little", activation, different)
			}
		}
	}
}

// TestWitnesses: they are held out where something is, spread evenly, no more than
// there are, and fewer for a large network.
func TestWitnesses(t *testing.T) {
	d := &dataset.Dataset{Classes: 4, Mean: 0.5, Deviation: 2, Train: testSamples(5000, 0)}
	w := NewWitnesses(d, backend.Loss{}, 1000)
	if w.part != backend.TrainPart || len(w.chosen) != mostWitnesses || w.chosen[1] != 10 || w.chosen[mostWitnesses-1] != 4990 {
		t.Errorf("%d witnesses of the %s part: %v ...", len(w.chosen), w.part, w.chosen[:3])
	}
	if got, want := w.inputs.Data[3+1], (d.Train.At(10*3+1)-0.5)/2; got != want {
		t.Errorf("input %g, want %g", got, want)
	}
	if w := NewWitnesses(d, backend.Loss{}, 1<<28/100); len(w.chosen) != 100 {
		t.Errorf("%d witnesses for a network that takes a hundredth of the work each", len(w.chosen))
	}
	if w := NewWitnesses(d, backend.Loss{}, 1<<40); len(w.chosen) != fewestWitnesses {
		t.Errorf("%d witnesses for the largest network", len(w.chosen))
	}
	d.Validation = testSamples(17, 0)
	if w := NewWitnesses(d, backend.Loss{}, 1000); w.part != backend.ValidationPart || len(w.chosen) != 17 {
		t.Errorf("%d witnesses of the %s part", len(w.chosen), w.part)
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
