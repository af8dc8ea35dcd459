package cpufallback

import (
	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// engine is a network, its players and its samples, computed in T.
type engine[T real] struct {
	data       *dataset.Dataset
	products   products[T]
	vectors    vectors[T]
	options    backend.EngineOptions
	inputs     [256]T // the network's input for each value of a pixel
	layers     []*layer[T]
	activation network.Activation
	steps      int // of the optimiser
	tracked    int // steps in the moving averages
	batchRows  int // rows of all buffers that hold a batch

	batch   matrix[T] // the inputs of the present batch
	labels  []uint8   // its classes
	targets matrix[T] // or, in regression, its targets
}

var (
	_ backend.Engine = (*engine[float32])(nil)
	_ backend.Engine = (*engine[float64])(nil)
)

// layer is one affine layer with all that a step writes. The parameters and everything in
// their shape lie in one slice: first the weights, row by row, then the biases.
type layer[T real] struct {
	in, out int
	gated   bool // has players and an activation: all layers but the last

	parameters, gradient, first, second []T

	participation []T
	mean, square  []T // moving averages of c and c^2 by player

	firstSlope, secondSlope []T // moments of the players' slopes in the paper's game

	affine     matrix[T] // u = Wx+b, a row a sample
	output     matrix[T] // the activation of s*u, or the logits
	derivative matrix[T] // of the mean loss: with respect to the output, then to u

	// Sums over a batch: one row a chunk of samples, and their total.
	biasPartial, meanPartial, squarePartial matrix[T]
	batchMean, batchSquare                  []T // mean c and mean c^2 of the last batch
}

func (l *layer[T]) weight() matrix[T] { return l.weightOf(l.parameters) }
func (l *layer[T]) bias() []T         { return l.biasOf(l.parameters) }

// weightOf and biasOf give the parts of a slice in the shape of the parameters.
func (l *layer[T]) weightOf(v []T) matrix[T] { return matrix[T]{l.out, l.in, v[:l.in*l.out]} }
func (l *layer[T]) biasOf(v []T) []T         { return v[l.in*l.out:] }

func open[T real](p products[T], d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (*engine[T], error) {
	if err := o.Validate(d, s.Network); err != nil {
		return nil, err
	}
	e := &engine[T]{data: d, products: p, vectors: vectorsOf[T](), options: o}
	for pixel := range e.inputs {
		e.inputs[pixel] = T((float64(pixel)/255 - d.Mean) / d.Deviation)
	}
	e.layBatch(fresh[T])
	e.labels = make([]uint8, e.batchRows)
	return e, e.Push(s)
}

// taker returns memory for a number of zeros. One that returns nil only counts.
type taker[T real] func(n int) []T

// fresh is the taker of new memory.
func fresh[T real](n int) []T { return make([]T, n) }

// matrix returns a zero matrix.
func (take taker[T]) matrix(rows, columns int) matrix[T] {
	return matrix[T]{rows, columns, take(rows * columns)}
}

// layBatch lays out what holds the present batch, and says how large a batch is.
func (e *engine[T]) layBatch(take taker[T]) {
	e.batchRows = max(min(e.options.Batch, e.data.Train.Len()), evaluationBatch)
	e.batch = take.matrix(e.batchRows, e.data.Train.Features)
	e.targets = take.matrix(e.batchRows, e.data.Train.Outputs)
}

// size returns the number of weights and biases.
func (l *layer[T]) size() int { return (l.in + 1) * l.out }

func (l *layer[T]) layParameters(take taker[T]) { l.parameters = take(l.size()) }

func (l *layer[T]) layGradient(take taker[T]) { l.gradient = take(l.size()) }

func (l *layer[T]) layMoments(take taker[T], kind backend.OptimiserKind) {
	l.first = take(l.size())
	if kind.HasSecond() {
		l.second = take(l.size())
	}
}

func (l *layer[T]) layPlayers(take taker[T]) {
	if !l.gated {
		return
	}
	for _, v := range l.ofPlayers() {
		*v = take(l.out)
	}
}

// ofPlayers lists what has a number a player.
func (l *layer[T]) ofPlayers() []*[]T {
	return []*[]T{&l.participation, &l.mean, &l.square, &l.batchMean, &l.batchSquare, &l.firstSlope, &l.secondSlope}
}

func (l *layer[T]) layActivations(take taker[T], batchRows int) {
	chunks := (batchRows + rowsPerChunk - 1) / rowsPerChunk
	l.output, l.derivative = take.matrix(batchRows, l.out), take.matrix(batchRows, l.out)
	l.biasPartial = take.matrix(chunks, l.out)
	if l.gated {
		l.affine = take.matrix(batchRows, l.out)
		l.meanPartial, l.squarePartial = take.matrix(chunks, l.out), take.matrix(chunks, l.out)
	}
}

// build lays out the layers for a network, with fresh moments and averages.
func (e *engine[T]) build(n *network.Network) {
	e.layers, e.activation = nil, n.Activation
	for _, from := range n.Layers {
		l := &layer[T]{in: from.In, out: from.Out, gated: from.Participation != nil}
		l.layParameters(fresh[T])
		l.layGradient(fresh[T])
		l.layMoments(fresh[T], e.options.Optimiser.Kind)
		l.layPlayers(fresh[T])
		l.layActivations(fresh[T], e.batchRows)
		l.fill(l.parameters, from)
		copy(l.participation, convert[T](from.Participation))
		e.layers = append(e.layers, l)
	}
}

// fill writes the weights and biases of the host to a slice in the shape of the
// parameters.
func (l *layer[T]) fill(v []T, from network.Linear) {
	copy(v, convert[T](from.Weight))
	copy(l.biasOf(v), convert[T](from.Bias))
}

// hidden returns the layers that have players.
func (e *engine[T]) hidden() []*layer[T] { return e.layers[:len(e.layers)-1] }

// convert returns the numbers of v in another arithmetic.
func convert[To, From real](v []From) []To {
	w := make([]To, len(v))
	for i, x := range v {
		w[i] = To(x)
	}
	return w
}

// narrow returns a network in the shape of the engine's, with the numbers that
// pick chooses from each layer.
func (e *engine[T]) narrow(pick func(*layer[T]) []T) *network.Network {
	n := &network.Network{Activation: e.activation}
	for _, l := range e.layers {
		v := pick(l)
		to := network.Linear{
			In: l.in, Out: l.out,
			Weight: convert[float32](l.weightOf(v).data), Bias: convert[float32](l.biasOf(v)),
		}
		if l.gated {
			to.Participation = convert[float32](l.participation)
		}
		n.Layers = append(n.Layers, to)
	}
	return n
}

func (e *engine[T]) Pull() (*backend.State, error) {
	s := &backend.State{
		Network: e.narrow(func(l *layer[T]) []T { return l.parameters }),
		First:   e.narrow(func(l *layer[T]) []T { return l.first }),
		Steps:   e.steps,
		Tracked: e.tracked,
	}
	if e.options.Optimiser.Kind.HasSecond() {
		s.Second = e.narrow(func(l *layer[T]) []T { return l.second })
	}
	for _, l := range e.hidden() {
		s.Contributions = append(s.Contributions, backend.Contributions{
			Mean: convert[float32](l.mean), MeanSquare: convert[float32](l.square),
		})
		s.Slopes = append(s.Slopes, backend.SlopeMoments{
			First: convert[float32](l.firstSlope), Second: convert[float32](l.secondSlope),
		})
	}
	return s, nil
}

func (e *engine[T]) Push(s *backend.State) error {
	e.build(s.Network)
	e.steps, e.tracked = s.Steps, s.Tracked
	for i, l := range e.layers {
		if s.First != nil {
			l.fill(l.first, s.First.Layers[i])
		}
		if s.Second != nil && l.second != nil {
			l.fill(l.second, s.Second.Layers[i])
		}
		if l.gated && s.Contributions != nil {
			l.mean, l.square = convert[T](s.Contributions[i].Mean), convert[T](s.Contributions[i].MeanSquare)
		}
		if l.gated && s.Slopes != nil {
			l.firstSlope, l.secondSlope = convert[T](s.Slopes[i].First), convert[T](s.Slopes[i].Second)
		}
	}
	return nil
}

func (e *engine[T]) Fold() error {
	for _, l := range e.hidden() {
		weight, bias := l.weight(), l.bias()
		for i, s := range l.participation {
			row := weight.row(i)
			for j := range row {
				row[j] *= s
			}
			bias[i] *= s
			l.participation[i] = 1
		}
	}
	return nil
}

func (e *engine[T]) RestartOptimiser() error {
	e.steps = 0
	for _, l := range e.layers {
		for _, moments := range [][]T{l.first, l.second, l.firstSlope, l.secondSlope} {
			clear(moments)
		}
	}
	return nil
}

func (e *engine[T]) Move(prices []float64, damping float64) ([][]float64, error) {
	moved := make([][]float64, len(e.hidden()))
	for i, l := range e.hidden() {
		market := game.Market{Price: prices[i]}
		for j, s := range l.participation {
			worth := game.Worth(float64(s), float64(l.square[j]))
			l.participation[j] = T(market.Respond(worth, float64(s), damping))
		}
		moved[i] = convert[float64](l.participation)
	}
	return moved, nil
}

func (e *engine[T]) Timings() []backend.Timing { return nil }

func (e *engine[T]) Close() error { return nil }
