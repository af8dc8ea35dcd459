//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"fmt"
	"math"
	"slices"

	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// Once the derivatives exist, the gradients of all matrices of parameters and the
// contributions of all players are independent. So one dispatch computes as many of them
// as kernels reach at once with one tile. Its buffers span those of all its matrices and
// gates; a table of jobs says which workgroup computes what, and where in the buffers.

// wide returns the layers that have outputs.
func (e *engine) wide() []*layer {
	return slices.DeleteFunc(slices.Clone(e.layers), func(l *layer) bool { return l.out == 0 })
}

// playing returns the gates that have players.
func (e *engine) playing() []*gate {
	return slices.DeleteFunc(slices.Clone(e.gates), func(g *gate) bool { return g.players == 0 })
}

// maxReach is how many bytes the buffers of a run span at most: what kernels reach. Tests
// lower it.
var maxReach = math.MaxInt

// cut cuts a list into runs whose buffers of each sort kernels reach together.
func cut[T any](e *engine, list []T, sorts ...func(T) compute.Buffer) [][]T {
	limits := e.device.Info().Limits
	reach := min(limits.StorageRange, limits.TexelRange, maxReach)
	together := func(run []T) bool {
		if compute.SeparateBuffers {
			return len(run) == 1
		}
		for _, of := range sorts {
			if whole, _ := span(run, of); whole.Size() > reach {
				return false
			}
		}
		return true
	}
	var runs [][]T
	first := 0
	for i := range list {
		if i > first && !together(list[first:i+1]) {
			runs, first = append(runs, list[first:i]), i
		}
	}
	if len(list) > 0 {
		runs = append(runs, list[first:])
	}
	return runs
}

// span returns the span of the buffers of some sort, and the place of each in vec4.
func span[T any](run []T, of func(T) compute.Buffer) (compute.Buffer, []uint32) {
	var buffers []compute.Buffer
	for _, item := range run {
		buffers = append(buffers, of(item))
	}
	whole, places := compute.Span(buffers...)
	inVectors := make([]uint32, len(places))
	for i, place := range places {
		inVectors[i] = uint32(place / vec4Bytes)
	}
	return whole, inVectors
}

// ofMatrix makes a sort of buffers of layers of one of matrices.
func ofMatrix(of func(*matrix) compute.Buffer) func(*layer) compute.Buffer {
	return func(l *layer) compute.Buffer { return of(l.matrix) }
}

// matricesOf returns the parameters of layers.
func matricesOf(run []*layer) []*matrix {
	var matrices []*matrix
	for _, l := range run {
		matrices = append(matrices, l.matrix)
	}
	return matrices
}

// samePlaces returns the places of a run's buffers in their span, which a job names once
// for all of the given sorts.
func samePlaces(run []*matrix, sorts ...func(*matrix) compute.Buffer) []uint32 {
	_, places := span(run, sorts[0])
	for _, of := range sorts[1:] {
		if _, others := span(run, of); !slices.Equal(others, places) {
			panic(fmt.Sprintf("gpu: parameters at %v and what is in their shape at %v", places, others))
		}
	}
	return places
}

// Sorts of buffers.
func ofBelow(l *layer) compute.Buffer       { return l.from.values }
func ofDerivative(l *layer) compute.Buffer  { return l.to.derivative }
func ofParameters(m *matrix) compute.Buffer { return m.parameters }
func ofTheta(m *matrix) compute.Buffer      { return m.theta }
func ofFirst(m *matrix) compute.Buffer      { return m.first }
func ofSecond(m *matrix) compute.Buffer     { return m.second }
func ofGradient(m *matrix) compute.Buffer   { return m.gradient }
func ofSums(g *gate) compute.Buffer         { return g.sums }
func ofRows(g *gate) compute.Buffer         { return g.rows }
func ofMeasured(g *gate) compute.Buffer     { return g.measured }

// layerRun is the dense layers of one dispatch, gateRun the gates. Their jobs follow each
// other in the table.
type layerRun struct {
	layers   []*layer
	tile     tile
	firstJob int
	groups   int // workgroups
}

// matrixRun is the matrices of one dispatch of Squares.
type matrixRun struct {
	matrices []*matrix
	firstJob int
}

type gateRun struct {
	gates    []*gate
	firstJob int
	groups   int
}

