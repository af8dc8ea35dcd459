//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"

	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
	"nashprune/trainer/network"
)

// build makes the memory of a graph, all zero, in place of that of the graph before,
// which it gives back first.
func (e *engine) build(low *lowered) error {
	if err := e.checkLayers(e.device.Info().Limits, low); err != nil {
		return err
	}
	// Nothing of what was there is needed any more, and it might not fit beside.
	e.forget()
	for _, arena := range []**compute.Arena{&e.parameters, &e.activations} {
		if *arena != nil {
			(*arena).Free()
			*arena = nil
		}
	}
	var err error
	e.parameters, err = newArena(e.device, compute.Local, func(take taker) {
		low.layParameters(take)
		low.layMoments(take, e.options.Optimiser.Kind)
		low.layPlayers(take)
	})
	if err != nil {
		return err
	}
	e.lowered = low
	e.activations, err = newArena(e.device, compute.Local, func(take taker) {
		e.layActivations(low, take)
		e.layGradients(low, take)
	})
	if err != nil {
		return err
	}
	return e.placeLists()
}

// placeLists writes the lists by which kernels find numbers, and the participations of what
// has no gate.
func (e *engine) placeLists() error {
	write := func(b compute.Buffer, list []int) error {
		numbers := make([]uint32, b.Size()/4)
		for i, n := range list {
			numbers[i] = uint32(n)
		}
		return e.device.Write(b, bytesOf(numbers))
	}
	for _, s := range e.flattens {
		if err := write(s.list, s.keep); err != nil {
			return err
		}
	}
	if features := e.graph.Input().Features(); features != nil {
		if err := write(e.features, features); err != nil {
			return err
		}
	}
	if e.ones.Size() == 0 {
		return nil
	}
	ones := make([]float32, e.ones.Size()/4)
	for i := range ones {
		ones[i] = 1
	}
	return e.device.Write(e.ones, bytesOf(ones))
}

// checkLayers says whether kernels go through all of the tensors and layers, and reach them.
func (e *engine) checkLayers(limits compute.Limits, low *lowered) error {
	reach := min(limits.StorageRange, limits.TexelRange)
	for _, t := range low.tensors {
		if t.width > 4*maxTurns {
			return backend.Usagef("node %s has %d outputs; on Vulkan it must have at most %d; try --device cpu", t.name, t.width, 4*maxTurns)
		}
		if err := checkReach(fmt.Sprintf("the activations of node %s take", t.name), e.batchBytes(t.width), reach); err != nil {
			return err
		}
	}
	for _, g := range low.gates {
		if g.inner > maxInner {
			return backend.Usagef("a player multiplies %d numbers of a sample; on Vulkan it must be %d at most; try --device cpu", g.inner, maxInner)
		}
	}
	for _, l := range low.layers {
		if err := checkReach(fmt.Sprintf("the weights of node %s take", l.name), 4*l.size(), reach); err != nil {
			return err
		}
	}
	for i, g := range low.gates {
		if err := checkReach(fmt.Sprintf("the interactions of the players of %s take", low.graph.Gates[i].Name), interactionBytes(g.players), reach); err != nil {
			return err
		}
	}
	return nil
}

