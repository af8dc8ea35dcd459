//go:build cgo && (linux || windows || darwin || freebsd)

package gpu

import (
	"nashprune/gpu/internal/compute"
	"nashprune/shaders"
	"nashprune/trainer/network"
)

// sparsest is the part of its weights up to which the product of a dense layer goes through
// those that are not zero alone, on devices that are processors, outside of training. Other
// devices have not been measured, and multiply with all.
// By BenchmarkSparseInference on llvmpipe 128 samples of LeNet-300-100 take 1.1 times as long with
// one weight of 32, 0.7 times with one of 56, and one sample 0.25 times with one of 100.
const sparsest = 1. / 40

// sparseRows is the weights of a dense layer that are not zero: compressed sparse rows, as they
// were pushed.
type sparseRows struct {
	values, columns, offsets compute.Buffer
	usable                   bool
}

// most returns how many weights of a layer may be other than zero.
func (l *layer) most() int { return int(sparsest * float64(l.in*l.out)) }

// laySparse lays out compressed sparse rows, where a device may use them.
func (e *engine) laySparse(low *lowered, take taker) {
	if !e.usesSparse {
		return
	}
	for _, l := range low.layers {
		if l.most() == 0 {
			continue
		}
		l.sparse.values, l.sparse.columns, l.sparse.offsets = take(4*l.most()), take(4*l.most()), take(4*(padded(l.out)+1))
	}
}

// pushSparse writes the rows of the layers of a network in which few weights are not zero.
func (e *engine) pushSparse(n *network.Network) error {
	if !e.usesSparse {
		return nil
	}
	for _, l := range e.layers {
		l.sparse.usable = false
		var values []float32
		columns, offsets, longest := []uint32{}, []uint32{0}, 0
		weights, masks := n.Parameters[l.params[0]], []float32(nil)
		if n.Masks != nil {
			masks = n.Masks[l.params[0]]
		}
		for out := range l.out {
			for in, w := range weights[out*l.in:][:l.in] {
				if masks != nil {
					w *= masks[out*l.in+in]
				}
				if w != 0 {
					values, columns = append(values, w), append(columns, uint32(in))
				}
			}
			longest = max(longest, len(values)-int(offsets[out]))
			offsets = append(offsets, uint32(len(values)))
			if len(values) > l.most() {
				break
			}
		}
		if len(values) > l.most() || longest > maxTurns || l.most() == 0 {
			continue
		}
		for len(offsets) <= padded(l.out) {
			offsets = append(offsets, uint32(len(values)))
		}
		l.sparse.usable = true
		e.sparse = true
		if len(values) > 0 {
			if err := e.device.Write(l.sparse.values.Part(0, 4*len(values)), bytesOf(values)); err != nil {
				return err
			}
			if err := e.device.Write(l.sparse.columns.Part(0, 4*len(values)), bytesOf(columns)); err != nil {
				return err
			}
		}
		if err := e.device.Write(l.sparse.offsets, bytesOf(offsets)); err != nil {
			return err
		}
	}
	return nil
}

// forwardSparse computes a layer from its compressed rows. Several samples are side by side,
// since the lanes of a processor then have the same row.
func (l *layer) forwardSparse(r *recorder, m mode, first bool, players, cursor compute.Buffer) {
	bySample := m.rows > 1
	columns, rows := l.outStride(), m.rows
	if bySample {
		columns, rows = rows, columns
	}
	r.dispatch(shaders.Sparse, []uint32{l.activate(), constant(first), constant(bySample)}, columns, rows,
		shaders.LayerPush{InStride: uint32(l.inStride()), OutStride: uint32(l.outStride())},
		r.state, l.from.values, l.parameters, players, l.sparse.values, l.sparse.columns, l.sparse.offsets, l.to.values, cursor)
}
