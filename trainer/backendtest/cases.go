package backendtest

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
	"nashprune/trainer/network/networktest"
	"nashprune/trainer/random"
)

// Case is a network with its players and samples, all drawn from its sizes.
type Case struct {
	Name         string
	Inputs       int // numbers of a sample
	Hidden       []int
	Activation   network.Activation // ReLU where empty
	Nodes        []network.Node     // in place of the perceptron of these widths
	Outputs      int                // classes, or targets
	Regression   bool               // targets are numbers
	Batch        int                // of the engine
	Rows         int                // of the batch that is probed, at most Batch
	Floats       bool               // features are floats, not bytes
	Optimiser    backend.Optimiser
	Loss         backend.Loss
	LearningRate float64
	Augmentation dataset.Augmentation
	Players      []network.PlayerKind // of Nodes; nil: all kinds
	Weights      bool                 // single weights are the players, and every fifth is gone
	Sparse       bool                 // nearly all of them are
	Soft         bool                 // they play the paper's game, and none is gone
}

// Cases returns the sizes that every backend is compared at: odd on purpose,
// single samples, partial batches, batches larger than those of an evaluation, as
// many samples as one of those takes, the narrowest layers, one layer whose players are all gone, layers of two of
// which one has participation 0 or 1, and one of several blocks of players.
func Cases() []Case {
	adam := backend.Optimiser{Kind: backend.Adam}
	sgd := backend.Optimiser{Kind: backend.SGD, Momentum: 0.9}
	var cases []Case
	for _, c := range []Case{
		{Inputs: 1, Hidden: []int{1}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: sgd},
		{Inputs: 3, Hidden: []int{2}, Outputs: 2, Batch: 3, Rows: 3, Optimiser: adam},
		{Inputs: 13, Hidden: []int{15}, Outputs: 3, Batch: 19, Rows: 13, Optimiser: adam},
		{Inputs: 19, Hidden: []int{13, 2}, Outputs: 10, Batch: 2, Rows: 1, Optimiser: sgd},
		{Inputs: 15, Hidden: []int{3, 19, 13}, Outputs: 5, Batch: 130, Rows: 127, Optimiser: adam},
		{Inputs: 127, Hidden: []int{130, 15}, Outputs: 10, Batch: 15, Rows: 15, Optimiser: sgd},
		{Inputs: 130, Hidden: []int{127, 130}, Outputs: 13, Batch: 128, Rows: 128, Optimiser: adam},
		{Inputs: 13, Hidden: []int{0, 3}, Outputs: 3, Batch: 19, Rows: 15, Optimiser: adam},
		{Inputs: 2, Hidden: []int{2, 15, 19, 2}, Outputs: 2, Batch: 1, Rows: 1, Optimiser: adam}, // one of the last two is gated
		{Inputs: 7, Hidden: []int{5}, Outputs: 3, Batch: 4, Rows: 3, Floats: true, Optimiser: adam},
		{Inputs: 2, Hidden: []int{13}, Outputs: 3, Batch: 261, Rows: 261, Optimiser: adam},
		{Inputs: 2, Hidden: []int{3}, Outputs: 2, Batch: 50, Rows: 28, Optimiser: sgd}, // 128 samples to train on, as an evaluation takes

		{Inputs: 13, Hidden: []int{15, 6}, Activation: network.LeakyReLU, Outputs: 3, Batch: 19, Rows: 13,
			Optimiser: backend.Optimiser{Kind: backend.AdamW, WeightDecay: 0.5}, Loss: backend.Loss{ClassWeights: []float64{0.5, 2, 0}}},
		{Inputs: 7, Hidden: []int{9, 5}, Activation: network.GELU, Outputs: 4, Batch: 5, Rows: 5, Floats: true,
			Optimiser: backend.Optimiser{Kind: backend.SGD, Momentum: 0.9, WeightDecay: 0.1}, Loss: backend.Loss{Smoothing: 0.1}},
		{Inputs: 19, Hidden: []int{13, 5}, Activation: network.Tanh, Outputs: 10, Batch: 33, Rows: 31,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, Momentum: 0.5, ClipNorm: 0.1}, Loss: smoothedAndWeighted(10)},
		{Inputs: 13, Hidden: []int{127, 66}, Activation: network.GELU, Outputs: 7, Batch: 33, Rows: 33,
			Optimiser: backend.Optimiser{Kind: backend.Adam, ClipNorm: 0.05, WeightDecay: 0.01}},
		{Inputs: 5, Hidden: []int{8, 3}, Outputs: 1, Regression: true, Batch: 16, Rows: 9, Floats: true, Optimiser: adam},
		{Inputs: 9, Hidden: []int{6}, Activation: network.Tanh, Outputs: 3, Regression: true, Batch: 7, Rows: 7,
			Optimiser: backend.Optimiser{Kind: backend.SGD, WeightDecay: 0.1, ClipNorm: 1e6}}, // longer than any gradient
		{Inputs: 3, Hidden: []int{0, 4}, Activation: network.LeakyReLU, Outputs: 5, Regression: true, Batch: 2, Rows: 1,
			Optimiser: backend.Optimiser{Kind: backend.RMSProp, ClipNorm: 0.01}},
		{Inputs: 17, Hidden: []int{14, 6}, Activation: network.ReLU6, Outputs: 3, Batch: 9, Rows: 9, Floats: true, Optimiser: adam},
		// Three blocks of players, one of a single player; more inputs than have second moments.
		{Inputs: 2, Hidden: []int{2*game.BlockSize + 1}, Outputs: 2, Batch: 3, Rows: 2, Optimiser: sgd},
	} {
		c.LearningRate = 1e-2
		c.Name = c.describe()
		cases = append(cases, c)
	}
	return slices.Concat(cases, Graphs(), weightCases())
}

