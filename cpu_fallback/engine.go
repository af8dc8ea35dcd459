package cpufallback

import (
	"slices"
	"unsafe"

	"nashprune/game"
	"nashprune/trainer/backend"
	"nashprune/trainer/dataset"
	"nashprune/trainer/network"
)

// engine is a network, its players and its samples, computed in T. The graph becomes
// a list of stages; each reads and writes tensors, one for the output of a stage.
type engine[T real] struct {
	data      *dataset.Dataset
	products  products[T]
	vectors   vectors[T]
	kernels   kernels[T] // of direct convolutions; nil: there are none
	options   backend.EngineOptions
	inputs    [][256]T // the network's input for each value of a pixel, by channel
	steps     int      // of the optimiser
	batchRows int      // rows of all buffers that hold a batch
	training  bool     // the present pass is of a training step
	changes   int      // of the parameters

	graph    *network.Graph
	features []int      // of a sample that the network reads; nil: all
	stages   []stage[T] // in the order of the forward pass
	output   *tensor[T]
	readings []reading[T] // of the nodes that read players
	groups   []*group[T]  // by node with parameters
	gates    []*gate[T]
	scratch  []T // for a derivative that is added to another
	squared  []T // inputs of a layer
	images   images[T]
	effects  []T // of the players of a gate, a row a sample
	observed []game.Interactions
	product  []T     // second moments over a batch
	memory   pool[T] // of what a step leaves behind

	batch   matrix[T] // the inputs of the present batch, before their gate
	labels  []uint8   // its classes
	targets matrix[T] // or, in regression, its targets
}

var (
	_ backend.Engine = (*engine[float32])(nil)
	_ backend.Engine = (*engine[float64])(nil)
)

// group is the parameters of one node with everything in their shape, one after the
// other in one slice each: the weights, row by row, then the biases, then statistics.
type group[T real] struct {
	params  []network.Param
	weights int // how many of the numbers are weights, which come first and decay
	trained int // how many of the numbers are trained, which come before statistics

	parameters, gradient, first, second []T
	// theta is what is trained: parameters, or what these are s times of.
	theta []T
	// Of weights that are players: their participations, what was last measured of them, and in
	// the paper's game the moments of their slopes.
	mask, measured, firstSlope, secondSlope []T
}

// of returns the part of a slice that belongs to parameter i of the group.
func (g *group[T]) of(v []T, i int) []T {
	start := 0
	for _, p := range g.params[:i] {
		start += p.Size()
	}
	return v[start:][:g.params[i].Size()]
}

// weight returns the weights in a slice of the group, as a matrix with a row an output.
func (g *group[T]) weight(v []T) matrix[T] {
	shape := g.params[0].Shape
	return matrix[T]{shape[0], network.Shape(shape[1:]).Size(), g.of(v, 0)}
}

func (g *group[T]) bias(v []T) []T { return g.of(v, 1) }

func (g *group[T]) size() int {
	size := 0
	for _, p := range g.params {
		size += p.Size()
	}
	return size
}

// gate is the players of one gate.
type gate[T real] struct {
	points int // producers that it multiplies

	participation              []T
	batchMean, batchSquare     []T       // mean c and mean c^2 of the last batch
	firstSlope, secondSlope    []T       // moments of the players' slopes in the paper's game
	meanPartial, squarePartial matrix[T] // sums over a batch: one row a chunk of samples
	// contributions are c, a row a sample, where several points add to it.
	contributions matrix[T]
	added         int // points that have added theirs in this backward pass

	interactions []T // as they were last observed, block by block
}

// ofPlayers lists what has a number a player, first the participations.
func (g *gate[T]) ofPlayers() []*[]T {
	return []*[]T{&g.participation, &g.batchMean, &g.batchSquare, &g.firstSlope, &g.secondSlope}
}

func open[T real](p products[T], d *dataset.Dataset, o backend.EngineOptions, s *backend.State) (*engine[T], error) {
	if err := o.Validate(d, s.Network); err != nil {
		return nil, err
	}
	e := &engine[T]{data: d, products: p, vectors: vectorsOf[T](), kernels: kernelsOf[T](), options: o}
	for channel := range max(1, d.Channels) {
		mean, deviation := d.Normalisation(channel)
		var inputs [256]T
		for pixel := range inputs {
			inputs[pixel] = T((float64(pixel)/255 - mean) / deviation)
		}
		e.inputs = append(e.inputs, inputs)
	}
	e.labels = make([]uint8, o.BatchRows(d))
	return e, e.Push(s)
}

// taker returns memory for so many numbers, all zero. One that returns nil only
// counts.
type taker[T real] func(n int) []T

// matrix returns a zero matrix.
func (take taker[T]) matrix(rows, columns int) matrix[T] {
	return matrix[T]{rows, columns, take(rows * columns)}
}

