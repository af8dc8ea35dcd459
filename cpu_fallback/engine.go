package cpufallback

import (
	"nashprune/game"
	"nashprune/trainer"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// engine is a network, its players and its samples, computed in T.
type engine[T real] struct {
	data       *dataset.Dataset
	products   products[T]
	options    trainer.EngineOptions
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
	_ trainer.Engine = (*engine[float32])(nil)
	_ trainer.Engine = (*engine[float64])(nil)
)

// layer is one affine layer with all that a step leaves behind. The parameters
// and everything in their shape lie in one slice: first the weights, row by
// row, then the biases.
type layer[T real] struct {
	in, out int
	gated   bool // has players and an activation: all layers but the last

	parameters, gradient, first, second []T

	participation []T
	mean, square  []T // moving averages of c and c^2 by player

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

func open[T real](p products[T], d *dataset.Dataset, o trainer.EngineOptions, s *trainer.State) (*engine[T], error) {
	if err := o.Validate(d, s.Network); err != nil {
		return nil, err
	}
	e := &engine[T]{data: d, products: p, options: o, batchRows: max(min(o.Batch, d.Train.Len()), evaluationBatch)}
	for pixel := range e.inputs {
		e.inputs[pixel] = T((float64(pixel)/255 - d.Mean) / d.Deviation)
	}
	e.batch = newMatrix[T](e.batchRows, d.Train.Features)
	e.labels, e.targets = make([]uint8, e.batchRows), newMatrix[T](e.batchRows, d.Train.Outputs)
	return e, e.Push(s)
}

// build lays out the layers for a network, with fresh moments and averages.
func (e *engine[T]) build(n *network.Network) {
	e.layers, e.activation = nil, n.Activation
	for _, from := range n.Layers {
		l := &layer[T]{in: from.In, out: from.Out, gated: from.Participation != nil}
		size := len(from.Weight) + len(from.Bias)
		l.parameters = flatten[T](from.Weight, from.Bias)
		l.gradient = make([]T, size)
		l.first = make([]T, size)
		if e.options.Optimiser.Kind.HasSecond() {
			l.second = make([]T, size)
		}
		l.output = newMatrix[T](e.batchRows, l.out)
		l.derivative = newMatrix[T](e.batchRows, l.out)
		chunks := (e.batchRows + rowsPerChunk - 1) / rowsPerChunk
		l.biasPartial = newMatrix[T](chunks, l.out)
		if l.gated {
			l.affine = newMatrix[T](e.batchRows, l.out)
			l.participation = flatten[T](from.Participation)
			l.mean, l.square = make([]T, l.out), make([]T, l.out)
			l.batchMean, l.batchSquare = make([]T, l.out), make([]T, l.out)
			l.meanPartial, l.squarePartial = newMatrix[T](chunks, l.out), newMatrix[T](chunks, l.out)
		}
		e.layers = append(e.layers, l)
	}
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

// flatten returns slices of the host one after the other.
func flatten[T real](parts ...[]float32) []T {
	var all []T
	for _, part := range parts {
		all = append(all, convert[T](part)...)
	}
	return all
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

func (e *engine[T]) Pull() (*trainer.State, error) {
	s := &trainer.State{
		Network: e.narrow(func(l *layer[T]) []T { return l.parameters }),
		First:   e.narrow(func(l *layer[T]) []T { return l.first }),
		Steps:   e.steps,
		Tracked: e.tracked,
	}
	if e.options.Optimiser.Kind.HasSecond() {
		s.Second = e.narrow(func(l *layer[T]) []T { return l.second })
	}
	for _, l := range e.hidden() {
		s.Contributions = append(s.Contributions, trainer.Contributions{
			Mean: convert[float32](l.mean), MeanSquare: convert[float32](l.square),
		})
	}
	return s, nil
}

func (e *engine[T]) Push(s *trainer.State) error {
	e.build(s.Network)
	e.steps, e.tracked = s.Steps, s.Tracked
	for i, l := range e.layers {
		if s.First != nil {
			l.first = flatten[T](s.First.Layers[i].Weight, s.First.Layers[i].Bias)
		}
		if s.Second != nil {
			l.second = flatten[T](s.Second.Layers[i].Weight, s.Second.Layers[i].Bias)
		}
		if l.gated && s.Contributions != nil {
			l.mean, l.square = convert[T](s.Contributions[i].Mean), convert[T](s.Contributions[i].MeanSquare)
		}
	}
	return nil
}

func (e *engine[T]) Compact(keep network.Survivors) error {
	for i, old := range e.layers {
		in, out := network.Indices(old.in), network.Indices(old.out)
		if i > 0 {
			in = keep[i-1]
		}
		if old.gated {
			out = keep[i]
		}
		cut := func(v []T) []T {
			if v == nil {
				return nil
			}
			return append(network.SelectMatrix(old.weightOf(v).data, old.in, out, in), network.Select(old.biasOf(v), out)...)
		}
		l := *old
		l.in, l.out = len(in), len(out)
		l.parameters, l.first, l.second = cut(old.parameters), cut(old.first), cut(old.second)
		l.gradient = old.gradient[:len(l.parameters)]
		l.participation = network.Select(old.participation, out)
		l.mean, l.square = network.Select(old.mean, out), network.Select(old.square, out)
		l.batchMean, l.batchSquare = network.Select(old.batchMean, out), network.Select(old.batchSquare, out)
		for _, m := range []*matrix[T]{&l.affine, &l.output, &l.derivative, &l.biasPartial, &l.meanPartial, &l.squarePartial} {
			m.columns = l.out
			m.data = m.data[:m.rows*l.out]
		}
		e.layers[i] = &l
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
		clear(l.first)
		clear(l.second)
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

func (e *engine[T]) Timings() []trainer.Timing { return nil }

func (e *engine[T]) Close() error { return nil }