// FewCases returns eight of the cases, for short tests: four of single weights, a layer whose players are all gone, a
// smoothed and weighted loss with clipped gradients, a sum and a concat.
func FewCases() []Case {
	all := Cases()
	few := []Case{all[7], all[14]}
	few = append(few, weightCases()[1], weightCases()[3], weightCases()[5], weightCases()[8])
	return append(few, Graphs("residual", "concat with the input")...)
}

// Graphs returns networks of every operator, with players of all kinds: sums, whose
// classes have one player at several gate points, concats, and gates on inputs. With names of
// [networktest.Nets] it returns these alone, and panics where there is no such.
func Graphs(names ...string) []Case {
	var cases []Case
	optimisers := []backend.Optimiser{
		{Kind: backend.Adam}, {Kind: backend.SGD, Momentum: 0.9}, {Kind: backend.AdamW, WeightDecay: 0.1}, {Kind: backend.RMSProp, ClipNorm: 0.1},
	}
	nets := networktest.Nets()
	for _, name := range names {
		if nets[name] == nil {
			panic(fmt.Sprintf("backendtest: no network %q", name))
		}
	}
	for i, name := range slices.Sorted(maps.Keys(nets)) {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		c := Case{Name: name, Nodes: nets[name], Batch: 5 + 14*(i%3), Rows: 5 + 9*(i%3), Floats: i%2 == 1, LearningRate: 1e-2, Optimiser: optimisers[i%len(optimisers)]}
		g := c.Graph()
		c.Inputs, c.Outputs = g.Input().Sample.Size(), g.Outputs()
		if len(g.Input().Sample) == 3 {
			c.Augmentation = dataset.Augmentation{Padding: i % 3, Flip: i%2 == 0}
		}
		c.Name = c.describe()
		cases = append(cases, c)
	}
	return cases
}

// smoothedAndWeighted returns a loss with both, one class of three without weight.
func smoothedAndWeighted(classes int) backend.Loss {
	l := backend.Loss{Smoothing: 0.2}
	for k := range classes {
		l.ClassWeights = append(l.ClassWeights, float64(k%3))
	}
	return l
}