// layActivations lays out what a step leaves behind.
func (e *engine) layActivations(low *lowered, take taker) {
	e.state, e.cursor = take(sizeOf[shaders.Step]()), take(sizeOf[uint32]())
	e.nothing = take(nothingBytes)
	e.jobs = take((len(low.layers) + len(low.gates)) * sizeOf[shaders.Job]())
	e.batch = take(e.batchBytes(low.input.width))
	for _, t := range low.tensors { // side by side, so that spans are short
		if t == low.input && low.gated == nil {
			t.values = e.batch
		} else {
			t.values = take(e.batchBytes(t.width))
		}
	}
	for _, t := range low.tensors {
		if t.differentiated {
			t.derivative = take(e.batchBytes(t.width))
		}
	}
	widest := 0 // of what has an activation and no gate
	for _, l := range low.layers {
		if !l.plain() {
			l.affine = take(e.batchBytes(l.out))
		}
		if l.gate == nil && !l.plain() {
			widest = max(widest, l.out)
			l.sums = take(e.sumBytes(l.out))
		}
	}
	e.ones = take(4 * padded(widest))
	for _, g := range low.gates {
		g.sums = take(e.sumBytes(g.players))
	}
	for _, g := range low.gates { // side by side, since they cross to the device and back together
		g.participation = take(4 * padded(g.players))
	}
	for _, g := range low.gates {
		g.effects, g.interactions = take(e.batchBytes(g.players)), take(interactionBytes(g.players))
	}
	for _, t := range low.tensors {
		if t.observed {
			t.moments = take(t.momentRoom())
		}
	}
	for _, l := range low.layers {
		l.mixture = take(4 * l.rows())
	}
	for _, g := range low.gates {
		g.normSums = take(2 * 4 * g.normBlocks() * padded(g.players))
	}
	for _, s := range low.flattens {
		s.list = take(4 * len(s.keep))
	}
	if low.gated != nil || low.graph.Input().Keep != nil {
		e.features = take(4 * padded(low.input.width))
	} else {
		e.features = e.nothing
	}
}

// interactionBytes returns the memory of the interactions of so many players: of each block
// a square matrix, padded.
func interactionBytes(players int) int {
	bytes := 0
	for _, n := range game.Blocks(players) {
		bytes += 4 * padded(n) * padded(n)
	}
	return bytes
}

// squared reports whether second moments of the tensor are taken.
func (t *tensor) squared() bool { return t.width <= backend.LargestMoments }

// momentBytes returns the memory of the moments of a tensor: a square matrix, padded, where
// second moments are taken, and the means as its last row.
func (t *tensor) momentBytes() int {
	rows := 1
	if t.squared() {
		rows += padded(t.width)
	}
	return 4 * rows * padded(t.width)
}

// momentRoom returns the memory of the moments of a tensor or, if that is more, of one that
// removals leave of it and whose second moments are taken: a plan covers what is pushed later.
func (t *tensor) momentRoom() int {
	narrower := &tensor{width: min(t.width, backend.LargestMoments)}
	return max(t.momentBytes(), narrower.momentBytes())
}

// nothingBytes is the size of the buffer that is bound where a kernel uses none.
const nothingBytes = 64

// layGradients lays out the gradients of a step, where they wait, and their lengths.
func (e *engine) layGradients(low *lowered, take taker) {
	if !e.waits() {
		return
	}
	sums := 0
	for _, l := range low.layers {
		l.gradient = take(4 * l.size())
		sums += squareSums(l.size() / 4)
	}
	e.squares, e.factor = take(2*4*sums), take(4)
}

// batchBytes returns the memory of a row of numbers for each sample of a batch.
func (e *engine) batchBytes(width int) int { return 4 * e.batchRows * padded(width) }

// sumBytes returns the memory of two sums over the blocks of a batch.
func (e *engine) sumBytes(width int) int {
	return 2 * 4 * blocks(e.batchRows, shaders.BackwardRows) * padded(width)
}

// normBlocks returns how many blocks of rows the parameters have that the players own.
func (g *gate) normBlocks() int {
	total := 0
	for _, l := range g.layers {
		total += blocks(l.rows(), shaders.NormRows)
	}
	return total
}

// squareSums returns how many sums of squares there are of so many vec4 of a gradient:
// few enough that the workgroup that adds them up does not go through its loop too often,
// whatever the layers.
func squareSums(vectors int) int {
	return min(blocks(vectors, shaders.SquaresSummed), shaders.SquaresMost)
}

// blocks returns how many blocks of some size n rows fall into.
func blocks(n, size int) int { return (n + size - 1) / size }

func (low *lowered) layParameters(take taker) {
	for _, l := range low.layers {
		l.parameters = take(4 * l.size())
	}
}

