//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"time"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// layer is one affine layer on the device.
//
// The parameters and everything in their shape are one matrix with a row for
// each input, padded, and the biases as its last; a column is one output. All
// columns are padded with zeros, which every kernel leaves zero (but Fold sets all
// participations to one).
type layer struct {
	in, out int
	gated   bool // has players and an activation: all layers but the last

	parameters, first, second compute.Buffer // without a second moment, second is first again
	players                   compute.Buffer // shaders.PlayerRows rows, a column a player
	measured                  compute.Buffer // likewise, of the last Measure

	affine, output, derivative compute.Buffer // a row a sample
	sums                       compute.Buffer // over blocks of samples, see backward; of the last layer nothing
	mixture                    compute.Buffer // sum of s theta over the players, a number a row
	normSums                   compute.Buffer // over blocks of rows, see norms
	gradient                   compute.Buffer // where gradients are clipped
}

func (l *layer) inStride() int  { return padded(l.in) / 4 }
func (l *layer) outStride() int { return padded(l.out) / 4 }

// rows returns the number of rows of the parameters.
func (l *layer) rows() int { return padded(l.in) + 1 }

// size returns the number of numbers in the shape of the parameters.
func (l *layer) size() int { return l.rows() * padded(l.out) }

// lay returns host tensors, weights of [out, in], in the device's shape.
func (l *layer) lay(weight, bias []float32) []float32 {
	v := make([]float32, l.size())
	width := padded(l.out)
	for o := range l.out {
		for i, w := range weight[o*l.in : (o+1)*l.in] {
			v[i*width+o] = w
		}
	}
	copy(v[(l.rows()-1)*width:], bias)
	return v
}

// lift is the inverse of lay.
func (l *layer) lift(v []float32) (weight, bias []float32) {
	width := padded(l.out)
	weight = make([]float32, l.out*l.in)
	for o := range l.out {
		row := weight[o*l.in : (o+1)*l.in]
		for i := range row {
			row[i] = v[i*width+o]
		}
	}
	return weight, append([]float32{}, v[(l.rows()-1)*width:][:l.out]...)
}

// build makes fresh layers of the given shapes, all zero, in place of those
// there are, which it gives back first.
func (e *engine) build(shapes []*layer) error {
	if err := e.checkLayers(e.device.Info().Limits, shapes); err != nil {
		return err
	}
	// Nothing of what was there is needed any more, and it might not fit beside.
	e.forget()
	e.before = map[mode]time.Duration{}
	for _, arena := range []**compute.Arena{&e.parameters, &e.activations} {
		if *arena != nil {
			(*arena).Free()
			*arena = nil
		}
	}
	var err error
	if e.parameters, err = e.newParameters(shapes); err != nil {
		return err
	}
	e.activations, err = newArena(e.device, compute.Local, func(take taker) {
		e.layActivations(shapes, take)
		e.layGradients(e.device.Info(), shapes, take)
	})
	if err != nil {
		return err
	}
	e.placeGradients(shapes)
	e.layers = shapes
	return nil
}

// checkLayers says whether kernels go through all of the layers, and reach it.
func (e *engine) checkLayers(limits compute.Limits, layers []*layer) error {
	for i, l := range layers {
		if widest := max(l.in, l.out); widest > 4*maxTurns {
			return backend.Usagef("%d inputs or players in a layer are too many for Vulkan: take %d at most, or train on the cpu", widest, 4*maxTurns)
		}
		largest := max(4*l.size(), l.batchBytes(e.batchRows), 4*e.batchRows*padded(l.in))
		err := checkReach(fmt.Sprintf("the weights or activations of layer %d take", i), largest, min(limits.StorageRange, limits.TexelRange))
		if err != nil {
			return err
		}
	}
	return nil
}