// describe names the case after what is special in it.
func (c Case) describe() string {
	name := fmt.Sprintf("%d-%v-%d batch %d of %d %s", c.Inputs, c.Hidden, c.Outputs, c.Rows, c.Batch, c.Optimiser.Kind)
	if c.Nodes != nil {
		name = fmt.Sprintf("%s batch %d of %d %s", c.Name, c.Rows, c.Batch, c.Optimiser.Kind)
	}
	for _, word := range []struct {
		is   bool
		text string
	}{
		{c.Floats, "floats"}, {c.Regression, "regression"}, {c.Activation != "", string(c.Activation)},
		{c.Optimiser.WeightDecay != 0, "decay"}, {c.Optimiser.ClipNorm != 0, "clip"},
		{c.Loss.Smoothing != 0, "smoothing"}, {c.Loss.ClassWeights != nil, "weights"},
	} {
		if word.is {
			name += " " + word.text
		}
	}
	return name
}

// stream returns random numbers for one purpose within the case.
func (c Case) stream(purpose uint32) *random.Stream {
	return random.New(uint64(c.Inputs*1000+c.Rows), random.Testing, uint32(len(c.Hidden)+len(c.Nodes)), purpose)
}

// Data returns the case's samples: a few batches to train on, the last partial,
// and as many to test on. Each channel of images has its own mean and deviation.
func (c Case) Data() *dataset.Dataset {
	draw := c.stream(0)
	samples := func(n int) dataset.Samples {
		s := dataset.Samples{Features: c.Inputs}
		for range n * c.Inputs {
			if c.Floats {
				s.Values = append(s.Values, float32(draw.Normal()))
			} else {
				s.Pixels = append(s.Pixels, uint8(draw.Below(256)))
			}
		}
		if c.Regression {
			s.Outputs = c.Outputs
			for range n * c.Outputs {
				s.Targets = append(s.Targets, float32(draw.Normal()))
			}
			return s
		}
		for range n {
			s.Labels = append(s.Labels, uint8(draw.Below(uint32(c.Outputs))))
		}
		return s
	}
	d := &dataset.Dataset{
		Name: "noise", Height: 1, Width: c.Inputs, Mean: 0.4, Deviation: 0.3,
		Train: samples(2*c.Batch + c.Rows), Validation: samples(17), Test: samples(300),
	}
	if !c.Regression {
		d.Classes = c.Outputs
	}
	if shape := c.Graph().Input().Sample; len(shape) == 3 {
		d.Channels, d.Height, d.Width = shape[0], shape[1], shape[2]
		for channel := range d.Channels {
			d.Means, d.Deviations = append(d.Means, 0.4-0.1*float64(channel)), append(d.Deviations, 0.3+0.1*float64(channel))
		}
	}
	return d
}

// order returns the samples of the batch that is probed.
func (c Case) order() []int32 {
	order := make([]int32, c.Rows)
	for i := range order {
		order[i] = int32(2*c.Batch + c.Rows - 1 - i)
	}
	return order
}

// Graph returns the network's graph. Its players are of all kinds where it is no
// perceptron.
func (c Case) Graph() *network.Graph {
	kinds, perceptrons := network.PlayerKinds, network.DefaultPlayers
	if c.Players != nil {
		kinds = c.Players
	}
	if c.Weights {
		kinds, perceptrons = []network.PlayerKind{network.Weights}, []network.PlayerKind{network.Weights}
	}
	build := func() (*network.Graph, error) { return network.NewGraph(c.Nodes, kinds) }
	if c.Nodes == nil {
		activation := network.ReLU
		if c.Activation != "" {
			activation = c.Activation
		}
		build = func() (*network.Graph, error) {
			return network.MLP(append(append([]int{c.Inputs}, c.Hidden...), c.Outputs), activation, perceptrons)
		}
	}
	g, err := build()
	if err != nil {
		panic(err) // a mistake in the case
	}
	return g
}

