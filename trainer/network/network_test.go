package network_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"nashprune/trainer/network"
	"nashprune/trainer/random"
)

// shapes are widths whose sizes are odd on purpose; some layers are empty.
var shapes = [][]int{
	{1, 1},
	{3, 2, 1},
	{13, 127, 3},
	{127, 13, 1, 13},
	{2, 0, 3},
	{3, 0, 0, 2},
	{13, 3, 127, 2, 13, 1},
}

// randomNetwork returns a network of normal weights, biases and participations
// between 0.01 and 1.
func randomNetwork(widths []int, stream *random.Stream) *network.Network {
	n := network.New(widths)
	for _, layer := range n.Layers {
		for i := range layer.Weight {
			layer.Weight[i] = float32(stream.Normal())
		}
		for i := range layer.Bias {
			layer.Bias[i] = float32(stream.Normal())
		}
		for i := range layer.Participation {
			layer.Participation[i] = float32(0.01 + 0.99*stream.Float64())
		}
	}
	return n
}

func randomInput(n int, stream *random.Stream) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = stream.Normal()
	}
	return x
}

// randomSurvivors keeps each player of n with a probability of one half.
func randomSurvivors(n *network.Network, stream *random.Stream) network.Survivors {
	keep := make(network.Survivors, len(n.Hidden()))
	for l, layer := range n.Hidden() {
		for i := range layer.Out {
			if stream.Below(2) == 0 {
				keep[l] = append(keep[l], i)
			}
		}
	}
	return keep
}

// forward computes the logits in float64, adding inputs in their order. It also
// returns how far a logit may move when every weight and bias of a hidden layer
// is multiplied by its participation and the product rounded with a relative
// error up to unit: |dz| <= sum |s W| ((1+unit) |dx| + unit |x|) + unit |s b|,
// to which the rectifier adds nothing.
func forward(n *network.Network, x []float64, unit float64) (logits, bounds []float64) {
	errors := make([]float64, len(x))
	for l, layer := range n.Layers {
		hidden := l < len(n.Layers)-1
		z, dz := make([]float64, layer.Out), make([]float64, layer.Out)
		for i := range z {
			s, u := 1., 0.
			if hidden {
				s, u = float64(layer.Participation[i]), unit
			}
			sum, bound := float64(layer.Bias[i]), u*math.Abs(float64(layer.Bias[i]))
			for j, w := range layer.Weight[i*layer.In : (i+1)*layer.In] {
				sum += float64(w) * x[j]
				bound += math.Abs(float64(w)) * ((1+u)*errors[j] + u*math.Abs(x[j]))
			}
			z[i], dz[i] = s*sum, s*bound
			if hidden {
				z[i] = max(z[i], 0)
			}
		}
		x, errors = z, dz
	}
	return x, errors
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		widths                    []int
		players, parameters, macs int
	}{
		{[]int{1, 1}, 0, 2, 1},
		{[]int{3, 2, 1}, 2, 3*2 + 2 + 2 + 1, 3*2 + 2},
		{[]int{13, 127, 3}, 127, 13*127 + 127 + 127*3 + 3, 13*127 + 127*3},
		{[]int{2, 0, 3}, 0, 3, 0},
		{[]int{784, 512, 256, 10}, 768, 535818, 535040},
	} {
		n := network.New(c.widths)
		if got := n.Widths(); !slices.Equal(got, c.widths) {
			t.Errorf("%v: widths %v", c.widths, got)
		}
		if got := n.Players(); got != c.players {
			t.Errorf("%v: %d players, want %d", c.widths, got, c.players)
		}
		if got := n.Parameters(); got != c.parameters {
			t.Errorf("%v: %d parameters, want %d", c.widths, got, c.parameters)
		}
		if got := n.MACs(); got != c.macs {
			t.Errorf("%v: %d MACs, want %d", c.widths, got, c.macs)
		}
		if got := n.Bytes(); got != 4*c.parameters {
			t.Errorf("%v: %d bytes, want %d", c.widths, got, 4*c.parameters)
		}
		if got := len(n.Hidden()); got != len(c.widths)-2 {
			t.Errorf("%v: %d hidden layers", c.widths, got)
		}
	}
}

