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

// matrix is a matrix of parameters with its biases, and what its gradient is made of.
type matrix struct {
	inStride, outStride       int            // in vec4
	below, derivative         compute.Buffer // of a batch: its inputs, and the derivatives of its outputs
	parameters, first, second compute.Buffer
	gradient                  compute.Buffer // where it is kept, in the shape of the parameters; nothing where it is not
}

// gateSums is the players of a gate with the sums of which their contributions are made.
type gateSums struct {
	stride        int // in vec4
	sums, players compute.Buffer
}

// matrices returns those of the network. Gradients are nil where they are not kept.
func (e *engine) matrices(gradients []compute.Buffer) []matrix {
	var all []matrix
	for i, l := range e.layers {
		m := matrix{
			inStride: l.inStride(), outStride: l.outStride(), below: l.from.values, derivative: l.to.derivative,
			parameters: l.parameters, first: l.first, second: l.second,
		}
		if gradients != nil {
			m.gradient = gradients[i]
		}
		if l.out > 0 {
			all = append(all, m)
		}
	}
	return all
}

// contributing returns the gates of the network, with the players that steps of a kind move.
func (e *engine) contributing(k kind) []gateSums {
	var all []gateSums
	for _, g := range e.gates {
		if g.players > 0 {
			all = append(all, gateSums{g.stride(), g.sums, k.players(g)})
		}
	}
	return all
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

// samePlaces returns the places of a run's buffers in their span, which a job names once
// for all of the given sorts.
func samePlaces(run []matrix, sorts ...func(matrix) compute.Buffer) []uint32 {
	_, places := span(run, sorts[0])
	for _, of := range sorts[1:] {
		if _, others := span(run, of); !slices.Equal(others, places) {
			panic(fmt.Sprintf("gpu: parameters at %v and what is in their shape at %v", places, others))
		}
	}
	return places
}

// Sorts of buffers.
func (m matrix) ofBelow() compute.Buffer      { return m.below }
func (m matrix) ofDerivative() compute.Buffer { return m.derivative }
func (m matrix) ofParameters() compute.Buffer { return m.parameters }
func (m matrix) ofFirst() compute.Buffer      { return m.first }
func (m matrix) ofSecond() compute.Buffer     { return m.second }
func (m matrix) ofGradient() compute.Buffer   { return m.gradient }
func (g gateSums) ofSums() compute.Buffer     { return g.sums }
func (g gateSums) ofPlayers() compute.Buffer  { return g.players }

// matrixRun is the matrices of one dispatch, gateRun the gates. Their jobs follow each
// other in the table.
type matrixRun struct {
	matrices []matrix
	tile     tile
	firstJob int
	groups   int // workgroups
}

type gateRun struct {
	gates    []gateSums
	firstJob int
	groups   int
}

// schedule cuts matrices and gates into dispatches and returns the table of their jobs.
// It is the same for all steps of a network, whether they have gates or not.
func (e *engine) schedule(matrices []matrix, gates []gateSums) (matrixRuns []matrixRun, gateRuns []gateRun, table []shaders.Job) {
	byTile := map[tile][]matrix{}
	var tiles []tile // in the order of their first matrices
	for _, m := range matrices {
		t := e.grain.gradient.narrowed(m.outStride)
		if byTile[t] == nil {
			tiles = append(tiles, t)
		}
		byTile[t] = append(byTile[t], m)
	}
	for _, t := range tiles {
		for _, run := range cut(e, byTile[t], matrix.ofBelow, matrix.ofDerivative, matrix.ofParameters, matrix.ofFirst, matrix.ofSecond) {
			r := matrixRun{matrices: run, tile: t, firstJob: len(table)}
			_, below := span(run, matrix.ofBelow)
			_, derivative := span(run, matrix.ofDerivative)
			parameters := samePlaces(run, matrix.ofParameters, matrix.ofFirst, matrix.ofSecond)
			for i, m := range run {
				table = append(table, shaders.Job{
					First: uint32(r.groups), InStride: uint32(m.inStride), OutStride: uint32(m.outStride),
					Source: below[i], Derivative: derivative[i], Target: parameters[i],
				})
				r.groups += max(1, blocks(4*m.inStride, t.down()*t.rows)) * blocks(m.outStride, t.across*t.columns)
			}
			matrixRuns = append(matrixRuns, r)
		}
	}
	for _, run := range cut(e, gates, gateSums.ofSums, gateSums.ofPlayers) {
		r := gateRun{gates: run, firstJob: len(table)}
		_, sums := span(run, gateSums.ofSums)
		_, players := span(run, gateSums.ofPlayers)
		for i, g := range run {
			table = append(table, shaders.Job{First: uint32(r.groups), OutStride: uint32(g.stride), Source: sums[i], Target: players[i]})
			r.groups += blocks(g.stride, e.grain.gradient.local)
		}
		gateRuns = append(gateRuns, r)
	}
	return matrixRuns, gateRuns, table
}

// learning says what becomes of gradients and contributions.
type learning struct {
	update bool // move the parameters
	keep   bool // leave the gradients behind
	gates  bool // add up the contributions of players
	track  bool // and move their averages
}

// learn computes the gradients of all matrices and the contributions of all players.
func (r *recorder) learn(l learning, gradients []compute.Buffer) {
	matrixRuns, gateRuns := r.scheduled(r.matrices(gradients), training)
	if !l.gates {
		gateRuns = nil
	}
	slices.SortStableFunc(matrixRuns, func(a, b matrixRun) int { return a.groups - b.groups })
	for i, m := range matrixRuns { // gates beside the smallest, since llvmpipe takes its time for branches
		var gates gateRun
		if i < len(gateRuns) {
			gates = gateRuns[i]
		}
		r.gradient(m, gates, l)
	}
	for _, g := range gateRuns[min(len(matrixRuns), len(gateRuns)):] {
		r.collect(g, l.track)
	}
}

// scheduled returns the runs of the network, and leaves their jobs on the device.
func (r *recorder) scheduled(matrices []matrix, k kind) ([]matrixRun, []gateRun) {
	matrixRuns, gateRuns, table := r.schedule(matrices, r.contributing(k))
	if r.err == nil && len(table) > 0 {
		r.err = r.device.Write(r.jobs, bytesOf(table))
	}
	return matrixRuns, gateRuns
}

// gradient dispatches a run of matrices, and one of gates beside it unless that is empty.
// What is bound but not used is bound to what is used anyway.
func (r *recorder) gradient(m matrixRun, g gateRun, l learning) {
	below, _ := span(m.matrices, matrix.ofBelow)
	derivative, _ := span(m.matrices, matrix.ofDerivative)
	parameters, _ := span(m.matrices, matrix.ofParameters)
	first, _ := span(m.matrices, matrix.ofFirst)
	second, _ := span(m.matrices, matrix.ofSecond)
	gradient, sums, players := parameters, derivative, parameters
	if l.keep {
		samePlaces(m.matrices, matrix.ofParameters, matrix.ofGradient)
		gradient, _ = span(m.matrices, matrix.ofGradient)
	}
	if len(g.gates) > 0 {
		sums, _ = span(g.gates, gateSums.ofSums)
		players, _ = span(g.gates, gateSums.ofPlayers)
	}
	constants := append(r.optimiser(), constant(l.keep), constant(l.update), constant(l.track), shaders.BackwardRows, constant(len(g.gates) > 0))
	r.dispatchGroups(shaders.Gradient, append(m.tile.constants(), constants...), m.groups+g.groups,
		shaders.GradientPush{
			First: uint32(m.firstJob), Matrices: uint32(len(m.matrices)),
			FirstGate: uint32(g.firstJob), Gates: uint32(len(g.gates)),
			Tiles: uint32(m.groups), Blocks: uint32(r.sumBlocks()),
		},
		r.state, r.jobs, below, derivative, sums, parameters, first, second, parameters, first, second, gradient, players)
}

// collect dispatches a run of gates alone.
func (r *recorder) collect(g gateRun, track bool) {
	sums, _ := span(g.gates, gateSums.ofSums)
	players, _ := span(g.gates, gateSums.ofPlayers)
	r.dispatchGroups(shaders.Collect, []uint32{uint32(r.grain.gradient.local), constant(track), shaders.BackwardRows}, g.groups,
		shaders.CollectPush{First: uint32(g.firstJob), Gates: uint32(len(g.gates)), Blocks: uint32(r.sumBlocks())},
		r.state, r.jobs, sums, players)
}

// observe takes the contributions of a batch into the averages of a kind of step.
func (r *recorder) observe(k kind) {
	_, gateRuns := r.scheduled(r.matrices(nil), k)
	for _, g := range gateRuns {
		r.collect(g, true)
	}
}