// State returns the state that both backends start from: a network whose
// participations lie between zero and one, both ends included, with an optimiser
// and moving averages that are some steps old. The second moments stay away from
// zero, where Adam turns any rounding into a step of full length.
func (c Case) State() *backend.State {
	draw := c.stream(1)
	fill := func(v []float32, number func() float64) {
		for i := range v {
			v[i] = float32(number())
		}
	}
	n := network.New(c.Graph())
	s := &backend.State{Network: n, Steps: 7}
	moment := func(size int, number func() float64) []float32 {
		v := make([]float32, size)
		fill(v, number)
		return v
	}
	small := func() float64 { return 0.01 * draw.Normal() }
	positive := func() float64 { return 1e-4 + 1e-3*draw.Float64() }
	for p, param := range n.Graph.Params {
		deviation := 0.1
		if param.Weight {
			deviation = math.Sqrt(2 / float64(max(1, network.Shape(param.Shape[1:]).Size())))
		}
		fill(n.Parameters[p], func() float64 {
			if param.Statistic {
				return float64(networktest.Draw(param, draw.Normal()))
			}
			return deviation * draw.Normal()
		})
		s.First = append(s.First, moment(param.Size(), small))
		if c.Optimiser.Kind.HasSecond() {
			s.Second = append(s.Second, moment(param.Size(), positive))
		}
	}
	for l, participation := range n.Participations {
		fill(participation, draw.Float64)
		for i := range participation {
			switch (i + l) % 5 {
			case 1:
				participation[i] = 1
			case 4:
				participation[i] = 0
			}
		}
		s.Slopes = append(s.Slopes, backend.SlopeMoments{
			First: moment(len(participation), small), Second: moment(len(participation), positive),
		})
	}
	if c.Soft {
		for _, p := range n.Masked() {
			soften(n.Masks[p], n.Parameters[p])
			s.Slopes = append(s.Slopes, backend.SlopeMoments{First: moment(n.Params[p].Size(), small), Second: moment(n.Params[p].Size(), positive)})
		}
		return s
	}
	maskSome(s, c.Sparse)
	return s
}

// cut keeps about half of the players of each gate, at least one of any that has one;
// networks of three gates keep all of the second. Branches are removed.
func (c Case) cut() *network.Cut {
	draw, g := c.stream(2), c.Graph()
	var keep network.Survivors
	for l, gate := range g.Gates {
		stay := []int{}
		for i := range gate.Players {
			if gate.Kind == network.Branches {
				break
			}
			if i == int(draw.Below(uint32(gate.Players))) || draw.Below(2) == 0 || len(stay) == 0 && i == gate.Players-1 || l == 1 && len(g.Gates) == 3 {
				stay = append(stay, i)
			}
		}
		keep = append(keep, stay)
	}
	cut, err := g.Cut(keep)
	if err != nil {
		panic(err) // a mistake here
	}
	return cut
}

// flatten returns all numbers of a state in one order.
func flatten(s *backend.State) []float64 {
	v := []float64{float64(s.Steps)}
	for _, tensors := range [][][]float32{s.Network.Parameters, s.First, s.Second, s.Network.Participations, s.Network.Masks} {
		for _, t := range tensors {
			v = append(append(v, float64(len(t))), widen(t)...)
		}
	}
	for _, slopes := range s.Slopes {
		v = append(v, widen(slopes.First)...)
		v = append(v, widen(slopes.Second)...)
	}
	return v
}

// parameters returns all parameters of a state.
func parameters(s *backend.State) []float64 {
	var v []float64
	for _, t := range s.Network.Parameters {
		v = append(v, widen(t)...)
	}
	return v
}

func distance(a, b []float64) float64 {
	sum := 0.
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

func widen[T float32 | int](v []T) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
