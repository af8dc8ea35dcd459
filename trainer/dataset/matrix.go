package dataset

import (
	"cmp"
	"math"
	"runtime/debug"
	"sync/atomic"
)

// blockNumbers is how many numbers a block of a matrix has, but for the last.
const blockNumbers = 1 << 16

// matrix is rows of numbers that grow without being copied and are given back a block at a time.
// A number that is missing is NaN.
type matrix struct {
	width, per int // numbers of a row; rows of a block
	blocks     [][]float64
}

func newMatrix(width int) *matrix {
	return &matrix{width: width, per: max(1, blockNumbers/max(width, 1))}
}

// matrixOf returns rows of a width as a matrix of one block, in the same memory.
func matrixOf(numbers []float64, width int) rows {
	per := len(numbers) / max(width, 1)
	return rows{&matrix{width: width, per: max(per, 1), blocks: [][]float64{numbers}}, 0, per}
}

// add appends a row and returns it. Its numbers may be any until they are set.
func (m *matrix) add() []float64 {
	last := len(m.blocks) - 1
	if last < 0 || len(m.blocks[last]) == m.per*m.width {
		block := []float64(nil) // the first grows, since most tables are small
		if last >= 0 {
			block = make([]float64, 0, m.per*m.width)
		}
		m.blocks, last = append(m.blocks, block), last+1
	}
	block, start := m.blocks[last], len(m.blocks[last])
	if end := start + m.width; end <= cap(block) {
		block = block[:end]
	} else {
		block = append(block, make([]float64, m.width)...)
	}
	m.blocks[last] = block
	return block[start:]
}

func (m *matrix) row(i int) []float64 {
	start := i % m.per * m.width
	return m.blocks[i/m.per][start : start+m.width : start+m.width]
}

// rows are rows of a matrix that follow each other.
type rows struct {
	*matrix
	from, n int
}

// add appends a row as [matrix.add] does. The rows have to be all of the matrix.
func (r *rows) add() []float64 {
	r.n++
	return r.matrix.add()
}

func (r rows) row(i int) []float64 { return r.matrix.row(r.from + i) }

func (r rows) part(start, end int) rows {
	if r.matrix == nil {
		return r
	}
	return rows{r.matrix, r.from + start, end - start}
}

// permute puts row order[i] of a width in place i, for all of them, in the same memory.
func permute[T any](order []int32, width int, row func(i int) []T) {
	held, done := make([]T, width), make([]bool, len(order))
	for start := range order {
		if done[start] {
			continue
		}
		copy(held, row(start))
		for place := start; ; {
			done[place] = true
			from := int(order[place])
			if from == start {
				copy(row(place), held)
				break
			}
			copy(row(place), row(from))
			place = from
		}
	}
}

// releasedAtOnce is how many numbers are given back to the system together.
const releasedAtOnce = 1 << 23

// consume calls visit with each row, with those of several blocks side by side, and gives the rows'
// memory back on the way. The error is that of the first row that has one.
func (r rows) consume(visit func(i int, row []float64) error) error {
	if r.n == 0 {
		return nil
	}
	var released atomic.Int64
	first, end := r.from/r.per, r.from+r.n
	errs := make([]error, (end-1)/r.per-first+1)
	together(len(errs), func(k int) {
		block := first + k
		for at := max(block*r.per, r.from); at < min((block+1)*r.per, end); at++ {
			if errs[k] = visit(at-r.from, r.matrix.row(at)); errs[k] != nil {
				return
			}
		}
		if (block+1)*r.per > end {
			return // rows of the block are left
		}
		n := int64(len(r.blocks[block]))
		r.blocks[block] = nil
		if sum := released.Add(n); sum/releasedAtOnce > (sum-n)/releasedAtOnce {
			debug.FreeOSMemory()
		}
	})
	return cmp.Or(errs...)
}

// varies reports whether a column differs between two rows.
func (r rows) varies() bool {
	for i := 1; i < r.n; i++ {
		first := r.row(0)
		for k, x := range r.row(i) {
			if x != first[k] && !(math.IsNaN(x) && math.IsNaN(first[k])) {
				return true
			}
		}
	}
	return false
}
