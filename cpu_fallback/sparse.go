package cpufallback

import "unsafe"

// sparsest is the part of its weights up to which the product of a dense layer outside of
// training goes through those that are not zero alone. It has no vectors: by
// BenchmarkSparseInference OpenBLAS is faster for 128 samples with one weight of 20.
const sparsest = 1. / 32

// sparseRows is the weights of a dense layer that are not zero: compressed sparse rows.
type sparseRows[T real] struct {
	of      int // changes of the parameters that it is of; 0: none
	usable  bool
	values  []T
	columns []int32
	offsets []int32 // where rows begin, and the last ends
}

// layRows takes the memory of as many weights as there may be.
func layRows[T real](take taker[T], weight matrix[T]) sparseRows[T] {
	most := mostSparse(weight)
	return sparseRows[T]{values: take(most), columns: int32s(take(most)), offsets: int32s(take(weight.rows + 1))}
}

// mostSparse returns how many weights of a layer may be other than zero.
func mostSparse[T real](weight matrix[T]) int {
	return int(sparsest * float64(weight.rows*weight.columns))
}

// int32s returns the memory of numbers, which are no smaller, for indices.
func int32s[T real](v []T) []int32 {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(&v[0])), len(v))
}

// sparse returns the weights of a layer as compressed sparse rows, nil where too many are not
// zero, and in training steps.
func (s *denseStage[T]) sparse() *sparseRows[T] {
	e, r := s.engine, &s.rows
	if e.training {
		return nil
	}
	if r.of != e.changes {
		r.compress(s.group.weight(s.group.parameters))
		r.of = e.changes
	}
	if !r.usable {
		return nil
	}
	return r
}

// compress takes up the weights of a layer, unless too many are not zero.
func (r *sparseRows[T]) compress(weight matrix[T]) {
	most, count := mostSparse(weight), 0
	for _, w := range weight.data {
		if w != 0 {
			if count++; count > most {
				r.usable = false
				return
			}
		}
	}
	r.usable = len(weight.data) > 0
	r.values, r.columns, r.offsets = r.values[:0], r.columns[:0], append(r.offsets[:0], 0)
	for row := range weight.rows {
		for column, w := range weight.row(row) {
			if w != 0 {
				r.values, r.columns = append(r.values, w), append(r.columns, int32(column))
			}
		}
		r.offsets = append(r.offsets, int32(len(r.values)))
	}
}

// multiply writes x W^T, each sum in the order of its row.
func (r *sparseRows[T]) multiply(x, to matrix[T]) {
	inChunks(x.rows, rowsPerChunk, func(_, low, high int) {
		for b := low; b < high; b++ {
			in, out := x.row(b), to.row(b)
			for o := range out {
				from, to := r.offsets[o], r.offsets[o+1]
				values, sum := r.values[from:to], T(0)
				for k, column := range r.columns[from:to] {
					sum += T(values[k] * in[column])
				}
				out[o] = sum
			}
		}
	})
}