func TestNew(t *testing.T) {
	for _, widths := range shapes {
		n := network.New(widths)
		for l, layer := range n.Layers {
			last := l == len(n.Layers)-1
			if (layer.Participation == nil) != last {
				t.Errorf("%v: layer %d has participation %v", widths, l, layer.Participation)
			}
			if slices.ContainsFunc(layer.Participation, func(s float32) bool { return s != 1 }) {
				t.Errorf("%v: layer %d has participation %v, want ones", widths, l, layer.Participation)
			}
			if len(layer.Weight) != widths[l]*widths[l+1] || len(layer.Bias) != widths[l+1] {
				t.Errorf("%v: layer %d has %d weights and %d biases", widths, l, len(layer.Weight), len(layer.Bias))
			}
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	for _, widths := range shapes {
		n := randomNetwork(widths, random.New(1, random.Testing, 0, 0))
		same := randomNetwork(widths, random.New(1, random.Testing, 0, 0)) // not by Clone, which is on trial
		c := n.Clone()
		if !reflect.DeepEqual(c, n) {
			t.Fatalf("%v: the clone differs", widths)
		}
		for l := range c.Layers {
			for _, values := range [][]float32{c.Layers[l].Weight, c.Layers[l].Bias, c.Layers[l].Participation} {
				for i := range values {
					values[i]++
				}
			}
			c.Layers[l].In++
		}
		if !reflect.DeepEqual(n, same) {
			t.Errorf("%v: changing the clone changed the network", widths)
		}
	}
}

// TestFoldKeepsTheFunction compares logits before and after. Folding rounds each
// product to float32, an error of at most 2^-24 of it; twice that leaves room
// for the sums of the reference, whose 2^-53 for each term is far smaller.
func TestFoldKeepsTheFunction(t *testing.T) {
	stream := random.New(2, random.Testing, 0, 0)
	for _, widths := range shapes {
		n := randomNetwork(widths, stream)
		x := randomInput(widths[0], stream)
		want, bounds := forward(n, x, 0x1p-23)
		n.Fold()
		got, _ := forward(n, x, 0)
		for k := range want {
			if math.Abs(got[k]-want[k]) > bounds[k] {
				t.Errorf("%v: logit %d is %g after folding, was %g, bound %g", widths, k, got[k], want[k], bounds[k])
			}
		}
		for l, layer := range n.Hidden() {
			if slices.ContainsFunc(layer.Participation, func(s float32) bool { return s != 1 }) {
				t.Errorf("%v: layer %d has participation %v after folding", widths, l, layer.Participation)
			}
		}
	}
}

func TestFoldTwiceIsFoldOnce(t *testing.T) {
	n := randomNetwork([]int{13, 127, 3}, random.New(3, random.Testing, 0, 0))
	n.Fold()
	once := n.Clone()
	n.Fold()
	if !reflect.DeepEqual(n, once) {
		t.Error("folding again changed the network")
	}
}

// TestRemovalKeepsTheFunction removes players with participation zero. The
// reference adds in the order of the inputs, in which the removed players added
// zeros: without them every sum is the same to the bit.
func TestRemovalKeepsTheFunction(t *testing.T) {
	stream := random.New(4, random.Testing, 0, 0)
	for _, widths := range shapes {
		for range 13 {
			n := randomNetwork(widths, stream)
			keep := randomSurvivors(n, stream)
			for l, layer := range n.Hidden() {
				for i := range layer.Participation {
					if !slices.Contains(keep[l], i) {
						layer.Participation[i] = 0
					}
				}
			}
			small := n.Keep(keep)
			for l := range keep {
				if got := small.Layers[l].Out; got != len(keep[l]) || small.Layers[l+1].In != got {
					t.Fatalf("%v: layer %d is left with %d players, want %d", widths, l, got, len(keep[l]))
				}
			}
			x := randomInput(widths[0], stream)
			want, _ := forward(n, x, 0)
			if got, _ := forward(small, x, 0); !slices.Equal(got, want) {
				t.Errorf("%v keeping %v: logits %v, want %v", widths, keep, got, want)
			}
		}
	}
}

func TestKeepAll(t *testing.T) {
	stream := random.New(5, random.Testing, 0, 0)
	for _, widths := range shapes {
		n := randomNetwork(widths, stream)
		if got := n.Keep(n.All()); !reflect.DeepEqual(got, n) {
			t.Errorf("%v: keeping all changed the network", widths)
		}
	}
}

func TestKeepPicksRowsAndColumns(t *testing.T) {
	n := network.New([]int{2, 3, 2})
	copy(n.Layers[0].Weight, []float32{1, 2, 3, 4, 5, 6})
	copy(n.Layers[0].Bias, []float32{7, 8, 9})
	copy(n.Layers[0].Participation, []float32{0.1, 0.2, 0.3})
	copy(n.Layers[1].Weight, []float32{10, 11, 12, 13, 14, 15})
	copy(n.Layers[1].Bias, []float32{16, 17})
	want := &network.Network{Activation: network.ReLU, Layers: []network.Linear{
		{In: 2, Out: 2, Weight: []float32{1, 2, 5, 6}, Bias: []float32{7, 9}, Participation: []float32{0.1, 0.3}},
		{In: 2, Out: 2, Weight: []float32{10, 12, 13, 15}, Bias: []float32{16, 17}},
	}}
	if got := n.Keep(network.Survivors{{0, 2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("Keep = %+v, want %+v", got, want)
	}
}

// TestEmptyLayerLeavesTheBias removes all players of one layer: the logits are
// then what the layers above make of their biases, whatever the input.
func TestEmptyLayerLeavesTheBias(t *testing.T) {
	stream := random.New(6, random.Testing, 0, 0)
	n := randomNetwork([]int{13, 3, 127, 2}, stream)
	for _, keep := range []network.Survivors{{nil, {1, 126}}, {{0, 2}, nil}, {nil, nil}} {
		small := n.Keep(keep)
		if got := small.Players(); got != len(keep[0])+len(keep[1]) {
			t.Errorf("keeping %v leaves %d players", keep, got)
		}
		a, _ := forward(small, randomInput(13, stream), 0)
		b, _ := forward(small, randomInput(13, stream), 0)
		if !slices.Equal(a, b) {
			t.Errorf("keeping %v: logits %v and %v depend on the input", keep, a, b)
		}
		if len(keep[1]) == 0 && a[1] != float64(n.Layers[2].Bias[1]) {
			t.Errorf("keeping %v: logit %g, want the bias %g", keep, a[1], n.Layers[2].Bias[1])
		}
	}
}

// TestScatterIsTheInverseOfKeep writes another network over the survivors: they
// hold its numbers then, and the rest holds what it held.
func TestScatterIsTheInverseOfKeep(t *testing.T) {
	stream := random.New(7, random.Testing, 0, 0)
	for _, widths := range shapes {
		for range 13 {
			n := randomNetwork(widths, stream)
			before := n.Clone()
			keep := randomSurvivors(n, stream)
			original := n.Keep(keep)
			other := randomNetwork(original.Widths(), stream)
			n.Scatter(other, keep)
			if got := n.Keep(keep); !reflect.DeepEqual(got, other) {
				t.Fatalf("%v keeping %v: survivors differ from what was scattered", widths, keep)
			}
			n.Scatter(original, keep)
			if !reflect.DeepEqual(n, before) {
				t.Fatalf("%v keeping %v: scattering changed more than the survivors", widths, keep)
			}
		}
	}
}