// schedule cuts layers, and gates with the matrices that contributions are left in, into
// dispatches, and leaves the table of their jobs on the device. It is the same for all steps
// of a network with these matrices, whether they have gates or not.
func (r *recorder) schedule(ofPlayers func(*gate) compute.Buffer) (layerRuns []layerRun, gateRuns []gateRun, others []matrixRun) {
	var table []shaders.Job
	byTile := map[tile][]*layer{}
	var tiles []tile // in the order of their first layers
	for _, l := range r.wide() {
		t := r.grain.gradient.narrowed(l.outStride())
		if byTile[t] == nil {
			tiles = append(tiles, t)
		}
		byTile[t] = append(byTile[t], l)
	}
	for _, t := range tiles {
		for _, run := range cut(r.engine, byTile[t], ofBelow, ofDerivative, ofMatrix(ofParameters), ofMatrix(ofFirst), ofMatrix(ofSecond)) {
			next := layerRun{layers: run, tile: t, firstJob: len(table)}
			_, below := span(run, ofBelow)
			_, derivative := span(run, ofDerivative)
			parameters := samePlaces(matricesOf(run), ofParameters, ofFirst, ofSecond)
			for i, l := range run {
				table = append(table, shaders.Job{
					First: uint32(next.groups), InStride: uint32(l.inStride()), OutStride: uint32(l.outStride()),
					Source: below[i], Derivative: derivative[i], Target: parameters[i],
				})
				next.groups += max(1, blocks(4*l.inStride(), t.down()*t.rows)) * blocks(l.outStride(), t.across*t.columns)
			}
			layerRuns = append(layerRuns, next)
		}
	}
	for _, run := range cut(r.engine, r.playing(), ofSums, ofPlayers) {
		next := gateRun{gates: run, firstJob: len(table)}
		_, sums := span(run, ofSums)
		_, players := span(run, ofPlayers)
		for i, g := range run {
			table = append(table, shaders.Job{First: uint32(next.groups), OutStride: uint32(g.stride()), Source: sums[i], Target: players[i]})
			next.groups += blocks(g.stride(), r.grain.gradient.local)
		}
		gateRuns = append(gateRuns, next)
	}
	if r.waits() {
		for _, run := range cut(r.engine, r.summed, ofGradient) {
			others = append(others, matrixRun{run, len(table)})
			_, gradients := span(run, ofGradient)
			for i, m := range run {
				table = append(table, shaders.Job{InStride: uint32(m.inStride()), OutStride: uint32(m.outStride()), Target: gradients[i]})
			}
		}
	}
	if r.err == nil && len(table) > 0 {
		r.err = r.device.Write(r.jobs, bytesOf(table))
	}
	return layerRuns, gateRuns, others
}

// learning says what becomes of gradients and contributions.
type learning struct {
	update bool // move the parameters
	keep   bool // leave the gradients behind
	gates  bool // add up the contributions of players
}

// learn computes the gradients of all parameters and the contributions of all players.
func (r *recorder) learn(l learning, m mode) {
	layerRuns, gateRuns, _ := r.schedule(ofRows)
	for _, s := range r.convs {
		r.correlate(s, m, s.share)
	}
	for _, m := range r.summed {
		r.settle(m, l)
	}
	if !l.gates {
		gateRuns = nil
	}
	slices.SortStableFunc(layerRuns, func(a, b layerRun) int { return a.groups - b.groups })
	for i, run := range layerRuns { // gates beside the smallest, since llvmpipe takes its time for branches
		var gates gateRun
		if i < len(gateRuns) {
			gates = gateRuns[i]
		}
		r.gradient(run, gates, l)
	}
	for _, g := range gateRuns[min(len(layerRuns), len(gateRuns)):] {
		r.collect(g, ofRows)
	}
}

// gradient dispatches a run of layers, and one of gates beside it unless that is empty.
// What is bound but not used is bound to what is used anyway.
func (r *recorder) gradient(run layerRun, g gateRun, l learning) {
	below, _ := span(run.layers, ofBelow)
	derivative, _ := span(run.layers, ofDerivative)
	matrices := matricesOf(run.layers)
	parameters, _ := span(matrices, ofParameters)
	first, _ := span(matrices, ofFirst)
	second, _ := span(matrices, ofSecond)
	gradient, sums, players := parameters, derivative, parameters
	if l.keep {
		samePlaces(matrices, ofParameters, ofGradient)
		gradient, _ = span(matrices, ofGradient)
	}
	if len(g.gates) > 0 {
		sums, _ = span(g.gates, ofSums)
		players, _ = span(g.gates, ofRows)
	}
	constants := append(r.optimiser(), constant(l.keep), constant(l.update), shaders.BackwardRows, constant(len(g.gates) > 0))
	r.dispatchGroups(shaders.Gradient, append(run.tile.constants(), constants...), run.groups+g.groups,
		shaders.GradientPush{
			First: uint32(run.firstJob), Matrices: uint32(len(run.layers)),
			FirstGate: uint32(g.firstJob), Gates: uint32(len(g.gates)),
			Tiles: uint32(run.groups), Blocks: uint32(r.sumBlocks()),
		},
		r.state, r.jobs, below, derivative, sums, parameters, first, second, parameters, first, second, gradient, players)
}

// collect dispatches a run of gates alone.
func (r *recorder) collect(g gateRun, ofPlayers func(*gate) compute.Buffer) {
	sums, _ := span(g.gates, ofSums)
	players, _ := span(g.gates, ofPlayers)
	r.dispatchGroups(shaders.Collect, []uint32{uint32(r.grain.gradient.local), shaders.BackwardRows}, g.groups,
		shaders.CollectPush{First: uint32(g.firstJob), Gates: uint32(len(g.gates)), Blocks: uint32(r.sumBlocks())},
		r.state, r.jobs, sums, players)
}

// measure takes the contributions of a batch into the means of a measurement.
func (r *recorder) measure() {
	_, gateRuns, _ := r.schedule(ofMeasured)
	for _, g := range gateRuns {
		r.collect(g, ofMeasured)
	}
}