// takers say where memory is taken from, by what it is for: learning is what derivatives and
// observations take besides.
type takers[T real] struct{ parameters, gradients, moments, players, activations, learning taker[T] }

// nothing is the taker of what engines for inference do without.
func nothing[T real](int) []T { return nil }

// alignment is what addresses are multiples of, in bytes: a vector of gonum's products.
// They add the terms before the first such address one by one, so sums would have another
// order, and other bits, wherever the system puts a small tensor.
const alignment = 16

// aligned returns n zeros at an aligned address.
func aligned[T real](n int) []T {
	size := int(unsafe.Sizeof(*new(T)))
	v := make([]T, n+alignment/size)
	beyond := int(uintptr(unsafe.Pointer(&v[0])) % alignment)
	return v[(alignment-beyond)%alignment/size:][:n:n]
}

// pool is memory that is handed out from its beginning, and again for the next graph.
type pool[T real] struct {
	all  []T
	used int
}

// take is a taker.
func (p *pool[T]) take(n int) []T {
	v := p.all[p.used:][:n:n]
	p.used += n
	clear(v)
	return v
}

// lay lays out everything for a graph.
func (e *engine[T]) lay(g *network.Graph, take takers[T]) {
	take.learning = take.activations
	if e.options.Inference {
		take.gradients, take.moments, take.learning = nothing[T], nothing[T], nothing[T]
	}
	e.graph, e.features = g, g.Input().Features()
	e.batchRows = e.options.BatchRows(e.data)
	e.targets = take.activations.matrix(e.batchRows, e.data.Train.Outputs)
	e.groups, e.gates, e.stages = nil, nil, nil // which lets go of the parameters before
	for _, node := range g.Nodes {
		if len(node.Params) > 0 {
			e.groups = append(e.groups, e.layGroup(network.Select(g.Params, node.Params), take))
		}
	}
	for _, from := range g.Gates {
		e.gates = append(e.gates, e.layGate(from, take))
	}
	e.layStages(take.activations, take.learning)
	e.layObservation(take.learning)
}

func (e *engine[T]) layGroup(params []network.Param, take takers[T]) *group[T] {
	group := &group[T]{params: params}
	for _, p := range params {
		if p.Weight {
			group.weights += p.Size()
		}
		if !p.Statistic {
			group.trained += p.Size()
		}
	}
	group.parameters, group.gradient = take.parameters(group.size()), take.gradients(group.size())
	group.first = take.moments(group.size())
	if e.options.Optimiser.Kind.HasSecond() {
		group.second = take.moments(group.size())
	}
	group.theta = group.parameters
	if params[0].Plays {
		size := params[0].Size()
		group.mask = take.players(size)
		if !e.options.Inference {
			group.measured = take.players(size)
		}
		if e.options.SoftWeights {
			group.theta = take.parameters(group.size())
			group.firstSlope, group.secondSlope = take.players(size), take.players(size)
		}
	}
	return group
}

// masked returns the groups whose weights are players, in the order of [network.Graph.Masked].
func (e *engine[T]) masked() []*group[T] {
	return slices.DeleteFunc(slices.Clone(e.groups), func(g *group[T]) bool { return !g.params[0].Plays })
}

// soft returns the groups whose weights play the paper's game, in that order.
func (e *engine[T]) soft() []*group[T] {
	if !e.options.SoftWeights {
		return nil
	}
	return e.masked()
}

// participate computes s theta.
func (e *engine[T]) participate() {
	for _, g := range e.soft() {
		copy(g.parameters[len(g.mask):], g.theta[len(g.mask):])
		inChunks(len(g.mask), numbersPerChunk, func(_, low, high int) {
			theta, to := g.theta[low:high], g.parameters[low:high]
			for i, s := range g.mask[low:high] {
				to[i] = s * theta[i]
			}
		})
	}
}

func (e *engine[T]) layGate(from network.Gate, take takers[T]) *gate[T] {
	gate := &gate[T]{points: len(from.Points)}
	for i, v := range gate.ofPlayers() {
		if i == 0 || !e.options.Inference {
			*v = take.players(from.Players)
		}
	}
	chunks := chunksOf(e.batchRows)
	gate.meanPartial, gate.squarePartial = take.learning.matrix(chunks, from.Players), take.learning.matrix(chunks, from.Players)
	if gate.points > 1 {
		gate.contributions = take.learning.matrix(e.batchRows, from.Players)
	}
	squares := 0
	for _, n := range game.Blocks(from.Players) {
		squares += n * n
	}
	gate.interactions = take.learning(squares)
	return gate
}

// convert returns the numbers of v in another arithmetic.
func convert[To, From real](v []From) []To {
	w := make([]To, len(v))
	for i, x := range v {
		w[i] = To(x)
	}
	return w
}