func (low *lowered) layMoments(take taker, kind backend.OptimiserKind) {
	for _, l := range low.layers {
		l.first = take(4 * l.size())
		l.second = l.first
	}
	if kind.HasSecond() {
		for _, l := range low.layers {
			l.second = take(4 * l.size())
		}
	}
}

func (low *lowered) layPlayers(take taker) {
	for _, g := range low.gates {
		g.rows = take(g.bytes())
	}
	for _, g := range low.gates {
		g.measured = take(g.bytes())
	}
}

// bytes returns the memory of the matrix of players.
func (g *gate) bytes() int { return 4 * shaders.PlayerRows * padded(g.players) }

// read returns the float32 numbers of a buffer.
func (e *engine) read(b compute.Buffer) ([]float32, error) {
	v := make([]float32, b.Size()/4)
	return v, e.device.Read(b, bytesOf(v))
}

// readPlayers returns the first rows of a matrix of a gate's players, so many, each without
// its padding; the others are nil.
func (e *engine) readPlayers(g *gate, from compute.Buffer, count int) ([shaders.PlayerRows][]float32, error) {
	var rows [shaders.PlayerRows][]float32
	width := padded(g.players)
	v, err := e.read(from.Part(0, 4*count*width))
	for r := range count {
		rows[r] = v[r*width:][:g.players]
	}
	return rows, err
}

func (e *engine) Push(s *backend.State) (err error) {
	defer convert(&err)
	if err := e.build(lower(s.Network.Graph)); err != nil {
		return err
	}
	e.steps = s.Steps
	second := s.Second
	if !e.options.Optimiser.Kind.HasSecond() {
		second = nil
	}
	for _, l := range e.layers {
		for _, tensor := range []struct {
			from [][]float32
			to   compute.Buffer
		}{{s.Network.Parameters, l.parameters}, {s.First, l.first}, {second, l.second}} {
			if tensor.from == nil {
				continue
			}
			if err := e.device.Write(tensor.to, bytesOf(l.lay(tensor.from[l.params[0]], tensor.from[l.params[1]]))); err != nil {
				return err
			}
		}
	}
	for i, g := range e.gates {
		width := padded(g.players)
		players := make([]float32, g.bytes()/4)
		copy(players[shaders.Participation*width:], s.Network.Participations[i])
		if s.Slopes != nil {
			copy(players[shaders.FirstSlope*width:], s.Slopes[i].First)
			copy(players[shaders.SecondSlope*width:], s.Slopes[i].Second)
		}
		if err := e.device.Write(g.rows, bytesOf(players)); err != nil {
			return err
		}
	}
	return nil
}

// pullTensors returns the numbers of a matrix of each layer in the order of the graph's
// parameters.
func (e *engine) pullTensors(of func(*layer) compute.Buffer) ([][]float32, error) {
	tensors := make([][]float32, len(e.graph.Params))
	for _, l := range e.layers {
		v, err := e.read(of(l))
		if err != nil {
			return nil, err
		}
		tensors[l.params[0]], tensors[l.params[1]] = l.lift(v)
	}
	return tensors, nil
}

func (e *engine) Pull() (_ *backend.State, err error) {
	defer convert(&err)
	s := &backend.State{Network: &network.Network{Graph: e.graph}, Steps: e.steps}
	if s.Network.Parameters, err = e.pullTensors(ofParameters); err != nil {
		return nil, err
	}
	if s.First, err = e.pullTensors(ofFirst); err != nil {
		return nil, err
	}
	if e.options.Optimiser.Kind.HasSecond() {
		if s.Second, err = e.pullTensors(ofSecond); err != nil {
			return nil, err
		}
	}
	for _, g := range e.gates {
		rows, err := e.readPlayers(g, g.rows, shaders.PlayerRows)
		if err != nil {
			return nil, err
		}
		s.Network.Participations = append(s.Network.Participations, rows[shaders.Participation])
		s.Slopes = append(s.Slopes, backend.SlopeMoments{First: rows[shaders.FirstSlope], Second: rows[shaders.SecondSlope]})
	}
	return s, nil
}