// layActivations lays out what a step leaves behind.
func (e *engine) layActivations(layers []*layer, take taker) {
	e.state, e.cursor = take(sizeOf[shaders.Step]()), take(sizeOf[uint32]())
	e.jobs = take(2 * len(layers) * sizeOf[shaders.Job]()) // a matrix and a gate each
	e.batch = take(4 * e.batchRows * padded(e.data.Train.Features))
	for _, of := range []func(*layer) *compute.Buffer{ // side by side, so that spans are short
		func(l *layer) *compute.Buffer { return &l.output },
		func(l *layer) *compute.Buffer { return &l.derivative },
		func(l *layer) *compute.Buffer { return &l.affine },
	} {
		for _, l := range layers {
			*of(l) = take(l.batchBytes(e.batchRows))
		}
	}
	for _, l := range layers {
		l.sums = take(l.sumBytes(e.batchRows))
	}
	for _, l := range layers {
		l.mixture, l.normSums = take(4*l.rows()), take(l.normBytes())
	}
}

// layGradients lays out the gradients of a step, where they wait to be clipped,
// and their lengths. Where they lie is for placeGradients to say.
func (e *engine) layGradients(info compute.Info, layers []*layer, take taker) {
	if !e.clips() {
		return
	}
	bytes, sums := 0, 0
	for _, l := range layers {
		bytes += info.Round(4 * l.size())
		sums += squareSums(l.size() / 4)
	}
	e.gradients, e.squares, e.factor = take(bytes), take(2*4*sums), take(4)
}

// placeGradients places the gradients as far from each other as the parameters are, of
// any layers that are no larger than those that were laid out.
func (e *engine) placeGradients(layers []*layer) {
	if !e.clips() {
		return
	}
	place := 0
	for _, l := range layers {
		l.gradient = e.gradients.Part(place, 4*l.size())
		place += e.device.Round(4 * l.size())
	}
}

func (l *layer) batchBytes(rows int) int { return 4 * rows * padded(l.out) }

// sumBytes returns the memory of two sums over the blocks of a batch.
func (l *layer) sumBytes(rows int) int {
	return 2 * 4 * blocks(rows, shaders.BackwardRows) * padded(l.out)
}

// normBytes returns the memory of two sums over the blocks of the parameters.
func (l *layer) normBytes() int { return 2 * 4 * blocks(l.rows(), shaders.NormRows) * padded(l.out) }

// squareSums returns how many sums of squares there are of so many vec4 of a gradient:
// few enough that the workgroup that adds them up does not go through its loop too often,
// for any layers.
func squareSums(vectors int) int {
	return min(blocks(vectors, shaders.SquaresSummed), shaders.SquaresMost)
}

// blocks returns how many blocks of some size n rows fall into.
func blocks(n, size int) int { return (n + size - 1) / size }

// newParameters makes the memory of what layers keep from step to step.
func (e *engine) newParameters(layers []*layer) (*compute.Arena, error) {
	return newArena(e.device, compute.Local, func(take taker) {
		layParameters(layers, take)
		layMoments(layers, take, e.options.Optimiser.Kind)
		layPlayers(layers, take)
	})
}

func layParameters(layers []*layer, take taker) {
	for _, l := range layers {
		l.parameters = take(4 * l.size())
	}
}

func layMoments(layers []*layer, take taker, kind backend.OptimiserKind) {
	for _, l := range layers {
		l.first = take(4 * l.size())
		l.second = l.first
	}
	if kind.HasSecond() {
		for _, l := range layers {
			l.second = take(4 * l.size())
		}
	}
}

func layPlayers(layers []*layer, take taker) {
	for _, l := range layers {
		l.players = take(l.playerBytes())
	}
	for _, l := range layers {
		l.measured = take(l.playerBytes())
	}
}

func (l *layer) playerBytes() int { return 4 * shaders.PlayerRows * padded(l.out) }

// hidden returns the layers that have players.
func (e *engine) hidden() []*layer { return e.layers[:len(e.layers)-1] }

