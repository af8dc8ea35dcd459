//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"

	"nashprune/game"
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/backend"
)

// build makes the memory of a graph, all zero, in place of that of the graph before,
// which it gives back first.
func (e *engine) build(low *lowered) error {
	if err := e.checkLayers(e.device.Info(), low); err != nil {
		return err
	}
	// Nothing of what was there is needed any more, and it might not fit beside.
	e.forget()
	for _, arena := range []**compute.Arena{&e.parameters, &e.moves, &e.activations} {
		if *arena != nil {
			(*arena).Free()
			*arena = nil
		}
	}
	var err error
	e.parameters, err = newArena(e.device, compute.Local, func(take taker) {
		low.layParameters(take, e.options.SoftWeights)
		e.layMoments(low, take)
		e.layPlayers(low, take)
		e.laySparse(low, take)
	})
	if err != nil {
		return err
	}
	if e.hasMoves(low) {
		if e.moves, err = newArena(e.device, compute.Host, low.layMoves); err != nil {
			return err
		}
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

// placeLists writes the lists by which kernels find numbers, how inputs are normalised, and the
// participations of what has no gate.
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
	if err := e.device.Write(e.normalisation, bytesOf(e.normalisationOf())); err != nil {
		return err
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
func (e *engine) checkLayers(info compute.Info, low *lowered) error {
	limits, turns := info.Limits, turnsOn(info.Kind)
	reach := min(limits.StorageRange, limits.TexelRange)
	for _, l := range low.layers {
		if n := max(l.in, l.out); n > 4*turns {
			return backend.Usagef("node %s has %d inputs or outputs; on this device it must have at most %d of each; try --device cpu", l.matrix.name, n, 4*turns)
		}
	}
	for _, t := range low.tensors {
		within := reach
		if t.numbers {
			within = min(limits.StorageRange, limits.TexelRange/4)
		}
		if err := checkReach(fmt.Sprintf("the activations of node %s take", t.name), e.batchBytes(t.width), within); err != nil {
			return err
		}
	}
	if low.first == nil {
		return backend.Usagef("a network without a dense layer or a convolution does not run on Vulkan; try --device cpu")
	}
	for _, m := range low.trained {
		if err := checkReach(fmt.Sprintf("the weights of node %s take", m.name), 4*max(m.size(), m.room), reach); err != nil {
			return err
		}
	}
	if err := low.checkWindows(turns); err != nil {
		return err
	}
	for i, g := range low.gates {
		if err := checkReach(fmt.Sprintf("the interactions of the players of %s take", low.graph.Gates[i].Name), interactionBytes(g.players), reach); err != nil {
			return err
		}
	}
	return nil
}

// checkWindows says whether kernels go through all windows, and what slides over, in so many turns.
func (low *lowered) checkWindows(turns int) error {
	refused := func(node, what string, n, most int) error {
		return backend.Usagef("node %s has %s %d; on this device it must be %d at most; try --device cpu", node, what, n, most)
	}
	for _, s := range low.convs {
		if n := s.turns(); n > turns {
			return refused(s.matrix.name, "a kernel or an image of size", n, turns)
		}
		if n := max(s.in[0], s.out[0]); n > maxChannels {
			return refused(s.matrix.name, "channels", n, maxChannels)
		}
	}
	for _, p := range low.points {
		if n := p.inner / leastLocal; p.gate != nil && n > turns {
			return refused(p.name, "a gate on images of size", p.inner, turns*leastLocal)
		}
	}
	for _, s := range low.norms {
		if n := s.matrix.out; n > maxChannels {
			return refused(s.matrix.name, "channels", n, maxChannels)
		}
		if n := s.inner / leastLocal; n > turns {
			return refused(s.matrix.name, "an image of size", s.inner, turns*leastLocal)
		}
	}
	for _, s := range low.pools {
		if n := s.turns(); n > turns {
			return refused(s.name, "windows of size", n, turns)
		}
		if n := s.in[1] * s.in[2]; n > mostPlaces {
			return refused(s.name, "images of size", n, mostPlaces)
		}
	}
	return nil
}

// hasMoves reports whether players may play.
func (e *engine) hasMoves(low *lowered) bool { return !e.options.Inference && len(low.gates) > 0 }

// layMoves lays out what goes between host and device when players play, as it lies on the device.
func (low *lowered) layMoves(take taker) {
	for _, g := range low.gates {
		g.asked, g.charged = take(4*padded(g.players)), take(4*padded(g.players))
	}
}

// layActivations lays out what a step leaves behind.
func (e *engine) layActivations(low *lowered, take taker) {
	e.state, e.cursor = take(sizeOf[shaders.Step]()), take(sizeOf[uint32]())
	e.nothing = take(nothingBytes)
	e.normalisation = take(vec4Bytes * max(1, e.data.Channels))
	for _, t := range low.tensors { // side by side, so that spans are short
		t.values = take(e.batchBytes(t.width))
	}
	for _, t := range low.tensors {
		if t.differentiated && !e.options.Inference || t == low.output { // where evaluations leave that of the loss
			t.derivative = take(e.batchBytes(t.width))
		}
	}
	for _, p := range low.points {
		if !p.plain() {
			p.affine = take(e.batchBytes(p.to.width))
		}
	}
	for _, s := range low.pools {
		if s.largest {
			s.places = take(e.batchBytes(s.to.width))
		}
	}
	for _, s := range low.gateStages { // which alone read what they gate
		s.in.values, s.in.derivative = s.affine, s.to.derivative
	}
	for _, s := range low.norms {
		s.moments = take(4 * 4 * padded(s.matrix.out))
	}
	widest := 0 // of what has an activation and no gate
	for _, l := range low.layers {
		if l.gate == nil && !l.plain() {
			widest = max(widest, l.out)
		}
	}
	e.ones = take(4 * padded(widest))
	for _, s := range low.flattens {
		s.list = take(4 * len(s.keep))
	}
	if low.graph.Input().Keep != nil {
		e.features = take(4 * padded(low.input.to.width))
	} else {
		e.features = e.nothing
	}
	if !e.options.Inference {
		e.layLearning(low, take)
	}
}

// layLearning lays out what gradients and observations leave behind.
func (e *engine) layLearning(low *lowered, take taker) {
	e.jobs = take((len(low.trained) + len(low.gates)) * sizeOf[shaders.Job]())
	for _, m := range low.summed {
		m.partials = take(4 * m.room)
	}
	for _, l := range low.layers {
		if l.gate == nil && !l.plain() {
			l.sums = take(e.sumBytes(l.out))
		}
	}
	for _, g := range low.gates {
		g.sums = take(e.sumBytes(g.players))
	}
	for _, g := range low.gates { // side by side, since they cross to the device and back together
		g.participation, g.price = take(4*padded(g.players)), take(4*padded(g.players))
	}
	for _, g := range low.gates {
		g.effects, g.interactions = take(e.batchBytes(g.players)), take(interactionBytes(g.players))
	}
	for _, t := range low.tensors {
		if t.observed {
			t.moments = take(t.momentRoom())
		}
	}
	for _, m := range low.trained {
		m.mixture = take(4 * m.rows())
	}
	for _, m := range low.masked() {
		m.weighed = take(4 * m.size())
	}
	for _, g := range low.gates {
		g.normSums = take(2 * 4 * g.normBlocks() * padded(g.players))
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
	if !e.waits() || e.options.Inference {
		return
	}
	sums := 0
	for _, m := range low.trained {
		m.gradient = take(4 * m.size())
		sums += squareSums(m.size() / 4)
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
	for _, m := range g.owners {
		total += blocks(m.rows(), shaders.NormRows)
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

func (low *lowered) layParameters(take taker, soft bool) {
	for _, m := range low.matrices() {
		m.parameters = take(4 * m.size())
		m.theta = m.parameters
	}
	if soft {
		for _, m := range low.masked() {
			m.theta = take(4 * m.size())
		}
	}
}

func (e *engine) layMoments(low *lowered, take taker) {
	if e.options.Inference {
		return
	}
	for _, m := range low.matrices() {
		m.first = take(4 * m.size())
		m.second = m.first
	}
	if e.options.Optimiser.Kind.HasSecond() {
		for _, m := range low.matrices() {
			m.second = take(4 * m.size())
		}
	}
}

func (e *engine) layPlayers(low *lowered, take taker) {
	for _, g := range low.gates {
		g.rows = take(g.bytes())
	}
	for _, g := range low.gates {
		if !e.options.Inference {
			g.measured = take(g.bytes())
		}
	}
	for _, m := range low.masked() {
		m.mask = take(4 * m.size())
		if e.options.SoftWeights {
			m.firstSlope, m.secondSlope = take(4*m.size()), take(4*m.size())
		}
	}
}

// bytes returns the memory of the matrix of players.
func (g *gate) bytes() int { return 4 * shaders.PlayerRows * padded(g.players) }
