package cpufallback

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// real is the arithmetic of an engine.
type real interface{ float32 | float64 }

// matrix is a row-major matrix without padding.
type matrix[T real] struct {
	rows, columns int
	data          []T
}

// row returns row r, sharing its memory.
func (m matrix[T]) row(r int) []T { return m.data[r*m.columns : (r+1)*m.columns] }

// part returns what lies from one column of row low to another of the last row
// before high, sharing its memory. There is one row at least.
func (m matrix[T]) part(low, high, from, to int) []T {
	return m.data[low*m.columns+from : (high-1)*m.columns+to]
}

// top returns the first rows rows, sharing their memory.
func (m matrix[T]) top(rows int) matrix[T] {
	return matrix[T]{rows, m.columns, m.data[:rows*m.columns]}
}

// Chunk sizes: large enough that handing one out costs little, small enough
// that a layer splits over many cores. They are part of the order in which sums
// are taken, so they never depend on the machine.
const (
	rowsPerChunk    = 16
	numbersPerChunk = 16384
)

// chunksOf returns how many chunks of samples there are.
func chunksOf(rows int) int { return (rows + rowsPerChunk - 1) / rowsPerChunk }

// inChunks calls work for the chunks [low, high) of 0 to n, several at a time,
// and returns when all are done. Chunk k starts at k*size.
func inChunks(n, size int, work func(chunk, low, high int)) {
	chunks := (n + size - 1) / size
	workers := min(runtime.GOMAXPROCS(0), chunks)
	if workers <= 1 {
		for chunk := range chunks {
			work(chunk, chunk*size, min(n, (chunk+1)*size))
		}
		return
	}
	var next atomic.Int64
	take := func() {
		for {
			chunk := int(next.Add(1)) - 1
			if chunk >= chunks {
				return
			}
			work(chunk, chunk*size, min(n, (chunk+1)*size))
		}
	}
	var others sync.WaitGroup
	for range workers - 1 {
		others.Go(take)
	}
	take()
	others.Wait()
}

// addRows adds the rows of partial sums to total, in their order.
func (e *engine[T]) addRows(total []T, partial matrix[T]) {
	clear(total)
	for r := range partial.rows {
		e.vectors.add(total, partial.row(r))
	}
}