// read returns the float32 numbers of a buffer.
func (e *engine) read(b compute.Buffer) ([]float32, error) {
	v := make([]float32, b.Size()/4)
	return v, e.device.Read(b, bytesOf(v))
}

// readPlayers returns the first rows of the layer's players, so many, each without
// its padding; the others are nil.
func (e *engine) readPlayers(l *layer, from compute.Buffer, count int) ([shaders.PlayerRows][]float32, error) {
	var rows [shaders.PlayerRows][]float32
	v, err := e.read(from.Part(0, 4*count*padded(l.out)))
	for r := range count {
		rows[r] = v[r*padded(l.out):][:l.out]
	}
	return rows, err
}

func (e *engine) Push(s *backend.State) (err error) {
	defer convert(&err)
	if _, known := activations[s.Network.Activation]; !known {
		return fmt.Errorf("unknown activation %q", s.Network.Activation)
	}
	var layers []*layer
	for _, from := range s.Network.Layers {
		layers = append(layers, &layer{in: from.In, out: from.Out, gated: from.Participation != nil})
	}
	if err := e.build(layers); err != nil {
		return err
	}
	e.activation, e.steps, e.tracked = s.Network.Activation, s.Steps, s.Tracked
	for i, l := range e.layers {
		for _, tensor := range []struct {
			from *network.Network
			to   compute.Buffer
		}{{s.Network, l.parameters}, {s.First, l.first}, {s.Second, l.second}} {
			if tensor.from == nil || tensor.from == s.Second && !e.options.Optimiser.Kind.HasSecond() {
				continue
			}
			from := tensor.from.Layers[i]
			if err := e.device.Write(tensor.to, bytesOf(l.lay(from.Weight, from.Bias))); err != nil {
				return err
			}
		}
		if !l.gated {
			continue
		}
		players := make([]float32, l.playerBytes()/4)
		copy(players[shaders.Participation*padded(l.out):], s.Network.Layers[i].Participation)
		if s.Contributions != nil {
			copy(players[shaders.Mean*padded(l.out):], s.Contributions[i].Mean)
			copy(players[shaders.Square*padded(l.out):], s.Contributions[i].MeanSquare)
		}
		if s.Slopes != nil {
			copy(players[shaders.FirstSlope*padded(l.out):], s.Slopes[i].First)
			copy(players[shaders.SecondSlope*padded(l.out):], s.Slopes[i].Second)
		}
		if err := e.device.Write(l.players, bytesOf(players)); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) Pull() (_ *backend.State, err error) {
	defer convert(&err)
	empty := func() *network.Network { return &network.Network{Activation: e.activation} }
	s := &backend.State{Network: empty(), First: empty(), Steps: e.steps, Tracked: e.tracked}
	if e.options.Optimiser.Kind.HasSecond() {
		s.Second = empty()
	}
	for _, l := range e.layers {
		var participation []float32
		if l.gated {
			rows, err := e.readPlayers(l, l.players, shaders.PlayerRows)
			if err != nil {
				return nil, err
			}
			participation = rows[shaders.Participation]
			s.Contributions = append(s.Contributions, backend.Contributions{
				Mean: rows[shaders.Mean], MeanSquare: rows[shaders.Square],
			})
			s.Slopes = append(s.Slopes, backend.SlopeMoments{First: rows[shaders.FirstSlope], Second: rows[shaders.SecondSlope]})
		}
		for _, tensor := range []struct {
			from compute.Buffer
			to   *network.Network
		}{{l.parameters, s.Network}, {l.first, s.First}, {l.second, s.Second}} {
			if tensor.to == nil {
				continue
			}
			v, err := e.read(tensor.from)
			if err != nil {
				return nil, err
			}
			to := network.Linear{In: l.in, Out: l.out}
			to.Weight, to.Bias = l.lift(v)
			if l.gated {
				to.Participation = append([]float32{}, participation...)
			}
			tensor.to.Layers = append(tensor.to.Layers, to)
		}
	}
	return s, nil
}
