//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
)

// matrix is parameters of a node with everything in their shape: a row for each input,
// padded, and the biases as its last; a column is one output. All columns are padded with
// zeros, which every kernel leaves zero. A batch norm has its scale in the place of the
// weights of one input, and its statistics are such a matrix, too.
type matrix struct {
	name    string // of the node
	in, out int
	places  int   // of a kernel, by which the inputs are ordered before their channels; else 1
	params  []int // places of the weights and, if there are any, the biases in the graph
	decays  bool  // the weights do
	plays   bool  // each weight is a player

	parameters, first, second compute.Buffer // without a second moment, second is first again
	theta                     compute.Buffer // what is trained: parameters, or what these are s times of
	mixture                   compute.Buffer // sum of s theta over the players, a number a row
	gradient                  compute.Buffer // where gradients wait, and while a step is probed
	mask, weighed             compute.Buffer // where weights are players: participations, and what was last measured of them
	firstSlope, secondSlope   compute.Buffer // moments of their slopes in the paper's game

	// Of what Settle adds up: sums over blocks of so many samples.
	partials compute.Buffer
	share    int
	room     int // numbers of partials, here and in what removals leave
}

func (m *matrix) inStride() int  { return padded(m.in) / 4 }
func (m *matrix) outStride() int { return padded(m.out) / 4 }

// rows returns the number of rows, of which the biases are the last.
func (m *matrix) rows() int { return padded(m.in) + 1 }

// size returns the number of numbers.
func (m *matrix) size() int { return m.rows() * padded(m.out) }

// decaying returns how many rows decay.
func (m *matrix) decaying() uint32 {
	if m.decays {
		return uint32(m.rows() - 1)
	}
	return 0
}

// row returns the row of input i of the host, whose channels come before the places.
func (m *matrix) row(i int) int { return i%m.places*(m.in/m.places) + i/m.places }

// lay returns host tensors, weights of [out, in] and perhaps biases, in the device's shape.
func (m *matrix) lay(tensors ...[]float32) []float32 {
	v, width := make([]float32, m.size()), padded(m.out)
	for o := range m.out {
		for i, w := range tensors[0][o*m.in : (o+1)*m.in] {
			v[m.row(i)*width+o] = w
		}
	}
	if len(tensors) > 1 {
		copy(v[(m.rows()-1)*width:], tensors[1])
	}
	return v
}

// lift is the inverse of lay.
func (m *matrix) lift(v []float32) (weight, bias []float32) {
	width := padded(m.out)
	weight = make([]float32, m.out*m.in)
	for o := range m.out {
		row := weight[o*m.in : (o+1)*m.in]
		for i := range row {
			row[i] = v[m.row(i)*width+o]
		}
	}
	return weight, append([]float32{}, v[(m.rows()-1)*width:][:m.out]...)
}

// settle adds up the gradient of a matrix over the blocks. What is bound but not used is bound
// to what is used anyway, here and elsewhere, so that it asks for no barrier.
func (r *recorder) settle(m *matrix, l learning) {
	gradient := m.parameters
	if l.keep {
		gradient = m.gradient
	}
	r.dispatch(shaders.Settle, append(r.optimiser(), constant(l.keep), constant(l.update)), m.outStride(), m.rows(),
		shaders.SettlePush{Rows: uint32(m.rows()), Stride: uint32(m.outStride()), Weights: m.decaying(), Share: uint32(m.share)},
		r.state, m.partials, m.parameters, m.first, m.second, gradient)
}