// narrow returns float32 copies of numbers in the shape of the parameters, in the order
// of the graph's; nil where there are none.
func (e *engine[T]) narrow(pick func(*group[T]) []T) [][]float32 {
	var tensors [][]float32
	for _, group := range e.groups {
		v := pick(group)
		if v == nil {
			return nil
		}
		for i := range group.params {
			tensors = append(tensors, convert[float32](group.of(v, i)))
		}
	}
	return tensors
}

// fill is the inverse of narrow; nil leaves everything as it is.
func (e *engine[T]) fill(pick func(*group[T]) []T, tensors [][]float32) {
	if tensors == nil {
		return
	}
	for _, group := range e.groups {
		for i := range group.params {
			copy(group.of(pick(group), i), convert[T](tensors[0]))
			tensors = tensors[1:]
		}
	}
}

// masks returns the participations of weights by parameter; nil where there are none.
func (e *engine[T]) masks() [][]float32 {
	masked := e.graph.Masked()
	if masked == nil {
		return nil
	}
	masks := make([][]float32, len(e.graph.Params))
	for i, g := range e.masked() {
		masks[masked[i]] = convert[float32](g.mask)
	}
	return masks
}

func thetaOf[T real](g *group[T]) []T  { return g.theta }
func firstOf[T real](g *group[T]) []T  { return g.first }
func secondOf[T real](g *group[T]) []T { return g.second }

func (e *engine[T]) Pull() (*backend.State, error) {
	s := &backend.State{
		Network: &network.Network{Graph: e.graph, Parameters: e.narrow(thetaOf)},
		First:   e.narrow(firstOf), Second: e.narrow(secondOf),
		Steps: e.steps,
	}
	s.Network.Masks = e.masks()
	for _, g := range e.gates {
		s.Network.Participations = append(s.Network.Participations, convert[float32](g.participation))
		s.Slopes = append(s.Slopes, backend.SlopeMoments{
			First: convert[float32](g.firstSlope), Second: convert[float32](g.secondSlope),
		})
	}
	for _, g := range e.soft() {
		s.Slopes = append(s.Slopes, backend.SlopeMoments{First: convert[float32](g.firstSlope), Second: convert[float32](g.secondSlope)})
	}
	return s, nil
}

func (e *engine[T]) Push(s *backend.State) error {
	if n := e.count(s.Network.Graph).activations; n > len(e.memory.all) {
		e.memory.all = aligned[T](n)
	}
	e.memory.used = 0
	fresh := aligned[T]
	e.lay(s.Network.Graph, takers[T]{parameters: fresh, gradients: fresh, moments: fresh, players: fresh, activations: e.memory.take})
	e.steps = s.Steps
	e.changes++
	e.fill(thetaOf, s.Network.Parameters)
	if !e.options.Inference {
		e.fill(firstOf, s.First)
	}
	if !e.options.Inference && e.options.Optimiser.Kind.HasSecond() {
		e.fill(secondOf, s.Second)
	}
	for p, mask := range s.Network.Masks {
		if mask != nil {
			group, _ := e.placeOf(p)
			copy(group.mask, convert[T](mask))
		}
	}
	for i, g := range e.gates {
		copy(g.participation, convert[T](s.Network.Participations[i]))
		if s.Slopes != nil {
			copy(g.firstSlope, convert[T](s.Slopes[i].First))
			copy(g.secondSlope, convert[T](s.Slopes[i].Second))
		}
	}
	for i, g := range e.soft() {
		if s.Slopes != nil {
			slopes := s.Slopes[len(e.gates)+i]
			copy(g.firstSlope, convert[T](slopes.First))
			copy(g.secondSlope, convert[T](slopes.Second))
		}
	}
	e.participate()
	return nil
}

// groupOf returns the parameters of a node.
func (e *engine[T]) groupOf(node int) *group[T] {
	for _, group := range e.groups {
		if group.params[0].Node == node {
			return group
		}
	}
	panic("cpufallback: the node has no parameters")
}

// parameter returns the numbers of a parameter of the graph that are trained.
func (e *engine[T]) parameter(p int) []T {
	group, i := e.placeOf(p)
	return group.of(group.theta, i)
}

// placeOf returns the group of parameter p, and which of its parameters it is.
func (e *engine[T]) placeOf(p int) (*group[T], int) {
	node := e.graph.Params[p].Node
	return e.groupOf(node), p - e.graph.Nodes[node].Params[0]
}

func (e *engine[T]) RestartOptimiser() error {
	e.steps = 0
	for _, group := range e.groups {
		clear(group.first)
		clear(group.second)
		clear(group.firstSlope)
		clear(group.secondSlope)
	}
	for _, g := range e.gates {
		clear(g.firstSlope)
		clear(g.secondSlope)
	}
	return nil
}

func (e *engine[T]) Timings() []backend.Timing { return nil }

func (e *engine[T]) Close() error { return nil }
